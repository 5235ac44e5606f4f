//! What only MongoDB can do to a store: lose its primary, stop answering, be no replica set.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use hubbub_protocol::{
    Epoch, Event, Message, MessageBody, MessageId, RoomCode, RoomId, Seq, Timestamp, UserId,
    http::RoomKind,
};
use hubbub_store::{
    Appended, EventStore, MongoOptions, MongoStore, NewRoom, PositionStore, RoomStore, Store,
    StoreError, Unread, UnreadRange, UserStore,
};
use hubbub_testkit::mongo::MongoSet;
use mongodb::Client;
use mongodb::bson::{Bson, Document, doc};

fn message(room: RoomId, seq: u64) -> Event {
    Event::Message(Message {
        room,
        epoch: Epoch(1),
        seq: Seq(seq),
        id: MessageId::new(),
        sender: UserId::new(),
        at: Timestamp::now(),
        body: MessageBody::text(format!("number {seq}")),
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
    })
}

async fn connected(set: &MongoSet) -> MongoStore {
    MongoStore::connect(MongoOptions::new(set.uri(), "test")).await.unwrap()
}

#[tokio::test]
async fn a_server_that_is_no_replica_set_is_refused() {
    let mongo = MongoSet::start_standalone().await;
    for uri in [mongo.uri(), format!("{}?replicaSet=rs0", mongo.uri())] {
        let refused = MongoStore::connect(MongoOptions::new(uri, "test")).await.unwrap_err();
        let StoreError::Failed(why) = refused else { panic!("{refused:?}") };
        for part in ["HUBBUB_MONGODB_URL", "replica set", "--replSet", "rs.initiate()"] {
            assert!(why.contains(part), "{why}");
        }
    }
}

