//! What is published: a small header, then the frame, so that a gateway never reads JSON to know
//! what it forwards.
//!
//! | payload | is |
//! |---|---|
//! | `E<epoch>:<seq>;<frame>` | an event |
//! | `R<epoch>:<seq>;` | a reset |
//! | `V<key>;<frame>` | a volatile frame |
//! | `N<json>` | stored notices |
//! | `C<json>` | a control word |
//!
//! Those of events and resets are written by the scripts.

use bytes::Bytes;
use hubbub_protocol::{Epoch, Position, RoomId, Seq};

use crate::dispatch::Delivery;
use crate::{Control, StoredNotice};

/// Longest header that is looked for, in bytes.
const HEADER_MAX: usize = 256;

/// A volatile frame as it is published.
pub(super) fn volatile(key: &str, frame: &str) -> String {
    format!("V{key};{frame}")
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
pub(super) fn of_node(payload: &[u8]) -> Option<Delivery> {
    let (kind, json) = payload.split_first()?;
    match kind {
        b'N' => serde_json::from_slice(json).ok().map(Delivery::Stored),
        b'C' => serde_json::from_slice(json).ok().map(Delivery::Control),
        _ => None,
    }
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
        let Some(Delivery::Stored(read)) = of_node(notices(&[notice]).as_bytes()) else {
            panic!("not notices")
        };
        assert_eq!(read, [notice]);
        let word = Control::SessionEnded { session: SessionId::new() };
        let Some(Delivery::Control(read)) = of_node(control(&word).as_bytes()) else {
            panic!("not a control word")
        };
        assert_eq!(read, word);
    }

    #[test]
    fn anything_else_is_nothing() {
        for payload in ["", "E", ";", "E1;x", "E1:b;x", "X1:1;x", "é;"] {
            assert!(of_room(RoomId::new(), &Bytes::from(payload)).is_none(), "{payload}");
            assert!(of_node(payload.as_bytes()).is_none(), "{payload}");
        }
    }
}
