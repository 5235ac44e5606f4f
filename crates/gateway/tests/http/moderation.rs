//! Roles, mutes, removals, bans, codes with limits, the audit list, the end of a room.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use hubbub_bus::{Control, RoomLog};
use hubbub_protocol::{ErrorCode, MessageId, RoomId};
use serde_json::{Value, json};

use crate::api::{Api, Person, usernames};

/// A private room of ada with bob (a moderator) and eve in it.
struct Scene {
    api: Api,
    ada: Person,
    bob: Person,
    eve: Person,
    room: String,
    code: Value,
}

impl Scene {
    async fn start() -> Self {
        let api = Api::start();
        let (ada, bob, eve) =
            (api.person("ada").await, api.person("bob").await, api.person("eve").await);
        let room = api.room(&ada, "Tea", "private").await;
        let (id, code) = (room["id"].as_str().unwrap().to_owned(), room["code"].clone());
        let scene = Self { api, ada, bob, eve, room: id, code };
        for person in [&scene.bob, &scene.eve] {
            scene.join(person, &scene.code).await.ok(StatusCode::OK);
        }
        let role = json!({ "role": "moderator" });
        scene.change(&scene.ada, &scene.bob, &role).await.ok(StatusCode::OK);
        scene
    }

    fn path(&self, rest: &str) -> String {
        format!("/rooms/{}{rest}", self.room)
    }

    async fn join(&self, who: &Person, code: &Value) -> crate::api::Answer {
        self.api.post("/rooms/join").by(who).json(&json!({ "code": code })).await
    }

    async fn change(&self, by: &Person, of: &Person, change: &Value) -> crate::api::Answer {
        let path = self.path(&format!("/members/{}", of.id));
        self.api.call(Method::PATCH, &path).by(by).json(change).await
    }

    async fn update(&self, by: &Person, change: &Value) -> crate::api::Answer {
        self.api.call(Method::PATCH, &self.path("")).by(by).json(change).await
    }

    async fn at(&self, method: Method, by: &Person, rest: &str) -> crate::api::Answer {
        self.api.call(method, &self.path(rest)).by(by).send().await
    }

    fn id(&self) -> RoomId {
        self.room.parse().unwrap()
    }

    /// What writing a text is refused with. Asked anew: the bus of these tests tells nobody.
    async fn writing(&self, who: &Person, text: &str) -> Option<ErrorCode> {
        self.api.app.permissions.forget_all();
        let answer = self.api.app.permissions.writing(self.id(), who.id, text).await;
        answer.err().map(|refused| refused.code)
    }
}

#[tokio::test]
async fn members_are_listed_with_their_roles() {
    let scene = Scene::start().await;
    let list = scene.at(Method::GET, &scene.eve, "/members").await.ok(StatusCode::OK);
    assert_eq!(usernames(&list), ["ada", "bob", "eve"]);
    let roles: Vec<_> =
        list["users"].as_array().unwrap().iter().map(|user| user["role"].clone()).collect();
    assert_eq!(roles, [json!("owner"), json!("moderator"), json!("member")]);
}

