//! How far people have come in rooms, and who is told of it.
//!
//! A row is kept before anybody is told, so news of it may be lost on the way: `ready` and
//! `GET /rooms` have it again. One's own devices are told everything, over a way that nobody else
//! hears; the others of a room are told how far one has come, and not in large rooms, nor by people
//! who keep that to themselves, nor between two of whom one has blocked the other.

use hubbub_protocol::server::Mark;
use hubbub_protocol::{RoomId, Seq, ServerFrame, UserId};
use hubbub_store::{InboxPart, PositionChange, PositionRecord, StoreError, Unread, UnreadRange};

use crate::app::App;
use crate::hub::MARKS_KEY;
use crate::permissions::RoomStanding;
use crate::refused::Refused;

/// How far somebody has come in a room, and what is left.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// How far.
    pub row: PositionRecord,
    /// What is left.
    pub unread: Unread,
}

/// How far somebody has come in rooms that stand at these seqs, in the order asked.
///
/// # Errors
/// As the store's.
pub async fn readings(
    app: &App,
    user: UserId,
    rooms: &[(RoomId, Seq)],
) -> Result<Vec<Reading>, StoreError> {
    let ids: Vec<_> = rooms.iter().map(|(room, _)| *room).collect();
    let rows = app.store.positions(user, &ids).await?;
    let range = |row: &PositionRecord, head: Seq| {
        let range = UnreadRange { room: row.room, after: row.unread_after(), upto: head };
        // Nothing follows: nothing to count.
        (range.after < head).then_some(range)
    };
    let ranges: Vec<_> = rows.iter().zip(rooms).map(|(row, (_, head))| range(row, *head)).collect();
    let asked: Vec<_> = ranges.iter().copied().flatten().collect();
    let mut counted = app.store.unread(user, &asked).await?.into_iter();
    let mut unread =
        |range: &Option<UnreadRange>| range.and_then(|_| counted.next()).unwrap_or_default();
    Ok(rows
        .into_iter()
        .zip(&ranges)
        .map(|(row, range)| Reading { row, unread: unread(range) })
        .collect())
}

/// Changes somebody's row in a room where they have this standing, and tells who is to know. What
/// they have read goes out of their inbox.
///
/// # Errors
/// When the store or the bus can't be reached. What the store has is kept even so.
pub async fn change(
    app: &App,
    room: RoomId,
    user: UserId,
    standing: &RoomStanding,
    mut change: PositionChange,
) -> Result<PositionRecord, Refused> {
    // Nobody has read what was not said.
    let head = app.committer.head(room).await?.seq;
    for seq in [&mut change.delivered, &mut change.read, &mut change.unread_from] {
        *seq = seq.map(|seq| seq.min(head));
    }
    let moved = app.store.mark(room, user, change).await?;
    if !moved.is_change() {
        return Ok(moved.to);
    }
    let (from, to) = (moved.from, moved.to);
    if to.read > from.read {
        clear_inbox(app, user, InboxPart::Read(room, to.read)).await?;
    }
    tell_own_devices(app, &to).await?;
    if (to.read, to.delivered) != (from.read, from.delivered)
        && standing.members <= u64::from(app.limits.receipt_members)
        && !standing.blocked
        && sends_receipts(app, user).await?
    {
        tell_others(app, &to).await?;
    }
    Ok(to)
}

/// Takes entries out of somebody's inbox, and tells their devices what is left in it.
///
/// # Errors
/// When the store or the bus can't be reached.
pub async fn clear_inbox(app: &App, user: UserId, part: InboxPart) -> Result<(), Refused> {
    if app.store.clear_inbox(user, part).await? > 0 {
        let waiting = waiting(app, user).await?;
        let frame = ServerFrame::Inbox { waiting };
        app.bus.tell_users(&[user], "inbox", &frame.encode()).await?;
    }
    Ok(())
}

/// How much waits in somebody's inbox.
///
/// # Errors
/// As the store's.
pub async fn waiting(app: &App, user: UserId) -> Result<u64, StoreError> {
    Ok(app.store.inbox_counts(&[user]).await?.first().copied().unwrap_or_default())
}

/// Whether others may know how far somebody has come.
async fn sends_receipts(app: &App, user: UserId) -> Result<bool, StoreError> {
    Ok(app.store.users(&[user]).await?.first().is_some_and(|user| user.send_receipts))
}

/// What everybody in the room may know.
fn public_mark(row: &PositionRecord) -> Mark {
    Mark {
        user: row.user,
        delivered: row.delivered,
        read: row.read,
        since: Some(row.since).filter(|since| *since > Seq(0)),
        version: row.version,
        unread_from: None,
        notify: None,
        unread: None,
        mentions: None,
    }
}

async fn tell_own_devices(app: &App, row: &PositionRecord) -> Result<(), Refused> {
    let PositionRecord { room, user, .. } = *row;
    let head = app.committer.head(room).await?.seq;
    let range = UnreadRange { room, after: row.unread_after(), upto: head };
    let unread = app.store.unread(user, &[range]).await?.first().copied().unwrap_or_default();
    let mark = Mark {
        unread_from: row.unread_from,
        notify: Some(row.notify),
        unread: Some(unread.messages),
        mentions: Some(unread.mentions),
        ..public_mark(row)
    };
    let frame = ServerFrame::Marks { room, marks: vec![mark] };
    app.bus.tell_users(&[user], &format!("{MARKS_KEY}{room}"), &frame.encode()).await?;
    Ok(())
}

async fn tell_others(app: &App, row: &PositionRecord) -> Result<(), Refused> {
    let frame = ServerFrame::Marks { room: row.room, marks: vec![public_mark(row)] };
    let key = format!("{MARKS_KEY}{}", row.user);
    app.bus.publish_volatile(row.room, &key, &frame.encode()).await?;
    Ok(())
}
