//! Several nodes on one bus.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hubbub_bus::{BusError, Commit, CommitError, Control, NodeCommand, Verdict};
use hubbub_protocol::client::DeviceStatus::Online;
use hubbub_protocol::{ConnectionId, RoomId, SessionId, Timestamp, UserId};

use crate::backend::{Backend, Tuning, at_once, eventually, message};
use crate::heard::Word;

pub(crate) async fn every_node_hears_one_order(backend: &Backend) {
    let nodes = [Arc::new(backend.node("a").await), Arc::new(backend.node("b").await)];
    let room = nodes[0].room().await;
    for node in &nodes {
        node.hear(&[room]).await;
    }
    at_once(100, |number| {
        let node = Arc::clone(&nodes[number % 2]);
        async move { node.say(room).await }
    })
    .await;
    for node in &nodes {
        node.heard.until("all", |_| node.heard.positions(room).len() >= 100).await;
        let seqs = node.heard.positions(room).into_iter().map(|position| position.seq.0);
        assert!(seqs.eq(1..=100));
    }
}

pub(crate) async fn a_retry_on_another_node_returns_the_first_place(backend: &Backend) {
    let (one, other) = (backend.node("a").await, backend.node("b").await);
    let event = message(one.room().await);
    let position = one.say_event(&event).await;
    let seen = other.commit(&event).await.unwrap();
    assert_eq!(seen, Commit::Seen { position, sender: event.sender, at: event.at });
}

pub(crate) async fn a_room_closed_by_one_node_is_closed_for_another(backend: &Backend) {
    let (one, other) = (backend.node("a").await, backend.node("b").await);
    let room = one.room().await;
    other.say(room).await;
    one.bus.close(room).await.unwrap();
    let refused = other.commit(&message(room)).await;
    assert!(matches!(refused, Err(CommitError::Unseeded)), "{refused:?}");
}

pub(crate) async fn a_pace_is_one_for_all_nodes(backend: &Backend) {
    let (one, other) = (backend.node("a").await, backend.node("b").await);
    let hour = Duration::from_secs(3600);
    let passes = |verdict| matches!(verdict, Verdict::Allowed { .. });
    assert!(passes(one.bus.pace("slow:x", "first", hour).await.unwrap()));
    assert!(!passes(other.bus.pace("slow:x", "second", hour).await.unwrap()));
    assert!(passes(other.bus.pace("slow:x", "first", hour).await.unwrap()), "a retry elsewhere");
}

pub(crate) async fn notices_reach_only_their_origin(backend: &Backend) {
    let (one, other, worker) =
        (backend.node("a").await, backend.node("b").await, backend.node("w").await);
    for node in [&one, &other] {
        eventually("the probe", async || node.bus.probe_age().is_some()).await;
    }
    let room = one.room().await;
    let of_one = message(room);
    one.say_event(&of_one).await;
    other.say(room).await;
    let entries = worker.read(2).await;
    let notices = worker.settle(&entries).await;
    let (mine, theirs): (Vec<_>, Vec<_>) =
        notices.into_iter().partition(|notice| notice.id == of_one.id);
    one.heard.until_word(Word::Stored(mine[0])).await;
    other.heard.until_word(Word::Stored(theirs[0])).await;
    assert_eq!(one.heard.count_of(&Word::Stored(theirs[0])), 0);
    assert_eq!(other.heard.count_of(&Word::Stored(mine[0])), 0);
}

pub(crate) async fn control_words_reach_every_node(backend: &Backend) {
    let (one, other) = (backend.node("a").await, backend.node("b").await);
    for node in [&one, &other] {
        // The control channel is subscribed before the probe is sent, on a server of its own in a
        // cluster: every server's probe is back.
        eventually("the probe", async || node.bus.probe_age().is_some()).await;
    }
    let control = Control::SessionEnded { session: SessionId::new() };
    one.bus.publish_control(&control).await.unwrap();
    for node in [&one, &other] {
        node.heard.until_word(Word::Control(control.clone())).await;
    }
}

