//! Previews of links: what is looked at, what is not, and who is told of it.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use futures_util::future::join_all;
use hubbub_bus::Quota;
use hubbub_gateway::http::quotas::Kind;
use hubbub_gateway::previews::PreviewOptions;
use hubbub_gateway::previews::address::Networks;
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{EditedBody, Mentions, MessageId};
use serde_json::{Value, json};

use crate::api::{Answer, Api, Person};
use crate::conversation::Scene;
use crate::site::Site;

/// Looks at the tests' sites, and at nothing else that is not public.
pub(crate) fn local() -> PreviewOptions {
    options("127.0.0.1/32")
}

fn options(networks: &str) -> PreviewOptions {
    PreviewOptions::new(Networks::parse(networks).unwrap())
}

async fn scene(options: PreviewOptions) -> Scene {
    Scene::over(Api::with_previews(options, |_, _| {})).await
}

async fn preview(scene: &Scene, by: &Person, message: MessageId) -> Answer {
    scene.api.get(&scene.path(&format!("/messages/{message}/preview"))).by(by).send().await
}

/// The preview of a message that says this.
async fn preview_of(scene: &Scene, text: &str) -> Value {
    let (said, _) = scene.says(&scene.ada, text).await;
    preview(scene, &scene.bob, said).await.ok(StatusCode::OK)
}

/// What is told of a link where nothing was found.
fn nothing(url: &str) -> Value {
    let host = url.split("//").nth(1).and_then(|rest| rest.split([':', '/']).next());
    json!({ "url": url, "host": host })
}

#[tokio::test]
async fn a_link_is_shown_with_title_description_site_and_picture() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let url = site.url("/article#there");
    let told = preview_of(&scene, &format!("see {url}, and http://10.0.0.1/")).await;
    let image = &told["image"];
    assert_eq!((&image["width"], &image["height"]), (&json!(640), &json!(320)));
    let expected = json!({
        "url": url,
        "host": "127.0.0.1",
        "title": "A title & more",
        "description": "What it is about",
        "site_name": "The Site",
        "image": image,
    });
    assert_eq!(told, expected);
    assert_eq!(site.asked(), ["/article", "/wide.png"]);
}

#[tokio::test]
async fn a_picture_is_written_anew_and_kept_by_the_browser_of_who_asked() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let told = preview_of(&scene, &site.url("/article")).await;
    let path = told["image"]["path"].as_str().unwrap().strip_prefix("/api/v1").unwrap();
    let (answer, bytes) = scene.api.get(path).by(&scene.eve).bytes().await;
    let header = |name| answer.headers[name].to_str().unwrap();
    assert_eq!((answer.status, header("content-type")), (StatusCode::OK, "image/jpeg"));
    assert_eq!(image::guess_format(&bytes).unwrap(), image::ImageFormat::Jpeg);
    assert_eq!(header("cache-control"), "private, max-age=86400");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
    let known = scene.api.get(path).by(&scene.eve).header("if-none-match", header("etag"));
    assert_eq!(known.bytes().await.0.status, StatusCode::NOT_MODIFIED);
    let other = path.replace("?v=", "?v=0");
    let other = scene.api.get(&other).by(&scene.eve).bytes().await.0;
    assert_eq!(other.headers["cache-control"], "private, no-cache");
    assert_eq!(site.asked().len(), 2, "both were remembered");
}

#[tokio::test]
async fn a_link_to_a_picture_is_shown_as_it() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let told = preview_of(&scene, &site.url("/wide.png")).await;
    assert_eq!((&told["title"], &told["image"]["width"]), (&Value::Null, &json!(640)));
}

#[tokio::test]
async fn a_site_is_told_nothing_but_that_a_preview_is_made() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let told = preview_of(&scene, &site.url("/away?/title")).await;
    assert_eq!(told["title"], "Only a title");
    let mut headers = site.headers();
    assert!(headers["user-agent"].to_str().unwrap().ends_with("(link preview)"));
    for expected in ["user-agent", "accept", "accept-encoding", "host"] {
        assert!(headers.remove(expected).is_some(), "{expected}");
    }
    assert!(headers.is_empty(), "{headers:?}");
}

