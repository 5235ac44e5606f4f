//! The OpenAPI 3.1 document.

use std::collections::BTreeMap;

use hubbub_protocol::ErrorCode;
use hubbub_protocol::http::Problem;
use serde_json::{Map, Value, json};

use super::about::About;
use crate::documents::schemas::Schemas;

/// One endpoint, not yet asked about its signature.
pub(in crate::http) struct Endpoint {
    pub(in crate::http) tag: &'static str,
    pub(in crate::http) method: &'static str,
    pub(in crate::http) path: &'static str,
    /// The handler's full name.
    pub(in crate::http) handler: &'static str,
    pub(in crate::http) about: About,
    pub(in crate::http) describe: fn(&mut About, &mut Schemas),
}

/// How any request can fail.
const ANYWHERE: [ErrorCode; 4] =
    [ErrorCode::Timeout, ErrorCode::Internal, ErrorCode::Unavailable, ErrorCode::Overloaded];

/// Statuses whose answers may say when to try again.
const WAITING_HELPS: [u16; 3] = [403, 429, 503];

const DESCRIPTION: &str = "\
Accounts, rooms, messages and files over HTTP. What happens in rooms is heard over the socket at \
`/ws`, which `/api/asyncapi.json` describes.\n\n\
Errors are problem documents (RFC 9457) whose `code` never changes once released. Every answer \
names its request in `X-Request-Id`. How often what may be done is told in `RateLimit-Policy` and \
`RateLimit`; where waiting helps, `Retry-After` says how long.";

/// The document of all endpoints.
#[must_use]
pub fn document() -> Value {
    describe(crate::http::endpoints().into_list())
}

fn describe(endpoints: Vec<Endpoint>) -> Value {
    let mut schemas = Schemas::new();
    let problem = schemas.written::<Problem>();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut tags = Vec::new();
    for endpoint in endpoints {
        if !tags.contains(&endpoint.tag) {
            tags.push(endpoint.tag);
        }
        let (method, path) = (endpoint.method, endpoint.path);
        let operation = operation(endpoint, &mut schemas, &problem);
        paths.entry(path).or_default().insert(method.to_owned(), operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hubbub",
            "summary": "A chat server that is many servers",
            "description": DESCRIPTION,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        "servers": [{ "url": "/api/v1", "description": "This server" }],
        "tags": tags.iter().map(|tag| json!({ "name": tag })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": schemas.into_components(),
            "headers": headers(),
            "securitySchemes": security_schemes(),
        },
    })
}

fn operation(endpoint: Endpoint, schemas: &mut Schemas, problem: &Value) -> Value {
    let Endpoint { tag, method, path: _, handler, mut about, describe } = endpoint;
    describe(&mut about, schemas);
    let changes = !matches!(method, "get" | "head" | "options");
    if about.for_callers && changes {
        about.errors.extend([ErrorCode::CsrfFailed, ErrorCode::OriginRefused]);
    }
    about.errors.extend(ANYWHERE);

    let mut operation = json!({
        "tags": [tag],
        "operationId": operation_id(handler),
        "summary": about.summary,
        "responses": responses(&about, problem),
        "security": if about.for_callers { security(changes) } else { json!([]) },
    });
    if !about.description.is_empty() {
        operation["description"] = about.description.into();
    }
    if !about.parameters.is_empty() {
        operation["parameters"] = about.parameters.into();
    }
    if !about.request.is_empty() {
        operation["requestBody"] =
            json!({ "required": about.request_required, "content": about.request });
    }
    operation
}

/// `hubbub_gateway::http::rooms::list` is `rooms_list`.
fn operation_id(handler: &str) -> String {
    let mut names = handler.rsplit("::");
    let (name, file) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
    format!("{file}_{name}")
}

fn responses(about: &About, problem: &Value) -> Map<String, Value> {
    let mut responses = Map::new();
    let on_all = || {
        ["X-Request-Id", "RateLimit-Policy", "RateLimit"]
            .map(|name| (name.to_owned(), header_reference(name)))
    };
    for status in about.statuses.unwrap_or(&[200]) {
        let mut headers = about.answer_headers.clone();
        headers.extend(on_all());
        let mut response = json!({ "description": success(*status), "headers": headers });
        if !about.answer.is_empty() && *status != 204 {
            response["content"] = about.answer.clone().into();
        }
        responses.insert(status.to_string(), response);
    }
    for (status, codes) in by_status(&about.errors) {
        let mut headers = Map::from_iter(on_all());
        if WAITING_HELPS.contains(&status) {
            headers.insert("Retry-After".to_owned(), header_reference("Retry-After"));
        }
        if status == 401 {
            headers.insert("WWW-Authenticate".to_owned(), header_reference("WWW-Authenticate"));
        }
        let words: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
        let lines: Vec<_> =
            codes.iter().map(|code| format!("`{code}`: {}", code.title())).collect();
        let schema = json!({
            "allOf": [problem, { "properties": { "code": { "enum": words } } }],
        });
        responses.insert(
            status.to_string(),
            json!({
                "description": lines.join("; "),
                "headers": headers,
                "content": { "application/problem+json": { "schema": schema } },
            }),
        );
    }
    responses
}

/// Each status with its codes, once each, in the order in which the codes are listed.
fn by_status(errors: &[ErrorCode]) -> BTreeMap<u16, Vec<ErrorCode>> {
    let mut statuses: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in ErrorCode::ALL.iter().filter(|code| errors.contains(code)) {
        statuses.entry(code.status()).or_default().push(*code);
    }
    statuses
}

const fn success(status: u16) -> &'static str {
    match status {
        201 => "Made",
        202 => "Begun",
        204 => "Done",
        206 => "The part that was asked for",
        304 => "What the client has is current",
        _ => "The answer",
    }
}

fn header_reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn headers() -> Value {
    json!({
        "X-Request-Id": {
            "description": "The request's name in the log; taken over from the request if it has a sane one.",
            "schema": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" },
        },
        "RateLimit-Policy": {
            "description": "The quotas this request counted towards (draft-ietf-httpapi-ratelimit-headers): name, `q` requests in a window of `w` seconds.",
            "schema": { "type": "string" },
        },
        "RateLimit": {
            "description": "What is left of each: `r` requests, the whole quota again in `t` seconds.",
            "schema": { "type": "string" },
        },
        "Retry-After": {
            "description": "Seconds after which the same request may succeed.",
            "schema": { "type": "integer", "minimum": 0 },
        },
        "WWW-Authenticate": {
            "description": "RFC 6750, section 3.",
            "schema": { "type": "string" },
        },
    })
}

fn security(changes: bool) -> Value {
    if changes {
        json!([{ "bearer": [] }, { "cookie": [], "csrf": [] }])
    } else {
        json!([{ "bearer": [] }, { "cookie": [] }])
    }
}

fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "The access token of `POST /login` or `POST /token`.",
        },
        "cookie": {
            "type": "apiKey",
            "in": "cookie",
            "name": "hubbub_access",
            "description": "What a login with `\"transport\": \"cookie\"` sets; `__Host-hubbub_access` where the service is reached by https.",
        },
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": "X-CSRF-Token",
            "description": "The `csrf_token` of the login. Needed with the cookie for every change.",
        },
    })
}
