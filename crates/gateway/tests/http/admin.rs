//! The site administrator's side.

use axum::http::{Method, StatusCode};
use hubbub_protocol::UserId;
use serde_json::{Value, json};

use crate::api::{Answer, Api, PASSWORD, Person};

async fn change(api: &Api, by: &Person, who: &Person, change: Value) -> Answer {
    let path = format!("/admin/users/{}", who.id);
    api.call(Method::PATCH, &path).by(by).json(&change).await
}

async fn login(api: &Api, username: &str) -> Answer {
    api.post("/login").json(&json!({ "username": username, "password": PASSWORD })).await
}

async fn is_admin(api: &Api, person: &Person) -> bool {
    api.get("/me").by(person).send().await.ok(StatusCode::OK)["admin"] == true
}

#[tokio::test]
async fn the_first_account_administers_the_site_and_no_other_does() {
    let api = Api::start();
    let (root, ada) = (api.person("root").await, api.person("ada").await);
    assert!(is_admin(&api, &root).await);
    assert!(!is_admin(&api, &ada).await);
    api.get("/admin/users").by(&root).send().await.ok(StatusCode::OK);
}

#[tokio::test]
async fn for_everybody_else_there_is_nothing() {
    let api = Api::start();
    api.person("root").await;
    let ada = api.person("ada").await;
    api.get("/admin/users").by(&ada).send().await.refused(StatusCode::NOT_FOUND, "not_found");
    let suspend = change(&api, &ada, &ada, json!({ "suspended": true })).await;
    suspend.refused(StatusCode::NOT_FOUND, "not_found");
    let nobody = api.get("/admin/users").send().await;
    nobody.refused(StatusCode::UNAUTHORIZED, "token_required");
}

#[tokio::test]
async fn names_in_the_settings_administer_the_site_when_they_register_and_at_the_start() {
    let api = Api::with(|http, _| http.admins = vec!["boss".to_owned()]);
    api.person("root").await;
    let (boss, ada) = (api.person("Boss").await, api.person("ada").await);
    assert!(is_admin(&api, &boss).await);
    let named = ["ada".to_owned(), "nobody".to_owned()];
    hubbub_gateway::administrators::appoint(&*api.app.store, &named).await.unwrap();
    assert!(is_admin(&api, &ada).await);
}

#[tokio::test]
async fn a_suspended_account_is_out_until_it_is_reinstated() {
    let api = Api::start();
    let (root, ada) = (api.person("root").await, api.person("ada").await);
    for _ in 0..2 {
        let account = change(&api, &root, &ada, json!({ "suspended": true })).await;
        assert!(account.ok(StatusCode::OK)["suspended_at"].is_string());
    }
    let ended = api.get("/me").by(&ada).send().await;
    ended.refused(StatusCode::UNAUTHORIZED, "session_ended");
    let rotated = api.post("/token").json(&json!({ "refresh_token": ada.refresh })).await;
    rotated.refused(StatusCode::UNAUTHORIZED, "token_invalid");
    login(&api, "ada").await.refused(StatusCode::FORBIDDEN, "account_suspended");
    let wrong = json!({ "username": "ada", "password": "not the password" });
    let wrong = api.post("/login").json(&wrong).await;
    wrong.refused(StatusCode::UNAUTHORIZED, "invalid_credentials");
    let found = api.get("/users?q=ada").by(&root).send().await.ok(StatusCode::OK);
    assert_eq!(crate::api::usernames(&found), [""; 0]);
    let found = api.get("/admin/users?q=ada").by(&root).send().await.ok(StatusCode::OK);
    assert_eq!(crate::api::usernames(&found), ["ada"]);

    let back = change(&api, &root, &ada, json!({ "suspended": false })).await.ok(StatusCode::OK);
    assert!(back.get("suspended_at").is_none(), "{back}");
    login(&api, "ada").await.ok(StatusCode::OK);
}

#[tokio::test]
async fn administrators_are_made_and_unmade_but_for_the_last_one() {
    let api = Api::start();
    let (root, ada) = (api.person("root").await, api.person("ada").await);
    for last in [json!({ "admin": false }), json!({ "suspended": true })] {
        change(&api, &root, &root, last).await.refused(StatusCode::CONFLICT, "last_admin");
    }
    let made = change(&api, &root, &ada, json!({ "admin": true })).await.ok(StatusCode::OK);
    assert_eq!(made["admin"], true);
    change(&api, &ada, &root, json!({ "admin": false })).await.ok(StatusCode::OK);
    let gone = api.get("/admin/users").by(&root).send().await;
    gone.refused(StatusCode::NOT_FOUND, "not_found");
}

#[tokio::test]
async fn a_suspended_account_administers_nothing() {
    let api = Api::start();
    let (root, ada) = (api.person("root").await, api.person("ada").await);
    let both = change(&api, &root, &ada, json!({ "suspended": true, "admin": true })).await;
    both.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    change(&api, &root, &ada, json!({ "suspended": true })).await.ok(StatusCode::OK);
    let made = change(&api, &root, &ada, json!({ "admin": true })).await;
    made.refused(StatusCode::FORBIDDEN, "account_suspended");
    let both = change(&api, &root, &ada, json!({ "suspended": false, "admin": true })).await;
    assert_eq!(both.ok(StatusCode::OK)["admin"], true);
}

