//! What operators ask.

use std::collections::BTreeSet;

use hubbub_protocol::{Epoch, MessageId, RoomId, Seq, Timestamp, UserId};
use hubbub_store::inspection::{LogSpan, RoomSize};

use crate::making::{AnyStore, a_room, message, message_as, stored};

pub(crate) async fn every_room_is_named_once_in_order(store: AnyStore) {
    let mut made = BTreeSet::new();
    for _ in 0..5 {
        made.insert(a_room(&store).await);
    }
    let (a, b) = (UserId::new(), UserId::new());
    made.insert(store.open_direct(a, b, Timestamp::now()).await.unwrap().0.id);
    let (mut named, mut after) = (Vec::new(), None);
    loop {
        let page: Vec<RoomId> = store.room_ids(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(*last);
        named.extend(page);
    }
    assert_eq!(named.len(), made.len());
    assert_eq!(named.into_iter().collect::<BTreeSet<_>>(), made);
}

pub(crate) async fn the_largest_rooms_come_first(store: AnyStore) {
    let (small, large) = (a_room(&store).await, a_room(&store).await);
    for _ in 0..3 {
        store.join(large, UserId::new(), Seq(0), Timestamp::now()).await.unwrap();
    }
    let sizes = store.largest_rooms(9).await.unwrap();
    let size = |room, members| RoomSize { room, members };
    assert_eq!(sizes, [size(large, 4), size(small, 1)]);
    assert_eq!(store.largest_rooms(1).await.unwrap(), sizes[..1]);
}

pub(crate) async fn a_hole_in_a_log_shows_in_its_span(store: AnyStore) {
    let room = a_room(&store).await;
    assert_eq!(store.log_spans(room).await.unwrap(), []);
    let mut later = message_as(MessageId::new(), room, 10_001, UserId::new());
    if let hubbub_protocol::Event::Message(message) = &mut later {
        message.epoch = Epoch(2);
    }
    stored(&store, &[message(room, 1), message(room, 2), message(room, 4), later]).await;
    let spans = store.log_spans(room).await.unwrap();
    let span = |epoch, first, last, events| LogSpan {
        epoch: Epoch(epoch),
        first: Seq(first),
        last: Seq(last),
        events,
    };
    assert_eq!(spans, [span(1, 1, 4, 3), span(2, 10_001, 10_001, 1)]);
    assert_eq!(spans.iter().map(LogSpan::missing).collect::<Vec<_>>(), [1, 0]);
}

pub(crate) async fn members_of_a_destroyed_room_are_no_strays(store: AnyStore) {
    let (kept, gone) = (a_room(&store).await, a_room(&store).await);
    let by = UserId::new();
    store.destroy_room(gone, by, Timestamp::now()).await.unwrap();
    assert_eq!(store.stray_members(9).await.unwrap(), []);
    assert_eq!(store.remove_stray_members(&[]).await.unwrap(), 0);
    assert_eq!(store.room_ids(None, 9).await.unwrap(), [kept]);
}