#[tokio::test]
async fn without_a_network_of_its_own_this_machine_is_not_reached() {
    let (scene, site) = (scene(options("")).await, Site::start().await);
    let port = site.port();
    for url in [
        site.url("/title"),
        format!("http://localhost:{port}/title"),
        format!("http://[::ffff:7f00:1]:{port}/title"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        let told = preview_of(&scene, &format!("[x]({url})")).await;
        assert_eq!((&told["url"], &told["title"]), (&json!(url), &Value::Null));
    }
    assert_eq!(site.asked(), [""; 0]);
}

#[tokio::test]
async fn a_name_that_means_an_address_beside_the_network_is_not_reached() {
    let (scene, site) = (scene(options("127.0.0.2/32")).await, Site::start().await);
    let url = format!("http://localhost:{}/title", site.port());
    assert_eq!(preview_of(&scene, &url).await, nothing(&url));
    assert_eq!(site.asked(), [""; 0]);
}

#[tokio::test]
async fn a_site_that_sends_on_is_followed_only_where_one_may_go() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let private = Site::at(Ipv4Addr::new(127, 0, 0, 2)).await;
    let thrice = preview_of(&scene, &site.url("/away-thrice")).await;
    assert_eq!(thrice["title"], "Only a title");
    for target in [private.url("/title"), "file:///etc/passwd".to_owned()] {
        let url = site.url(&format!("/away?{target}"));
        assert_eq!(preview_of(&scene, &url).await, nothing(&url));
    }
    let pictured = site.url(&format!("/pictured?{}", private.url("/wide.png")));
    let told = preview_of(&scene, &pictured).await;
    assert_eq!((&told["title"], &told["image"]), (&json!("Pictured"), &Value::Null));
    assert_eq!(private.asked(), [""; 0]);
}

#[tokio::test]
async fn a_site_that_sends_on_for_ever_is_left() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let url = site.url("/loop");
    assert_eq!(preview_of(&scene, &url).await, nothing(&url));
    assert_eq!(site.asked(), ["/loop"; 4]);
}

#[tokio::test]
async fn what_is_no_page_is_not_read() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    for path in ["/words.txt", "/drawing.svg", "/packed", "/broken.png", "/huge.png", "/none"] {
        let url = site.url(path);
        assert_eq!(preview_of(&scene, &url).await, nothing(&url), "{path}");
    }
}

#[tokio::test]
async fn of_a_page_without_end_the_beginning_is_read() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let told = preview_of(&scene, &site.url("/endless")).await;
    assert_eq!(told["title"], "Endless");
}

#[tokio::test]
async fn a_page_in_an_encoding_that_nobody_knows_is_read_all_the_same() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    assert_eq!(preview_of(&scene, &site.url("/latin")).await["title"], "Gr\u{fc}\u{df}e");
}

#[tokio::test]
async fn a_picture_that_can_t_be_had_is_left_out() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    for path in ["/huge.png", "/dot.png", "/broken.png", "/drawing.svg", "/words.txt", "/none"] {
        let told = preview_of(&scene, &site.url(&format!("/pictured?{path}"))).await;
        assert_eq!((&told["title"], &told["image"]), (&json!("Pictured"), &Value::Null), "{path}");
    }
}

#[tokio::test]
async fn a_slow_site_is_not_waited_for() {
    let (page, all) = (Duration::from_millis(300), Duration::from_millis(600));
    let options = PreviewOptions { page_within: page, all_within: all, ..local() };
    let (scene, site) = (scene(options).await, Site::start().await);
    let began = Instant::now();
    let url = site.url("/silent");
    assert_eq!(preview_of(&scene, &url).await, nothing(&url));
    let told = preview_of(&scene, &site.url("/pictured?/silent")).await;
    assert_eq!((&told["title"], &told["image"]), (&json!("Pictured"), &Value::Null));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn many_who_look_at_a_link_make_one_request() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let (said, _) = scene.says(&scene.ada, &site.url("/held")).await;
    let (again, _) = scene.says(&scene.bob, &site.url("/held#again")).await;
    let people = [&scene.ada, &scene.bob, &scene.eve];
    let all = people.iter().flat_map(|by| [(by, said), (by, again)]).cycle().take(30);
    let all = join_all(all.map(|(by, message)| preview(&scene, by, message)));
    let release = async {
        while site.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        site.release();
    };
    let (answers, ()) = tokio::join!(all, release);
    for answer in answers {
        assert_eq!(answer.ok(StatusCode::OK)["title"], "Held");
    }
    assert_eq!(site.asked(), ["/held"]);
}

#[tokio::test]
async fn who_gives_up_waiting_does_not_end_the_look() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let (said, _) = scene.says(&scene.ada, &site.url("/held")).await;
    let asked = async {
        while site.asked().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = preview(&scene, &scene.ada, said) => panic!("{answer:?}"),
        () = asked => {}
    }
    site.release();
    let told = preview(&scene, &scene.bob, said).await.ok(StatusCode::OK);
    assert_eq!(told["title"], "Held");
    assert_eq!(site.asked(), ["/held"]);
}

