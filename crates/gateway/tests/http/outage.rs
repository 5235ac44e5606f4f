//! With Redis away nobody is let in, and everything works again when it is back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use hubbub_bus::redis::{RedisBus, RedisOptions};
use hubbub_testkit::redis::RedisServer;
use serde_json::json;

use crate::api::{Api, PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_requests_are_refused_and_not_let_through() {
    let redis = RedisServer::start().await;
    let options = RedisOptions::new(vec![redis.url()], "test".parse().unwrap());
    let bus = Arc::new(RedisBus::connect(options).await.unwrap());
    let api = Api::over(bus);
    let ada = api.person("ada").await;
    api.get("/me").by(&ada).send().await.ok(StatusCode::OK);

    redis.kill();
    let login = json!({ "username": "ada", "password": PASSWORD });
    for answer in [
        api.get("/me").by(&ada).send().await,
        api.get("/rooms").by(&ada).send().await,
        api.post("/login").json(&login).await,
        api.post("/logout").by(&ada).send().await,
    ] {
        answer.refused(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        assert!(answer.body["retry_after_ms"].is_u64());
    }

    redis.restart().await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while api.get("/me").by(&ada).send().await.status != StatusCode::OK {
        assert!(Instant::now() < deadline, "the bus did not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    api.post("/login").json(&login).await.ok(StatusCode::OK);
}