pub(crate) async fn a_word_to_one_node_reaches_no_other(backend: &Backend) {
    let (one, other) = (backend.node("a").await, backend.node("b").await);
    for node in [&one, &other] {
        eventually("the probe", async || node.bus.probe_age().is_some()).await;
    }
    let word = Control::Command { command: NodeCommand::Drain };
    one.bus.tell_node(other.bus.incarnation(), &word).await.unwrap();
    // What comes after it on the same way is heard by both.
    let last = Control::SessionEnded { session: SessionId::new() };
    other.heard.until_word(Word::Control(word.clone())).await;
    one.bus.tell_node(one.bus.incarnation(), &last).await.unwrap();
    one.heard.until_word(Word::Control(last)).await;
    assert_eq!(one.heard.count_of(&Word::Control(word)), 0);
}

pub(crate) async fn a_frame_for_people_reaches_only_the_nodes_that_hold_them(backend: &Backend) {
    let nodes = [backend.node("a").await, backend.node("b").await, backend.node("c").await];
    let (user, other) = (UserId::new(), UserId::new());
    for node in &nodes {
        eventually("the probe", async || node.bus.probe_age().is_some()).await;
        node.bus.renew_lease().await.unwrap();
    }
    for (node, user) in [(0, user), (1, user), (1, other), (2, other)] {
        let connection = (user, ConnectionId::new(), Online);
        nodes[node].bus.put_connections(&[connection]).await.unwrap();
    }
    let teller = backend.node("w").await;
    let word = |users: &[UserId], key: &str| {
        Word::ForUsers(users.to_vec(), key.to_owned(), Bytes::from_static(b"{}"))
    };
    teller.bus.tell_users(&[user], "first", "{}").await.unwrap();
    let both = if user < other { [user, other] } else { [other, user] };
    teller.bus.tell_users(&both, "second", "{}").await.unwrap();
    for (node, heard) in [(0, &[user][..]), (1, &both), (2, &[other])] {
        nodes[node].heard.until_word(word(heard, "second")).await;
    }
    let firsts = nodes.each_ref().map(|node| node.heard.count_of(&word(&[user], "first")));
    assert_eq!(firsts, [1, 1, 0]);
}

pub(crate) async fn every_room_is_heard_whatever_its_partition(backend: &Backend) {
    let (speaker, listener) = (backend.node("a").await, backend.node("b").await);
    let mut rooms = Vec::new();
    for _ in 0..100 {
        rooms.push(speaker.room().await);
    }
    listener.hear(&rooms).await;
    for room in &rooms {
        speaker.say(*room).await;
    }
    listener
        .heard
        .until("all rooms", |words| {
            let heard = |room: &RoomId| {
                words.iter().any(|word| matches!(word, Word::Event(of, ..) if of == room))
            };
            rooms.iter().all(heard)
        })
        .await;
}

pub(crate) async fn presence_is_one_map(backend: &Backend) {
    let (one, other) = (backend.node("a").await, backend.node("b").await);
    let user = UserId::new();
    let (phone, laptop) = (ConnectionId::new(), ConnectionId::new());
    for (node, connection) in [(&one, phone), (&other, laptop)] {
        node.bus.renew_lease().await.unwrap();
        node.bus.put_connections(&[(user, connection, Online)]).await.unwrap();
    }
    eventually("both leases are known", async || {
        one.bus.presence(&[user]).await.unwrap()[0].connections.len() == 2
    })
    .await;
    assert_eq!(one.bus.nodes().await.unwrap().len(), 2);
    assert_eq!(one.bus.online(None, 10).await.unwrap(), [user]);
    assert_eq!(one.bus.remove_connections(&[(user, laptop)]).await.unwrap(), [], "not its own");
    assert_eq!(other.bus.presence(&[user]).await.unwrap()[0].connections.len(), 2);
    one.bus.remove_connections(&[(user, phone)]).await.unwrap();
    other.bus.remove_connections(&[(user, laptop)]).await.unwrap();
    assert!(one.bus.presence(&[user]).await.unwrap()[0].connections.is_empty());
}