#[tokio::test]
async fn who_finds_too_many_links_looked_at_is_told_to_come_back() {
    let options = PreviewOptions { turns: 1, turn_within: Duration::from_millis(50), ..local() };
    let (scene, site) = (scene(options).await, Site::start().await);
    let (held, _) = scene.says(&scene.ada, &site.url("/held")).await;
    let (other, _) = scene.says(&scene.ada, &site.url("/title")).await;
    let refused = async {
        while site.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        let refused = preview(&scene, &scene.bob, other).await;
        site.release();
        refused
    };
    let (told, refused) = tokio::join!(preview(&scene, &scene.ada, held), refused);
    refused.refused(StatusCode::SERVICE_UNAVAILABLE, "overloaded");
    assert_eq!(refused.body["retry_after_ms"], 5_000);
    assert_eq!(told.ok(StatusCode::OK)["title"], "Held");
    let again = preview(&scene, &scene.bob, other).await.ok(StatusCode::OK);
    assert_eq!(again["title"], "Only a title");
}

#[tokio::test]
async fn only_members_are_told_and_only_of_a_link_that_is_there() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let (said, _) = scene.says(&scene.ada, &site.url("/article")).await;
    let eva = scene.api.person("eva").await;
    let (plain, _) = scene.says(&scene.ada, "nothing, `https://a.example/`").await;
    let (quiet, _) = scene.says(&scene.ada, &format!("<{}>", site.url("/title"))).await;
    for rest in ["preview", "preview/image"] {
        let get =
            |message: MessageId| scene.api.get(&scene.path(&format!("/messages/{message}/{rest}")));
        let nobody = get(said).send().await;
        nobody.refused(StatusCode::UNAUTHORIZED, "token_required");
        let stranger = get(said).by(&eva).send().await;
        stranger.refused(StatusCode::NOT_FOUND, "room_not_found");
        let unknown = get(MessageId::new()).by(&scene.bob).send().await;
        unknown.refused(StatusCode::NOT_FOUND, "message_not_found");
        for message in [plain, quiet] {
            let none = get(message).by(&scene.bob).send().await;
            none.refused(StatusCode::NOT_FOUND, "preview_not_found");
        }
    }
    assert_eq!(site.asked(), [""; 0]);
    let (bare, _) = scene.says(&scene.ada, &site.url("/title")).await;
    let image = scene.api.get(&scene.path(&format!("/messages/{bare}/preview/image")));
    image.by(&scene.bob).send().await.refused(StatusCode::NOT_FOUND, "preview_not_found");
}

#[tokio::test]
async fn a_preview_follows_an_edit_and_goes_with_the_message() {
    let (scene, site) = (scene(local()).await, Site::start().await);
    let (said, _) = scene.says(&scene.ada, &site.url("/article")).await;
    preview(&scene, &scene.bob, said).await.ok(StatusCode::OK);
    let body = EditedBody { text: site.url("/title"), mentions: Mentions::default() };
    scene.happens(&scene.ada, NewEventKind::Edited { message: said, body }).await;
    let told = preview(&scene, &scene.bob, said).await.ok(StatusCode::OK);
    assert_eq!(told["title"], "Only a title");
    scene.happens(&scene.ada, NewEventKind::Deleted { message: said }).await;
    for _ in ["not yet stored", "stored"] {
        let gone = preview(&scene, &scene.bob, said).await;
        gone.refused(StatusCode::NOT_FOUND, "preview_not_found");
        scene.api.store_all().await;
    }
}

#[tokio::test]
async fn somebody_may_ask_for_so_many_in_a_while() {
    let api = Api::with_previews(options(""), |http, _| {
        http.quotas.set(Kind::Preview, Quota::new(2, 1, Duration::from_secs(60)));
    });
    let scene = Scene::over(api).await;
    let (said, _) = scene.says(&scene.ada, "http://127.0.0.1/").await;
    for left in ["1", "0"] {
        let answer = preview(&scene, &scene.ada, said).await;
        let limit = answer.headers["ratelimit"].to_str().unwrap();
        assert!(limit.contains(&format!("\"preview\";r={left};")), "{limit}");
    }
    let refused = preview(&scene, &scene.ada, said).await;
    refused.refused(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    preview(&scene, &scene.bob, said).await.ok(StatusCode::OK);
}

#[tokio::test]
async fn where_previews_are_off_there_are_none() {
    let (scene, site) = (Scene::start().await, Site::start().await);
    let (said, _) = scene.says(&scene.ada, &site.url("/article")).await;
    let none = preview(&scene, &scene.bob, said).await;
    none.refused(StatusCode::NOT_FOUND, "preview_not_found");
    assert_eq!(site.asked(), [""; 0]);
}

#[tokio::test]
async fn clients_are_told_whether_there_are_previews() {
    for there in [true, false] {
        let api = Api::with_limits(|limits| limits.link_previews = there);
        let limits = api.get("/limits").send().await.ok(StatusCode::OK);
        assert_eq!(limits.get("link_previews"), there.then_some(&json!(true)));
    }
}