#[tokio::test]
async fn only_the_owner_gives_roles_and_nobody_touches_the_owner() {
    let scene = Scene::start().await;
    let forbidden = (StatusCode::FORBIDDEN, "forbidden");
    for (by, of, change) in [
        (&scene.bob, &scene.eve, json!({ "role": "moderator" })),
        (&scene.eve, &scene.bob, json!({ "mute_for": 60 })),
        (&scene.bob, &scene.ada, json!({ "mute_for": 60 })),
        (&scene.bob, &scene.bob, json!({ "mute_for": 60 })),
        (&scene.ada, &scene.ada, json!({ "role": "member" })),
    ] {
        scene.change(by, of, &change).await.refused(forbidden.0, forbidden.1);
    }
    for (by, of) in [(&scene.eve, &scene.bob), (&scene.bob, &scene.ada), (&scene.ada, &scene.ada)] {
        for rest in ["members", "bans"] {
            let method = if rest == "bans" { Method::PUT } else { Method::DELETE };
            let answer = scene.at(method, by, &format!("/{rest}/{}", of.id)).await;
            answer.refused(forbidden.0, forbidden.1);
        }
    }
    let stranger = scene.api.person("mallory").await;
    let answer = scene.change(&stranger, &scene.eve, &json!({ "mute_for": 1 })).await;
    answer.refused(StatusCode::NOT_FOUND, "room_not_found");
    let answer = scene.change(&scene.ada, &stranger, &json!({ "mute_for": 1 })).await;
    answer.refused(StatusCode::NOT_FOUND, "user_not_found");
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused_by_name() {
    let scene = Scene::start().await;
    let long = "x".repeat(201);
    for (change, field) in [
        (json!({ "mute_for": 28 * 86_400 + 1 }), "mute_for"),
        (json!({ "mute_for": 1, "reason": long }), "reason"),
    ] {
        let answer = scene.change(&scene.ada, &scene.eve, &change).await;
        answer.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
        assert_eq!(answer.body["errors"][0]["field"], field);
    }
    for (change, field) in [
        (json!({ "topic": "x".repeat(251) }), "topic"),
        (json!({ "slow_mode_ms": 6 * 3_600_000 + 1 }), "slow_mode_ms"),
        (json!({ "refused_words": vec!["x"; 201] }), "refused_words"),
        (json!({ "refused_words": ["x".repeat(51)] }), "refused_words"),
        (json!({ "refused_words": [" "] }), "refused_words"),
    ] {
        let answer = scene.update(&scene.ada, &change).await;
        answer.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
        assert_eq!(answer.body["errors"][0]["field"], field);
    }
    for (request, field) in [
        (json!({ "expires_in": 59 }), "expires_in"),
        (json!({ "expires_in": 31_536_001 }), "expires_in"),
        (json!({ "max_uses": 0 }), "max_uses"),
        (json!({ "max_uses": 10_001 }), "max_uses"),
    ] {
        let answer = scene.api.post(&scene.path("/code")).by(&scene.ada).json(&request).await;
        answer.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
        assert_eq!(answer.body["errors"][0]["field"], field);
    }
}

#[tokio::test]
async fn a_muted_member_may_read_but_not_write() {
    let scene = Scene::start().await;
    assert_eq!(scene.writing(&scene.eve, "hi").await, None);
    let mute = json!({ "mute_for": 600, "reason": "noise" });
    let muted = scene.change(&scene.bob, &scene.eve, &mute).await.ok(StatusCode::OK);
    assert!(muted["muted_until"].is_string());
    assert_eq!(scene.writing(&scene.eve, "hi").await, Some(ErrorCode::Muted));
    let room = scene.at(Method::GET, &scene.eve, "").await.ok(StatusCode::OK);
    assert_eq!(room["muted_until"], muted["muted_until"]);
    let over = scene.change(&scene.bob, &scene.eve, &json!({ "mute_for": 0 })).await;
    assert!(over.ok(StatusCode::OK).get("muted_until").is_none());
    assert_eq!(scene.writing(&scene.eve, "hi").await, None);
}

#[tokio::test]
async fn an_archived_room_takes_no_writing_and_only_its_owner_archives_it() {
    let scene = Scene::start().await;
    let archived = json!({ "archived": true });
    scene.update(&scene.bob, &archived).await.refused(StatusCode::FORBIDDEN, "forbidden");
    let room = scene.update(&scene.ada, &archived).await.ok(StatusCode::OK);
    assert_eq!(room["archived"], true);
    assert_eq!(scene.writing(&scene.ada, "hi").await, Some(ErrorCode::RoomArchived));
}

#[tokio::test]
async fn links_and_words_are_refused_to_those_the_room_says() {
    let scene = Scene::start().await;
    let change = json!({ "links": "moderator", "refused_words": ["darn", "darn"] });
    scene.update(&scene.eve, &change).await.refused(StatusCode::FORBIDDEN, "forbidden");
    scene.update(&scene.bob, &change).await.ok(StatusCode::OK);
    let link = "see https://example.org";
    assert_eq!(scene.writing(&scene.eve, link).await, Some(ErrorCode::LinksRefused));
    assert_eq!(scene.writing(&scene.bob, link).await, None);
    assert_eq!(scene.writing(&scene.ada, "Dárn it").await, Some(ErrorCode::WordRefused));
    let words = scene.at(Method::GET, &scene.bob, "/words").await.ok(StatusCode::OK);
    assert_eq!(words, json!({ "refused_words": ["darn"] }));
    scene.at(Method::GET, &scene.eve, "/words").await.refused(StatusCode::FORBIDDEN, "forbidden");
}

#[tokio::test]
async fn slow_mode_lets_one_through_and_the_same_again_and_spares_moderators() {
    let scene = Scene::start().await;
    scene.update(&scene.ada, &json!({ "slow_mode_ms": 60_000 })).await.ok(StatusCode::OK);
    let permissions = &scene.api.app.permissions;
    permissions.forget_all();
    let pace = async |who: &Person, id| permissions.pace(scene.id(), who.id, id).await;
    let (first, second) = (MessageId::new(), MessageId::new());
    pace(&scene.eve, first).await.unwrap();
    pace(&scene.eve, first).await.unwrap();
    let refused = pace(&scene.eve, second).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::SlowMode);
    assert!(refused.retry_after.unwrap() > Duration::from_secs(50));
    for _ in 0..2 {
        pace(&scene.bob, MessageId::new()).await.unwrap();
    }
}

