//! Files.

use std::time::Duration;

use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{
    AttachmentId, Epoch, MessageId, NewEvent, Position, RoomId, Seq, Timestamp, UserId,
};
use hubbub_store::blobs::Part;
use hubbub_store::{FileClaim, FileContent, FileRecord, FileState, FinishedUpload, NewUpload};

use crate::making::{AnyStore, at_once, message_as};

const HOUR: Duration = Duration::from_secs(3600);
const QUOTA: u64 = 1000;

fn upload(length: u64) -> NewUpload {
    NewUpload {
        id: AttachmentId::new(),
        room: RoomId::new(),
        owner: UserId::new(),
        name: "Übung.png".to_owned(),
        length,
        expires_at: Timestamp::now().after(HOUR),
    }
}

fn finished(parts: Vec<Part>) -> FinishedUpload {
    let content = FileContent {
        media_type: "image/png".to_owned(),
        width: Some(640),
        height: Some(480),
        blurhash: Some("LEHV6nWB2yk8".to_owned()),
        thumbnail: true,
    };
    let expires_at = Timestamp::now().after(2 * HOUR);
    FinishedUpload { name: "photo.png".to_owned(), parts, content, expires_at }
}

/// A file that is ready.
async fn ready(store: &AnyStore, upload: NewUpload) -> FileRecord {
    let id = upload.id;
    assert!(store.begin_upload(upload, QUOTA).await.unwrap());
    assert!(store.finish_upload(id, finished(vec![Part::new(100)])).await.unwrap());
    store.file(id).await.unwrap().unwrap()
}

fn claim(file: &FileRecord, message: MessageId) -> FileClaim {
    let at = Timestamp::now();
    FileClaim {
        files: vec![file.id],
        owner: file.owner,
        room: file.room,
        message,
        at,
        check_at: at.after(HOUR),
    }
}

async fn state(store: &AnyStore, id: AttachmentId) -> FileState {
    store.file(id).await.unwrap().unwrap().state
}

pub(crate) async fn a_file_comes_back_as_it_was(store: AnyStore) {
    let begun = upload(250);
    assert!(store.begin_upload(begun.clone(), QUOTA).await.unwrap());
    assert!(store.begin_upload(begun.clone(), QUOTA).await.unwrap(), "again");
    let file = store.file(begun.id).await.unwrap().unwrap();
    assert_eq!((file.state, file.length, file.offset()), (FileState::Uploading, 250, 0));
    assert_eq!((file.room, file.owner, file.name), (begun.room, begun.owner, begun.name));
    let parts = vec![Part::new(100), Part::new(30)];
    assert!(store.finish_upload(begun.id, finished(parts.clone())).await.unwrap());
    assert!(!store.finish_upload(begun.id, finished(Vec::new())).await.unwrap(), "once");
    let file = store.file(begun.id).await.unwrap().unwrap();
    assert_eq!((file.state, file.length, &file.parts), (FileState::Ready, 130, &parts));
    let shown = file.attachment();
    assert_eq!(
        (shown.name.as_str(), shown.width, shown.height),
        ("photo.png", Some(640), Some(480))
    );
    assert!(shown.thumbnail && shown.media_type == "image/png" && shown.size == 130);
    assert_eq!(store.file(AttachmentId::new()).await.unwrap(), None);
}

pub(crate) async fn of_many_who_extend_an_upload_at_once_one_wins(store: AnyStore) {
    let begun = upload(250);
    let id = begun.id;
    store.begin_upload(begun, QUOTA).await.unwrap();
    let outcomes = at_once(&store, 10, |_, store| async move {
        store.extend_upload(id, 0, &[Part::new(100)]).await.unwrap()
    })
    .await;
    assert_eq!(outcomes.iter().filter(|won| **won).count(), 1, "{outcomes:?}");
    let parts = store.file(id).await.unwrap().unwrap().parts;
    let more = [parts, vec![Part::new(50)]].concat();
    assert!(!store.extend_upload(id, 99, &more).await.unwrap());
    assert!(store.extend_upload(id, 100, &more).await.unwrap());
    assert_eq!(store.file(id).await.unwrap().unwrap().offset(), 150);
}

pub(crate) async fn an_owner_has_a_share_and_gone_files_give_theirs_back(store: AnyStore) {
    let first = upload(600);
    let another = |length| NewUpload { owner: first.owner, ..upload(length) };
    assert!(store.begin_upload(first.clone(), QUOTA).await.unwrap());
    assert!(!store.begin_upload(another(401), QUOTA).await.unwrap());
    assert!(store.begin_upload(another(400), QUOTA).await.unwrap());
    assert!(store.begin_upload(upload(QUOTA), QUOTA).await.unwrap(), "somebody else's share");
    assert_eq!(store.discard_files(&[first.id], Timestamp::now()).await.unwrap(), 1);
    assert_eq!(store.discard_files(&[first.id], Timestamp::now()).await.unwrap(), 0);
    assert!(store.begin_upload(another(600), QUOTA).await.unwrap());
}

pub(crate) async fn uploads_at_once_never_take_more_than_the_share(store: AnyStore) {
    let owner = UserId::new();
    let begun = at_once(&store, 8, |_, store| async move {
        store.begin_upload(NewUpload { owner, ..upload(400) }, QUOTA).await.unwrap()
    })
    .await;
    assert!(begun.iter().filter(|begun| **begun).count() <= 2, "{begun:?}");
}

