//! TypeScript types of all that travels, made of the two documents.

use std::fmt::Write;

use hubbub_protocol::{CloseCode, ErrorCode, SUBPROTOCOL, limits};
use serde_json::{Map, Value};

use super::asyncapi;
use super::schemas::referred;
use crate::http::openapi;

const HEADER: &str = "\
// Made from the gateway's source by `make docs`. Do not edit.
//
// Every frame, every body of the HTTP API, error codes, close codes and bounds.
";

/// The types, as one module without imports.
///
/// # Panics
/// If the two documents have different schemas of one name; a test writes this module.
#[must_use]
pub fn module() -> String {
    let (http, socket) = (openapi::document(), asyncapi::document());
    let mut types = schemas(&http);
    for (name, schema) in schemas(&socket) {
        if let Some(other) = types.get(&name) {
            assert_eq!(*other, schema, "{name} has two shapes");
        }
        types.insert(name, schema);
    }
    let mut text = HEADER.to_owned();
    constants(&mut text);
    for (name, schema) in &types {
        declaration(&mut text, name, schema);
    }
    endpoints(&mut text, &http);
    text
}

fn schemas(document: &Value) -> Map<String, Value> {
    document["components"]["schemas"].as_object().cloned().unwrap_or_default()
}

/// Writing to a string can't fail.
macro_rules! put {
    ($text:expr, $($what:tt)*) => { { let _ = write!($text, $($what)*); } };
}

fn constants(text: &mut String) {
    put!(
        text,
        "\n/** The WebSocket subprotocol. */\nexport const SUBPROTOCOL = \"{SUBPROTOCOL}\";\n"
    );
    put!(text, "\n/** Every error code with its HTTP status. */\nexport const ERROR_STATUS = {{\n");
    for code in ErrorCode::ALL {
        put!(text, "  {}: {},\n", code.as_str(), code.status());
    }
    put!(text, "}} as const satisfies Record<ErrorCode, number>;\n");
    put!(
        text,
        "\n/** Why a gateway closed the socket, by the number of the close frame. */\nexport const CLOSE_REASON = {{\n"
    );
    for code in CloseCode::ALL {
        put!(text, "  {}: \"{}\",\n", code.code(), code.reason());
    }
    put!(text, "}} as const;\n");
    put!(
        text,
        "\n/** Whether to come back by oneself after this close code. */\n\
         export function mayReconnect(code: number): boolean {{\n  return code < 4500 || code > 4999;\n}}\n"
    );
    put!(text, "\n/** Bounds that no setting changes. */\nexport const BOUNDS = {{\n");
    for (name, bound) in bounds() {
        put!(text, "  {name}: {bound},\n");
    }
    put!(text, "}} as const;\n");
}

fn bounds() -> Vec<(&'static str, String)> {
    let range =
        |range: &std::ops::RangeInclusive<usize>| format!("[{}, {}]", range.start(), range.end());
    vec![
        ("page", limits::PAGE_MAX.to_string()),
        ("list", limits::LIST_MAX.to_string()),
        ("username", range(&limits::USERNAME_LENGTH)),
        ("passwordBytes", range(&limits::PASSWORD_LENGTH)),
        ("displayName", range(&limits::DISPLAY_NAME_GRAPHEMES)),
        ("roomName", range(&limits::ROOM_NAME_GRAPHEMES)),
        ("roomDescription", range(&limits::ROOM_DESCRIPTION_GRAPHEMES)),
        ("roomTopic", range(&limits::ROOM_TOPIC_GRAPHEMES)),
        ("bio", range(&limits::BIO_GRAPHEMES)),
        ("statusText", range(&limits::STATUS_TEXT_GRAPHEMES)),
        ("reason", range(&limits::REASON_GRAPHEMES)),
        ("directGroup", range(&limits::DIRECT_GROUP_MEMBERS)),
    ]
}

fn declaration(text: &mut String, name: &str, schema: &Value) {
    text.push('\n');
    comment(text, schema, "");
    if is_plain_object(schema) {
        put!(text, "export interface {name} {}\n", object(schema, ""));
    } else {
        put!(text, "export type {name} = {};\n", expression(schema, ""));
    }
}

