//! How far people have come, on all their devices, and what waits for those who were away.

use hubbub_protocol::http::NotifyLevel;
use hubbub_protocol::server::Mark;
use hubbub_protocol::{ClientFrame, MessageId, RoomId, Seq, ServerFrame, UserId};
use hubbub_testkit::nodes::view::View;
use hubbub_testkit::nodes::{Cluster, Person, TestClient, eventually, soon};

use crate::say_all;

async fn mark(client: &mut TestClient, room: RoomId, read: Option<u64>, unread: Option<u64>) {
    let (read, unread) = (read.map(Seq), unread.map(Seq));
    client.transmit(&ClientFrame::Mark { room, delivered: None, read, unread }).await;
}

/// Waits until a device was told a mark of somebody that is as wanted.
async fn told(device: &TestClient, user: UserId, what: &str, wanted: impl Fn(&Mark) -> bool) {
    device
        .hears(what, |frame| match frame {
            ServerFrame::Marks { marks, .. } => {
                marks.iter().any(|mark| mark.user == user && wanted(mark)).then_some(())
            }
            _ => None,
        })
        .await;
}

/// What the last `ready` said waits in the inbox.
fn waiting(client: &TestClient) -> u64 {
    client.look(|view| {
        let ready = view.frames.iter().rev().find_map(|frame| match frame {
            ServerFrame::Ready { inbox, .. } => Some(*inbox),
            _ => None,
        });
        ready.expect("it was greeted")
    })
}

