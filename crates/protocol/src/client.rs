//! Frames a client sends.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::id::{AttachmentId, Epoch, IdError, MessageId, Position, RoomId, Seq, UserId};

/// Where a client left off in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResumePoint {
    /// The room.
    pub room: RoomId,
    /// The epoch of the last event seen.
    pub epoch: Epoch,
    /// The last event seen.
    pub seq: Seq,
}

impl ResumePoint {
    /// Epoch and seq.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position::new(self.epoch, self.seq)
    }
}

/// What a person is doing, as their client tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceStatus {
    /// At the device.
    Online,
    /// Not at the device.
    Away,
}

/// What somebody wants to say. The gateway makes a [`MessageBody`](crate::MessageBody) of it: it
/// looks up the attachments and finds who is mentioned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    /// The text, within `limits.text_graphemes` and `limits.text_bytes`; may be empty where there
    /// are attachments.
    #[serde(default)]
    pub text: String,
    /// Files that the sender has uploaded to the room and not sent yet, up to
    /// `limits.attachments`. An edit leaves them out: they stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<AttachmentId>,
    /// The message of the same room that this answers. An edit leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
}

impl Draft {
    /// A draft of nothing but text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// A frame from client to gateway.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame: who is there, and where they left off.
    Hello {
        /// The access token; without it the session cookie of the upgrade counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        /// Rooms to continue after a position. The others start at their head.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        resume: Vec<ResumePoint>,
        /// Hear only these rooms; absent: all of the user's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        only: Option<Vec<RoomId>>,
    },
    /// Go on with a new access token; without one, the session's latest rotation counts.
    Refresh {
        /// The new access token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// Hear a room, from a position if one is given.
    Subscribe {
        /// The room.
        room: RoomId,
        /// The epoch of the last event seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<Epoch>,
        /// The last event seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<Seq>,
    },
    /// Stop hearing a room.
    Unsubscribe {
        /// The room.
        room: RoomId,
    },
    /// Say something.
    Send {
        /// The message's id: UUID version 7, made once, kept over every retry.
        id: MessageId,
        /// The room.
        room: RoomId,
        /// What to say.
        body: Draft,
    },
    /// Change what one said.
    Edit {
        /// The edit's id: UUID version 7, made once, kept over every retry.
        id: MessageId,
        /// The room.
        room: RoomId,
        /// The message.
        message: MessageId,
        /// What it shall say. Only the text counts.
        body: Draft,
    },
    /// Delete a message: one's own, or as a moderator.
    Delete {
        /// The deletion's id: UUID version 7, made once, kept over every retry.
        id: MessageId,
        /// The room.
        room: RoomId,
        /// The message.
        message: MessageId,
    },
    /// React to a message, or take that back.
    React {
        /// The reaction's id: UUID version 7, made once, kept over every retry.
        id: MessageId,
        /// The room.
        room: RoomId,
        /// The message.
        message: MessageId,
        /// One emoji.
        emoji: String,
        /// Whether to put it there or to take it away.
        on: bool,
    },
    /// Tell how far this user has come.
    Mark {
        /// The room.
        room: RoomId,
        /// The last event that reached this device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivered: Option<Seq>,
        /// The last event read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read: Option<Seq>,
        /// Show everything from here on as unread, whatever was read; 0 takes that back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unread: Option<Seq>,
    },
    /// Tell that this user starts or stops typing.
    Typing {
        /// The room.
        room: RoomId,
        /// Whether they type.
        on: bool,
    },
    /// Tell what the person at this device is doing.
    Status {
        /// The status.
        status: DeviceStatus,
    },
    /// Whose presence to send from now on: these people, instead of those watched before.
    Watch {
        /// The people whose rows are on screen, up to `limits.watched`.
        users: Vec<UserId>,
    },
    /// Ask for a `pong`.
    Ping,
}

/// Tokens stay out of logs.
impl std::fmt::Debug for ClientFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.type_name())
    }
}

/// Why a client's frame was refused before anything was done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameError {
    /// What is wrong.
    pub code: ErrorCode,
    /// The frame's `id`, where it could be read, so that the client knows which frame failed.
    pub id: Option<String>,
    /// What is wrong, for a person. Never quotes the frame's content.
    pub message: String,
}

/// Longest `id` that an error repeats, in bytes. Ids are 36 long; anything far longer is not one.
const ECHOED_ID_MAX: usize = 64;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<&'a serde_json::value::RawValue>,
}

impl ClientFrame {
    /// Every type name.
    pub const TYPES: &'static [&'static str] = &[
        "hello",
        "refresh",
        "subscribe",
        "unsubscribe",
        "send",
        "edit",
        "delete",
        "react",
        "mark",
        "typing",
        "status",
        "watch",
        "ping",
    ];

    /// The frame's `type`.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::Refresh { .. } => "refresh",
            Self::Subscribe { .. } => "subscribe",
            Self::Unsubscribe { .. } => "unsubscribe",
            Self::Send { .. } => "send",
            Self::Edit { .. } => "edit",
            Self::Delete { .. } => "delete",
            Self::React { .. } => "react",
            Self::Mark { .. } => "mark",
            Self::Typing { .. } => "typing",
            Self::Status { .. } => "status",
            Self::Watch { .. } => "watch",
            Self::Ping => "ping",
        }
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// [`ErrorCode::BadJson`], [`ErrorCode::BadFrame`], [`ErrorCode::UnknownType`] or
    /// [`ErrorCode::BadId`], with the frame's `id` where it has one.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let envelope: Envelope<'_> = read(text, None)?;
        let id = envelope
            .id
            .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
            .filter(|id| id.len() <= ECHOED_ID_MAX);
        if !Self::TYPES.contains(&&*envelope.kind) {
            return Err(FrameError {
                code: ErrorCode::UnknownType,
                id,
                message: format!("known types: {}", Self::TYPES.join(", ")),
            });
        }
        read(text, id)
    }

    /// The frame's text.
    #[must_use]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a frame has string keys only, so it is always JSON")
    }
}

