//! What a line means.

use hubbub_protocol::http::RoomKind;

/// A line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Register(String),
    Login(String),
    Create {
        name: String,
        kind: RoomKind,
    },
    Join(String),
    Rooms,
    Room(String),
    Members,
    Who,
    Code,
    Direct(String),
    History(u32),
    Search(String),
    /// Put this in place of one's last message.
    Edit(String),
    /// Delete one's last message.
    Delete,
    /// Put this emoji under the last message.
    React(String),
    /// Answer the last message of somebody else.
    Reply(String),
    Retry,
    /// Send a file, with words if there are any.
    File {
        path: String,
        text: String,
    },
    /// Save the last file of the room, here or there.
    Save(Option<String>),
    Leave,
    Kick(String),
    Ban(String),
    Unban(String),
    Mute {
        name: String,
        minutes: u64,
    },
    Unmute(String),
    /// Destroy the room, whose name is typed again.
    Destroy(String),
    /// Be called this.
    Name(String),
    Block(String),
    Unblock(String),
    Sessions,
    /// End the session of this number in the list.
    End(usize),
    Help,
    Quit,
    /// Say this in the current room.
    Say(String),
    /// An empty line.
    Nothing,
}

/// What `/help` shows.
pub(crate) const HELP: &str = "\
/register NAME          make an account
/login NAME             log in to yours
/create NAME [private]  make a room; without `private` anybody can find it
/join CODE              join the room that a code belongs to
/rooms                  list your rooms
/room NAME|N            go to one of them
/members                who is in this room
/who                    who is connected
/code                   this room's code, to pass on
/direct NAME            talk to one person
/history [N]            the last N messages here (20)
/search WORDS           find messages in your rooms; from:NAME in:ROOM has:link …
/edit TEXT              change the last thing you said here
/delete                 delete the last thing you said here
/react EMOJI            put an emoji under the last message here
/reply TEXT             answer the last message of somebody else
/retry                  send again what could not be sent
/file PATH [TEXT]       send a file
/save [PATH]            save the last file that was sent here
/leave                  leave this room
/kick NAME              put somebody out of this room
/ban NAME               and do not let them in again
/unban NAME             let them in again
/mute NAME [MINUTES]    let somebody read and not write (10)
/unmute NAME            let them write again
/destroy NAME           destroy this room for good; NAME is its name, typed again
/name NAME              be called so
/block NAME             no direct messages, and they do not see what you do
/unblock NAME           take that back
/sessions               where you are logged in
/end N                  end one of these sessions
/quit                   end
Anything else is said in the current room; //… says a line that starts with a slash.";

/// Messages that `/history` shows without a number.
const HISTORY: u32 = 20;
/// Messages that `/history` shows at the most.
const HISTORY_MAX: u32 = 200;

/// Minutes that `/mute` takes without a number.
const MUTE: u64 = 10;
/// Minutes that `/mute` takes at the most: 28 days.
const MUTE_MAX: u64 = 28 * 24 * 60;

/// Reads a line.
///
/// # Errors
/// What is wrong with it, for the person who typed it.
pub(crate) fn parse(line: &str) -> Result<Command, String> {
    let line = line.trim();
    let Some(rest) = line.strip_prefix('/') else {
        return Ok(if line.is_empty() { Command::Nothing } else { Command::Say(line.to_owned()) });
    };
    if rest.starts_with('/') {
        return Ok(Command::Say(rest.to_owned()));
    }
    let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let rest = rest.trim();
    let one = |what: &str| match rest {
        "" => Err(format!("/{word} needs {what}")),
        text => Ok(text.to_owned()),
    };
    Ok(match word {
        "register" => Command::Register(one("a user name")?),
        "login" => Command::Login(one("a user name")?),
        "create" => create(&one("a name for the room")?)?,
        "join" => Command::Join(one("a room's code")?),
        "rooms" => Command::Rooms,
        "room" => Command::Room(one("a room's name, or its number in /rooms")?),
        "members" => Command::Members,
        "who" => Command::Who,
        "code" => Command::Code,
        "direct" => Command::Direct(one("a user name")?),
        "history" if rest.is_empty() => Command::History(HISTORY),
        "history" => match rest.parse() {
            Ok(count @ 1..=HISTORY_MAX) => Command::History(count),
            _ => return Err(format!("/history takes a number from 1 to {HISTORY_MAX}")),
        },
        "search" => Command::Search(one("words to look for")?),
        "edit" => Command::Edit(one("a text")?),
        "delete" => Command::Delete,
        "react" => Command::React(one("an emoji")?),
        "reply" => Command::Reply(one("a text")?),
        "retry" => Command::Retry,
        "file" => {
            let rest = one("the path of a file")?;
            let (path, text) = rest.split_once(char::is_whitespace).unwrap_or((&rest, ""));
            Command::File { path: path.to_owned(), text: text.trim().to_owned() }
        }
        "save" => Command::Save((!rest.is_empty()).then(|| rest.to_owned())),
        "leave" => Command::Leave,
        "kick" => Command::Kick(one("a user name")?),
        "ban" => Command::Ban(one("a user name")?),
        "unban" => Command::Unban(one("a user name")?),
        "mute" => mute(&one("a user name")?)?,
        "unmute" => Command::Unmute(one("a user name")?),
        "destroy" => Command::Destroy(one("the room's name")?),
        "name" => Command::Name(one("a name")?),
        "block" => Command::Block(one("a user name")?),
        "unblock" => Command::Unblock(one("a user name")?),
        "sessions" => Command::Sessions,
        "end" => match rest.parse() {
            Ok(number @ 1..) => Command::End(number),
            _ => return Err("/end takes the number of a session in /sessions".to_owned()),
        },
        "help" => Command::Help,
        "quit" => Command::Quit,
        unknown => return Err(format!("there is no /{unknown}; /help lists the commands")),
    })
}

