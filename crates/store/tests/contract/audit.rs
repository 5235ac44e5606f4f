//! The audit list.

use hubbub_protocol::http::{AuditAction, AuditEntry};
use hubbub_protocol::{AuditId, MessageId, RoomId, Timestamp, UserId};

use crate::making::AnyStore;

fn entry(room: Option<RoomId>) -> AuditEntry {
    AuditEntry {
        id: AuditId::new(),
        at: Timestamp::from_millis(1_800_000_000_000),
        actor: UserId::new(),
        action: AuditAction::MemberMuted,
        room,
        user: Some(UserId::new()),
        message: Some(MessageId::new()),
        reason: Some("noise".to_owned()),
        detail: Some("for 60 s".to_owned()),
    }
}

pub(crate) async fn entries_come_back_as_they_were_the_newest_first(store: AnyStore) {
    let (room, other) = (RoomId::new(), RoomId::new());
    let entries: Vec<_> =
        [Some(room), None, Some(other), Some(room)].map(entry).into_iter().collect();
    for entry in &entries {
        store.append_audit(entry).await.unwrap();
        store.append_audit(entry).await.unwrap();
    }
    let newest_first: Vec<_> = entries.iter().rev().cloned().collect();
    assert_eq!(store.audit(None, None, 9).await.unwrap(), newest_first);
    assert_eq!(store.audit(None, Some(newest_first[1].id), 1).await.unwrap(), newest_first[2..3]);
    let of_room = [newest_first[0].clone(), newest_first[3].clone()];
    assert_eq!(store.audit(Some(room), None, 9).await.unwrap(), of_room);
    assert_eq!(store.audit(Some(room), Some(of_room[0].id), 9).await.unwrap(), of_room[1..]);
    assert_eq!(store.audit(Some(RoomId::new()), None, 9).await.unwrap(), []);
    assert_eq!(store.audit(None, None, 0).await.unwrap(), []);
}
