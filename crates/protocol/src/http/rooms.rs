//! Rooms and who is in them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::people::User;
use crate::id::{AuditId, Epoch, MessageId, RoomCode, RoomId, Seq, UserId};
use crate::time::Timestamp;

/// What kind of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// In the directory; anybody may join.
    Public,
    /// By code only.
    Private,
    /// Between two people.
    Direct,
    /// Among a few people, always the same ones.
    Group,
}

impl RoomKind {
    /// Whether it belongs to its people alike: nobody owns it, nobody joins or is put out.
    #[must_use]
    pub const fn is_direct(self) -> bool {
        matches!(self, Self::Direct | Self::Group)
    }
}

/// What a member may do. Ordered: a greater role may do all that a smaller one may.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read and write.
    Member,
    /// Keep order: change details, delete messages, mute, put out.
    Moderator,
    /// Everything.
    Owner,
}

/// What of a room reaches a member who is not looking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotifyLevel {
    /// Every message.
    All,
    /// Mentions, replies, and everything in direct rooms.
    #[default]
    Mentions,
    /// Nothing.
    Nothing,
}

/// A room, as one user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Room {
    /// The id.
    pub id: RoomId,
    /// What kind.
    pub kind: RoomKind,
    /// The name; for a direct room the other person's.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// What lets others in; absent for a direct room and for those who are not members.
    pub code: Option<RoomCode>,
    /// Who owns it; absent for a direct room.
    pub owner: Option<UserId>,
    /// What you are in it; absent if you are not a member.
    pub role: Option<Role>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Members.
    pub members: u64,
    /// The current epoch.
    pub epoch: Epoch,
    /// The last event.
    pub seq: Seq,
    /// The last event you have read.
    pub read: Seq,
    /// The last event that reached one of your devices.
    pub delivered: Seq,
    /// Messages by others that are unread: up to
    /// [`UNREAD_MAX`](crate::limits::UNREAD_MAX), which stands for that many or more.
    pub unread: u64,
    /// Those among them that mention you.
    #[serde(default)]
    pub mentions: u64,
    /// From where on you marked it unread, if you did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_from: Option<Seq>,
    /// What is going on at the moment.
    #[serde(default)]
    pub topic: String,
    /// Where its picture is, if there is one.
    #[serde(default)]
    pub icon: Option<String>,
    /// Milliseconds between two messages of a member; 0: no slow mode.
    #[serde(default)]
    pub slow_mode_ms: u64,
    /// The least role that may post links.
    pub links: Role,
    /// The least role whose `@all` calls everybody.
    pub mention_all: Role,
    /// Whether it is read-only.
    #[serde(default)]
    pub archived: bool,
    /// What of it reaches you when you are not looking.
    #[serde(default)]
    pub notify: NotifyLevel,
    /// Until when you may not write, if you were muted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// The people of a direct room, you included; none for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<UserId>,
    /// When the code stops working, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_expires_at: Option<Timestamp>,
    /// How many more people the code lets in, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_uses_left: Option<u32>,
}

/// `POST /rooms`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CreateRoomRequest {
    /// 1 to 80 graphemes.
    pub name: String,
    /// `public` or `private`.
    pub kind: RoomKind,
    /// Up to 500 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `POST /rooms/join`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct JoinRoomRequest {
    /// The room's code; a public room's id does as well.
    pub code: String,
}

/// `PATCH /rooms/{room}`. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct UpdateRoomRequest {
    /// Up to 250 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Pause between two messages of a member, up to 6 hours; 0: none. Moderators are exempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_mode_ms: Option<u64>,
    /// The least role that may post links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Role>,
    /// The least role whose `@all` calls everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mention_all: Option<Role>,
    /// Words nobody may use here, up to 200 of up to 50 graphemes; replaces the list. Told to
    /// moderators only, by `GET /rooms/{room}/words`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_words: Option<Vec<String>>,
    /// Whether it is read-only. The owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// 1 to 80 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Up to 500 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `POST /direct`: one of the two fields.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct DirectRequest {
    /// The other person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The other people, 2 to 9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<Vec<UserId>>,
}

