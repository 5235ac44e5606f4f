//! Edits, deletions and reactions are told, stored and resumed like messages (P1 to P5).

use hubbub_protocol::{ClientFrame, Draft, Message, MessageId, RoomId};
use hubbub_testkit::nodes::view::Permits;
use hubbub_testkit::nodes::{Cluster, Person, TestClient, eventually};

use crate::{all_acked, say_all, sees_all};

/// Two people on two gateways.
struct Scene {
    ada: Person,
    room: RoomId,
    at_a: TestClient,
    at_b: TestClient,
}

async fn scene(cluster: &Cluster) -> Scene {
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let (at_a, at_b) = (cluster.connect(&ada, 0).await, cluster.connect(&bob, 1).await);
    Scene { ada, room, at_a, at_b }
}

fn says<'a>(text: &'a str) -> impl Fn(&Message) -> bool + 'a {
    move |message| message.body.text == text && message.edited_at.is_some()
}

fn is_deleted(message: &Message) -> bool {
    message.deleted_at.is_some() && message.body.text.is_empty() && message.reactions.is_empty()
}

fn has(emoji: &str) -> impl Fn(&Message) -> bool + '_ {
    move |message| message.reactions.iter().any(|held| held.emoji == emoji && held.count == 1)
}

/// Edits the first, deletes the second and reacts to the third of these messages, and waits until
/// all that is stored.
async fn change_three(client: &mut TestClient, room: RoomId, said: &[MessageId]) -> [MessageId; 3] {
    let changes = [
        client.edit(room, said[0], "edited").await,
        client.delete(room, said[1]).await,
        client.react(room, said[2], "🎉").await,
    ];
    all_acked(client, &changes).await;
    changes
}

/// Waits until the three changes are on the screen.
async fn sees_three_changed(client: &TestClient, room: RoomId, said: &[MessageId]) {
    client.sees_it(room, said[0], says("edited")).await;
    client.sees_it(room, said[1], is_deleted).await;
    client.sees_it(room, said[2], has("🎉")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_on_every_screen_and_acked_when_stored() {
    let cluster = Cluster::start(2, 1).await;
    let mut scene = scene(&cluster).await;
    let room = scene.room;
    let said = say_all(&mut scene.at_a, room, 3).await;
    let changes = change_three(&mut scene.at_a, room, &said).await;
    sees_three_changed(&scene.at_a, room, &said).await;
    sees_three_changed(&scene.at_b, room, &said).await;
    for change in changes {
        let place = scene.at_b.sees(room, change).await;
        assert_eq!(cluster.stored_at(room, change).await, Some(place), "acked and not stored");
    }
    let tombstone = cluster.stored(room).await.into_iter().find(|event| event.id == said[1]);
    let tombstone = tombstone.expect("it keeps its place");
    assert_eq!((tombstone.kind.as_str(), tombstone.text), ("tombstone", None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_were_missed_come_from_the_hot_log_on_another_node() {
    let cluster = Cluster::start(2, 1).await;
    let mut scene = scene(&cluster).await;
    let room = scene.room;
    let said = say_all(&mut scene.at_a, room, 3).await;
    sees_all(&scene.at_b, room, &said).await;
    scene.at_b.vanish();
    change_three(&mut scene.at_a, room, &said).await;
    scene.at_b.connect(cluster.address(0)).await;
    sees_three_changed(&scene.at_b, room, &said).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_were_missed_come_with_a_state_sync() {
    let cluster = Cluster::start(2, 1).await;
    let mut scene = scene(&cluster).await;
    let room = scene.room;
    let said = say_all(&mut scene.at_a, room, 4).await;
    sees_all(&scene.at_b, room, &said).await;
    scene.at_b.vanish();
    change_three(&mut scene.at_a, room, &said).await;
    say_all(&mut scene.at_a, room, 400).await;
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;
    scene.at_b.permit(Permits { sync: true, reset: false });
    scene.at_b.connect(cluster.address(0)).await;
    sees_three_changed(&scene.at_b, room, &said).await;
    assert!(scene.at_b.look(|view| view.room(room).syncs) > 0);
    // What did not change was not touched.
    scene.at_b.sees_it(room, said[3], |message| message.edited_at.is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_tried_again_on_another_node_returns_the_first_place() {
    let cluster = Cluster::start(2, 1).await;
    let mut scene = scene(&cluster).await;
    let room = scene.room;
    let said = say_all(&mut scene.at_a, room, 1).await[0];
    let mut elsewhere = cluster.connect(&scene.ada, 1).await;
    let changes = [(); 3].map(|()| MessageId::new());
    let [edit, reaction, deletion] = changes;
    let (message, body, emoji) = (said, Draft::text("edited"), "🎉".to_owned());
    let frames = [
        ClientFrame::Edit { id: edit, room, message, body },
        ClientFrame::React { id: reaction, room, message, emoji, on: true },
        ClientFrame::Delete { id: deletion, room, message },
    ];
    for frame in &frames {
        scene.at_a.transmit(frame).await;
    }
    all_acked(&scene.at_a, &changes).await;
    // Its message is deleted by now, and it was done all the same.
    for (id, frame) in changes.into_iter().zip(&frames) {
        elsewhere.transmit(frame).await;
        assert_eq!(elsewhere.acked(id).await, scene.at_a.acked(id).await);
    }
    let next = scene.at_a.say(room, "what follows").await;
    let last = scene.at_b.sees(room, changes[2]).await;
    assert_eq!(scene.at_b.sees(room, next).await.seq, last.seq.next(), "something was done twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_what_is_not_stored_yet_do_not_wait_for_mongodb() {
    let cluster = Cluster::builder().with_proxies().start(2, 1).await;
    let mut scene = scene(&cluster).await;
    let room = scene.room;
    say_all(&mut scene.at_a, room, 1).await;
    let proxies = || {
        let gateways = [cluster.gateway(0).mongo_proxy(), cluster.gateway(1).mongo_proxy()];
        gateways.into_iter().chain([cluster.worker(0).mongo_proxy()])
    };
    proxies().for_each(|proxy| proxy.black_hole(true));
    let mut said = Vec::new();
    for n in 0..3 {
        said.push(scene.at_a.say(room, &format!("into the dark {n}")).await);
    }
    let changes = [
        scene.at_a.edit(room, said[0], "edited").await,
        scene.at_a.delete(room, said[1]).await,
        scene.at_a.react(room, said[2], "🎉").await,
    ];
    sees_three_changed(&scene.at_b, room, &said).await;
    let acked = scene.at_a.look(|view| changes.iter().any(|id| view.acks.contains_key(id)));
    assert!(!acked, "acked what MongoDB can't have");

    proxies().for_each(|proxy| proxy.black_hole(false));
    all_acked(&scene.at_a, &changes).await;
    let tombstone = cluster.stored(room).await.into_iter().find(|event| event.id == said[1]);
    assert_eq!(tombstone.map(|event| event.kind), Some("tombstone".to_owned()));
}
