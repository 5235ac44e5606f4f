//! What changes of a room itself, told to every node: details, owner, end (P6).
//!
//! As with memberships, the store decides, the room's log carries the news in order, and a control
//! word makes every node forget what it knew.

use hubbub_bus::Control;
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::http::{AuditAction, AuditEntry, Role};
use hubbub_protocol::{MemberChange, MessageId, NewEvent, RoomDetails, RoomId, Timestamp, UserId};
use hubbub_store::DestructionJob;

use crate::app::App;
use crate::audit;
use crate::committer::CommitFailure;
use crate::membership::{self, MembershipChange, NEWS_WAITS};
use crate::refused::Refused;
use crate::trying::trying;

/// Tells a room's members and every node what has changed in the store.
///
/// # Errors
/// When the news could not be committed or told. The change itself holds; every node knows of it
/// within seconds.
pub async fn announce(
    app: &App,
    room: RoomId,
    actor: UserId,
    details: RoomDetails,
) -> Result<(), CommitFailure> {
    let event = NewEvent {
        room,
        id: MessageId::new(),
        sender: actor,
        at: Timestamp::now(),
        kind: NewEventKind::Room { details },
    };
    let (committed, told) = tokio::join!(
        trying(&NEWS_WAITS, CommitFailure::passes, || async {
            app.committer.commit(&event).await.map(drop)
        }),
        tell_nodes(app, room),
    );
    committed.and(told)
}

/// Makes every node ask the store again about a room.
///
/// # Errors
/// When the bus is away.
pub async fn tell_nodes(app: &App, room: RoomId) -> Result<(), CommitFailure> {
    let control = Control::RoomChanged { room };
    trying(&NEWS_WAITS, CommitFailure::passes, || async {
        Ok(app.bus.publish_control(&control).await?)
    })
    .await
}

/// Makes every node ask the store again what two people may say to each other.
///
/// # Errors
/// When the bus is away.
pub async fn tell_nodes_of_pair(app: &App, pair: [UserId; 2]) -> Result<(), CommitFailure> {
    let room = RoomId::direct(pair[0], pair[1]);
    for user in pair {
        let control = Control::MemberChanged { room, user };
        trying(&NEWS_WAITS, CommitFailure::passes, || async {
            Ok(app.bus.publish_control(&control).await?)
        })
        .await?;
    }
    Ok(())
}

/// Hands a room over, and tells everybody: both members' new roles, and the room's new owner.
///
/// # Errors
/// As [`hubbub_store::ModerationStore::hand_over`], and when the news can't be told.
pub async fn hand_over(
    app: &App,
    room: RoomId,
    from: UserId,
    to: UserId,
    reason: Option<String>,
) -> Result<(), Refused> {
    app.store.hand_over(room, from, to).await?;
    let entry = audit::entry(AuditAction::OwnerChanged, from, room);
    let entry = AuditEntry { user: Some(to), reason, ..entry };
    // Both are tried, whatever becomes of the other.
    let (written, told) =
        tokio::join!(audit::write_down(&*app.store, &entry), tell_owner(app, room, from, to));
    told?;
    Ok(written?)
}

async fn tell_owner(
    app: &App,
    room: RoomId,
    from: UserId,
    to: UserId,
) -> Result<(), CommitFailure> {
    let at = Timestamp::now();
    let former = app.store.membership(room, from).await?.map(|_| (from, Role::Moderator));
    for (user, role) in [(to, Role::Owner)].into_iter().chain(former) {
        let change = MemberChange::Role;
        let role = Some(role);
        let change = MembershipChange { room, actor: from, user, change, at, role, until: None };
        membership::announce(&app.bus, &app.committer, &change).await?;
    }
    announce(app, room, from, RoomDetails { owner: Some(to), ..RoomDetails::default() }).await
}

/// Sees to a room whose owner goes for good: the moderator, else the member, who has been in it
/// longest owns it, of those whose accounts are active; a room with nobody else is destroyed.
///
/// # Errors
/// When store or bus are away. Can be repeated.
pub async fn give_up(app: &App, room: RoomId, owner: UserId) -> Result<(), Refused> {
    match app.store.heir(room, owner).await? {
        Some(heir) => hand_over(app, room, owner, heir, None).await,
        None => destroy(app, room, owner, None).await.map(drop),
    }
}

/// Destroys a room. From the moment the store has done it, the room is gone for every reader, and
/// this succeeds even where the news can't be told: the removal that follows closes the room's
/// counters again, and connections follow their memberships.
///
/// # Errors
/// As [`hubbub_store::DestructionStore::destroy_room`].
pub async fn destroy(
    app: &App,
    room: RoomId,
    actor: UserId,
    reason: Option<String>,
) -> Result<DestructionJob, Refused> {
    let entry = audit::entry(AuditAction::RoomDestroyed, actor, room);
    let entry = AuditEntry { reason, ..entry };
    let job = app.store.destroy_room(room, actor, Timestamp::now()).await?;
    // What can't be written down is in the node's own log.
    let (_written, ()) =
        tokio::join!(audit::write_down(&*app.store, &entry), tell_end(app, room, actor, job.at),);
    Ok(job)
}

async fn tell_end(app: &App, room: RoomId, actor: UserId, at: Timestamp) {
    let end = NewEvent {
        room,
        id: MessageId::new(),
        sender: actor,
        at,
        kind: NewEventKind::Room {
            details: RoomDetails { destroyed: true, ..RoomDetails::default() },
        },
    };
    // A room without counters has none who could miss this: nobody has been in it for long.
    if let Err(failure) = app.committer.commit(&end).await {
        tracing::warn!(%room, %failure, "the end of a room is not in its log");
    }
    if let Err(error) = app.bus.close(room).await {
        tracing::warn!(%room, %error, "a destroyed room still has its counters");
    }
    if let Err(failure) = tell_nodes(app, room).await {
        tracing::warn!(%room, %failure, "not every node knows yet that a room is destroyed");
    }
}