#[tokio::test]
async fn permissions_are_remembered_until_a_control_word() {
    let scene = Scene::start().await;
    assert_eq!(scene.writing(&scene.eve, "hi").await, None);
    let permissions = &scene.api.app.permissions;
    let path = scene.path(&format!("/members/{}", scene.eve.id));
    scene.api.call(Method::DELETE, &path).by(&scene.bob).send().await.ok(StatusCode::NO_CONTENT);
    let (room, user) = (scene.id(), scene.eve.id);
    assert!(permissions.standing(room, user).await.is_ok(), "nobody has said anything yet");
    permissions.hear(&Control::MemberGone { room, user });
    let gone = permissions.standing(room, user).await.unwrap_err();
    assert_eq!(gone.code, ErrorCode::RoomNotFound);
}

#[tokio::test]
async fn who_is_put_out_may_come_back_and_who_is_banned_finds_no_room() {
    let scene = Scene::start().await;
    let eve = format!("/members/{}", scene.eve.id);
    scene.at(Method::DELETE, &scene.bob, &eve).await.ok(StatusCode::NO_CONTENT);
    scene.at(Method::GET, &scene.eve, "").await.refused(StatusCode::NOT_FOUND, "room_not_found");
    let again = scene.at(Method::DELETE, &scene.bob, &eve).await;
    again.refused(StatusCode::NOT_FOUND, "user_not_found");
    scene.join(&scene.eve, &scene.code).await.ok(StatusCode::OK);
    let ban = format!("/bans/{}", scene.eve.id);
    let reason = json!({ "reason": "noise" });
    let put = scene.api.call(Method::PUT, &scene.path(&ban)).by(&scene.bob).json(&reason).await;
    assert_eq!(put.ok(StatusCode::OK)["user"]["username"], "eve");
    // As if the code were none: a private room is not told apart from nothing.
    let unknown = scene.join(&scene.eve, &json!(scene.eve.id)).await;
    let banned = scene.join(&scene.eve, &scene.code).await;
    banned.refused(StatusCode::NOT_FOUND, "room_not_found");
    assert_eq!(banned.body["detail"], unknown.body["detail"]);
    let list = scene.at(Method::GET, &scene.bob, "/bans").await.ok(StatusCode::OK);
    assert_eq!(list["bans"][0]["reason"], "noise");
    scene.at(Method::DELETE, &scene.bob, &ban).await.ok(StatusCode::NO_CONTENT);
    scene.at(Method::DELETE, &scene.bob, &ban).await.ok(StatusCode::NO_CONTENT);
    scene.join(&scene.eve, &scene.code).await.ok(StatusCode::OK);
}

#[tokio::test]
async fn a_ban_from_a_public_room_is_told() {
    let api = Api::start();
    let (ada, eve) = (api.person("ada").await, api.person("eve").await);
    let room = api.room(&ada, "Tea", "public").await;
    let path = format!("/rooms/{}/bans/{}", room["id"].as_str().unwrap(), eve.id);
    api.call(Method::PUT, &path).by(&ada).send().await.ok(StatusCode::OK);
    let join = json!({ "code": room["id"] });
    let answer = api.post("/rooms/join").by(&eve).json(&join).await;
    answer.refused(StatusCode::FORBIDDEN, "banned");
}

