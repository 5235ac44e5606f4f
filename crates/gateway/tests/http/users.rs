//! People and their presence.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use hubbub_bus::Presence;
use hubbub_protocol::client::DeviceStatus;
use hubbub_protocol::{ConnectionId, Timestamp, UserId};
use serde_json::{Value, json};

use crate::api::{Api, Person, usernames};

async fn connect(api: &Api, person: &Person, status: DeviceStatus) -> ConnectionId {
    let connection = ConnectionId::new();
    api.bus.renew_lease().await.unwrap();
    api.bus.put_connections(&[(person.id, connection, status)]).await.unwrap();
    connection
}

async fn list(api: &Api, as_user: &Person, query: &str) -> Value {
    api.get(&format!("/users?{query}")).by(as_user).send().await.ok(StatusCode::OK)
}

/// Every page of a list, following `next`.
async fn pages(api: &Api, as_user: &Person, query: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut page = list(api, as_user, query).await;
    loop {
        pages.push(usernames(&page).into_iter().map(str::to_owned).collect());
        let Some(next) = page["next"].as_str() else { return pages };
        page = list(api, as_user, &format!("{query}&after={next}")).await;
    }
}

#[tokio::test]
async fn people_are_found_by_the_start_of_their_name() {
    let api = Api::start();
    let ada = api.person("ada").await;
    for name in ["adam", "bob"] {
        api.person(name).await;
    }
    assert_eq!(usernames(&list(&api, &ada, "q=Ad").await), ["ada", "adam"]);
    assert_eq!(usernames(&list(&api, &ada, "q=zed").await), [""; 0]);
    assert_eq!(usernames(&list(&api, &ada, "").await), ["ada", "adam", "bob"]);
}

#[tokio::test]
async fn a_list_comes_in_pages() {
    let api = Api::start();
    let ada = api.person("ada").await;
    for name in ["ben", "cleo", "dan"] {
        api.person(name).await;
    }
    let found = pages(&api, &ada, "limit=3").await;
    assert_eq!(found, [vec!["ada", "ben", "cleo"], vec!["dan"]]);
}

#[tokio::test]
async fn those_who_are_connected_are_listed_once_whatever_their_devices() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    api.person("cleo").await;
    connect(&api, &ada, DeviceStatus::Away).await;
    connect(&api, &ada, DeviceStatus::Online).await;
    connect(&api, &bob, DeviceStatus::Away).await;
    let online = list(&api, &ada, "online=true").await;
    assert_eq!(usernames(&online), ["ada", "bob"]);
    assert_eq!(online["users"][0]["status"], "online");
    assert_eq!(online["users"][1]["status"], "away");
}

#[tokio::test]
async fn who_says_they_are_away_or_invisible_is_shown_so_and_keeps_it() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    for person in [&ada, &bob] {
        connect(&api, person, DeviceStatus::Online).await;
    }
    api.app.store.set_last_seen(&[bob.id], Timestamp::now()).await.unwrap();
    for (availability, status, listed) in
        [("away", "away", true), ("invisible", "offline", false), ("auto", "online", true)]
    {
        let change = json!({ "availability": availability });
        let me = api.call(Method::PATCH, "/me").by(&bob).json(&change).await.ok(StatusCode::OK);
        assert_eq!((&me["availability"], &me["status"]), (&json!(availability), &json!(status)));
        let path = format!("/users/{}", bob.id);
        let seen = api.get(&path).by(&ada).send().await.ok(StatusCode::OK);
        assert_eq!((&seen["status"], &seen["last_seen"]), (&json!(status), &Value::Null));
        assert!(seen.get("availability").is_none(), "{seen}");
        let online = list(&api, &ada, "online=true").await;
        assert_eq!(usernames(&online).contains(&"bob"), listed, "{availability}");
    }
    let busy = json!({ "availability": "busy" });
    let answer = api.call(Method::PATCH, "/me").by(&bob).json(&busy).await;
    answer.refused(StatusCode::BAD_REQUEST, "bad_frame");
}

#[tokio::test]
async fn the_connected_come_in_pages_too() {
    let api = Api::start();
    let ada = api.person("ada").await;
    connect(&api, &ada, DeviceStatus::Online).await;
    for name in ["ben", "cleo"] {
        let person = api.person(name).await;
        connect(&api, &person, DeviceStatus::Online).await;
    }
    assert_eq!(pages(&api, &ada, "online=true&limit=2").await, [vec!["ada", "ben"], vec!["cleo"]]);
}