#[tokio::test]
async fn a_url_that_is_none_is_refused_without_repeating_it() {
    let options = MongoOptions::new("mongo://me:secret@db/", "test");
    assert!(!format!("{options:?}").contains("secret"));
    let refused = MongoStore::connect(options).await.unwrap_err();
    assert!(matches!(refused, StoreError::Failed(_)), "{refused:?}");
    let why = refused.to_string();
    assert!(why.contains("HUBBUB_MONGODB_URL") && !why.contains("secret"), "{why}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_unavailable() {
    let set = MongoSet::start(1).await;
    set.stop_all();
    let since = Instant::now();
    let refused = MongoStore::connect(MongoOptions::new(set.uri(), "test")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    assert!(since.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn connecting_again_finds_the_indexes_made() {
    let set = MongoSet::start(1).await;
    let stores = (0..4).map(|_| connected(&set));
    for store in futures_util::future::join_all(stores).await {
        store.ping().await.unwrap();
        store.close().await;
    }
}

/// How the server carried out what a store asked of a collection: the profiler's summary of each
/// plan, and how many documents all of them looked at.
async fn profiled(database: &mongodb::Database, collection: &str) -> (Vec<String>, i64) {
    let entries = database.collection::<Document>("system.profile");
    let namespace = doc! { "ns": format!("{}.{collection}", database.name()) };
    let entries: Vec<Document> =
        entries.find(namespace).await.unwrap().try_collect().await.unwrap();
    let plans = entries.iter().filter_map(|entry| entry.get_str("planSummary").ok());
    let examined = entries.iter().filter_map(|entry| match entry.get("docsExamined")? {
        Bson::Int32(documents) => Some(i64::from(*documents)),
        Bson::Int64(documents) => Some(*documents),
        _ => None,
    });
    (plans.map(str::to_owned).collect(), examined.sum())
}

#[tokio::test]
async fn unread_are_counted_from_the_index_alone() {
    let set = MongoSet::start(1).await;
    let store = connected(&set).await;
    let rooms: Vec<_> = (0..3).map(|_| RoomId::new()).collect();
    let reader = UserId::new();
    let called_by_every_third = |mut event: Event| {
        if let Event::Message(message) = &mut event
            && message.seq.0.is_multiple_of(3)
        {
            message.body.mentions.users = vec![UserId::new(), reader];
            message.body.mentions.all = true;
        }
        event
    };
    let events: Vec<_> = rooms
        .iter()
        .flat_map(|room| (1..=20).map(|seq| called_by_every_third(message(*room, seq))))
        .collect();
    store.append(&events).await.unwrap();
    let database = Client::with_uri_str(set.uri()).await.unwrap().database("test");
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    let range = |room: &RoomId| UnreadRange { room: *room, after: Seq(5), upto: Seq(20) };
    let asked: Vec<_> = rooms.iter().map(range).collect();
    let unread = store.unread(reader, &asked).await.unwrap();
    assert_eq!(unread, [Unread { messages: 15, mentions: 5 }; 3]);
    let (plans, documents) = profiled(&database, "events").await;
    // One for the messages, one for the mentions.
    assert_eq!(plans.len(), 2, "{plans:?}");
    assert!(plans.iter().all(|plan| plan.starts_with("IXSCAN")), "{plans:?}");
    assert_eq!(documents, 0);
}

#[tokio::test]
async fn people_are_searched_through_the_index() {
    let set = MongoSet::start(1).await;
    let store = connected(&set).await;
    let database = Client::with_uri_str(set.uri()).await.unwrap().database("test");
    database.run_command(doc! { "profile": 2 }).await.unwrap();
    store.find_users("ada", None, 20).await.unwrap();
    let (plans, _) = profiled(&database, "users").await;
    assert!(plans.len() == 1 && plans[0].starts_with("IXSCAN"), "{plans:?}");
}

/// Takes away what a crash between two writes would have left out.
async fn forget(set: &MongoSet, collection: &str) {
    let database = Client::with_uri_str(set.uri()).await.unwrap().database("test");
    database.collection::<Document>(collection).delete_many(doc! {}).await.unwrap();
}

#[tokio::test]
async fn opening_a_direct_room_again_makes_good_what_a_crash_left_out() {
    let set = MongoSet::start(1).await;
    let store = connected(&set).await;
    let (a, b) = (UserId::new(), UserId::new());
    store.open_direct(a, b, Timestamp::now()).await.unwrap();
    forget(&set, "memberships").await;
    let database = Client::with_uri_str(set.uri()).await.unwrap().database("test");
    let rooms = database.collection::<Document>("rooms");
    rooms.update_many(doc! {}, doc! { "$set": { "opening": true } }).await.unwrap();
    let (room, made) = store.open_direct(b, a, Timestamp::now()).await.unwrap();
    assert!(!made);
    assert_eq!(room.members, 2);
}

#[tokio::test]
async fn a_room_half_made_is_in_no_list_until_it_is_made_again() {
    let set = MongoSet::start(1).await;
    let store = connected(&set).await;
    let new = NewRoom {
        id: RoomId::new(),
        kind: RoomKind::Public,
        name: "Lounge".to_owned(),
        description: String::new(),
        code: RoomCode::new(),
        owner: UserId::new(),
        created_at: Timestamp::now(),
    };
    store.create_room(new.clone()).await.unwrap();
    forget(&set, "memberships").await;
    let database = Client::with_uri_str(set.uri()).await.unwrap().database("test");
    let rooms = database.collection::<Document>("rooms");
    rooms.update_many(doc! {}, doc! { "$set": { "listed": false } }).await.unwrap();
    assert_eq!(store.directory("", None, 9).await.unwrap(), []);
    assert_eq!(store.rooms_of(new.owner, None, 9).await.unwrap(), []);
    let made = store.create_room(new).await.unwrap();
    assert_eq!(made.members, 1);
    assert_eq!(store.directory("", None, 9).await.unwrap(), [made]);
}

#[tokio::test]
async fn a_primary_that_stands_still_is_unavailable_within_the_time_given() {
    let set = MongoSet::start(1).await;
    let options = MongoOptions {
        operation_timeout: Duration::from_millis(500),
        ..MongoOptions::new(set.uri(), "test")
    };
    let store = MongoStore::connect(options).await.unwrap();
    let event = message(RoomId::new(), 1);
    set.pause(0);
    let since = Instant::now();
    let outcome = store.append(std::slice::from_ref(&event)).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(since.elapsed() < Duration::from_secs(3));
    set.resume(0);
    // It may have been written after all; repeated, it is stored either way.
    let outcome = until_available(|| store.append(std::slice::from_ref(&event))).await;
    assert!(matches!(outcome[..], [Appended::Stored | Appended::Already]), "{outcome:?}");
}

/// Repeats an operation until it is not unavailable.
async fn until_available<T, F>(operation: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    let since = Instant::now();
    loop {
        match operation().await {
            Ok(done) => return done,
            Err(StoreError::Unavailable(why)) => {
                assert!(since.elapsed() < Duration::from_secs(60), "{why}");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_event_is_lost_when_the_primary_dies() {
    const WRITERS: u64 = 4;
    let set = MongoSet::start(3).await;
    let store = Arc::new(connected(&set).await);
    let room = RoomId::new();
    // Each writer has its own share of the seqs and goes on until the new primary has taken some.
    let (killed, was_killed) = tokio::sync::watch::channel(false);
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, was_killed) = (Arc::clone(&store), was_killed.clone());
            tokio::spawn(async move {
                let (mut batches, mut after) = (0_u64, 0);
                let mut acknowledged = Vec::new();
                while after < 20 {
                    let first = (batches * WRITERS + writer) * 10;
                    let batch: Vec<_> = (1..=10).map(|n| message(room, first + n)).collect();
                    let dead = *was_killed.borrow();
                    let outcomes = until_available(|| store.append(&batch)).await;
                    let stored = |o: &Appended| matches!(o, Appended::Stored | Appended::Already);
                    assert!(outcomes.iter().all(stored), "{outcomes:?}");
                    acknowledged.extend(batch);
                    batches += 1;
                    after += u64::from(dead);
                }
                acknowledged
            })
        })
        .collect();
    until_available(|| async {
        match store.count_events(room, Seq(0), Seq(1_000_000)).await? {
            0..200 => Err(StoreError::Unavailable("not yet".to_owned())),
            _ => Ok(()),
        }
    })
    .await;
    let dead = set.kill_primary().await;
    killed.send_replace(true);
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    set.restart(dead).await;
    let ids: Vec<_> = acknowledged.iter().map(|event| (room, event.id())).collect();
    let places = until_available(|| store.places(&ids)).await;
    for (event, place) in acknowledged.iter().zip(places) {
        assert_eq!(place.map(|place| place.position), Some(event.position()));
    }
    let counted = until_available(|| store.count_events(room, Seq(0), Seq(1_000_000))).await;
    assert_eq!(counted, acknowledged.len() as u64);
}