/// An object and nothing else, so that an interface can stand for it.
fn is_plain_object(schema: &Value) -> bool {
    schema["properties"].is_object()
        && ["$ref", "allOf", "anyOf", "oneOf"].iter().all(|key| schema[*key].is_null())
}

fn comment(text: &mut String, schema: &Value, indent: &str) {
    let Some(description) = schema["description"].as_str() else { return };
    let description = description.replace("*/", "*\\/");
    if description.contains('\n') {
        put!(text, "{indent}/**\n");
        for line in description.lines() {
            put!(text, "{}\n", format!("{indent} * {line}").trim_end());
        }
        put!(text, "{indent} */\n");
    } else {
        put!(text, "{indent}/** {description} */\n");
    }
}

/// The type that a schema describes: all that it says at once.
fn expression(schema: &Value, indent: &str) -> String {
    let mut parts = Vec::new();
    if let Some(reference) = schema["$ref"].as_str() {
        parts.push(referred(reference).to_owned());
    }
    for all in schema["allOf"].as_array().into_iter().flatten() {
        parts.push(expression(all, indent));
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            parts.push(union(choices.iter().map(|choice| expression(choice, indent))));
        }
    }
    if let Some(constant) = schema.get("const") {
        parts.push(constant.to_string());
    } else if let Some(values) = schema["enum"].as_array() {
        parts.push(union(values.iter().map(Value::to_string)));
    } else {
        match &schema["type"] {
            Value::String(kind) => parts.push(of_type(kind, schema, indent)),
            Value::Array(kinds) => parts.push(union(
                kinds.iter().filter_map(Value::as_str).map(|kind| of_type(kind, schema, indent)),
            )),
            _ => {}
        }
    }
    match parts.as_slice() {
        [] => "unknown".to_owned(),
        [one] => one.clone(),
        _ => {
            let part = |part: &String| {
                if part.contains(" | ") { format!("({part})") } else { part.clone() }
            };
            parts.iter().map(part).collect::<Vec<_>>().join(" & ")
        }
    }
}

fn union(choices: impl Iterator<Item = String>) -> String {
    let mut distinct: Vec<String> = Vec::new();
    for choice in choices {
        if !distinct.contains(&choice) {
            distinct.push(choice);
        }
    }
    distinct.join(" | ")
}

fn of_type(kind: &str, schema: &Value, indent: &str) -> String {
    match kind {
        "integer" | "number" => "number".to_owned(),
        "array" => array(schema, indent),
        "object" if schema["properties"].is_object() => object(schema, indent),
        "object" => match &schema["additionalProperties"] {
            values @ Value::Object(_) => format!("Record<string, {}>", expression(values, indent)),
            _ => "Record<string, unknown>".to_owned(),
        },
        other => other.to_owned(),
    }
}

fn array(schema: &Value, indent: &str) -> String {
    if let Some(places) = schema["prefixItems"].as_array() {
        let places: Vec<_> = places.iter().map(|place| expression(place, indent)).collect();
        return format!("[{}]", places.join(", "));
    }
    let item = expression(&schema["items"], indent);
    match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
        (Some(least), Some(most)) if least == most && most <= 8 => {
            let places = vec![item; usize::try_from(most).unwrap_or_default()];
            format!("[{}]", places.join(", "))
        }
        _ if item.contains([' ', '|', '&']) => format!("({item})[]"),
        _ => format!("{item}[]"),
    }
}

fn object(schema: &Value, indent: &str) -> String {
    let inner = format!("{indent}  ");
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut text = "{\n".to_owned();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        comment(&mut text, property, &inner);
        let optional = if required.iter().any(|required| required == name) { "" } else { "?" };
        put!(text, "{inner}{}{optional}: {};\n", key(name), expression(property, &inner));
    }
    put!(text, "{indent}}}");
    text
}

fn key(name: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.chars().all(is_name) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}