/// `GET /rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomList {
    /// The page.
    pub rooms: Vec<Room>,
    /// Where the next page starts (`?after=`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `POST /rooms/{room}/code`. May be left out: a code without limits.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct CodeRequest {
    /// Seconds after which it stops working: 60 to 31 536 000 (a year).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// How many people it lets in: 1 to 10 000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u32>,
}

/// The answer to `POST /rooms/{room}/code`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CodeResponse {
    /// The new code. The old one no longer works.
    pub code: RoomCode,
    /// When it stops working, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How many more people it lets in, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_left: Option<u32>,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberView {
    /// Who.
    #[serde(flatten)]
    pub user: User,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub joined_at: Timestamp,
    /// Until when they may not write, if they were muted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
}

/// `GET /rooms/{room}/members`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberList {
    /// The page.
    pub users: Vec<MemberView>,
    /// Where the next page starts (`?after=`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `PATCH /rooms/{room}/members/{user}`. Absent fields stay as they are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct UpdateMemberRequest {
    /// The new role; `owner` hands the room over. The owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Seconds for which they may not write, up to 28 days; 0: they may again. A moderator, of
    /// those with a smaller role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mute_for: Option<u64>,
    /// Why, for the audit list: up to 200 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `DELETE /rooms/{room}/members/{user}` (put out), `PUT /rooms/{room}/bans/{user}` (ban).
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReasonRequest {
    /// Why, for the audit list: up to 200 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Somebody who may not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ban {
    /// Who.
    pub user: User,
    /// Who banned them.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `GET /rooms/{room}/bans`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BanList {
    /// The page.
    pub bans: Vec<Ban>,
    /// Where the next page starts (`?after=`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// `GET /rooms/{room}/words`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WordList {
    /// Words nobody may use in the room.
    pub refused_words: Vec<String>,
}

/// `PUT /rooms/{room}/notify`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct NotifyRequest {
    /// What of the room reaches you when you are not looking.
    pub notify: NotifyLevel,
}

/// `DELETE /rooms/{room}`: the room and all that is in it goes for good. The owner, or a site
/// administrator.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct DestroyRoomRequest {
    /// The room's name, typed again.
    pub name: String,
    /// Why, for the audit list: up to 200 graphemes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far the removal of a destroyed room has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Destruction {
    /// The room.
    pub room: RoomId,
    /// When it was destroyed.
    pub at: Timestamp,
    /// When the last of it was gone; absent while the removal goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What was removed so far.
    pub removed: RemovedCounts,
}

/// What the removal of a destroyed room has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemovedCounts {
    /// Events of the log, messages among them.
    pub events: u64,
    /// Files, their thumbnails not counted.
    pub files: u64,
    /// Search entries.
    pub search_entries: u64,
    /// Read and delivery positions.
    pub positions: u64,
    /// Inbox entries.
    pub inbox_entries: u64,
    /// Memberships and bans.
    pub memberships: u64,
}

/// What somebody with power did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// Changed a room's details.
    RoomChanged,
    /// Made a new code for a room.
    CodeRotated,
    /// Gave a member another role.
    RoleChanged,
    /// Handed a room over.
    OwnerChanged,
    /// Muted a member.
    MemberMuted,
    /// Let a muted member write again.
    MemberUnmuted,
    /// Put a member out.
    MemberRemoved,
    /// Banned somebody.
    MemberBanned,
    /// Lifted a ban.
    MemberUnbanned,
    /// Deleted somebody else's message.
    MessageDeleted,
    /// Destroyed a room.
    RoomDestroyed,
    /// Suspended an account.
    UserSuspended,
    /// Lifted a suspension.
    UserReinstated,
    /// Made somebody a site administrator.
    AdminGranted,
    /// Took that back.
    AdminRevoked,
    /// Ended an account: one's own.
    AccountDeleted,
}

/// An entry of an audit list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Its id, ascending with time.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: UserId,
    /// What.
    pub action: AuditAction,
    /// In which room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// To which message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Why, in the actor's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What exactly, for a person: "role: member → moderator".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// `GET /rooms/{room}/audit`, `GET /admin/audit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditList {
    /// The newest first.
    pub entries: Vec<AuditEntry>,
    /// Where the next page starts (`?before=`), if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<AuditId>,
}