/// Where serde's own text quotes what it found, only the place is told.
fn read<'a, T>(text: &'a str, id: Option<String>) -> Result<T, FrameError>
where
    T: Deserialize<'a>,
{
    serde_json::from_str(text).map_err(|error| {
        let detail = error.to_string();
        let is_id = detail.starts_with(IdError::PREFIX);
        let code = match error.classify() {
            serde_json::error::Category::Data if is_id => ErrorCode::BadId,
            serde_json::error::Category::Data => ErrorCode::BadFrame,
            _ => ErrorCode::BadJson,
        };
        let message = if is_id || detail.starts_with("missing field") {
            detail
        } else {
            format!("{} (column {})", code.title(), error.column())
        };
        FrameError { code, id, message }
    })
}

/// Reads an HTTP body by the same rules as a frame.
///
/// # Errors
/// [`ErrorCode::BadJson`], [`ErrorCode::BadFrame`] or [`ErrorCode::BadId`].
pub fn parse_body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FrameError> {
    let text = std::str::from_utf8(bytes).map_err(|_| FrameError {
        code: ErrorCode::InvalidUtf8,
        id: None,
        message: ErrorCode::InvalidUtf8.title().to_owned(),
    })?;
    read(text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (ErrorCode, Option<String>) {
        let error = ClientFrame::parse(text).expect_err(text);
        (error.code, error.id)
    }

    #[test]
    fn every_frame_survives_its_text() {
        let (room, message) = (RoomId::new(), MessageId::new());
        let frames = [
            ClientFrame::Hello {
                token: Some("t".into()),
                resume: vec![ResumePoint { room, epoch: Epoch(1), seq: Seq(9) }],
                only: Some(vec![room]),
            },
            ClientFrame::Refresh { token: None },
            ClientFrame::Subscribe { room, epoch: Some(Epoch(1)), seq: Some(Seq(2)) },
            ClientFrame::Unsubscribe { room },
            ClientFrame::Send {
                id: MessageId::new(),
                room,
                body: Draft {
                    text: "hi".into(),
                    attachments: vec![AttachmentId::new()],
                    reply_to: Some(message),
                },
            },
            ClientFrame::Edit { id: MessageId::new(), room, message, body: Draft::text("ho") },
            ClientFrame::Delete { id: MessageId::new(), room, message },
            ClientFrame::React {
                id: MessageId::new(),
                room,
                message,
                emoji: "👍".into(),
                on: true,
            },
            ClientFrame::Mark { room, delivered: None, read: Some(Seq(4)), unread: Some(Seq(2)) },
            ClientFrame::Typing { room, on: true },
            ClientFrame::Status { status: DeviceStatus::Away },
            ClientFrame::Watch { users: vec![UserId::new()] },
            ClientFrame::Ping,
        ];
        assert_eq!(frames.len(), ClientFrame::TYPES.len());
        for frame in frames {
            assert_eq!(ClientFrame::parse(&frame.encode()), Ok(frame.clone()));
            assert!(ClientFrame::TYPES.contains(&frame.type_name()));
        }
    }

    #[test]
    fn each_kind_of_bad_frame_has_its_code() {
        use ErrorCode::{BadFrame, BadId, BadJson, UnknownType};
        let id = MessageId::new().to_string();
        let room = RoomId::new();
        assert_eq!(refused("{"), (BadJson, None));
        assert_eq!(refused("nonsense"), (BadJson, None));
        assert_eq!(refused("[]"), (BadFrame, None));
        assert_eq!(refused("{}"), (BadFrame, None));
        assert_eq!(refused(r#"{"type":1}"#), (BadFrame, None));
        assert_eq!(refused(r#"{"type":"dance"}"#), (UnknownType, None));
        assert_eq!(
            refused(&format!(r#"{{"type":"send","id":"{id}","room":"{room}","body":7}}"#)),
            (BadFrame, Some(id.clone()))
        );
        assert_eq!(
            refused(&format!(r#"{{"type":"send","id":"{id}","room":"{room}"}}"#)),
            (BadFrame, Some(id.clone()))
        );
        assert_eq!(
            refused(&format!(
                r#"{{"type":"send","id":"{id}","room":"nope","body":{{"text":"x"}}}}"#
            )),
            (BadId, Some(id))
        );
        assert_eq!(
            refused(&format!(
                r#"{{"type":"send","id":"12","room":"{room}","body":{{"text":"x"}}}}"#
            )),
            (BadId, Some("12".into()))
        );
    }

    #[test]
    fn unknown_fields_are_ignored() {
        assert_eq!(ClientFrame::parse(r#"{"type":"ping","new":[1]}"#), Ok(ClientFrame::Ping));
    }

    #[test]
    fn a_refusal_does_not_quote_the_frame() {
        let error = ClientFrame::parse(r#"{"type":"typing","room":"secret","on":"secret"}"#)
            .expect_err("wrong types");
        assert!(!error.message.contains("secret"), "{}", error.message);
    }
}
