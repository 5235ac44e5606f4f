//! The documents a gateway serves about itself, and what they promise.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hubbub_gateway::documents::{asyncapi, pages};
use hubbub_gateway::http::openapi;
use hubbub_protocol::ErrorCode;
use serde_json::Value;
use tower::ServiceExt;

async fn get(path: &str, known: Option<&str>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = Request::get(path);
    if let Some(known) = known {
        request = request.header("if-none-match", known);
    }
    let router: Router = pages::router();
    let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, to_bytes(body, 1 << 22).await.unwrap().to_vec())
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

#[tokio::test]
async fn the_documents_served_are_those_of_the_source() {
    for (path, document) in
        [("/openapi.json", openapi::document()), ("/asyncapi.json", asyncapi::document())]
    {
        let (status, headers, body) = get(path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), document);
    }
}

#[tokio::test]
async fn who_has_the_current_document_is_not_sent_it_again() {
    let (_, headers, _) = get("/openapi.json", None).await;
    let tag = headers["etag"].to_str().unwrap();
    let (status, headers, body) = get("/openapi.json", Some(&format!("\"other\", W/{tag}"))).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(headers["etag"], tag);
    assert_eq!(get("/openapi.json", Some("\"other\"")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_page_takes_nothing_from_elsewhere() {
    let (_, headers, body) = get("/docs", None).await;
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    let page = String::from_utf8(body).unwrap();
    assert!(!page.contains("//"), "{page}");
    for link in page.split('"').filter(|text| text.starts_with("docs/")) {
        let (status, headers, body) = get(&format!("/{link}"), None).await;
        assert_eq!(status, StatusCode::OK, "{link}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(!body.is_empty());
    }
    assert_eq!(get("/docs/../Cargo.toml", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/docs/nothing.js", None).await.0, StatusCode::NOT_FOUND);
}

#[test]
fn every_endpoint_has_a_name_of_its_own() {
    let document = openapi::document();
    let mut names = BTreeSet::new();
    for (endpoint, operation) in operations(&document) {
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{endpoint}");
    }
}

#[test]
fn every_error_of_an_endpoint_is_listed_under_its_status() {
    let document = openapi::document();
    for (endpoint, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let problem = &response["content"]["application/problem+json"]["schema"]["allOf"];
            let codes = problem[1]["properties"]["code"]["enum"].as_array();
            for code in codes.into_iter().flatten() {
                let code: ErrorCode = serde_json::from_value(code.clone()).unwrap();
                assert_eq!(code.status().to_string(), *status, "{code} of {endpoint}");
            }
        }
    }
}

#[test]
fn everything_is_described() {
    for document in [openapi::document(), asyncapi::document()] {
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            described(name, schema);
        }
        for (endpoint, operation) in
            document["paths"].as_object().map_or(vec![], |_| operations(&document).collect())
        {
            assert_ne!(operation["summary"], "", "{endpoint}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let description = parameter["description"].as_str().unwrap_or_default();
                assert!(!description.is_empty(), "{} of {endpoint}", parameter["name"]);
            }
        }
    }
}

fn described(name: &str, schema: &Value) {
    assert!(schema["description"].is_string(), "{name} has no description");
    for (field, property) in schema["properties"].as_object().into_iter().flatten() {
        let is_constant = !property["const"].is_null();
        assert!(
            is_constant || property["description"].is_string(),
            "{name}.{field} has no description"
        );
    }
}

#[test]
fn every_placeholder_of_a_path_is_a_parameter() {
    let document = openapi::document();
    for (endpoint, operation) in operations(&document) {
        let placeholders: BTreeSet<_> =
            endpoint.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let described: BTreeSet<_> = parameters
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert_eq!(placeholders, described, "{endpoint}");
    }
}
