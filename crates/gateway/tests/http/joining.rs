//! Joining, leaving, codes, direct rooms.

use std::time::Duration;

use axum::http::StatusCode;
use hubbub_bus::{LogRead, Quota, RoomLog};
use hubbub_gateway::http::quotas::Kind;
use hubbub_protocol::{
    Epoch, Event, MemberChange, Position, RoomCode, RoomId, Seq, Timestamp, UserId,
};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Person};

async fn join(api: &Api, person: &Person, code: &str) -> Answer {
    api.post("/rooms/join").by(person).json(&json!({ "code": code })).await
}

async fn leave(api: &Api, person: &Person, room: &str) -> Answer {
    api.post(&format!("/rooms/{room}/leave")).by(person).send().await
}

async fn direct(api: &Api, person: &Person, other: UserId) -> Answer {
    api.post("/direct").by(person).json(&json!({ "user": other })).await
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The membership changes in a room's log, oldest first.
async fn news(api: &Api, room: &str) -> Vec<(UserId, MemberChange)> {
    let room: RoomId = room.parse().unwrap();
    let read = api.bus.log_after(room, Position::new(Epoch(1), Seq(0)), 100).await.unwrap();
    let LogRead::Events { events, .. } = read else { panic!("{read:?}") };
    let events = events.iter().map(|event| Event::parse(&event.frame).unwrap());
    events
        .filter_map(|event| match event {
            Event::Member(member) => Some((member.user, member.change)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_code_lets_in_and_everybody_is_told() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    let joined = join(&api, &bob, text(&room["code"])).await.ok(StatusCode::OK);
    assert_eq!(joined["id"], room["id"]);
    assert_eq!(joined["role"], "member");
    assert_eq!(joined["members"], 2);
    let told = news(&api, text(&room["id"])).await;
    assert_eq!(told, [(ada.id, MemberChange::Joined), (bob.id, MemberChange::Joined)]);
}

#[tokio::test]
async fn what_was_said_before_one_came_is_not_unread() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    let last = api.say(text(&room["id"]), &ada, "before").await;
    api.store_all().await;
    let joined = join(&api, &bob, text(&room["code"])).await.ok(StatusCode::OK);
    assert_eq!((&joined["unread"], &joined["read"]), (&json!(0), &json!(last.seq)));
}

#[tokio::test]
async fn joining_twice_is_joining_once() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    let code = text(&room["code"]);
    let first = join(&api, &bob, code).await.ok(StatusCode::OK);
    assert_eq!(join(&api, &bob, code).await.ok(StatusCode::OK), first);
    assert_eq!(news(&api, text(&room["id"])).await.len(), 2);
}

/// Makes somebody a member as a gateway does that dies before it tells anybody.
async fn join_untold(api: &Api, person: &Person, room: &Value, at: Timestamp) {
    let id: RoomId = text(&room["id"]).parse().unwrap();
    assert!(api.app.store.join(id, person.id, Seq(1), at).await.unwrap());
}

#[tokio::test]
async fn a_join_whose_news_was_lost_is_told_when_it_is_repeated() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    join_untold(&api, &bob, &room, Timestamp::now()).await;
    assert_eq!(news(&api, text(&room["id"])).await.len(), 1);
    for _ in 0..2 {
        join(&api, &bob, text(&room["code"])).await.ok(StatusCode::OK);
        let told = news(&api, text(&room["id"])).await;
        assert_eq!(told, [(ada.id, MemberChange::Joined), (bob.id, MemberChange::Joined)]);
    }
}

#[tokio::test]
async fn an_old_membership_is_no_news() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    let an_hour_ago = Timestamp::from_millis(Timestamp::now().millis() - 3_600_000);
    join_untold(&api, &bob, &room, an_hour_ago).await;
    join(&api, &bob, text(&room["code"])).await.ok(StatusCode::OK);
    assert_eq!(news(&api, text(&room["id"])).await.len(), 1);
}

#[tokio::test]
async fn every_code_that_does_not_let_in_gets_the_same_answer() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    let path = format!("/rooms/{}/code", text(&room["id"]));
    let rotated = api.post(&path).by(&ada).send().await.ok(StatusCode::OK);
    let unknown = RoomCode::new().to_string();
    let mut answers = Vec::new();
    for code in [text(&room["code"]), &unknown, text(&room["id"]), "nonsense", ""] {
        let answer = join(&api, &bob, code).await;
        answer.refused(StatusCode::NOT_FOUND, "room_not_found");
        answers.push(answer.body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    join(&api, &bob, text(&rotated["code"])).await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_public_room_is_joined_by_what_the_directory_tells() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "public").await;
    let joined = join(&api, &bob, text(&room["id"])).await.ok(StatusCode::OK);
    assert_eq!(joined["code"], room["code"]);
}

#[tokio::test]
async fn codes_are_not_tried_at_will() {
    let once = Quota { burst: 1, every: Duration::from_secs(60) };
    let api = Api::with(|http, _| http.quotas.set(Kind::JoinAccount, once));
    let ada = api.person("ada").await;
    join(&api, &ada, "nonsense").await.refused(StatusCode::NOT_FOUND, "room_not_found");
    let again = join(&api, &ada, "nonsense").await;
    again.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
}

