//! What it looks like.
//!
//! On a terminal a message of one's own is one line, whose mark changes when the message is stored.
//! Where that is not possible, because the output is piped or something else was written since, a
//! second line tells.

use std::io::{IsTerminal, Write, stdout};

use hubbub_protocol::http::UserStatus;
use hubbub_protocol::{MessageBody, MessageId, Timestamp};

const SENDING: &str = "  … sending";
const STORED: &str = "  ✓ stored";

/// Standard output.
pub(crate) struct Screen {
    terminal: bool,
    /// A message of one's own whose line is the last one.
    last: Option<(MessageId, String)>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { terminal: stdout().is_terminal(), last: None }
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: &str) {
        self.last = None;
        write(&format!("{text}\n"));
    }

    /// The person has typed a line. If it is shown again as a message, it is taken off the screen.
    pub(crate) fn typed(&mut self, as_message: bool) {
        self.last = None;
        if as_message && self.terminal {
            write("\x1b[1A\r\x1b[2K");
        }
    }

    /// Writes a message of one's own that is not stored yet.
    pub(crate) fn sending(&mut self, id: MessageId, line: &str) {
        self.line(&format!("{line}{SENDING}"));
        self.last = Some((id, line.to_owned()));
    }

    /// Writes a message of one's own that is stored already.
    pub(crate) fn sent(&mut self, line: &str) {
        self.line(&format!("{line}{STORED}"));
    }

    /// A message that was written before is stored now.
    pub(crate) fn stored(&mut self, id: MessageId, text: &str) {
        match self.last.take() {
            Some((last, line)) if last == id && self.terminal && fits(&line) => {
                write(&format!("\x1b7\x1b[1A\r\x1b[2K{line}{STORED}\x1b8"));
            }
            _ => self.line(&format!("     {STORED}: {}", excerpt(text))),
        }
    }
}

fn write(text: &str) {
    let mut out = stdout().lock();
    // Without anybody to read it there is nothing to be done about it.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Whether a line with its mark takes one row.
fn fits(line: &str) -> bool {
    let size = rustix::termios::tcgetwinsize(stdout()).ok();
    let columns = size.map(|size| size.ws_col).filter(|columns| *columns > 0).unwrap_or(80);
    line.is_ascii() && line.len() + SENDING.len() < usize::from(columns)
}

/// The start of a text.
pub(crate) fn excerpt(text: &str) -> String {
    const MOST: usize = 30;
    let plain = plain(text).replace('\n', " ");
    let start: String = plain.chars().take(MOST).collect();
    if start.len() < plain.len() { format!("{start}…") } else { start }
}

/// A message as a line, or as several if it has several.
pub(crate) fn message(room: Option<&str>, at: Timestamp, name: &str, text: &str) -> String {
    let room = room.map(|room| format!("[{}] ", plain(room))).unwrap_or_default();
    let text = plain(text).replace('\n', "\n      ");
    format!("{} {room}{}: {text}", clock(at, Timestamp::now()), plain(name))
}

/// Hour and minute, UTC; with the day if that is not today.
/// What a message says, with the names of its files.
pub(crate) fn said(body: &MessageBody) -> String {
    let files =
        body.attachments.iter().map(|file| format!("[{}, {}]", file.name, bytes(file.size)));
    let text = (!body.text.is_empty()).then(|| body.text.clone());
    text.into_iter().chain(files).collect::<Vec<_>>().join("\n")
}

/// A number of bytes, for a person.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} KiB", count / 1024),
        _ => format!("{} MiB", count / 1_048_576),
    }
}

fn clock(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (at.to_string(), now.to_string());
    if at[..10] == now[..10] {
        at[11..16].to_owned()
    } else {
        format!("{} {}", &at[..10], &at[11..16])
    }
}

/// Text by others without what a terminal would take for a command, or would show in another
/// order than it was written.
pub(crate) fn plain(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => '\n',
        '\t' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// What somebody is doing, in a word.
pub(crate) const fn status(status: UserStatus) -> &'static str {
    match status {
        UserStatus::Online => "online",
        UserStatus::Away => "away",
        UserStatus::Offline => "offline",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_write_reaches_the_terminal_as_a_command() {
        assert_eq!(
            plain("a\x1b[2Jb\u{9b}c\rd\u{202e}e\tf"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e f"
        );
        assert!(!message(Some("\x07"), Timestamp::now(), "\x1b", "\x1b]0;x\x07").contains('\x1b'));
    }

    #[test]
    fn lines_of_a_message_stay_together() {
        let shown = message(None, Timestamp::now(), "ada", "one\ntwo");
        assert!(shown.ends_with("ada: one\n      two"), "{shown}");
    }

    #[test]
    fn a_message_of_another_day_shows_the_day() {
        let at = Timestamp::from_millis(1_795_000_000_123);
        let hour = std::time::Duration::from_secs(3600);
        assert_eq!(clock(at, at.after(hour)), "11:06");
        assert_eq!(clock(at, at.after(24 * hour)), "2026-11-18 11:06");
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt("short\nline"), "short line");
        assert_eq!(excerpt(&"é".repeat(40)).chars().count(), 31);
    }
}