fn mute(text: &str) -> Result<Command, String> {
    let (name, minutes) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let minutes = match minutes.trim() {
        "" => MUTE,
        minutes => match minutes.parse() {
            Ok(minutes @ 1..=MUTE_MAX) => minutes,
            _ => return Err(format!("/mute takes 1 to {MUTE_MAX} minutes after the name")),
        },
    };
    Ok(Command::Mute { name: name.to_owned(), minutes })
}

fn create(text: &str) -> Result<Command, String> {
    let (name, kind) = match text.rsplit_once(char::is_whitespace) {
        Some((name, "private")) => (name.trim(), RoomKind::Private),
        Some((name, "public")) => (name.trim(), RoomKind::Public),
        _ if matches!(text, "private" | "public") => {
            return Err("/create needs a name for the room before its kind".to_owned());
        }
        _ => (text, RoomKind::Public),
    };
    Ok(Command::Create { name: name.to_owned(), kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_said_unless_it_starts_with_a_slash() {
        assert_eq!(parse(" hello /there "), Ok(Command::Say("hello /there".into())));
        assert_eq!(parse("//quit"), Ok(Command::Say("/quit".into())));
        assert_eq!(parse("  "), Ok(Command::Nothing));
        assert_eq!(parse("/quit"), Ok(Command::Quit));
    }

    #[test]
    fn a_room_is_public_unless_its_last_word_says_private() {
        let create = |name: &str, kind| Ok(Command::Create { name: name.into(), kind });
        assert_eq!(parse("/create Tea Room"), create("Tea Room", RoomKind::Public));
        assert_eq!(parse("/create Tea Room private"), create("Tea Room", RoomKind::Private));
        assert!(parse("/create private").is_err());
    }

    #[test]
    fn a_mute_has_minutes_and_a_file_may_have_words() {
        let mute = |minutes| Ok(Command::Mute { name: "bob".into(), minutes });
        assert_eq!((parse("/mute bob"), parse("/mute bob 90")), (mute(10), mute(90)));
        assert!(parse("/mute bob soon").is_err() && parse("/mute bob 0").is_err());
        let file = |text: &str| Ok(Command::File { path: "a.txt".into(), text: text.into() });
        assert_eq!(
            (parse("/file a.txt"), parse("/file a.txt  look here")),
            (file(""), file("look here"))
        );
        assert_eq!(parse("/save"), Ok(Command::Save(None)));
        assert!(parse("/end 0").is_err());
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert_eq!(parse("/join"), Err("/join needs a room's code".into()));
        assert!(parse("/dance").unwrap_err().contains("/dance"));
        assert!(parse("/history 0").is_err());
        assert_eq!(parse("/history 5"), Ok(Command::History(5)));
    }

    #[test]
    fn every_command_of_the_help_is_understood() {
        for line in HELP.lines().filter(|line| line.starts_with('/')) {
            let word = line.split(' ').next().unwrap();
            assert!(parse(&format!("{word} 7")).is_ok(), "{word}");
        }
    }
}
