//! What is published: a small header, then the frame, so that a gateway never reads JSON to know
//! what it forwards.
//!
//! | payload | is |
//! |---|---|
//! | `E<epoch>:<seq>;<frame>` | an event |
//! | `R<epoch>:<seq>;` | a reset |
//! | `V<key>;<frame>` | a volatile frame |
//! | `U<key>;<users>;<frame>` | a volatile frame for people, their ids separated by commas |
//! | `N<json>` | stored notices |
//! | `C<json>` | a control word |
//!
//! Those of events and resets are written by the scripts.

use bytes::Bytes;
use hubbub_protocol::{Epoch, Position, RoomId, Seq, UserId};

use crate::dispatch::Delivery;
use crate::{Control, StoredNotice};

/// Longest header that is looked for, in bytes.
const HEADER_MAX: usize = 256;

/// A volatile frame as it is published.
pub(super) fn volatile(key: &str, frame: &str) -> String {
    format!("V{key};{frame}")
}

/// A volatile frame for people as it is published.
pub(super) fn for_users(users: &[UserId], key: &str, frame: &str) -> String {
    let users: Vec<String> = users.iter().map(UserId::to_string).collect();
    format!("U{key};{};{frame}", users.join(","))
}

/// Stored notices as they are published.
pub(super) fn notices(notices: &[StoredNotice]) -> String {
    json('N', notices)
}

/// A control word as it is published.
pub(super) fn control(control: &Control) -> String {
    json('C', control)
}

fn json<T: serde::Serialize + ?Sized>(kind: char, value: &T) -> String {
    let json = serde_json::to_string(value).expect("string keys only, so it is always JSON");
    format!("{kind}{json}")
}

/// Reads what was published in a room.
pub(super) fn of_room(room: RoomId, payload: &Bytes) -> Option<Delivery> {
    let header = payload.iter().take(HEADER_MAX).position(|byte| *byte == b';')?;
    let (kind, text) = std::str::from_utf8(&payload[..header]).ok()?.split_at_checked(1)?;
    match kind {
        "E" => {
            let position = position(text)?;
            Some(Delivery::Event { room, position, frame: payload.slice(header + 1..) })
        }
        "R" => Some(Delivery::Reset { room, position: position(text)? }),
        "V" => {
            let key = text.into();
            Some(Delivery::Volatile { room, key, frame: payload.slice(header + 1..) })
        }
        _ => None,
    }
}

/// Reads what was published for one node or for all.
pub(super) fn of_node(payload: &Bytes) -> Option<Delivery> {
    let (kind, json) = payload.split_first()?;
    match kind {
        b'U' => {
            let key = until_semicolon(payload, 1)?;
            let users = until_semicolon(payload, 1 + key.len() + 1)?;
            let frame = payload.slice(1 + key.len() + 1 + users.len() + 1..);
            let users = users.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
            Some(Delivery::ForUsers { users, key: key.into(), frame })
        }
        b'N' => serde_json::from_slice(json).ok().map(Delivery::Stored),
        b'C' => serde_json::from_slice(json).ok().map(Delivery::Control),
        _ => None,
    }
}

/// What stands between `from` and the next semicolon.
fn until_semicolon(payload: &[u8], from: usize) -> Option<&str> {
    let rest = payload.get(from..)?;
    let end = rest.iter().position(|byte| *byte == b';')?;
    std::str::from_utf8(&rest[..end]).ok()
}

/// Reads `epoch:seq`.
pub(super) fn position(text: &str) -> Option<Position> {
    let (epoch, seq) = text.split_once(':')?;
    Some(Position::new(Epoch(epoch.parse().ok()?), Seq(seq.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use hubbub_protocol::{MessageId, SessionId, Timestamp};

    use super::*;

    #[test]
    fn an_event_keeps_its_frame_whatever_is_in_it() {
        let room = RoomId::new();
        let payload = Bytes::from_static(b"E3:41;{\"a\":\";E1:2;\"}");
        let Some(Delivery::Event { position, frame, .. }) = of_room(room, &payload) else {
            panic!("not an event")
        };
        assert_eq!(position, Position::new(Epoch(3), Seq(41)));
        assert_eq!(&frame[..], b"{\"a\":\";E1:2;\"}");
    }

    #[test]
    fn a_volatile_frame_keeps_its_key() {
        let payload = Bytes::from(volatile("typing:7", "{}"));
        let Some(Delivery::Volatile { key, frame, .. }) = of_room(RoomId::new(), &payload) else {
            panic!("not volatile")
        };
        assert_eq!((&*key, &frame[..]), ("typing:7", &b"{}"[..]));
    }

    #[test]
    fn notices_and_control_words_survive() {
        let notice = StoredNotice {
            room: RoomId::new(),
            id: MessageId::new(),
            position: Position::new(Epoch(1), Seq(2)),
            at: Timestamp::from_millis(1_795_000_000_123),
        };
        let Some(Delivery::Stored(read)) = of_node(&Bytes::from(notices(&[notice]))) else {
            panic!("not notices")
        };
        assert_eq!(read, [notice]);
        let word = Control::SessionEnded { session: SessionId::new() };
        let Some(Delivery::Control(read)) = of_node(&Bytes::from(control(&word))) else {
            panic!("not a control word")
        };
        assert_eq!(read, word);
    }

    #[test]
    fn a_frame_for_people_keeps_its_key_its_people_and_itself() {
        let users = [UserId::new(), UserId::new()];
        let payload = Bytes::from(for_users(&users, "inbox", r#"{"a":";,"}"#));
        let Some(Delivery::ForUsers { users: read, key, frame }) = of_node(&payload) else {
            panic!("not for people")
        };
        assert_eq!((&read[..], &*key, &frame[..]), (&users[..], "inbox", &br#"{"a":";,"}"#[..]));
    }

    #[test]
    fn anything_else_is_nothing() {
        for payload in ["", "E", ";", "E1;x", "E1:b;x", "X1:1;x", "é;", "U", "Ukey;", "Ukey;7;{}"]
        {
            assert!(of_room(RoomId::new(), &Bytes::from(payload)).is_none(), "{payload}");
            assert!(of_node(&Bytes::from(payload)).is_none(), "{payload}");
        }
    }
}