pub(crate) async fn a_file_is_claimed_by_one_message(store: AnyStore) {
    let file = ready(&store, upload(100)).await;
    let messages: Vec<_> = (0..6).map(|_| MessageId::new()).collect();
    let claims: Vec<_> = messages.iter().map(|message| claim(&file, *message)).collect();
    let outcomes = at_once(&store, 6, |i, store| {
        let claim = claims[i].clone();
        async move { store.claim_files(&claim).await.unwrap().is_some() }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|won| **won).count(), 1, "{outcomes:?}");
    let won = outcomes.iter().position(|won| *won).unwrap();
    let again = store.claim_files(&claims[won]).await.unwrap().unwrap();
    assert_eq!((again[0].id, again[0].message), (file.id, Some(messages[won])));
    assert_eq!(state(&store, file.id).await, FileState::Sent);
}

pub(crate) async fn what_is_not_there_for_a_message_is_refused_with_all_of_it(store: AnyStore) {
    let file = ready(&store, upload(100)).await;
    let message = MessageId::new();
    let good = claim(&file, message);
    let unfinished = NewUpload { owner: file.owner, room: file.room, ..upload(10) };
    store.begin_upload(unfinished.clone(), QUOTA).await.unwrap();
    for bad in [
        FileClaim { owner: UserId::new(), ..good.clone() },
        FileClaim { room: RoomId::new(), ..good.clone() },
        FileClaim { files: vec![file.id, AttachmentId::new()], ..good.clone() },
        FileClaim { files: vec![file.id, unfinished.id], ..good.clone() },
        FileClaim { at: Timestamp::now().after(3 * HOUR), ..good.clone() },
    ] {
        assert_eq!(store.claim_files(&bad).await.unwrap(), None);
    }
    assert_eq!(state(&store, file.id).await, FileState::Ready);
    assert!(store.claim_files(&good).await.unwrap().is_some());
}

pub(crate) async fn what_is_due_is_one_collectors_at_a_time(store: AnyStore) {
    let unsent = ready(&store, upload(100)).await;
    let sent = ready(&store, upload(100)).await;
    let kept = ready(&store, upload(100)).await;
    for file in [&sent, &kept] {
        store.claim_files(&claim(file, MessageId::new())).await.unwrap().unwrap();
    }
    store.keep_files(&[kept.id]).await.unwrap();
    let now = Timestamp::now();
    assert_eq!(store.due_files(now, now.after(HOUR), 10).await.unwrap(), []);
    let later = now.after(3 * HOUR);
    let mut due = store.due_files(later, later.after(HOUR), 10).await.unwrap();
    due.sort_unstable_by_key(|file| file.id);
    let states: Vec<_> = due.iter().map(|file| (file.id, file.state)).collect();
    assert_eq!(states, [(unsent.id, FileState::Gone), (sent.id, FileState::Sent)]);
    assert_eq!(store.due_files(later, later.after(HOUR), 10).await.unwrap(), []);
    let after_lease = later.after(2 * HOUR);
    assert_eq!(store.due_files(after_lease, after_lease.after(HOUR), 1).await.unwrap().len(), 1);
    store.forget_file(unsent.id).await.unwrap();
    store.forget_file(unsent.id).await.unwrap();
    assert_eq!(store.file(unsent.id).await.unwrap(), None);
}

pub(crate) async fn deleting_a_message_discards_its_files_and_no_others(store: AnyStore) {
    let file = ready(&store, upload(100)).await;
    let other = ready(&store, NewUpload { room: file.room, ..upload(100) }).await;
    let (message, other_message) = (MessageId::new(), MessageId::new());
    store.claim_files(&claim(&file, message)).await.unwrap().unwrap();
    store.claim_files(&claim(&other, other_message)).await.unwrap().unwrap();
    let at = Timestamp::now();
    let said = message_as(message, file.room, 1, file.owner);
    let deleted = NewEvent {
        room: file.room,
        id: MessageId::new(),
        sender: file.owner,
        at,
        kind: NewEventKind::Deleted { message },
    };
    let deleted = deleted.at(Position::new(Epoch(1), Seq(2)));
    for _ in 0..2 {
        store.append(&[said.clone(), deleted.clone()]).await.unwrap();
        assert_eq!(state(&store, file.id).await, FileState::Gone);
        assert_eq!(state(&store, other.id).await, FileState::Sent);
    }
    assert_eq!(store.claim_files(&claim(&file, message)).await.unwrap(), None);
    let due = store.due_files(Timestamp::now(), at.after(HOUR), 10).await.unwrap();
    assert_eq!(due.iter().map(|file| file.id).collect::<Vec<_>>(), [file.id]);
}

pub(crate) async fn a_rooms_files_come_in_pages(store: AnyStore) {
    let room = RoomId::new();
    let mut ids = Vec::new();
    for _ in 0..5 {
        let upload = NewUpload { room, ..upload(1) };
        ids.push(upload.id);
        store.begin_upload(upload, QUOTA).await.unwrap();
    }
    store.begin_upload(upload(1), QUOTA).await.unwrap();
    ids.sort_unstable();
    let mut seen = Vec::new();
    loop {
        let page = store.files_of(room, seen.last().copied(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|file| file.id));
    }
    assert_eq!(seen, ids);
}
