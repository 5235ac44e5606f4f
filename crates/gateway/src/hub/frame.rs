//! Frames as they go onto a socket: encoded once, shared by every connection that gets them.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use hubbub_protocol::{Position, RoomId, ServerFrame, Timestamp, event};

/// A complete WebSocket text frame, header included. Servers do not mask, so the same bytes go to
/// every client (RFC 6455, section 5.2).
#[derive(Debug, Clone)]
pub struct WireFrame {
    bytes: Bytes,
    header: u8,
}

impl WireFrame {
    /// A final text frame around `payload`.
    #[must_use]
    pub fn text(payload: &[u8]) -> Self {
        const FIN_TEXT: u8 = 0x81;
        let mut frame = BytesMut::with_capacity(payload.len() + 10);
        frame.put_u8(FIN_TEXT);
        let length = payload.len();
        if let Ok(short) = u8::try_from(length)
            && short < 126
        {
            frame.put_u8(short);
        } else if let Ok(medium) = u16::try_from(length) {
            frame.put_u8(126);
            frame.put_u16(medium);
        } else {
            frame.put_u8(127);
            frame.put_u64(length as u64);
        }
        let header = if length < 126 {
            2
        } else if length <= 0xffff {
            4
        } else {
            10
        };
        frame.put_slice(payload);
        Self { bytes: frame.freeze(), header }
    }

    /// A ping without payload, which every WebSocket client answers by itself.
    #[must_use]
    pub fn ping() -> Self {
        Self { bytes: Bytes::from_static(&[0x89, 0]), header: 2 }
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the frame carries.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.bytes[usize::from(self.header)..]
    }
}

impl From<&ServerFrame> for WireFrame {
    fn from(frame: &ServerFrame) -> Self {
        Self::text(frame.encode().as_bytes())
    }
}

/// A frame that has a place in its room: an event, or what takes the place of some (a state sync, a
/// reset). After it, a client is at `position`.
#[derive(Debug)]
pub struct PlacedFrame {
    /// The room.
    pub room: RoomId,
    /// The position a client must be at to take it; `None` for a reset, which is taken from any.
    pub after: Option<Position>,
    /// The position after it.
    pub position: Position,
    /// What goes onto the socket.
    pub wire: WireFrame,
    /// When the event was taken from its sender; only of one that is live.
    pub taken_at: Option<Timestamp>,
}

impl PlacedFrame {
    /// The frame of the event at `position`.
    #[must_use]
    pub fn event(room: RoomId, position: Position, frame: &[u8]) -> Arc<Self> {
        Arc::new(Self::of_event(room, position, frame, None))
    }

    /// The frame of an event that has just been committed: how long it takes to its readers counts.
    #[must_use]
    pub fn live(room: RoomId, position: Position, frame: &[u8]) -> Arc<Self> {
        Arc::new(Self::of_event(room, position, frame, event::time_in(frame)))
    }

    fn of_event(
        room: RoomId,
        position: Position,
        frame: &[u8],
        taken_at: Option<Timestamp>,
    ) -> Self {
        let before = hubbub_protocol::Seq(position.seq.0.saturating_sub(1));
        let after = Some(Position::new(position.epoch, before));
        Self { room, after, position, wire: WireFrame::text(frame), taken_at }
    }

    /// The frame that tells a client to reload the room, and go on from `position`.
    #[must_use]
    pub fn reset(room: RoomId, position: Position) -> Arc<Self> {
        let frame = ServerFrame::Reset { room, epoch: position.epoch, seq: position.seq };
        let wire = WireFrame::from(&frame);
        Arc::new(Self { room, after: None, position, wire, taken_at: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

    #[test]
    fn headers_are_what_the_library_would_write() {
        for length in [0_usize, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let wire = WireFrame::text(&vec![b'x'; length]);
            let mut cursor = std::io::Cursor::new(wire.bytes());
            let (header, told) = FrameHeader::parse(&mut cursor).expect("valid").expect("complete");
            assert!(header.is_final && header.mask.is_none());
            assert_eq!(told, length as u64);
            assert_eq!(wire.bytes().len() as u64 - cursor.position(), length as u64);
            assert_eq!(wire.payload().len(), length);
        }
    }
}
