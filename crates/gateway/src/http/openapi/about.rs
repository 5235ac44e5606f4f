//! What an endpoint says about itself.

use hubbub_protocol::ErrorCode;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::documents::schemas::Schemas;

/// An endpoint in the words of the OpenAPI document. Begun by [`about`]; the handler's signature
/// adds what it takes and answers with.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct About {
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) statuses: Option<&'static [u16]>,
    pub(super) errors: Vec<ErrorCode>,
    pub(super) parameters: Vec<Value>,
    pub(super) request: Map<String, Value>,
    pub(super) request_required: bool,
    pub(super) answer: Map<String, Value>,
    pub(super) answer_type: Option<fn(&mut Schemas) -> Value>,
    pub(super) answer_headers: Map<String, Value>,
    pub(super) for_callers: bool,
}

/// Begins the description of an endpoint: what it does, in one line without a full stop.
pub(in crate::http) fn about(summary: &'static str) -> About {
    About { summary, ..About::default() }
}

impl About {
    /// What else its users must know; Markdown.
    pub(in crate::http) fn description(mut self, text: &'static str) -> Self {
        self.description = text;
        self
    }

    /// Its own errors: those that neither its extractors nor a fault can be the cause of.
    pub(in crate::http) fn errors(mut self, codes: &[ErrorCode]) -> Self {
        self.errors.extend(codes);
        self
    }

    /// Adds an error that an extractor can be the cause of.
    pub(in crate::http) fn fails(&mut self, code: ErrorCode) {
        self.errors.push(code);
    }

    /// The statuses of its success, where they are not those of its signature: 200 for a body, 201
    /// for a status and a body, 204 for a status alone.
    pub(in crate::http) const fn succeeds(mut self, statuses: &'static [u16]) -> Self {
        self.statuses = Some(statuses);
        self
    }

    /// Takes bytes of this media type (`*/*` for any), which the signature does not say.
    pub(in crate::http) fn takes_bytes(mut self, media_type: &str) -> Self {
        self.request.insert(media_type.to_owned(), json!({}));
        self.request_required = true;
        self
    }

    /// Answers with JSON of this type, which the signature does not say.
    pub(in crate::http) const fn answers<T: JsonSchema>(mut self) -> Self {
        self.answer_type = Some(Schemas::written::<T>);
        self
    }

    /// Answers with bytes of this media type, which the signature does not say.
    pub(in crate::http) fn answers_bytes(mut self, media_type: &str) -> Self {
        self.answer.insert(media_type.to_owned(), json!({}));
        self
    }

    /// Reads a header of the request; `schema` is its JSON Schema.
    pub(in crate::http) fn header(
        mut self,
        name: &str,
        required: bool,
        schema: &Value,
        description: &str,
    ) -> Self {
        self.parameters.push(json!({
            "name": name,
            "in": "header",
            "required": required,
            "description": description,
            "schema": schema,
        }));
        self
    }

    /// Sets a header in its success; `schema` is its JSON Schema.
    pub(in crate::http) fn answers_header(
        mut self,
        name: &str,
        schema: &Value,
        description: &str,
    ) -> Self {
        let header = json!({ "description": description, "schema": schema });
        self.answer_headers.insert(name.to_owned(), header);
        self
    }
}
