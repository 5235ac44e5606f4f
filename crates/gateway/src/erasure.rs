//! The end of accounts: what a deleted one leaves is removed, however often that is cut off.
//!
//! The store has marked the account before: nobody finds it, it lets nobody in, and its name is a
//! stand-in's. What follows here is done at once by whoever answers the request, and looked for by
//! every gateway every half minute, because whoever it was may have died. Every step can be
//! repeated, also by several nodes at once.

use std::sync::Arc;
use std::time::Duration;

use hubbub_protocol::http::{AuditAction, AuditEntry, Role};
use hubbub_protocol::{AuditId, MemberChange, RoomId, Timestamp, UserId};
use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::app::App;
use crate::audit;
use crate::membership::{MembershipChange, announce};
use crate::refused::Refused;
use crate::revocation;
use crate::room_changes;

/// How often what was cut off is looked for.
const EVERY: Duration = Duration::from_secs(30);
/// Accounts that are seen to in one go.
const AT_A_TIME: usize = 16;

/// Removes what a deleted account leaves but its messages: sessions with their sockets, rooms,
/// and everything the store keeps of it.
///
/// # Errors
/// When store or bus are away. What was done stays done.
pub async fn finish(app: &App, user: UserId) -> Result<(), Refused> {
    revocation::end_sessions(app, user, None).await?;
    // Those they own first, whether or not they are in them: an owner can't leave.
    for room in app.store.owned_rooms(user).await? {
        room_changes::give_up(app, room, user).await?;
    }
    let rooms = app.store.room_ids_of(user).await?;
    for room in app.store.rooms(&rooms).await? {
        if !room.kind.is_direct() {
            leave(app, room.id, user).await?;
        }
    }
    let record = app.store.users(&[user]).await?.into_iter().next();
    if let Some(avatar) = record.as_ref().and_then(|record| record.avatar) {
        app.blobs.remove_all(*avatar.as_uuid()).await?;
    }
    if let Some(at) = record.and_then(|record| record.deleted_at) {
        audit::write_down(&*app.store, &entry(user, at)).await?;
    }
    app.store.finish_erasure(user).await?;
    tracing::info!(%user, "an account was deleted");
    Ok(())
}

/// The end of an account in the audit list. Its id is made of whose it is and when: however often it
/// is written down, it is there once.
fn entry(user: UserId, at: Timestamp) -> AuditEntry {
    let mut hash = Sha256::new();
    hash.update(b"hubbub.erasure.v1");
    hash.update(user.as_uuid().as_bytes());
    let mut random = [0_u8; 10];
    random.copy_from_slice(&hash.finalize()[..10]);
    let millis = u64::try_from(at.millis()).unwrap_or(0);
    AuditEntry {
        id: AuditId::from_uuid(Builder::from_unix_timestamp_millis(millis, &random).into_uuid()),
        at,
        actor: user,
        action: AuditAction::AccountDeleted,
        room: None,
        user: Some(user),
        message: None,
        reason: None,
        detail: None,
    }
}

async fn leave(app: &App, room: RoomId, user: UserId) -> Result<(), Refused> {
    // A handing over that was cut off leaves the role behind.
    let owns = app.store.membership(room, user).await?.is_some_and(|m| m.role == Role::Owner);
    if owns {
        room_changes::give_up(app, room, user).await?;
    }
    if app.store.leave(room, user).await? {
        let left = MembershipChange {
            room,
            actor: user,
            user,
            change: MemberChange::Left,
            at: Timestamp::now(),
            role: None,
            until: None,
        };
        announce(&app.bus, &app.committer, &left).await?;
    }
    Ok(())
}

/// Finishes what was cut off, for as long as it runs.
pub async fn run(app: Arc<App>) {
    let mut turns = tokio::time::interval(EVERY);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        match app.store.erasures(AT_A_TIME).await {
            Ok(waiting) => {
                for user in waiting {
                    if let Err(refused) = finish(&app, user).await {
                        tracing::warn!(code = %refused.code, %user, "an account's end is put off");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "can't look for deleted accounts"),
        }
    }
}
