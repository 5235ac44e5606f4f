//! JSON Schemas of the wire, made from the types themselves.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};

use crate::client::ClientFrame;
use crate::http;
use crate::server::ServerFrame;

/// Every published schema: its file name without ending, and the schema (draft 2020-12).
#[must_use]
pub fn all() -> Vec<(&'static str, Schema)> {
    fn of<T: schemars::JsonSchema>() -> Schema {
        SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<T>()
    }
    vec![
        ("client-frame", of::<ClientFrame>()),
        ("server-frame", of::<ServerFrame>()),
        ("problem", of::<http::Problem>()),
        ("register-request", of::<http::RegisterRequest>()),
        ("login-request", of::<http::LoginRequest>()),
        ("token-request", of::<http::TokenRequest>()),
        ("session-response", of::<http::SessionResponse>()),
        ("user", of::<http::User>()),
        ("user-list", of::<http::UserList>()),
        ("room", of::<http::Room>()),
        ("room-list", of::<http::RoomList>()),
        ("create-room-request", of::<http::CreateRoomRequest>()),
        ("join-room-request", of::<http::JoinRoomRequest>()),
        ("update-room-request", of::<http::UpdateRoomRequest>()),
        ("direct-request", of::<http::DirectRequest>()),
        ("code-response", of::<http::CodeResponse>()),
        ("history", of::<http::History>()),
    ]
}
