//! What came for people while they were away.

use std::collections::BTreeSet;
use std::time::Duration;

use hubbub_protocol::http::{InboxEntry, InboxReason};
use hubbub_protocol::limits::INBOX_MAX;
use hubbub_protocol::{MessageId, RoomId, Seq, Timestamp, UserId};
use hubbub_store::inbox::ANNOUNCED_WITHIN;
use hubbub_store::{InboxNote, InboxPart, InboxPlace};

use crate::making::AnyStore;

/// The `number`th message of a room, for somebody. Three come in each second.
fn note(user: UserId, room: RoomId, number: u64) -> InboxNote {
    let second = i64::try_from(number / 3).unwrap();
    let entry = InboxEntry {
        room,
        seq: Seq(number),
        message: MessageId::new(),
        sender: UserId::new(),
        at: Timestamp::from_millis(1_795_000_000_000 + second * 1000),
        reason: InboxReason::Mention,
        excerpt: format!("number {number}"),
    };
    InboxNote { user, entry }
}

async fn put(store: &AnyStore, notes: &[InboxNote]) {
    assert_eq!(store.put_inbox(notes, None).await.unwrap(), notes);
}

async fn entries(store: &AnyStore, user: UserId) -> Vec<InboxEntry> {
    store.inbox(user, None, 5000).await.unwrap()
}

async fn seqs(store: &AnyStore, user: UserId) -> Vec<u64> {
    let mut seqs: Vec<_> = entries(store, user).await.iter().map(|entry| entry.seq.0).collect();
    seqs.sort_unstable();
    seqs
}

pub(crate) async fn an_entry_is_there_once_however_often_it_is_put(store: AnyStore) {
    let (user, other, room) = (UserId::new(), UserId::new(), RoomId::new());
    let first = note(user, room, 1);
    put(&store, std::slice::from_ref(&first)).await;
    let for_other = InboxNote { user: other, ..first.clone() };
    let again = [for_other.clone(), first.clone(), note(user, room, 2)];
    let new = store.put_inbox(&again, None).await.unwrap();
    assert_eq!(new, [again[0].clone(), again[2].clone()]);
    assert_eq!(store.inbox_counts(&[other, UserId::new(), user]).await.unwrap(), [1, 0, 2]);
    assert_eq!(entries(&store, other).await, [first.entry]);
    assert_eq!(store.put_inbox(&[], None).await.unwrap(), []);
    assert_eq!(store.inbox_counts(&[]).await.unwrap(), [0; 0]);
}

pub(crate) async fn entries_come_the_newest_first_in_pages(store: AnyStore) {
    let user = UserId::new();
    let rooms = [RoomId::new(), RoomId::direct(user, UserId::new())];
    let mut notes: Vec<_> = (0..20).map(|n| note(user, rooms[n as usize % 2], n)).collect();
    put(&store, &notes).await;
    notes.sort_by_key(|note| std::cmp::Reverse(InboxPlace::from(&note.entry)));
    let expected: Vec<_> = notes.into_iter().map(|note| note.entry).collect();
    let (mut read, mut before) = (Vec::new(), None);
    loop {
        let page = store.inbox(user, before, 7).await.unwrap();
        assert!(page.len() <= 7);
        let Some(last) = page.last() else { break };
        before = Some(InboxPlace::from(last));
        read.extend(page);
    }
    assert_eq!(read, expected);
    assert_eq!(store.inbox(user, None, 0).await.unwrap(), []);
}

pub(crate) async fn an_inbox_keeps_the_newest(store: AnyStore) {
    let (user, other, room) = (UserId::new(), UserId::new(), RoomId::new());
    put(&store, &[note(other, room, 1)]).await;
    let most = INBOX_MAX as u64;
    let notes: Vec<_> = (3..most + 3).map(|n| note(user, room, n)).collect();
    put(&store, &notes).await;
    let more: Vec<_> = (most + 3..most + 9).map(|n| note(user, room, n)).collect();
    put(&store, &more).await;
    assert_eq!(store.inbox_counts(&[user, other]).await.unwrap(), [most, 1]);
    assert!(seqs(&store, user).await.into_iter().eq(9..most + 9));
}

