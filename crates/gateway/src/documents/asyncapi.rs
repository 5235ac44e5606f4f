//! The AsyncAPI 3 document of the socket.

use hubbub_protocol::client::ClientFrame;
use hubbub_protocol::server::ServerFrame;
use hubbub_protocol::{CloseCode, Limits, SUBPROTOCOL};
use serde_json::{Map, Value, json};

use super::schemas::{Schemas, reference};

/// An example of each frame, as it is on the wire.
const EXAMPLES: &str = include_str!("asyncapi/examples.json");

const DESCRIPTION: &str = "\
JSON text frames, one object a frame, each with a `type`. The first frame of a client is `hello`, \
within `limits.hello_ms`. Fields that are not known are ignored, a type that is not known is \
answered with `error`. What a correct client does is in docs/PROTOCOL.md; `/api/openapi.json` \
describes the HTTP API.";

/// Who sends a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "Client",
            Self::Server => "Server",
        }
    }
}

/// One kind of frame.
struct Frame {
    side: Side,
    /// Its `type`.
    kind: String,
    schema: Value,
}

impl Frame {
    /// The name of its schema: `ClientSend`, `ServerGoaway`.
    fn name(&self) -> String {
        let mut kind = self.kind.chars();
        let initial = kind.next().map(|first| first.to_ascii_uppercase());
        self.side.name().chars().chain(initial).chain(kind).collect()
    }

    fn message(&self, example: &Value) -> Value {
        json!({
            "name": self.kind,
            "title": self.kind,
            "summary": self.schema["description"],
            "contentType": "application/json",
            "payload": reference(&self.name()),
            "examples": [{ "payload": example }],
        })
    }
}

/// The kinds of frame that a schema with a `type` is the choice of.
fn frames(side: Side, schema: &Value) -> Vec<Frame> {
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    choices
        .map(|choice| Frame {
            side,
            kind: choice["properties"]["type"]["const"].as_str().unwrap_or_default().to_owned(),
            schema: choice.clone(),
        })
        .collect()
}

/// The document.
///
/// # Panics
/// If there is a frame without an example; a test writes this document.
#[must_use]
pub fn document() -> Value {
    let mut schemas = Schemas::new();
    let client = frames(Side::Client, &schemas.read_inline::<ClientFrame>());
    let server = frames(Side::Server, &schemas.written_inline::<ServerFrame>());
    let mut components = schemas.into_components();
    let examples = examples();

    let mut messages = Map::new();
    for frame in client.iter().chain(&server) {
        let example = &examples[frame.side.name()][&frame.kind];
        assert!(example.is_object(), "{} has no example", frame.name());
        messages.insert(frame.name(), frame.message(example));
    }
    for (name, frames) in [("ClientFrame", &client), ("ServerFrame", &server)] {
        let choices: Vec<_> = frames.iter().map(|frame| reference(&frame.name())).collect();
        components.insert(
            name.to_owned(),
            json!({ "description": format!("Any frame of a {}.", frames[0].side.name().to_lowercase()), "oneOf": choices }),
        );
    }
    let listed = |frames: &[Frame]| -> Vec<Value> {
        let path = |frame: &Frame| json!({ "$ref": format!("#/channels/socket/messages/{}", frame.name()) });
        frames.iter().map(path).collect()
    };
    let (from_clients, from_server) = (listed(&client), listed(&server));
    let channel: Map<_, _> = messages
        .keys()
        .map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") })))
        .collect();
    for frame in client.into_iter().chain(server) {
        components.insert(frame.name(), frame.schema);
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hubbub's socket",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "Apache-2.0 OR MIT" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {
                "host": "{host}",
                "protocol": "wss",
                "description": "Any gateway; `ws` where the service is not reached by https",
                "variables": { "host": { "default": "127.0.0.1:8080", "description": "Host and port" } },
            },
        },
        "channels": {
            "socket": {
                "address": "/ws",
                "title": "The socket",
                "servers": [{ "$ref": "#/servers/gateway" }],
                "messages": channel,
                "bindings": {
                    "ws": {
                        "method": "GET",
                        "headers": {
                            "type": "object",
                            "properties": {
                                "Sec-WebSocket-Protocol": { "type": "string", "const": SUBPROTOCOL },
                            },
                        },
                        "bindingVersion": "0.1.0",
                    },
                },
                "x-close-codes": close_codes(),
            },
        },
        "operations": {
            "fromClients": {
                "action": "receive",
                "channel": { "$ref": "#/channels/socket" },
                "summary": "What a client sends",
                "messages": from_clients,
            },
            "fromGateway": {
                "action": "send",
                "channel": { "$ref": "#/channels/socket" },
                "summary": "What a gateway sends",
                "messages": from_server,
            },
        },
        "components": { "messages": messages, "schemas": components },
    })
}

/// The examples by side and `type`, the limits among them as they are by default.
fn examples() -> Value {
    let mut examples: Value = serde_json::from_str(EXAMPLES).expect("a test reads the examples");
    examples["Server"]["ready"]["limits"] = json!(Limits::default());
    examples
}

/// Every close code, with what a client does about it.
fn close_codes() -> Vec<Value> {
    let code = |code: &CloseCode| {
        json!({
            "code": code.code(),
            "reason": code.reason(),
            "reconnect": CloseCode::reconnect(code.code()),
        })
    };
    CloseCode::ALL.iter().map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples_of(side: Side) -> Map<String, Value> {
        examples()[side.name()].as_object().unwrap().clone()
    }

    #[test]
    fn every_example_of_a_client_is_a_frame_of_its_kind() {
        for (kind, example) in examples_of(Side::Client) {
            let frame = ClientFrame::parse(&example.to_string());
            assert_eq!(frame.map(|frame| frame.type_name()), Ok(kind.as_str()));
        }
    }

    #[test]
    fn every_example_of_a_gateway_is_what_a_gateway_sends() {
        for (kind, example) in examples_of(Side::Server) {
            let frame: ServerFrame = serde_json::from_value(example.clone()).unwrap();
            let sent = serde_json::to_value(frame).unwrap();
            for (field, value) in example.as_object().unwrap() {
                assert_eq!(sent[field], *value, "{field} of {kind}");
            }
            assert_eq!(example["type"], *kind);
        }
    }

    #[test]
    fn every_frame_a_client_can_send_is_described() {
        let document = document();
        for kind in ClientFrame::TYPES {
            let described = document["components"]["messages"].as_object().unwrap();
            assert!(
                described
                    .iter()
                    .any(|(name, message)| name.starts_with("Client") && message["name"] == **kind),
                "{kind}"
            );
        }
    }
}
