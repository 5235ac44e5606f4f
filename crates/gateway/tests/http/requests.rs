//! What every endpoint has in common: bodies, ids, paths, methods, headers, limits.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use hubbub_bus::Quota;
use hubbub_gateway::http::BODY_MAX;
use hubbub_gateway::http::quotas::Kind;
use serde_json::json;

use crate::api::Api;

#[tokio::test]
async fn each_kind_of_bad_body_has_its_code() {
    let api = Api::start();
    let post = |kind: &'static str, body: &'static str| api.post("/login").body(kind, body);
    let json = "application/json";
    post(json, "{").await.refused(StatusCode::BAD_REQUEST, "bad_json");
    post(json, "").await.refused(StatusCode::BAD_REQUEST, "bad_json");
    post(json, "[]").await.refused(StatusCode::BAD_REQUEST, "bad_frame");
    post(json, "{}").await.refused(StatusCode::BAD_REQUEST, "bad_frame");
    let wrong_type = r#"{"username":"ada","password":7}"#;
    post(json, wrong_type).await.refused(StatusCode::BAD_REQUEST, "bad_frame");
    let form = post("application/x-www-form-urlencoded", "username=ada&password=x").await;
    form.refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    let bytes = api.post("/login").body(json, vec![b'"', 0xff, b'"']).await;
    bytes.refused(StatusCode::BAD_REQUEST, "invalid_utf8");
}

#[tokio::test]
async fn a_refusal_does_not_quote_the_body() {
    let api = Api::start();
    let body = r#"{"username":"ada","password":["hunter2"]}"#;
    let answer = api.post("/login").body("application/json", body).await;
    assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused() {
    let api = Api::start();
    let huge = json!({ "username": "ada", "password": "x".repeat(BODY_MAX) });
    let answer = api.post("/login").json(&huge).await;
    answer.refused(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large");
}

#[tokio::test]
async fn a_malformed_id_is_told_apart_from_an_unknown_one() {
    let api = Api::start();
    let ada = api.person("ada").await;
    for path in ["/rooms/nonsense", "/rooms/%ff", "/rooms/%2e%2e/members"] {
        let bad = api.get(path).by(&ada).send().await;
        bad.refused(StatusCode::BAD_REQUEST, "bad_id");
    }
    let direct = api.post("/direct").by(&ada).json(&json!({ "user": "nonsense" })).await;
    direct.refused(StatusCode::BAD_REQUEST, "bad_id");
    for path in ["/users?after=x", "/rooms?after=x"] {
        let answer = api.get(path).by(&ada).send().await;
        answer.refused(StatusCode::BAD_REQUEST, "bad_id");
    }
}

#[tokio::test]
async fn a_query_out_of_shape_or_bounds_is_refused() {
    let api = Api::start();
    let ada = api.person("ada").await;
    for path in ["/users?limit=x", "/users?online=maybe", "/rooms?limit=-1"] {
        let answer = api.get(path).by(&ada).send().await;
        answer.refused(StatusCode::BAD_REQUEST, "bad_frame");
    }
    let long = format!("/users?q={}", "x".repeat(101));
    for path in ["/users?limit=0", "/rooms?limit=201", &long] {
        let answer = api.get(path).by(&ada).send().await;
        answer.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_problems_too() {
    let api = Api::start();
    api.get("/nothing").send().await.refused(StatusCode::NOT_FOUND, "not_found");
    let wrong = api.get("/login").send().await;
    wrong.refused(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    assert_eq!(wrong.headers["allow"], "POST");
    let wrong = api.call(Method::DELETE, "/rooms").send().await;
    wrong.refused(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_is_not_kept() {
    let api = Api::start();
    let answer = api.get("/me").header("x-request-id", "proxy-17").send().await;
    assert_eq!(answer.headers["x-request-id"], "proxy-17");
    let answer = api.get("/nothing").header("x-request-id", "two words").send().await;
    assert_eq!(answer.headers["x-request-id"].len(), 36);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn the_limits_are_public() {
    let api = Api::start();
    let answer = api.get("/limits").send().await;
    assert_eq!(answer.headers["cache-control"], "public, max-age=60");
    let limits = answer.ok(StatusCode::OK);
    assert_eq!(limits["frame_bytes"], api.app.limits.frame_bytes);
}

#[tokio::test]
async fn a_user_s_requests_are_limited_whatever_they_are() {
    let api = Api::with(|http, _| {
        http.quotas.set(Kind::Requests, Quota { burst: 2, every: Duration::from_secs(60) });
    });
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    api.get("/me").by(&ada).send().await.ok(StatusCode::OK);
    api.get("/rooms").by(&ada).send().await.ok(StatusCode::OK);
    let third = api.get("/me").by(&ada).send().await;
    third.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    api.get("/me").by(&bob).send().await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended() {
    let api = Api::with(|http, _| http.request_timeout = Duration::from_millis(50));
    let endless = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let body = axum::body::Body::from_stream(endless);
    let answer = api.post("/login").body("application/json", body).await;
    answer.refused(StatusCode::REQUEST_TIMEOUT, "timeout");
}

#[tokio::test]
async fn an_answer_tells_what_is_left_of_every_quota_it_counted_towards() {
    let api = Api::with(|http, _| {
        http.quotas.set(Kind::Users, Quota { burst: 2, every: Duration::from_secs(30) });
    });
    let ada = api.person("ada").await;
    let first = api.get("/users").by(&ada).send().await;
    let policy = r#""requests";q=200;w=4, "users";q=2;w=60"#;
    assert_eq!(first.headers["ratelimit-policy"], policy);
    assert_eq!(first.headers["ratelimit"], r#""requests";r=199;t=1, "users";r=1;t=30"#);
    api.get("/users").by(&ada).send().await.ok(StatusCode::OK);
    let third = api.get("/users").by(&ada).send().await;
    let left = third.headers["ratelimit"].to_str().unwrap().to_owned();
    assert!(left.ends_with(r#""users";r=0;t=30"#), "{left}");
    assert_eq!(third.headers["retry-after"], "30");
    third.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
}

#[tokio::test]
async fn what_counts_towards_nothing_tells_of_no_quota() {
    let answer = Api::start().get("/limits").send().await;
    assert!(!answer.headers.contains_key("ratelimit"));
}
