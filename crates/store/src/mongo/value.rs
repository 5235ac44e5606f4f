//! Ids and times as MongoDB keeps them, and documents read back.
//!
//! Ids of 16 bytes are binary of the UUID subtype, others plain binary. MongoDB compares binary by
//! length first, so group rooms come before direct ones, as [`RoomId`] orders them.

use hubbub_protocol::http::Role;
use hubbub_protocol::{
    AttachmentId, AuditId, Epoch, Mentions, MessageId, PictureId, RoomCode, RoomId, Seq, SessionId,
    Timestamp, UserId,
};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Document};
use uuid::Uuid;

use crate::StoreError;
use crate::change::called;
use crate::rooms::role_of;

fn binary(subtype: BinarySubtype, bytes: Vec<u8>) -> Bson {
    Bson::Binary(Binary { subtype, bytes })
}

fn uuid(uuid: &Uuid) -> Bson {
    binary(BinarySubtype::Uuid, uuid.as_bytes().to_vec())
}

pub(super) fn of_user(user: UserId) -> Bson {
    uuid(user.as_uuid())
}

pub(super) fn of_session(session: SessionId) -> Bson {
    uuid(session.as_uuid())
}

pub(super) fn of_message(id: MessageId) -> Bson {
    uuid(id.as_uuid())
}

pub(super) fn of_attachment(id: AttachmentId) -> Bson {
    uuid(id.as_uuid())
}

pub(super) fn of_code(code: RoomCode) -> Bson {
    uuid(code.as_uuid())
}

pub(super) fn of_picture(picture: PictureId) -> Bson {
    uuid(picture.as_uuid())
}

pub(super) fn of_audit(id: AuditId) -> Bson {
    uuid(id.as_uuid())
}

pub(super) fn of_room(room: RoomId) -> Bson {
    match room {
        RoomId::Group(id) => uuid(&id),
        RoomId::Direct(hash) => of_bytes(&hash),
    }
}

pub(super) fn of_bytes(bytes: &[u8]) -> Bson {
    binary(BinarySubtype::Generic, bytes.to_vec())
}

/// The key of what belongs to a room: the room's bytes, then what is unique in the room.
pub(super) fn in_room(room: RoomId, rest: &[u8]) -> Bson {
    of_bytes(&[room.as_bytes(), rest].concat())
}

/// The key of what belongs to a member of a room.
pub(super) fn of_member(room: RoomId, user: UserId) -> Bson {
    in_room(room, user.as_uuid().as_bytes())
}

/// Whom a message calls, as it is indexed; `None` if nobody.
pub(super) fn of_called(mentions: &Mentions) -> Option<Bson> {
    let called: Vec<_> = called(mentions).map(of_user).collect();
    (!called.is_empty()).then_some(Bson::Array(called))
}

pub(super) fn of_time(at: Timestamp) -> Bson {
    Bson::DateTime(DateTime::from_millis(at.millis()))
}

/// A page's length as MongoDB takes it, or `None` for a page of nothing: its 0 means "no limit".
pub(super) fn limit(limit: usize) -> Option<i64> {
    (limit > 0).then(|| i64::try_from(limit).unwrap_or(i64::MAX))
}

pub(super) fn unreadable(field: &str) -> StoreError {
    StoreError::Failed(format!("the stored field {field} is not readable"))
}

pub(super) fn bytes<'a>(document: &'a Document, field: &str) -> Result<&'a [u8], StoreError> {
    match document.get(field) {
        Some(Bson::Binary(binary)) => Ok(&binary.bytes),
        _ => Err(unreadable(field)),
    }
}

fn read_uuid(document: &Document, field: &str) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes(document, field)?).map_err(|_| unreadable(field))
}

pub(super) fn user(document: &Document, field: &str) -> Result<UserId, StoreError> {
    read_uuid(document, field).map(UserId::from_uuid)
}

pub(super) fn session(document: &Document, field: &str) -> Result<SessionId, StoreError> {
    read_uuid(document, field).map(SessionId::from_uuid)
}

pub(super) fn message(document: &Document, field: &str) -> Result<MessageId, StoreError> {
    read_uuid(document, field).map(MessageId::from_uuid)
}

/// The message of a key that [`in_room`] made.
pub(super) fn message_in_room(document: &Document, field: &str) -> Result<MessageId, StoreError> {
    let key = bytes(document, field)?;
    let id = key.len().checked_sub(16).and_then(|start| Uuid::from_slice(&key[start..]).ok());
    id.map(MessageId::from_uuid).ok_or_else(|| unreadable(field))
}

pub(super) fn attachment(document: &Document, field: &str) -> Result<AttachmentId, StoreError> {
    read_uuid(document, field).map(AttachmentId::from_uuid)
}

pub(super) fn code(document: &Document, field: &str) -> Result<RoomCode, StoreError> {
    read_uuid(document, field).map(RoomCode::from_uuid)
}

pub(super) fn picture(document: &Document, field: &str) -> Result<PictureId, StoreError> {
    read_uuid(document, field).map(PictureId::from_uuid)
}

pub(super) fn room(document: &Document, field: &str) -> Result<RoomId, StoreError> {
    RoomId::from_bytes(bytes(document, field)?).ok_or_else(|| unreadable(field))
}

pub(super) fn text<'a>(document: &'a Document, field: &str) -> Result<&'a str, StoreError> {
    document.get_str(field).map_err(|_| unreadable(field))
}

pub(super) fn time(document: &Document, field: &str) -> Result<Timestamp, StoreError> {
    let at = document.get_datetime(field).map_err(|_| unreadable(field))?;
    Ok(Timestamp::from_millis(at.timestamp_millis()))
}

pub(super) fn seq(document: &Document, field: &str) -> Result<Seq, StoreError> {
    document.get_i64(field).map(Seq::from_i64).map_err(|_| unreadable(field))
}

pub(super) fn epoch(document: &Document, field: &str) -> Result<Epoch, StoreError> {
    document.get_i64(field).map(Epoch::from_i64).map_err(|_| unreadable(field))
}

pub(super) fn role(document: &Document, field: &str) -> Result<Role, StoreError> {
    document.get_i32(field).ok().and_then(role_of).ok_or_else(|| unreadable(field))
}

pub(super) fn users(document: &Document, field: &str) -> Result<Vec<UserId>, StoreError> {
    let ids = document.get_array(field).map_err(|_| unreadable(field))?;
    ids.iter()
        .map(|id| match id {
            Bson::Binary(binary) => Uuid::from_slice(&binary.bytes).ok().map(UserId::from_uuid),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or_else(|| unreadable(field))
}

pub(super) fn texts(document: &Document, field: &str) -> Result<Vec<String>, StoreError> {
    let texts = document.get_array(field).map_err(|_| unreadable(field))?;
    let texts = texts.iter().map(|text| text.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(|| unreadable(field))
}

/// What an aggregation counted, of either integer type.
pub(super) fn count(document: &Document, field: &str) -> Result<u64, StoreError> {
    let count = match document.get(field) {
        Some(Bson::Int32(count)) => i64::from(*count),
        Some(Bson::Int64(count)) => *count,
        _ => return Err(unreadable(field)),
    };
    u64::try_from(count).map_err(|_| unreadable(field))
}

/// Reads a field that may be absent.
pub(super) fn optional<'a, T>(
    document: &'a Document,
    field: &str,
    read: impl FnOnce(&'a Document, &str) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    document.contains_key(field).then(|| read(document, field)).transpose()
}