/// Two devices of somebody on two gateways, known to the presence map.
async fn two_devices(cluster: &Cluster, person: &Person) -> (TestClient, TestClient) {
    let devices = (cluster.connect(person, 0).await, cluster.connect(person, 1).await);
    eventually("both are known", async || {
        let online = person.api.users(&person.user.username, true).await.ok()?;
        (!online.users.is_empty()).then_some(())
    })
    .await;
    devices
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_devices_of_one_person_on_two_nodes_stay_in_step() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let (mut phone, laptop) = two_devices(&cluster, &bob).await;
    say_all(&mut at_a, room, 3).await;
    let head = at_a.position(room).seq.0;

    mark(&mut phone, room, Some(head), None).await;
    // The map hears of a connection a moment after its greeting, so the first news may pass it by.
    let mut from = 0;
    eventually("the laptop hears of the phone's marks", async || {
        from = from % 2 + 1;
        mark(&mut phone, room, None, Some(from)).await;
        let hears =
            |view: &View| view.frames.iter().any(|f| matches!(f, ServerFrame::Marks { .. }));
        laptop.look(hears).then_some(())
    })
    .await;
    mark(&mut phone, room, None, Some(0)).await;
    told(&laptop, bob.id(), "all is read", |mark| {
        (mark.read, mark.unread_from, mark.unread) == (Seq(head), None, Some(0))
    })
    .await;
    told(&at_a, bob.id(), "others know", |mark| mark.read == Seq(head) && mark.unread.is_none())
        .await;
    mark(&mut phone, room, None, Some(head - 1)).await;
    told(&laptop, bob.id(), "the last two are unread", |mark| {
        mark.unread_from == Some(Seq(head - 1)) && mark.unread == Some(2)
    })
    .await;
    let back = cluster.connect(&bob, 0).await;
    let ready = back
        .hears("a greeting", |frame| match frame {
            ServerFrame::Ready { rooms, .. } => rooms.iter().find(|r| r.room == room).cloned(),
            _ => None,
        })
        .await;
    assert_eq!((ready.read, ready.unread_from, ready.unread), (Seq(head), Some(Seq(head - 1)), 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_while_away_is_in_the_inbox_once_though_a_worker_was_killed_in_the_middle() {
    let mut cluster = Cluster::builder().of_processes().with_proxies().start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.api.direct(bob.id()).await.expect("a direct room").id;
    let mut at_a = cluster.connect(&ada, 0).await;
    say_all(&mut at_a, room, 1).await;

    let id = MessageId::new();
    // The inbox is written; of what a worker tells Redis, only the settlement names the message.
    cluster.worker(0).redis_proxy().stall_when_client_sends(id.to_string().as_bytes());
    at_a.say_as(id, room, "are you there?").await;
    soon("a settlement", cluster.worker(0).redis_proxy().stalled()).await;
    cluster.take_worker(0).kill();
    cluster.add_worker().await;
    at_a.acked(id).await;
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;

    let (mut phone, laptop) = two_devices(&cluster, &bob).await;
    assert_eq!((waiting(&phone), waiting(&laptop)), (2, 2));
    let head = phone.position(room).seq.0;
    mark(&mut phone, room, Some(head), None).await;
    phone.hears("an empty inbox", |frame| left(frame, 0)).await;
    let back = cluster.connect(&bob, 1).await;
    assert_eq!(waiting(&back), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_connected_anywhere_finds_nothing_in_the_inbox() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.api.direct(bob.id()).await.expect("a direct room").id;
    let mut at_a = cluster.connect(&ada, 0).await;
    let _bobs = two_devices(&cluster, &bob).await;
    say_all(&mut at_a, room, 3).await;
    let another = cluster.connect(&bob, 1).await;
    assert_eq!(waiting(&another), 0);
}

/// Says what of a room reaches somebody, again and again, until another device of theirs was told:
/// the map hears of a connection a moment after its greeting. Returns what was told last.
async fn heard_by(other: &TestClient, person: &Person, room: RoomId) -> NotifyLevel {
    let mut level = NotifyLevel::All;
    eventually("the other device hears", async || {
        level = if level == NotifyLevel::All { NotifyLevel::Nothing } else { NotifyLevel::All };
        person.api.set_notify(room, level).await.expect("a change");
        let is_told = |frame: &ServerFrame| match frame {
            ServerFrame::Marks { marks, .. } => {
                marks.iter().any(|mark| mark.user == person.id() && mark.notify == Some(level))
            }
            _ => false,
        };
        other.look(|view| view.frames.iter().any(is_told).then_some(level))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notify_level_is_told_to_ones_own_devices_on_every_node_and_to_nobody_else() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(0).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_b = cluster.connect(&ada, 1).await;
    let laptop = cluster.connect(&bob, 1).await;
    // Told over the first node, where bob's calls go.
    let level = heard_by(&laptop, &bob, room).await;
    assert_eq!(bob.api.room(room).await.unwrap().notify, level);
    let elsewhere = bob.login(cluster.address(1)).await;
    assert_eq!(elsewhere.api.room(room).await.unwrap().notify, level);
    assert_eq!(ada.api.room(room).await.unwrap().notify, NotifyLevel::Mentions);
    at_b.caught_up().await;
    let told = |frame: &ServerFrame| match frame {
        ServerFrame::Marks { marks, .. } => marks.iter().any(|mark| mark.notify.is_some()),
        _ => false,
    };
    assert!(!at_b.look(|view| view.frames.iter().any(told)), "it is nobody else's business");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_inbox_emptied_by_reading_on_one_device_is_empty_on_another_at_another_node() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.api.direct(bob.id()).await.expect("a direct room").id;
    let mut at_a = cluster.connect(&ada, 0).await;
    say_all(&mut at_a, room, 2).await;
    assert_eq!(bob.api.inbox().await.unwrap().waiting, 2);
    let (mut phone, laptop) = two_devices(&cluster, &bob).await;
    assert_eq!((waiting(&phone), waiting(&laptop)), (2, 2));
    let at_first = bob.login(cluster.address(0)).await;
    heard_by(&laptop, &at_first, room).await;

    let head = phone.position(room).seq.0;
    mark(&mut phone, room, Some(head - 1), None).await;
    laptop.hears("that one is left", |frame| left(frame, 1)).await;
    mark(&mut phone, room, Some(head), None).await;
    laptop.hears("that none is left", |frame| left(frame, 0)).await;
    phone.hears("the same", |frame| left(frame, 0)).await;
    assert_eq!(bob.api.inbox().await.unwrap().waiting, 0);
}

fn left(frame: &ServerFrame, count: u64) -> Option<()> {
    matches!(frame, ServerFrame::Inbox { waiting } if *waiting == count).then_some(())
}
