//! The end of a room: gone for everybody at once, and then for good.

use hubbub_protocol::{
    AttachmentId, ClientFrame, Draft, ErrorCode, MessageId, RoomChange, RoomId, ServerFrame,
};
use hubbub_store::{
    AttachmentStore, BlobStore, DestructionStore, MembershipStore, MongoStore, Remains,
};
use hubbub_testkit::nodes::view::View;
use hubbub_testkit::nodes::{Cluster, Person, TestClient, eventually, soon};

use super::{answer, can_join};
use crate::say_all;

/// The name of the rooms that [`Person::room_with`] makes.
const NAME: &str = "A room";
/// What a worker sends MongoDB to remove events.
const REMOVES_EVENTS: &[u8] = b"delete\0\x07\0\0\0events\0";
/// What is removed of a room, and where each kind must be found before.
const KEPT: [Remains; 5] = [
    Remains::Memberships,
    Remains::Events,
    Remains::SearchEntries,
    Remains::Positions,
    Remains::InboxEntries,
];

/// Says something with a file, and waits until it is stored.
async fn say_with_file(client: &mut TestClient, of: &Person, room: RoomId) -> AttachmentId {
    let file = of.api.upload(room, "plan.txt", b"the plan".to_vec()).await.expect("an upload");
    let (id, file) = (MessageId::new(), file.attachment.id);
    let body = Draft { attachments: vec![file], ..Draft::text("here is the plan") };
    client.transmit(&ClientFrame::Send { id, room, body }).await;
    client.acked(id).await;
    file
}

/// Says one thing after the other until the room is gone, and tells what was said.
async fn say_until_refused(device: &mut TestClient, room: RoomId) -> Vec<MessageId> {
    let mut said = Vec::new();
    loop {
        said.push(device.say(room, "on its way").await);
        device.caught_up().await;
        if device.look(|view| said.iter().any(|id| answer(view, *id).is_some_and(|a| a.is_err()))) {
            return said;
        }
    }
}

/// Waits until a device was told of the end: first in the room's log, then of its own connection.
async fn is_told_of_the_end(device: &TestClient, room: RoomId) {
    let place = |view: &View, is: &dyn Fn(&ServerFrame) -> bool| view.frames.iter().position(is);
    let ends = |frame: &ServerFrame| {
        matches!(frame, ServerFrame::Room(RoomChange { room: of, details, .. })
            if *of == room && details.destroyed)
    };
    let unsubscribed = |frame: &ServerFrame| matches!(frame, ServerFrame::Unsubscribed { room: of } if *of == room);
    let told = device.until("the end of the room", |view| {
        let out = place(view, &unsubscribed)?;
        Some(place(view, &ends).is_some_and(|end| end < out))
    });
    assert!(told.await, "told that it is out before it was told why");
}

async fn left(store: &MongoStore, room: RoomId) -> Vec<(Remains, u64)> {
    let mut left = Vec::new();
    for what in Remains::ALL {
        left.push((*what, store.count_remains(room, *what).await.expect("a count")));
    }
    left
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destroyed_room_is_gone_for_good_though_a_worker_was_killed_while_it_removed_it() {
    let mut cluster = Cluster::builder()
        .of_processes()
        .with_proxies()
        .with("HUBBUB_REMOVAL_LEASE", "2s")
        .with("HUBBUB_REMOVAL_LATE", "3s")
        .start(2, 1)
        .await;
    let store = cluster.store().await;
    let (ada, bob, eve) =
        (cluster.person(0).await, cluster.person(1).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob, &eve]).await;
    let code = ada.api.room(room).await.unwrap().code.unwrap().to_string();
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut at_b = cluster.connect(&bob, 1).await;
    let said = say_all(&mut at_a, room, 20).await;
    let file = say_with_file(&mut at_a, &ada, room).await;
    let call = at_a.say(room, &format!("@{} where are you?", eve.user.username)).await;
    at_a.acked(call).await;
    let read = Some(at_a.position(room).seq);
    at_b.transmit(&ClientFrame::Mark { room, delivered: None, read, unread: None }).await;
    eventually("something of every kind is stored", async || {
        let left = left(&store, room).await;
        let there = |kind: Remains| left.iter().any(|(what, count)| *what == kind && *count > 0);
        KEPT.into_iter().all(there).then_some(())
    })
    .await;
    let stored = store.file(file).await.unwrap().expect("the file");
    let part = stored.parts[0].key(stored.folder());
    assert!(store.blobs().get(&part).await.unwrap().is_some());

    cluster.worker(0).mongo_proxy().stall_when_client_sends(REMOVES_EVENTS);
    let (destroyed, on_the_way) =
        tokio::join!(ada.api.destroy_room(room, NAME), say_until_refused(&mut at_b, room));
    assert_eq!(destroyed.unwrap().finished_at, None);
    is_told_of_the_end(&at_b, room).await;
    let late = at_b.say(room, "too late").await;
    assert_eq!(at_b.refused(late).await.code, ErrorCode::RoomNotFound);
    for text in [code, room.to_string()] {
        for person in [&ada, &bob] {
            assert_eq!(can_join(person, &text).await, Err(Some(ErrorCode::RoomNotFound)));
        }
    }

    soon("the removal of events", cluster.worker(0).mongo_proxy().stalled()).await;
    cluster.take_worker(0).kill();
    let under_way = store.destruction(room).await.unwrap().expect("a job");
    assert!(under_way.found.events > under_way.removed.events, "{under_way:?}");
    cluster.add_worker().await;
    let done = eventually("the end of the removal", async || {
        let job = ada.api.destruction(room).await.ok()?;
        job.finished_at.is_some().then_some(job.removed)
    })
    .await;

    for id in on_the_way {
        let answered = at_b.until("an answer", |view| answer(view, id)).await;
        assert!(matches!(answered, Ok(()) | Err(ErrorCode::RoomNotFound)), "{answered:?}");
    }
    let nothing: Vec<_> = Remains::ALL.iter().map(|what| (*what, 0)).collect();
    assert_eq!(left(&store, room).await, nothing);
    assert!(cluster.stored(room).await.is_empty());
    assert!(store.file(file).await.unwrap().is_none());
    assert_eq!(store.blobs().get(&part).await.unwrap(), None);
    assert!(store.members(room, None, 10).await.unwrap().is_empty());
    assert_eq!((done.files, done.memberships, done.inbox_entries), (1, 3, 1), "{done:?}");
    assert!(done.events > said.len() as u64, "{done:?}");
    assert!(done.search_entries > 0 && done.positions > 0, "{done:?}");
}
