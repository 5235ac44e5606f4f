//! Rooms that are gone for good.

use std::time::Duration;

use hubbub_protocol::http::RemovedCounts;
use hubbub_protocol::{Epoch, RoomId, Seq, Timestamp, UserId};
use hubbub_store::{Remains, RoomUpdate, StoreError};

use crate::making::{AnyStore, message_by, room_of, stored};

const LEASE: Duration = Duration::from_secs(30);

/// A room of two with three messages.
async fn room(store: &AnyStore) -> (RoomId, UserId, UserId) {
    let (owner, member) = (UserId::new(), UserId::new());
    let room = store.create_room(room_of(owner)).await.unwrap().id;
    store.join(room, member, Seq(1), Timestamp::now()).await.unwrap();
    let events: Vec<_> = (1..=3).map(|seq| message_by(owner, room, seq)).collect();
    stored(store, &events).await;
    (room, owner, member)
}

pub(crate) async fn a_destroyed_room_does_not_exist_for_any_reader(store: AnyStore) {
    let new = room_of(UserId::new());
    let (owner, code) = (new.owner, new.code);
    let room = store.create_room(new.clone()).await.unwrap().id;
    let (other, now) = (UserId::new(), Timestamp::now());
    store.join(room, other, Seq(0), now).await.unwrap();
    let job = store.destroy_room(room, owner, now).await.unwrap();
    assert_eq!((job.room, job.by, job.finished_at), (room, owner, None));
    assert_eq!(store.rooms(&[room]).await.unwrap(), []);
    assert_eq!(store.room_by_code(code).await.unwrap(), None);
    assert_eq!(store.directory("", None, 9).await.unwrap(), []);
    assert!(store.rooms_of(other, None, 9).await.unwrap().is_empty());
    assert_eq!(store.room_ids_of(other).await.unwrap(), []);
    assert_eq!(store.membership(room, owner).await.unwrap(), None);
    assert_eq!(store.stored_head(room).await.unwrap(), None);
    assert_eq!(store.owned_rooms(owner).await.unwrap(), []);
    for refused in [
        store.join(room, UserId::new(), Seq(0), now).await.map(drop),
        store.join_by_code(room, code, UserId::new(), Seq(0), now).await.map(drop),
        store.update_room(room, RoomUpdate::default()).await.map(drop),
        store.open_epoch(room, Epoch(1)).await.map(drop),
        // What was under way when it was destroyed does not bring it back.
        store.create_room(new).await.map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::NoSuchRoom)), "{refused:?}");
    }
    let asked = [room, RoomId::new()];
    assert_eq!(store.destroyed_among(&asked).await.unwrap(), [room]);
}

pub(crate) async fn a_room_is_destroyed_once(store: AnyStore) {
    let (room, owner, _) = room(&store).await;
    let first = store.destroy_room(room, owner, Timestamp::from_millis(5)).await.unwrap();
    let again = store.destroy_room(room, UserId::new(), Timestamp::now()).await.unwrap();
    assert_eq!((again.by, again.at), (first.by, first.at));
    assert_eq!(store.destruction(room).await.unwrap().map(|job| job.by), Some(owner));
    assert_eq!(store.destruction(RoomId::new()).await.unwrap(), None);
    let never = store.destroy_room(RoomId::new(), owner, Timestamp::now()).await;
    assert!(matches!(never, Err(StoreError::NoSuchRoom)), "{never:?}");
}

pub(crate) async fn a_job_is_held_by_one_until_its_lease_is_over(store: AnyStore) {
    let (room, owner, _) = room(&store).await;
    let now = Timestamp::from_millis(1_800_000_000_000);
    store.destroy_room(room, owner, now).await.unwrap();
    let mut job = store.claim_destruction(now, LEASE).await.unwrap().unwrap();
    assert_eq!(job.room, room);
    assert_eq!(store.claim_destruction(now, LEASE).await.unwrap(), None);
    let later = now.after(LEASE);
    assert!(store.claim_destruction(later, LEASE).await.unwrap().is_some());
    job.found = RemovedCounts { events: 3, ..job.found };
    job.removed = RemovedCounts { events: 2, ..job.removed };
    store.note_destruction(&job, later).await.unwrap();
    assert_eq!(store.claim_destruction(later, LEASE).await.unwrap(), Some(job.clone()));
    job.finished_at = Some(later);
    store.note_destruction(&job, later).await.unwrap();
    assert_eq!(store.claim_destruction(later.after(LEASE), LEASE).await.unwrap(), None);
    assert_eq!(store.destruction(room).await.unwrap(), Some(job));
}

pub(crate) async fn what_remains_is_removed_in_parts_and_nothing_of_other_rooms(store: AnyStore) {
    let (gone, owner, _) = room(&store).await;
    let (kept, ..) = room(&store).await;
    let job = store.destroy_room(gone, owner, Timestamp::now()).await.unwrap();
    assert_eq!(job.found.memberships, 2);
    assert_eq!(store.count_remains(gone, Remains::Memberships).await.unwrap(), 0);
    assert_eq!(store.count_remains(gone, Remains::Events).await.unwrap(), 3);
    assert_eq!(store.count_remains(gone, Remains::Positions).await.unwrap(), 1);
    assert_eq!(store.remove_remains(gone, Remains::Events, 2).await.unwrap(), 2);
    assert_eq!(store.remove_remains(gone, Remains::Events, 2).await.unwrap(), 1);
    assert_eq!(store.remove_remains(gone, Remains::Events, 2).await.unwrap(), 0);
    for what in Remains::ALL {
        store.remove_remains(gone, *what, 100).await.unwrap();
        assert_eq!(store.count_remains(gone, *what).await.unwrap(), 0, "{what:?}");
    }
    assert_eq!(store.count_remains(kept, Remains::Events).await.unwrap(), 3);
    assert_eq!(store.count_remains(kept, Remains::Memberships).await.unwrap(), 2);
}