#[tokio::test]
async fn where_a_page_of_the_connected_ends_tells_nothing_of_who_hides() {
    let api = Api::start();
    let (ada, bob, cleo) =
        (api.person("ada").await, api.person("bob").await, api.person("cleo").await);
    let dan = api.person("dan").await;
    for person in [&ada, &bob, &cleo, &dan] {
        connect(&api, person, DeviceStatus::Online).await;
    }
    let invisible = json!({ "availability": "invisible" });
    api.call(Method::PATCH, "/me").by(&bob).json(&invisible).await.ok(StatusCode::OK);
    let block = format!("/me/blocks/{}", ada.id);
    api.call(Method::PUT, &block).by(&dan).send().await.ok(StatusCode::NO_CONTENT);
    let page = async |after: &Person| {
        let page = list(&api, &ada, &format!("online=true&limit=1&after={}", after.id)).await;
        (usernames(&page).into_iter().map(str::to_owned).collect::<Vec<_>>(), page["next"].clone())
    };
    assert_eq!(page(&ada).await, (vec!["cleo".to_owned()], Value::Null), "past bob, up to the end");
    assert_eq!(page(&cleo).await, (vec![], Value::Null), "nothing of dan");
    let pages = pages(&api, &ada, "online=true&limit=1").await;
    assert_eq!(pages, [vec!["ada"], vec!["cleo"]]);
}

#[tokio::test]
async fn many_who_hide_in_a_row_end_a_page_with_who_was_shown_or_with_a_wait() {
    let api = Api::start();
    let ada = api.person("ada").await;
    connect(&api, &ada, DeviceStatus::Online).await;
    // Nobody knows an account of theirs.
    let hidden: Vec<_> =
        (0..11_000).map(|_| (UserId::new(), ConnectionId::new(), DeviceStatus::Online)).collect();
    api.bus.put_connections(&hidden).await.unwrap();
    let page = list(&api, &ada, "online=true&limit=1").await;
    assert_eq!((usernames(&page), &page["next"]), (vec!["ada"], &json!(ada.id)));
    let rest = api.get(&format!("/users?online=true&after={}", ada.id)).by(&ada).send().await;
    rest.refused(StatusCode::SERVICE_UNAVAILABLE, "overloaded");
}

#[tokio::test]
async fn the_connected_are_found_by_name_over_many_who_are_not() {
    let api = Api::start();
    let ada = api.person("ada").await;
    for name in ["sam1", "sam2", "sam3"] {
        api.person(name).await;
    }
    let sam4 = api.person("sam4").await;
    for person in [&ada, &sam4] {
        connect(&api, person, DeviceStatus::Online).await;
    }
    assert_eq!(pages(&api, &ada, "online=true&q=sam&limit=1").await, [vec!["sam4"]]);
}

#[tokio::test]
async fn last_seen_is_told_of_those_who_are_gone() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let me = async || api.get("/me").by(&ada).send().await.ok(StatusCode::OK);
    assert_eq!(me().await["last_seen"], Value::Null);

    let connection = connect(&api, &ada, DeviceStatus::Online).await;
    let seen = Timestamp::now();
    api.app.store.set_last_seen(&[ada.id], seen).await.unwrap();
    let connected = me().await;
    assert_eq!(connected["status"], "online");
    assert_eq!(connected["last_seen"], Value::Null);

    api.bus.remove_connections(&[(ada.id, connection)]).await.unwrap();
    let leaving = me().await;
    assert_eq!(leaving["status"], "online", "for the grace");
    assert_eq!(leaving["last_seen"], Value::Null);

    let gone = loop {
        let me = me().await;
        if me["status"] != "online" {
            break me;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(gone["status"], "offline");
    assert_eq!(gone["last_seen"], seen.to_string());
}

#[tokio::test]
async fn searches_for_people_are_limited() {
    let once = hubbub_bus::Quota { burst: 1, every: std::time::Duration::from_secs(60) };
    let api = Api::with(|http, _| http.quotas.set(hubbub_gateway::http::quotas::Kind::Users, once));
    let ada = api.person("ada").await;
    list(&api, &ada, "q=a").await;
    let second = api.get("/users?q=ad").by(&ada).send().await;
    second.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
}