#[tokio::test]
async fn a_code_with_one_use_lets_one_in_and_that_one_again() {
    let scene = Scene::start().await;
    let (uma, vic) = (scene.api.person("uma").await, scene.api.person("vic").await);
    let request = json!({ "max_uses": 1, "expires_in": 3600 });
    let denied = scene.api.post(&scene.path("/code")).by(&scene.eve).json(&request).await;
    denied.refused(StatusCode::FORBIDDEN, "forbidden");
    let made = scene.api.post(&scene.path("/code")).by(&scene.bob).json(&request).await;
    let made = made.ok(StatusCode::OK);
    assert_eq!(made["uses_left"], 1);
    let old = scene.join(&uma, &scene.code).await;
    old.refused(StatusCode::NOT_FOUND, "room_not_found");
    let room = scene.join(&uma, &made["code"]).await.ok(StatusCode::OK);
    assert_eq!((&room["code_uses_left"], &room["role"]), (&json!(0), &json!("member")));
    scene.join(&uma, &made["code"]).await.ok(StatusCode::OK);
    let late = scene.join(&vic, &made["code"]).await;
    late.refused(StatusCode::NOT_FOUND, "room_not_found");
}

#[tokio::test]
async fn members_are_found_by_name_and_read_one_by_one() {
    let scene = Scene::start().await;
    let outside = scene.api.person("evelyn").await;
    let name = json!({ "display_name": "Évariste" });
    scene.api.call(Method::PATCH, "/me").by(&scene.bob).json(&name).await.ok(StatusCode::OK);
    let list = async |query: &str| {
        let answer = scene.at(Method::GET, &scene.ada, &format!("/members?{query}")).await;
        answer.ok(StatusCode::OK)
    };
    let found = list("q=EV").await;
    assert_eq!(usernames(&found), ["bob", "eve"], "not who is outside");
    assert_eq!(found["users"][0]["role"], "moderator");
    let first = list("q=ev&limit=1").await;
    assert_eq!((usernames(&first), &first["next"]), (vec!["bob"], &json!(scene.bob.id)));
    let rest = list(&format!("q=ev&limit=1&after={}", scene.bob.id)).await;
    assert_eq!((usernames(&rest), &rest["next"]), (vec!["eve"], &Value::Null));
    assert_eq!(usernames(&list("q=").await), ["ada", "bob", "eve"]);
    let long = scene.at(Method::GET, &scene.ada, &format!("/members?q={}", "a".repeat(101))).await;
    long.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");

    let one = async |by: &Person, of: &Person| {
        scene.at(Method::GET, by, &format!("/members/{}", of.id)).await
    };
    let bob = one(&scene.eve, &scene.bob).await.ok(StatusCode::OK);
    assert_eq!(bob, found["users"][0]);
    let nobody = one(&scene.ada, &outside).await;
    nobody.refused(StatusCode::NOT_FOUND, "user_not_found");
    let other = one(&outside, &scene.bob).await;
    other.refused(StatusCode::NOT_FOUND, "room_not_found");
}

#[tokio::test]
async fn the_audit_list_says_who_did_what_to_whom_and_why() {
    let scene = Scene::start().await;
    let mute = json!({ "mute_for": 60, "reason": "noise" });
    scene.change(&scene.bob, &scene.eve, &mute).await.ok(StatusCode::OK);
    scene.update(&scene.bob, &json!({ "topic": "Today" })).await.ok(StatusCode::OK);
    let first = scene.at(Method::GET, &scene.bob, "/audit?limit=2").await.ok(StatusCode::OK);
    let entries = first["entries"].as_array().unwrap();
    assert_eq!(entries[0]["action"], "room_changed");
    assert_eq!(entries[0]["detail"], "topic");
    assert_eq!(entries[1]["action"], "member_muted");
    assert_eq!(entries[1]["actor"], json!(scene.bob.id));
    assert_eq!(
        (&entries[1]["user"], &entries[1]["reason"]),
        (&json!(scene.eve.id), &json!("noise"))
    );
    let next = format!("/audit?before={}", first["next"].as_str().unwrap());
    let rest = scene.at(Method::GET, &scene.bob, &next).await.ok(StatusCode::OK);
    assert_eq!(rest["entries"][0]["detail"], "role: member → moderator");
    scene.at(Method::GET, &scene.eve, "/audit").await.refused(StatusCode::FORBIDDEN, "forbidden");
}

