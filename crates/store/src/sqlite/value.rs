//! Ids and times as SQLite keeps them.

use hubbub_protocol::http::Role;
use hubbub_protocol::{
    AttachmentId, AuditId, MessageId, PictureId, RoomCode, RoomId, SessionId, Timestamp, UserId,
};
use rusqlite::types::Type;
use rusqlite::{Row, RowIndex};
use uuid::Uuid;

use crate::rooms::role_of;

/// A room's bytes after one that puts group rooms before direct ones: blobs are compared byte by
/// byte, and pages of rooms come in the order of [`RoomId`].
pub(super) fn room_key(room: RoomId) -> Vec<u8> {
    let bytes = room.as_bytes();
    let mut key = Vec::with_capacity(1 + bytes.len());
    key.push(u8::from(room.is_direct()));
    key.extend_from_slice(bytes);
    key
}

pub(super) fn user_key(user: UserId) -> [u8; 16] {
    user.as_uuid().into_bytes()
}

pub(super) fn message_key(id: MessageId) -> [u8; 16] {
    id.as_uuid().into_bytes()
}

pub(super) fn attachment_key(id: AttachmentId) -> [u8; 16] {
    id.as_uuid().into_bytes()
}

pub(super) fn session_key(id: SessionId) -> [u8; 16] {
    id.as_uuid().into_bytes()
}

pub(super) fn code_key(code: RoomCode) -> [u8; 16] {
    code.as_uuid().into_bytes()
}

pub(super) fn picture_key(picture: PictureId) -> [u8; 16] {
    picture.as_uuid().into_bytes()
}

pub(super) fn audit_key(id: AuditId) -> [u8; 16] {
    id.as_uuid().into_bytes()
}

/// A value that no version of this program wrote.
pub(super) fn unreadable(what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, format!("unreadable {what}").into())
}

pub(super) fn room(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<RoomId> {
    let key: Vec<u8> = row.get(column)?;
    key.split_first()
        .and_then(|(_, bytes)| RoomId::from_bytes(bytes))
        .ok_or_else(|| unreadable("room id"))
}

fn uuid(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}

pub(super) fn user(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<UserId> {
    uuid(row, column).map(UserId::from_uuid)
}

pub(super) fn message(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<MessageId> {
    uuid(row, column).map(MessageId::from_uuid)
}

pub(super) fn session(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<SessionId> {
    uuid(row, column).map(SessionId::from_uuid)
}

pub(super) fn attachment(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<AttachmentId> {
    uuid(row, column).map(AttachmentId::from_uuid)
}

pub(super) fn optional_message(
    row: &Row<'_>,
    column: impl RowIndex,
) -> rusqlite::Result<Option<MessageId>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(Uuid::from_bytes).map(MessageId::from_uuid))
}

pub(super) fn optional_user(
    row: &Row<'_>,
    column: impl RowIndex,
) -> rusqlite::Result<Option<UserId>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(Uuid::from_bytes).map(UserId::from_uuid))
}

pub(super) fn optional_code(
    row: &Row<'_>,
    column: impl RowIndex,
) -> rusqlite::Result<Option<RoomCode>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(Uuid::from_bytes).map(RoomCode::from_uuid))
}

pub(super) fn optional_picture(
    row: &Row<'_>,
    column: impl RowIndex,
) -> rusqlite::Result<Option<PictureId>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(Uuid::from_bytes).map(PictureId::from_uuid))
}

pub(super) fn optional_time(
    row: &Row<'_>,
    column: impl RowIndex,
) -> rusqlite::Result<Option<Timestamp>> {
    let millis: Option<i64> = row.get(column)?;
    Ok(millis.map(Timestamp::from_millis))
}

pub(super) fn time(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

pub(super) fn role(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Role> {
    role_of(row.get(column)?).ok_or_else(|| unreadable("role"))
}

/// Ids that stand one after the other.
pub(super) fn users(bytes: &[u8]) -> Vec<UserId> {
    let ids = bytes.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok());
    ids.map(UserId::from_uuid).collect()
}

/// What a query counted.
pub(super) fn count(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

/// A page's length as SQLite's `LIMIT` takes it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