fn short_lease() -> Tuning {
    let (lease, offline_grace) = (Duration::from_millis(500), Duration::from_secs(1));
    Tuning { lease, offline_grace, ..Tuning::default() }
}

pub(crate) async fn a_dead_nodes_users_leave_as_of_its_end(backend: &Backend) {
    let tuning = || Tuning { lease: Duration::from_secs(15), ..short_lease() };
    let dead = backend.tuned("a", short_lease()).await;
    let (one, other) = (backend.tuned("b", tuning()).await, backend.tuned("c", tuning()).await);
    let (here, gone) = (UserId::new(), UserId::new());
    dead.bus.renew_lease().await.unwrap();
    one.bus.renew_lease().await.unwrap();
    let connection = ConnectionId::new();
    dead.bus
        .put_connections(&[(gone, ConnectionId::new(), Online), (here, connection, Online)])
        .await
        .unwrap();
    one.bus.put_connections(&[(here, ConnectionId::new(), Online)]).await.unwrap();
    drop(dead);
    eventually("the lease has lapsed", async || one.bus.nodes().await.unwrap().len() == 1).await;
    let lapsed = Timestamp::now();
    let (mine, theirs) = tokio::join!(one.bus.reap(), other.bus.reap());
    assert_eq!([mine.unwrap(), theirs.unwrap()].concat(), [], "they are shown as before");
    assert_eq!(one.bus.presence(&[gone]).await.unwrap()[0].lingering, Some(Online));
    let presence = one.bus.presence(&[here]).await.unwrap();
    assert_eq!(presence[0].connections.len(), 1);
    assert_ne!(presence[0].connections[0].connection, connection);
    let mut departed = Vec::new();
    eventually("the grace is over", async || {
        departed = one.bus.departed(100).await.unwrap();
        !departed.is_empty()
    })
    .await;
    assert_eq!(departed[0].user, gone);
    assert!(departed[0].ended <= lapsed, "as of the end of the lease, not of the reaper's turn");
    one.bus.forget_departed(&[gone]).await.unwrap();
    assert_eq!(one.bus.online(None, 10).await.unwrap(), [here]);
}

pub(crate) async fn one_reaper_is_told_of_the_departed(backend: &Backend) {
    let (one, other) =
        (backend.tuned("a", short_lease()).await, backend.tuned("b", short_lease()).await);
    let (user, connection) = (UserId::new(), ConnectionId::new());
    one.bus.renew_lease().await.unwrap();
    one.bus.put_connections(&[(user, connection, Online)]).await.unwrap();
    one.bus.remove_connections(&[(user, connection)]).await.unwrap();
    eventually("it is told", async || !one.bus.departed(100).await.unwrap().is_empty()).await;
    assert_eq!(other.bus.departed(100).await.unwrap(), []);
    // The first dies before it has done anything about it.
    drop(one);
    eventually("the other is told", async || !other.bus.departed(100).await.unwrap().is_empty())
        .await;
}

pub(crate) async fn a_node_that_comes_back_is_not_cleared(backend: &Backend) {
    let back = backend.tuned("a", short_lease()).await;
    let reaper = backend.node("b").await;
    let (user, connection) = (UserId::new(), ConnectionId::new());
    back.bus.renew_lease().await.unwrap();
    back.bus.put_connections(&[(user, connection, Online)]).await.unwrap();
    eventually("it has lapsed", async || back.bus.nodes().await.unwrap().is_empty()).await;
    assert!(back.bus.renew_lease().await.unwrap());
    back.bus.put_connections(&[(user, connection, Online)]).await.unwrap();
    assert_eq!(reaper.bus.reap().await.unwrap(), []);
    assert_eq!(reaper.bus.online(None, 10).await.unwrap(), [user]);
}

pub(crate) async fn another_number_of_partitions_is_refused(backend: &Backend) {
    let _first = backend.node("a").await;
    let tuning = Tuning { partitions: 8, ..Tuning::default() };
    let Err(BusError::Protocol(error)) = backend.connect("b", tuning).await else {
        panic!("16 and 8 partitions over the same data")
    };
    assert!(error.contains("set the number of partitions to 16"), "{error}");
}