#[tokio::test]
async fn a_room_that_is_handed_over_has_one_owner_and_its_former_one_may_leave() {
    let scene = Scene::start().await;
    let leave = scene.path("/leave");
    let stays = scene.api.post(&leave).by(&scene.ada).send().await;
    stays.refused(StatusCode::CONFLICT, "owner_must_stay");
    let over = json!({ "role": "owner" });
    let eve = scene.change(&scene.ada, &scene.eve, &over).await.ok(StatusCode::OK);
    assert_eq!(eve["role"], "owner");
    let room = scene.at(Method::GET, &scene.ada, "").await.ok(StatusCode::OK);
    assert_eq!((&room["role"], &room["owner"]), (&json!("moderator"), &json!(scene.eve.id)));
    scene.api.post(&leave).by(&scene.ada).send().await.ok(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_destroyed_room_is_gone_for_everybody_at_once() {
    let scene = Scene::start().await;
    let destroy = async |who: &Person, name: &str| {
        let request = json!({ "name": name });
        scene.api.call(Method::DELETE, &scene.path("")).by(who).json(&request).await
    };
    destroy(&scene.bob, "Tea").await.refused(StatusCode::FORBIDDEN, "forbidden");
    let wrong = destroy(&scene.ada, "tea").await;
    wrong.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    assert_eq!(wrong.body["errors"][0]["field"], "name");
    let job = destroy(&scene.ada, "Tea").await.ok(StatusCode::ACCEPTED);
    assert_eq!(job["room"], scene.room);
    for person in [&scene.ada, &scene.bob, &scene.eve] {
        for rest in ["", "/members", "/messages", "/audit"] {
            let answer = scene.at(Method::GET, person, rest).await;
            answer.refused(StatusCode::NOT_FOUND, "room_not_found");
        }
        assert_eq!(scene.writing(person, "hi").await, Some(ErrorCode::RoomNotFound));
    }
    let late = scene.join(&scene.eve, &scene.code).await;
    late.refused(StatusCode::NOT_FOUND, "room_not_found");
    assert_eq!(scene.api.bus.heads(&[scene.id()]).await.unwrap(), [None]);
    let progress = scene.at(Method::GET, &scene.ada, "/destruction").await.ok(StatusCode::OK);
    assert_eq!(progress["removed"]["memberships"], 3);
    let other = scene.at(Method::GET, &scene.bob, "/destruction").await;
    other.refused(StatusCode::NOT_FOUND, "room_not_found");
}

#[tokio::test]
async fn a_direct_room_among_a_few_is_always_the_same_and_can_be_left() {
    let api = Api::start();
    let (ada, bob, eve) =
        (api.person("ada").await, api.person("bob").await, api.person("eve").await);
    let open = async |by: &Person, users: &[&Person]| {
        let users: Vec<_> = users.iter().map(|user| user.id).collect();
        api.post("/direct").by(by).json(&json!({ "users": users })).await
    };
    let made = open(&ada, &[&bob, &eve]).await.ok(StatusCode::CREATED);
    assert_eq!((&made["kind"], &made["name"]), (&json!("group"), &json!("bob, eve")));
    let same = open(&eve, &[&ada, &bob, &eve]).await.ok(StatusCode::OK);
    assert_eq!(same["id"], made["id"]);
    let leave = format!("/rooms/{}/leave", made["id"].as_str().unwrap());
    api.post(&leave).by(&bob).send().await.ok(StatusCode::NO_CONTENT);
    assert_eq!(open(&ada, &[&bob, &eve]).await.ok(StatusCode::OK)["members"], 2);
    assert_eq!(open(&bob, &[&ada, &eve]).await.ok(StatusCode::OK)["members"], 3);
    let answer = open(&ada, &[&bob]).await;
    answer.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let both = json!({ "user": bob.id, "users": [bob.id, eve.id] });
    let answer = api.post("/direct").by(&ada).json(&both).await;
    answer.refused(StatusCode::BAD_REQUEST, "bad_frame");
    api.call(Method::PUT, &format!("/me/blocks/{}", ada.id)).by(&bob).send().await;
    open(&ada, &[&bob, &eve]).await.refused(StatusCode::FORBIDDEN, "blocked");
}