pub(crate) async fn what_is_read_goes_and_the_rest_stays(store: AnyStore) {
    let (user, other) = (UserId::new(), UserId::new());
    let (room, elsewhere) = (RoomId::new(), RoomId::new());
    let of = |user, room| (1..=4).map(move |n| note(user, room, n));
    let notes: Vec<_> = of(user, room).chain(of(user, elsewhere)).chain(of(other, room)).collect();
    put(&store, &notes).await;
    let read = InboxPart::Read(room, Seq(3));
    assert_eq!(store.clear_inbox(user, read).await.unwrap(), 3);
    assert_eq!(store.clear_inbox(user, read).await.unwrap(), 0);
    assert_eq!(seqs(&store, user).await, [1, 2, 3, 4, 4]);
    assert_eq!(store.clear_inbox(user, InboxPart::Everything).await.unwrap(), 5);
    assert_eq!(store.inbox_counts(&[user, other]).await.unwrap(), [0, 4]);
}

pub(crate) async fn a_lost_room_takes_its_entries_along(store: AnyStore) {
    let (user, room, kept) = (UserId::new(), RoomId::new(), RoomId::new());
    put(&store, &[note(user, room, 1), note(user, room, 9), note(user, kept, 5)]).await;
    assert_eq!(store.clear_inbox(user, InboxPart::Room(room)).await.unwrap(), 2);
    assert_eq!(seqs(&store, user).await, [5]);
}

pub(crate) async fn a_deleted_message_is_in_no_inbox_and_an_edited_one_begins_anew(
    store: AnyStore,
) {
    let (user, other, room) = (UserId::new(), UserId::new(), RoomId::new());
    let said = note(user, room, 1);
    let notes = [said.clone(), InboxNote { user: other, ..said.clone() }, note(user, room, 2)];
    put(&store, &notes).await;
    store.change_excerpt(room, said.entry.message, "on second thoughts").await.unwrap();
    assert_eq!(entries(&store, other).await[0].excerpt, "on second thoughts");
    assert_eq!(store.withdraw(RoomId::new(), said.entry.message).await.unwrap(), []);
    let gone = store.withdraw(room, said.entry.message).await.unwrap();
    assert_eq!(gone.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([user, other]));
    assert_eq!(store.withdraw(room, said.entry.message).await.unwrap(), []);
    assert_eq!((seqs(&store, user).await, seqs(&store, other).await), (vec![2], vec![]));
}

pub(crate) async fn an_entry_is_announced_until_somebody_says_that_it_was(store: AnyStore) {
    let (user, room) = (UserId::new(), RoomId::new());
    let now = Timestamp::now();
    let later = now.after(Duration::from_millis(1));
    let notes = [note(user, room, 1), note(user, room, 2)];
    put(&store, &[note(user, room, 3)]).await;
    store.put_inbox(&notes, Some(now)).await.unwrap();
    assert_eq!(store.unannounced(now, 9).await.unwrap(), [], "left to who wrote them");
    let mut due = store.unannounced(later, 9).await.unwrap();
    due.sort_by_key(|note| note.entry.seq);
    assert_eq!(due, notes);
    assert_eq!(store.unannounced(later, 9).await.unwrap(), [], "left to who asked");
    store.announced(&notes[..1]).await.unwrap();
    store.announced(&[]).await.unwrap();
    let much_later = later.after(ANNOUNCED_WITHIN + Duration::from_secs(1));
    assert_eq!(store.unannounced(much_later, 9).await.unwrap(), notes[1..]);
    assert_eq!(seqs(&store, user).await, [1, 2, 3], "announcing takes nothing away");
}