#[tokio::test]
async fn every_room_is_listed_but_not_who_is_in_a_direct_one() {
    let api = Api::start();
    let (root, ada, bob) =
        (api.person("root").await, api.person("ada").await, api.person("bob").await);
    api.room(&ada, "Lounge", "public").await;
    let den = api.room(&bob, "Den", "private").await;
    let den_path = format!("/rooms/{}", den["id"].as_str().unwrap());
    let archive = json!({ "archived": true });
    api.call(Method::PATCH, &den_path).by(&bob).json(&archive).await.ok(StatusCode::OK);
    let direct = json!({ "user": bob.id.to_string() });
    api.post("/direct").by(&ada).json(&direct).await.ok(StatusCode::CREATED);

    let path = "/admin/rooms";
    api.get(path).by(&ada).send().await.refused(StatusCode::NOT_FOUND, "not_found");
    let all = api.get(path).by(&root).send().await.ok(StatusCode::OK);
    let rooms = all["rooms"].as_array().unwrap();
    assert_eq!(rooms.len(), 3, "{all}");
    let room = |kind: &str| rooms.iter().find(|room| room["kind"] == kind).unwrap();
    let (lounge, den, direct) = (room("public"), room("private"), room("direct"));
    assert_eq!(
        (&lounge["name"], &lounge["owner"], &lounge["archived"]),
        (&json!("Lounge"), &json!(ada.id.to_string()), &json!(false))
    );
    assert_eq!((&den["archived"], &den["members"]), (&json!(true), &json!(1)));
    assert!(den.get("code").is_none(), "a code lets in: {den}");
    assert!(direct.get("people").is_none() && direct.get("owner").is_none(), "{direct}");
    assert_eq!((&direct["name"], &direct["members"]), (&json!(""), &json!(2)));

    let found = api.get("/admin/rooms?q=OUN").by(&root).send().await.ok(StatusCode::OK);
    assert_eq!(found["rooms"].as_array().unwrap().len(), 1);
    let page = api.get("/admin/rooms?limit=2").by(&root).send().await.ok(StatusCode::OK);
    let rest = format!("/admin/rooms?after={}", page["next"].as_str().unwrap());
    let rest = api.get(&rest).by(&root).send().await.ok(StatusCode::OK);
    assert_eq!(page["rooms"].as_array().unwrap().len(), 2);
    assert_eq!((rest["rooms"].as_array().unwrap(), rest.get("next")), (&rooms[2..].to_vec(), None));
    let wrong = api.get("/admin/rooms?after=x").by(&root).send().await;
    wrong.refused(StatusCode::BAD_REQUEST, "bad_id");
}

#[tokio::test]
async fn accounts_are_listed_in_pages() {
    let api = Api::start();
    let root = api.person("root").await;
    for name in ["ann", "ben"] {
        api.person(name).await;
    }
    let page = api.get("/admin/users?limit=2").by(&root).send().await.ok(StatusCode::OK);
    assert_eq!(crate::api::usernames(&page), ["root", "ann"]);
    assert!(page["users"][0]["created_at"].is_string() && page["users"][0]["admin"] == true);
    let rest = format!("/admin/users?after={}", page["next"].as_str().unwrap());
    let rest = api.get(&rest).by(&root).send().await.ok(StatusCode::OK);
    assert_eq!(crate::api::usernames(&rest), ["ben"]);
}

#[tokio::test]
async fn bad_input_is_told_from_what_is_not_there() {
    let api = Api::start();
    let (root, ada) = (api.person("root").await, api.person("ada").await);
    let patch =
        async |path: &str, body: Value| api.call(Method::PATCH, path).by(&root).json(&body).await;
    let nobody = patch(&format!("/admin/users/{}", UserId::new()), json!({})).await;
    nobody.refused(StatusCode::NOT_FOUND, "user_not_found");
    patch("/admin/users/ada", json!({})).await.refused(StatusCode::BAD_REQUEST, "bad_id");
    let ada = format!("/admin/users/{}", ada.id);
    let long = patch(&ada, json!({ "reason": "x".repeat(201) })).await;
    long.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
    let shape = patch(&ada, json!({ "suspended": "yes" })).await;
    shape.refused(StatusCode::BAD_REQUEST, "bad_frame");
    let limit = api.get("/admin/users?limit=0").by(&root).send().await;
    limit.refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field");
}

#[tokio::test]
async fn what_administrators_do_is_in_the_audit_list_with_their_reasons() {
    let api = Api::start();
    let (root, ada) = (api.person("root").await, api.person("ada").await);
    for request in [
        json!({ "suspended": true, "reason": " spam " }),
        json!({ "suspended": true }),
        json!({ "suspended": false }),
        json!({ "admin": true }),
        json!({ "admin": false }),
    ] {
        change(&api, &root, &ada, request).await.ok(StatusCode::OK);
    }
    let list = async |query: &str| {
        api.get(&format!("/admin/audit{query}")).by(&root).send().await.ok(StatusCode::OK)
    };
    let page = list("?limit=3").await;
    let rest = list(&format!("?before={}", page["next"].as_str().unwrap())).await;
    let mut entries = page["entries"].as_array().unwrap().clone();
    entries.extend(rest["entries"].as_array().unwrap().clone());
    let actions: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["admin_revoked", "admin_granted", "user_reinstated", "user_suspended"]);
    let first = &entries[3];
    assert_eq!((&first["reason"], &first["actor"]), (&json!("spam"), &json!(root.id)));
    assert_eq!(first["user"], ada.id.to_string());
    assert_eq!(rest.get("next"), None);

    let bob = api.person("bob").await;
    api.get("/admin/audit").by(&bob).send().await.refused(StatusCode::NOT_FOUND, "not_found");
    let id = api.get("/admin/audit?before=x").by(&root).send().await;
    id.refused(StatusCode::BAD_REQUEST, "bad_id");
}
