//! What only the SQLite store has: a file that stays, a lock and a clean mark.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::path::Path;

use hubbub_protocol::{
    Epoch, Event, Message, MessageBody, MessageId, Position, RoomCode, RoomId, Seq, Timestamp,
    UserId, http::RoomKind,
};
use hubbub_store::{
    Appended, EventStore, NewRoom, Page, RoomStore, SqliteStore, Store, StoreError,
};

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

fn room() -> NewRoom {
    NewRoom {
        id: RoomId::new(),
        kind: RoomKind::Private,
        name: "Lounge".to_owned(),
        description: String::new(),
        code: RoomCode::new(),
        owner: UserId::new(),
        created_at: Timestamp::now(),
    }
}

#[tokio::test]
async fn what_was_stored_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (new, event) = (room(), message(RoomId::new(), 7));
    let event = Event::Message(match event {
        Event::Message(message) => Message { room: new.id, ..message },
        other => panic!("{other:?}"),
    });
    let store = SqliteStore::open(dir.path()).unwrap();
    let made = store.create_room(new.clone()).await.unwrap();
    store.append(std::slice::from_ref(&event)).await.unwrap();
    store.open_epoch(new.id, Epoch(1)).await.unwrap();
    store.close().await;

    let store = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(store.rooms(&[new.id]).await.unwrap(), [made]);
    let page = store.history(new.id, Page::Latest, 9).await.unwrap();
    assert_eq!(page.messages.into_iter().map(Event::Message).collect::<Vec<_>>(), [event]);
    let head = store.stored_head(new.id).await.unwrap();
    assert_eq!(head, Some(Position::new(Epoch(2), Seq(7))));
}

#[tokio::test]
async fn a_new_store_is_clean_and_so_is_one_that_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let store = SqliteStore::open(dir.path()).unwrap();
        assert!(store.was_clean());
        store.close().await;
    }
}

#[tokio::test]
async fn a_store_that_was_not_closed_is_not_clean() {
    let dir = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(dir.path()).unwrap());
    let store = SqliteStore::open(dir.path()).unwrap();
    assert!(!store.was_clean());
    store.close().await;
    assert!(SqliteStore::open(dir.path()).unwrap().was_clean());
}

/// Copies the files as a killed process would leave them: no checkpoint, no mark.
fn copy_as_killed(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let room = RoomId::new();
    let store = SqliteStore::open(dir.path()).unwrap();
    for seq in 1..=20 {
        store.append(&[message(room, seq)]).await.unwrap();
    }
    copy_as_killed(dir.path(), copy.path());
    let survivor = SqliteStore::open(copy.path()).unwrap();
    assert!(!survivor.was_clean());
    assert_eq!(survivor.count_events(room, Seq(0), Seq(20)).await.unwrap(), 20);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(dir.path()).unwrap();
    let refused = SqliteStore::open(dir.path()).unwrap_err();
    assert!(matches!(&refused, StoreError::Failed(why) if why.contains("another process")));
    first.close().await;
    assert!(SqliteStore::open(dir.path()).is_ok());
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    store.ping().await.unwrap();
    store.close().await;
    store.close().await;
    let unavailable = |outcome| matches!(outcome, Err(StoreError::Unavailable(_)));
    assert!(unavailable(store.ping().await));
    assert!(unavailable(store.stored_head(RoomId::new()).await.map(drop)));
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_what_was_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let room = RoomId::new();
    let store = SqliteStore::open(dir.path()).unwrap();
    let appends: Vec<_> = (1..=50)
        .map(|seq| {
            let store = store.clone();
            tokio::spawn(async move { store.append(&[message(room, seq)]).await })
        })
        .collect();
    store.close().await;
    let mut acknowledged = 0;
    for append in appends {
        match append.await.unwrap() {
            Ok(outcome) => {
                assert_eq!(outcome, [Appended::Stored]);
                acknowledged += 1;
            }
            Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}"),
        }
    }
    let store = SqliteStore::open(dir.path()).unwrap();
    assert_eq!(store.count_events(room, Seq(0), Seq(50)).await.unwrap(), acknowledged);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    store.create_room(room()).await.unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
    }
}

#[test]
fn a_directory_that_can_not_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let refused = SqliteStore::open(&file.path().join("data")).unwrap_err();
    assert!(refused.to_string().contains(&*file.path().to_string_lossy()), "{refused}");
}