/// What each endpoint takes and answers with, by method and path.
fn endpoints(text: &mut String, http: &Value) {
    put!(
        text,
        "\n/** What each endpoint takes and answers with, by method and path below `/api/v1`. */\n"
    );
    put!(text, "export interface Endpoints {{\n");
    for (path, operations) in http["paths"].as_object().into_iter().flatten() {
        for (method, operation) in operations.as_object().into_iter().flatten() {
            put!(text, "  /** {} */\n", operation["summary"].as_str().unwrap_or_default());
            put!(text, "  \"{} {path}\": {{\n", method.to_uppercase());
            for place in ["path", "query"] {
                if let Some(parameters) = parameters(operation, place) {
                    put!(text, "    {place}: {parameters};\n");
                }
            }
            if let Some(body) = json_of(&operation["requestBody"]) {
                let optional = if operation["requestBody"]["required"] == true { "" } else { "?" };
                put!(text, "    body{optional}: {body};\n");
            }
            put!(text, "    answer: {};\n", answer(operation));
            put!(text, "  }};\n");
        }
    }
    put!(text, "}}\n");
}

fn parameters(operation: &Value, place: &str) -> Option<String> {
    let all = operation["parameters"].as_array()?;
    let fields: Vec<_> = all
        .iter()
        .filter(|parameter| parameter["in"] == place)
        .map(|parameter| {
            let optional = if parameter["required"] == true { "" } else { "?" };
            let name = parameter["name"].as_str().unwrap_or_default();
            format!("{}{optional}: {}", key(name), expression(&parameter["schema"], "    "))
        })
        .collect();
    (!fields.is_empty()).then(|| format!("{{ {} }}", fields.join("; ")))
}

fn json_of(content: &Value) -> Option<String> {
    let schema = &content["content"]["application/json"]["schema"];
    schema.is_object().then(|| expression(schema, "    "))
}

/// The JSON of a success; `undefined` for an empty one, `Blob` for bytes.
fn answer(operation: &Value) -> String {
    let successes = operation["responses"].as_object().into_iter().flatten();
    union(successes.filter(|(status, _)| status.starts_with('2')).map(|(_, response)| {
        match (json_of(response), response["content"].is_object()) {
            (Some(json), _) => json,
            (None, true) => "Blob".to_owned(),
            (None, false) => "undefined".to_owned(),
        }
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_form_of_schema_has_its_type() {
        for (schema, expected) in [
            (json!({ "type": "integer", "format": "uint64" }), "number"),
            (json!({ "type": ["string", "null"] }), "string | null"),
            (json!({ "$ref": "#/components/schemas/Seq", "description": "A place" }), "Seq"),
            (json!({ "anyOf": [{ "$ref": "#/x/RoomId" }, { "type": "null" }] }), "RoomId | null"),
            (json!({ "oneOf": [{ "const": "a" }, { "const": "b" }] }), "\"a\" | \"b\""),
            (json!({ "enum": ["a", "b"], "type": "string" }), "\"a\" | \"b\""),
            (json!({ "type": "array", "items": { "$ref": "#/x/User" } }), "User[]"),
            (
                json!({ "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 2 }),
                "[number, number]",
            ),
            (
                json!({ "type": "array", "items": { "type": ["string", "null"] } }),
                "(string | null)[]",
            ),
            (
                json!({ "type": "object", "additionalProperties": { "type": "boolean" } }),
                "Record<string, boolean>",
            ),
            (json!({}), "unknown"),
        ] {
            assert_eq!(expression(&schema, ""), expected, "{schema}");
        }
    }

    #[test]
    fn a_frame_that_refers_to_its_fields_is_both() {
        let schema = json!({
            "type": "object",
            "properties": { "type": { "const": "message" } },
            "required": ["type"],
            "$ref": "#/x/Message",
        });
        assert_eq!(expression(&schema, ""), "Message & {\n  type: \"message\";\n}");
    }

    #[test]
    fn a_field_that_may_be_left_out_is_optional() {
        let schema =
            json!({ "properties": { "a": { "type": "string" }, "b-c": {} }, "required": ["a"] });
        assert_eq!(object(&schema, ""), "{\n  a: string;\n  \"b-c\"?: unknown;\n}");
    }
}
