//! JSON Schemas of the frames, made from the types themselves. Those of the HTTP API's bodies are in
//! its OpenAPI document.

use schemars::{Schema, generate::SchemaSettings};

use crate::client::ClientFrame;
use crate::http::Problem;
use crate::server::ServerFrame;

/// Every published schema: its file name without ending, and the schema (draft 2020-12).
#[must_use]
pub fn all() -> Vec<(&'static str, Schema)> {
    let settings = SchemaSettings::draft2020_12;
    let read = || settings().for_deserialize().into_generator();
    let written = || settings().for_serialize().into_generator();
    vec![
        ("client-frame", read().into_root_schema_for::<ClientFrame>()),
        ("server-frame", written().into_root_schema_for::<ServerFrame>()),
        ("problem", written().into_root_schema_for::<Problem>()),
    ]
}