#[tokio::test]
async fn codes_are_not_tried_at_will_by_many_accounts_from_one_address() {
    let once = Quota { burst: 1, every: Duration::from_secs(60) };
    let api = Api::with(|http, _| http.quotas.set(Kind::JoinAddress, once));
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let tried = async |by: &Person, from: &str| {
        let code = json!({ "code": "nonsense" });
        api.post("/rooms/join").by(by).from(from).json(&code).await
    };
    let (home, elsewhere) = ("203.0.113.1", "203.0.113.2");
    tried(&ada, home).await.refused(StatusCode::NOT_FOUND, "room_not_found");
    tried(&bob, home).await.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    tried(&bob, elsewhere).await.refused(StatusCode::NOT_FOUND, "room_not_found");
}

#[tokio::test]
async fn whoever_leaves_is_out_and_everybody_is_told() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    let id = text(&room["id"]);
    join(&api, &bob, text(&room["code"])).await.ok(StatusCode::OK);
    leave(&api, &bob, id).await.ok(StatusCode::NO_CONTENT);
    let answer = api.get(&format!("/rooms/{id}")).by(&bob).send().await;
    answer.refused(StatusCode::NOT_FOUND, "room_not_found");
    leave(&api, &bob, id).await.refused(StatusCode::NOT_FOUND, "room_not_found");
    assert_eq!(news(&api, id).await.last(), Some(&(bob.id, MemberChange::Left)));
}

#[tokio::test]
async fn coming_back_is_news_again() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "private").await;
    let (id, code) = (text(&room["id"]), text(&room["code"]));
    join(&api, &bob, code).await.ok(StatusCode::OK);
    leave(&api, &bob, id).await.ok(StatusCode::NO_CONTENT);
    join(&api, &bob, code).await.ok(StatusCode::OK);
    let changes: Vec<_> = news(&api, id).await.into_iter().map(|(_, change)| change).collect();
    use MemberChange::{Joined, Left};
    assert_eq!(changes, [Joined, Joined, Left, Joined]);
}

#[tokio::test]
async fn the_owner_can_not_leave_alone_or_with_others() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = api.room(&ada, "Tea", "public").await;
    let id = text(&room["id"]);
    leave(&api, &ada, id).await.refused(StatusCode::CONFLICT, "owner_must_stay");
    join(&api, &bob, text(&room["code"])).await.ok(StatusCode::OK);
    leave(&api, &ada, id).await.refused(StatusCode::CONFLICT, "owner_must_stay");
    leave(&api, &bob, id).await.ok(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn both_sides_open_one_direct_room_each_called_after_the_other() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let made = direct(&api, &ada, bob.id).await.ok(StatusCode::CREATED);
    assert_eq!(made["id"], RoomId::direct(ada.id, bob.id).to_string());
    assert_eq!((&made["kind"], &made["name"]), (&json!("direct"), &json!("bob")));
    assert_eq!((&made["code"], &made["owner"]), (&Value::Null, &Value::Null));
    assert_eq!(made["members"], 2);
    let found = direct(&api, &bob, ada.id).await.ok(StatusCode::OK);
    assert_eq!((&found["id"], &found["name"]), (&made["id"], &json!("ada")));
    let told = news(&api, text(&made["id"])).await;
    assert_eq!(told, [(ada.id, MemberChange::Joined), (bob.id, MemberChange::Joined)]);
}

#[tokio::test]
async fn direct_rooms_are_not_made_faster_than_they_may_but_opened_as_often_as_one_likes() {
    let quota = Quota::new(2, 1, Duration::from_secs(60));
    let api = Api::with(|http, _| http.quotas.set(Kind::OpenDirect, quota));
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let (cem, dot) = (api.person("cem").await, api.person("dot").await);
    let group =
        async || api.post("/direct").by(&ada).json(&json!({ "users": [bob.id, cem.id] })).await;
    direct(&api, &ada, bob.id).await.ok(StatusCode::CREATED);
    group().await.ok(StatusCode::CREATED);
    let third = direct(&api, &ada, dot.id).await;
    third.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    for _ in 0..3 {
        direct(&api, &ada, bob.id).await.ok(StatusCode::OK);
        group().await.ok(StatusCode::OK);
    }
    direct(&api, &dot, ada.id).await.ok(StatusCode::CREATED);
}

#[tokio::test]
async fn opened_by_both_at_once_a_direct_room_is_made_once() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let (a, b) = tokio::join!(direct(&api, &ada, bob.id), direct(&api, &bob, ada.id));
    assert_eq!(a.body["id"], b.body["id"]);
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(news(&api, text(&a.body["id"])).await.len(), 2);
}

#[tokio::test]
async fn a_direct_room_needs_another_person_who_exists() {
    let api = Api::start();
    let ada = api.person("ada").await;
    let own = direct(&api, &ada, ada.id).await;
    own.refused(StatusCode::BAD_REQUEST, "direct_with_self");
    let nobody = direct(&api, &ada, UserId::new()).await;
    nobody.refused(StatusCode::NOT_FOUND, "user_not_found");
}

#[tokio::test]
async fn a_direct_room_is_nobody_s_to_change_or_leave() {
    let api = Api::start();
    let (ada, bob) = (api.person("ada").await, api.person("bob").await);
    let room = direct(&api, &ada, bob.id).await.ok(StatusCode::CREATED);
    let id = text(&room["id"]);
    leave(&api, &ada, id).await.refused(StatusCode::FORBIDDEN, "forbidden");
    let code = api.post(&format!("/rooms/{id}/code")).by(&ada).send().await;
    code.refused(StatusCode::FORBIDDEN, "forbidden");
}
