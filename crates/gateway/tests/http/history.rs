//! History pages, of what is stored and of what is not yet.

use axum::http::StatusCode;
use hubbub_protocol::Event;
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{MessageBody, MessageId, NewEvent, Timestamp};
use serde_json::{Value, json};

use crate::api::{Api, Person};

/// A room with its owner.
async fn room(api: &Api) -> (Person, String) {
    let ada = api.person("ada").await;
    let room = api.room(&ada, "Tea", "private").await;
    let id = room["id"].as_str().unwrap().to_owned();
    (ada, id)
}

async fn page(api: &Api, person: &Person, room: &str, query: &str) -> Value {
    let path = format!("/rooms/{room}/messages?{query}");
    api.get(&path).by(person).send().await.ok(StatusCode::OK)
}

fn texts(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().expect("messages");
    messages.iter().map(|message| message["body"]["text"].as_str().unwrap()).collect()
}

async fn say_all(api: &Api, person: &Person, room: &str, texts: &[&str]) {
    for text in texts {
        api.say(room, person, text).await;
    }
}

#[tokio::test]
async fn an_empty_room_has_an_empty_page() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    let page = page(&api, &ada, &room, "").await;
    assert_eq!(page, json!({ "epoch": 1, "seq": 1, "messages": [] }));
}

#[tokio::test]
async fn pages_follow_each_other_in_both_directions() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    say_all(&api, &ada, &room, &["1", "2", "3", "4", "5"]).await;
    api.store_all().await;

    let newest = page(&api, &ada, &room, "limit=2").await;
    assert_eq!(texts(&newest), ["4", "5"]);
    assert!(newest.get("after").is_none());
    assert_eq!(newest["seq"], 6);

    let older = page(&api, &ada, &room, &format!("limit=2&before={}", newest["before"])).await;
    assert_eq!(texts(&older), ["2", "3"]);
    let oldest = page(&api, &ada, &room, &format!("limit=2&before={}", older["before"])).await;
    assert_eq!(texts(&oldest), ["1"]);
    assert!(oldest.get("before").is_none());

    let newer = page(&api, &ada, &room, &format!("limit=2&after={}", older["after"])).await;
    assert_eq!(texts(&newer), ["4", "5"]);

    let around = page(&api, &ada, &room, "limit=3&around=4").await;
    assert!(texts(&around).contains(&"3"), "{around}");
    assert!(around["before"].is_u64() && around["after"].is_u64(), "{around}");
}

#[tokio::test]
async fn what_is_not_stored_yet_is_in_the_page() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    say_all(&api, &ada, &room, &["1", "2"]).await;
    api.store_all().await;
    say_all(&api, &ada, &room, &["3", "4"]).await;
    assert_eq!(texts(&page(&api, &ada, &room, "").await), ["1", "2", "3", "4"]);
    let newest = page(&api, &ada, &room, "limit=3").await;
    assert_eq!(texts(&newest), ["2", "3", "4"]);
    assert!(newest["before"].is_u64());
    assert_eq!(texts(&page(&api, &ada, &room, "before=5").await), ["1", "2", "3"]);
    assert_eq!(texts(&page(&api, &ada, &room, "after=3").await), ["3", "4"]);
    assert_eq!(texts(&page(&api, &ada, &room, "around=4&limit=4").await), ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_message_that_is_stored_before_an_earlier_one_hides_no_gap() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    api.say(&room, &ada, "held back").await;
    let event = NewEvent {
        room: room.parse().unwrap(),
        id: MessageId::new(),
        sender: ada.id,
        at: Timestamp::now(),
        kind: NewEventKind::Message { body: MessageBody::text("overtakes") },
    };
    let place = api.app.committer.commit(&event).await.unwrap().position;
    // Another worker has stored the later one already.
    let overtaking: Event = event.at(place);
    api.app.store.append(&[overtaking]).await.unwrap();
    assert_eq!(texts(&page(&api, &ada, &room, "").await), ["held back", "overtakes"]);
}

#[tokio::test]
async fn the_head_of_the_room_comes_with_the_page() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    say_all(&api, &ada, &room, &["1"]).await;
    let page = page(&api, &ada, &room, "").await;
    let head = api.head(&room).await;
    assert_eq!((&page["epoch"], &page["seq"]), (&json!(head.epoch), &json!(head.seq)));
    assert_eq!(page["messages"][0]["sender"], ada.id.to_string());
}

#[tokio::test]
async fn a_long_history_is_read_from_end_to_end_without_a_gap() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    for number in 0..600 {
        api.say(&room, &ada, &number.to_string()).await;
        if number == 400 {
            api.store_all().await;
        }
    }
    let mut all = Vec::new();
    let mut query = "after=0&limit=200".to_owned();
    loop {
        let page = page(&api, &ada, &room, &query).await;
        all.extend(texts(&page).into_iter().map(str::to_owned));
        let Some(after) = page["after"].as_u64() else { break };
        query = format!("after={after}&limit=200");
    }
    let expected: Vec<_> = (0..600).map(|number: u32| number.to_string()).collect();
    assert_eq!(all, expected);
}

#[tokio::test]
async fn a_backlog_that_waits_for_storage_comes_in_pages_too() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    for number in 1..=300 {
        api.say(&room, &ada, &number.to_string()).await;
    }
    let newest = page(&api, &ada, &room, "limit=2").await;
    assert_eq!(texts(&newest), ["299", "300"]);
    assert_eq!(newest["before"], newest["messages"][0]["seq"]);
    assert!(newest.get("after").is_none());
    let older = page(&api, &ada, &room, &format!("limit=2&before={}", newest["before"])).await;
    assert_eq!(texts(&older), ["297", "298"]);
    // The room's first event is its owner's arrival, so message n has seq n + 1.
    let around = page(&api, &ada, &room, "limit=4&around=150").await;
    assert_eq!(texts(&around), ["147", "148", "149", "150"]);
    assert!(around["before"].is_u64() && around["after"].is_u64());
    let first = page(&api, &ada, &room, "limit=2&after=0").await;
    assert_eq!(texts(&first), ["1", "2"]);
    assert_eq!(first["after"], 3);
}

#[tokio::test]
async fn a_seq_beyond_all_is_no_error() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    say_all(&api, &ada, &room, &["1"]).await;
    api.store_all().await;
    let most = u64::MAX;
    assert_eq!(texts(&page(&api, &ada, &room, &format!("before={most}")).await), ["1"]);
    assert_eq!(texts(&page(&api, &ada, &room, &format!("after={most}")).await), [""; 0]);
    page(&api, &ada, &room, &format!("around={most}")).await;
}

#[tokio::test]
async fn a_page_has_one_anchor_and_a_bounded_size() {
    let api = Api::start();
    let (ada, room) = room(&api).await;
    for query in ["before=1&after=1", "around=1&before=1", "limit=0", "limit=201"] {
        let path = format!("/rooms/{room}/messages?{query}");
        let answer = api.get(&path).by(&ada).send().await;
        answer.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    }
    let path = format!("/rooms/{room}/messages?before=soon");
    let answer = api.get(&path).by(&ada).send().await;
    answer.refused(StatusCode::BAD_REQUEST, "bad_frame");
}
