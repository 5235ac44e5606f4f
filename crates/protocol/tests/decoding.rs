//! Whatever arrives, decoding answers: a frame, or an error with a code.

use hubbub_protocol::client::{DeviceStatus, ResumePoint};
use hubbub_protocol::{
    ClientFrame, Draft, Epoch, ErrorCode, Event, MessageBody, MessageId, NewEvent, Position,
    RoomId, Seq, Timestamp, UserId, event::NewEventKind,
};
use proptest::prelude::*;
use uuid::Uuid;

fn room() -> impl Strategy<Value = RoomId> {
    prop_oneof![
        any::<u128>().prop_map(|n| RoomId::Group(Uuid::from_u128(n))),
        any::<[u8; 32]>().prop_map(RoomId::Direct),
    ]
}

fn message_id() -> impl Strategy<Value = MessageId> {
    any::<u128>().prop_map(|n| MessageId::from_uuid(Uuid::from_u128(n)))
}

/// Below 2^53, as seqs and epochs are.
fn counter() -> impl Strategy<Value = u64> {
    0..(1_u64 << 53)
}

fn frame() -> impl Strategy<Value = ClientFrame> {
    let resume = (room(), counter(), counter()).prop_map(|(room, epoch, seq)| ResumePoint {
        room,
        epoch: Epoch(epoch),
        seq: Seq(seq),
    });
    prop_oneof![
        (
            proptest::option::of(".*"),
            proptest::collection::vec(resume, 0..5),
            proptest::option::of(proptest::collection::vec(room(), 0..5))
        )
            .prop_map(|(token, resume, only)| ClientFrame::Hello { token, resume, only }),
        proptest::option::of(".*").prop_map(|token| ClientFrame::Refresh { token }),
        (room(), proptest::option::of((counter(), counter()))).prop_map(|(room, at)| {
            let (epoch, seq) = at.unzip();
            ClientFrame::Subscribe { room, epoch: epoch.map(Epoch), seq: seq.map(Seq) }
        }),
        room().prop_map(|room| ClientFrame::Unsubscribe { room }),
        (message_id(), room(), ".*").prop_map(|(id, room, text)| ClientFrame::Send {
            id,
            room,
            body: Draft::text(text)
        }),
        (room(), proptest::option::of(counter()), proptest::option::of(counter())).prop_map(
            |(room, delivered, read)| ClientFrame::Mark {
                room,
                delivered: delivered.map(Seq),
                read: read.map(Seq),
                unread: None,
            }
        ),
        (room(), any::<bool>()).prop_map(|(room, on)| ClientFrame::Typing { room, on }),
        Just(ClientFrame::Status { status: DeviceStatus::Away }),
        (message_id(), room(), message_id(), ".*").prop_map(|(id, room, message, text)| {
            ClientFrame::Edit { id, room, message, body: Draft::text(text) }
        }),
        (message_id(), room(), message_id()).prop_map(|(id, room, message)| ClientFrame::Delete {
            id,
            room,
            message
        }),
        (message_id(), room(), message_id(), ".*", any::<bool>()).prop_map(
            |(id, room, message, emoji, on)| ClientFrame::React { id, room, message, emoji, on }
        ),
        Just(ClientFrame::Watch { users: vec![UserId::new()] }),
        Just(ClientFrame::Ping),
    ]
}

proptest! {
    #[test]
    fn every_frame_is_read_as_it_was_written(frame in frame()) {
        prop_assert_eq!(ClientFrame::parse(&frame.encode()), Ok(frame));
    }

    #[test]
    fn any_text_is_a_frame_or_an_error(text in "\\PC*") {
        if let Err(error) = ClientFrame::parse(&text) {
            let codes = [
                ErrorCode::BadJson, ErrorCode::BadFrame, ErrorCode::BadId, ErrorCode::UnknownType,
            ];
            prop_assert!(codes.contains(&error.code), "{:?}", error);
        }
    }

    #[test]
    fn a_damaged_frame_never_panics_and_never_quotes_its_text(
        frame in frame(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = frame.encode().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        if let (Err(error), ClientFrame::Send { body, .. }) = (ClientFrame::parse(&text), frame) {
            prop_assert!(body.text.len() < 8 || !error.message.contains(&body.text));
        }
    }

    #[test]
    fn an_events_template_makes_the_frame_at_any_place(
        text in ".*", room in room(), id in message_id(), epoch in counter(), seq in counter(),
    ) {
        let new = NewEvent {
            room,
            id,
            sender: UserId::new(),
            at: Timestamp::from_millis(1_795_000_000_123),
            kind: NewEventKind::Message { body: MessageBody::text(text) },
        };
        let place = Position::new(Epoch(epoch), Seq(seq));
        let frame = new.template().at(place);
        prop_assert_eq!(Event::parse(frame.as_bytes()).unwrap(), new.at(place));
    }
}
