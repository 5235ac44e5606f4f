// Made from the gateway's source by `make docs`. Do not edit.
//
// Every frame, every body of the HTTP API, error codes, close codes and bounds.

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = "hubbub.v1";

/** Every error code with its HTTP status. */
export const ERROR_STATUS = {
  bad_json: 400,
  bad_frame: 400,
  unknown_type: 400,
  binary_frame: 400,
  invalid_utf8: 400,
  frame_too_large: 413,
  bad_id: 400,
  id_in_future: 400,
  id_conflict: 409,
  empty_text: 400,
  text_too_long: 400,
  invalid_field: 422,
  payload_too_large: 413,
  unsupported_media_type: 415,
  method_not_allowed: 405,
  not_found: 404,
  room_not_found: 404,
  user_not_found: 404,
  forbidden: 403,
  direct_with_self: 400,
  owner_must_stay: 409,
  message_not_found: 404,
  message_deleted: 409,
  edit_too_late: 403,
  bad_emoji: 400,
  too_many_reactions: 409,
  too_many_attachments: 400,
  attachment_not_found: 404,
  preview_not_found: 404,
  upload_not_found: 404,
  upload_incomplete: 409,
  offset_mismatch: 409,
  checksum_mismatch: 460,
  tus_version: 412,
  quota_exceeded: 403,
  range_not_satisfiable: 416,
  image_unreadable: 422,
  image_too_large: 413,
  too_many_watched: 400,
  muted: 403,
  slow_mode: 429,
  banned: 403,
  room_archived: 409,
  blocked: 403,
  word_refused: 400,
  links_refused: 403,
  account_suspended: 403,
  last_admin: 409,
  too_many_blocks: 409,
  block_self: 400,
  username_taken: 409,
  invalid_credentials: 401,
  token_required: 401,
  token_invalid: 401,
  token_expired: 401,
  session_ended: 401,
  session_not_found: 404,
  csrf_failed: 403,
  origin_refused: 403,
  upgrade_required: 426,
  hello_required: 400,
  hello_repeated: 400,
  hello_timeout: 408,
  too_many_subscriptions: 400,
  rate_limited: 429,
  overloaded: 503,
  unavailable: 503,
  draining: 503,
  timeout: 408,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

/** Why a gateway closed the socket, by the number of the close frame. */
export const CLOSE_REASON = {
  1002: "protocol_error",
  1007: "invalid_utf8",
  1009: "frame_too_large",
  4000: "going_away",
  4001: "token_expired",
  4002: "slow_consumer",
  4003: "hello_timeout",
  4004: "heartbeat_timeout",
  4005: "unavailable",
  4006: "too_many_errors",
  4501: "token_invalid",
  4502: "session_ended",
  4503: "hello_required",
  4504: "too_many_connections",
} as const;

/** Whether to come back by oneself after this close code. */
export function mayReconnect(code: number): boolean {
  return code < 4500 || code > 4999;
}

/** Bounds that no setting changes. */
export const BOUNDS = {
  page: 200,
  list: 200,
  username: [3, 32],
  passwordBytes: [8, 256],
  displayName: [1, 64],
  roomName: [1, 80],
  roomDescription: [0, 500],
  roomTopic: [0, 250],
  bio: [0, 500],
  statusText: [0, 80],
  reason: [0, 200],
  directGroup: [3, 10],
} as const;

/** An account as a site administrator sees it. */
export interface Account {
  /** Whether this is a site administrator. */
  admin: boolean;
  /** Where the picture is, if there is one. */
  avatar: string | null;
  /** What they say about themselves. */
  bio?: string;
  /** When it was made. */
  created_at: Timestamp;
  /** Whether the account was deleted: the name is a stand-in then. */
  deleted?: boolean;
  /** What to show. */
  display_name: string;
  /** The id. */
  id: UserId;
  /** When they were last connected; absent while they are, or if they never were. */
  last_seen: Timestamp | null;
  /** What they are doing. */
  status: UserStatus;
  /** What they say they are doing. */
  status_text?: string;
  /** Since when it is suspended, if it is. */
  suspended_at?: Timestamp;
  /** Unique, lower case. */
  username: string;
}

/** `GET /admin/users`. */
export interface AccountList {
  /** Where the next page starts (`?after=`), if there is one. */
  next?: string;
  /** The page. */
  users: Account[];
}

/** A room as the site's administrators see it: what it is, not what is said in it. */
export interface AdminRoom {
  /** Whether it is read-only. */
  archived: boolean;
  /** When it was made. */
  created_at: Timestamp;
  /** The id. */
  id: RoomId;
  /** What kind. */
  kind: RoomKind;
  /** Members. */
  members: number;
  /** The name; empty for a direct room. */
  name: string;
  /** Who owns it; absent for a direct room. */
  owner?: UserId;
}

/** `GET /admin/rooms`. */
export interface AdminRoomList {
  /** Where the next page starts (`?after=`), if there is one. */
  next?: RoomId;
  /** The page. */
  rooms: AdminRoom[];
}

/** A file in a message, as every reader is told of it. */
export interface Attachment {
  /** What to show until an image has come (<https://blurha.sh>). */
  blurhash?: string;
  /** Pixels down, of an image. */
  height?: number;
  /** The id: `GET /attachments/{id}` serves it to members of the room. */
  id: AttachmentId;
  /** The file's name, without any path. */
  name: string;
  /** Bytes. */
  size: number;
  /** Whether `GET /attachments/{id}/thumbnail` has a smaller picture of it. */
  thumbnail?: boolean;
  /** The media type found by looking at the bytes, never the one that was claimed. */
  type: string;
  /** Pixels across, of an image. */
  width?: number;
}

/** attachment id (UUID) */
export type AttachmentId = string;

/** What somebody with power did. */
export type AuditAction = "room_changed" | "code_rotated" | "role_changed" | "owner_changed" | "member_muted" | "member_unmuted" | "member_removed" | "member_banned" | "member_unbanned" | "message_deleted" | "room_destroyed" | "user_suspended" | "user_reinstated" | "admin_granted" | "admin_revoked" | "account_deleted";

/** An entry of an audit list. */
export interface AuditEntry {
  /** What. */
  action: AuditAction;
  /** Who did it. */
  actor: UserId;
  /** When. */
  at: Timestamp;
  /** What exactly, for a person: "role: member → moderator". */
  detail?: string;
  /** Its id, ascending with time. */
  id: AuditId;
  /** To which message. */
  message?: MessageId;
  /** Why, in the actor's words. */
  reason?: string;
  /** In which room. */
  room?: RoomId;
  /** To whom. */
  user?: UserId;
}

/** audit id (UUID) */
export type AuditId = string;

/** `GET /rooms/{room}/audit`, `GET /admin/audit`. */
export interface AuditList {
  /** The newest first. */
  entries: AuditEntry[];
  /** Where the next page starts (`?before=`), if there is one. */
  next?: AuditId;
}

/** How a person wants to be seen while they are connected. */
export type Availability = "auto" | "away" | "invisible";

/** Somebody who may not come back. */
export interface Ban {
  /** When. */
  at: Timestamp;
  /** Who banned them. */
  by: UserId;
  /** Why. */
  reason?: string;
  /** Who. */
  user: User;
}

/** `GET /rooms/{room}/bans`. */
export interface BanList {
  /** The page. */
  bans: Ban[];
  /** Where the next page starts (`?after=`), if there is one. */
  next?: string;
}

/** `PUT /me/password`. Ends all other sessions. */
export interface ChangePasswordRequest {
  /** The present password. */
  current: string;
  /** The new one: 8 to 256 bytes. */
  password: string;
}

/** Delete a message: one's own, or as a moderator. */
export interface ClientDelete {
  /** The deletion's id: UUID version 7, made once, kept over every retry. */
  id: MessageId;
  /** The message. */
  message: MessageId;
  /** The room. */
  room: RoomId;
  type: "delete";
}

/** Change what one said. */
export interface ClientEdit {
  /** What it shall say. Only the text counts. */
  body: Draft;
  /** The edit's id: UUID version 7, made once, kept over every retry. */
  id: MessageId;
  /** The message. */
  message: MessageId;
  /** The room. */
  room: RoomId;
  type: "edit";
}

/** Any frame of a client. */
export type ClientFrame = ClientHello | ClientRefresh | ClientSubscribe | ClientUnsubscribe | ClientSend | ClientEdit | ClientDelete | ClientReact | ClientMark | ClientTyping | ClientStatus | ClientWatch | ClientPing;

/** The first frame: who is there, and where they left off. */
export interface ClientHello {
  /** Hear only these rooms; absent: all of the user's. */
  only?: RoomId[] | null;
  /** Rooms to continue after a position. The others start at their head. */
  resume?: ResumePoint[];
  /** The access token; without it the session cookie of the upgrade counts. */
  token?: string | null;
  type: "hello";
}

/** Tell how far this user has come. */
export interface ClientMark {
  /** The last event that reached this device. */
  delivered?: Seq | null;
  /** The last event read. */
  read?: Seq | null;
  /** The room. */
  room: RoomId;
  type: "mark";
  /** Show everything from here on as unread, whatever was read; 0 takes that back. */
  unread?: Seq | null;
}

/** Ask for a `pong`. */
export interface ClientPing {
  type: "ping";
}

/** React to a message, or take that back. */
export interface ClientReact {
  /** One emoji. */
  emoji: string;
  /** The reaction's id: UUID version 7, made once, kept over every retry. */
  id: MessageId;
  /** The message. */
  message: MessageId;
  /** Whether to put it there or to take it away. */
  on: boolean;
  /** The room. */
  room: RoomId;
  type: "react";
}

/** Go on with a new access token; without one, the session's latest rotation counts. */
export interface ClientRefresh {
  /** The new access token. */
  token?: string | null;
  type: "refresh";
}

/** Say something. */
export interface ClientSend {
  /** What to say. */
  body: Draft;
  /** The message's id: UUID version 7, made once, kept over every retry. */
  id: MessageId;
  /** The room. */
  room: RoomId;
  type: "send";
}

/** Tell what the person at this device is doing. */
export interface ClientStatus {
  /** The status. */
  status: DeviceStatus;
  type: "status";
}

/** Hear a room, from a position if one is given. */
export interface ClientSubscribe {
  /** The epoch of the last event seen. */
  epoch?: Epoch | null;
  /** The room. */
  room: RoomId;
  /** The last event seen. */
  seq?: Seq | null;
  type: "subscribe";
}

/** Tell that this user starts or stops typing. */
export interface ClientTyping {
  /** Whether they type. */
  on: boolean;
  /** The room. */
  room: RoomId;
  type: "typing";
}

/** Stop hearing a room. */
export interface ClientUnsubscribe {
  /** The room. */
  room: RoomId;
  type: "unsubscribe";
}

/** Whose presence to send from now on: these people, instead of those watched before. */
export interface ClientWatch {
  type: "watch";
  /** The people whose rows are on screen, up to `limits.watched`. */
  users: UserId[];
}

/** `POST /rooms/{room}/code`. May be left out: a code without limits. */
export interface CodeRequest {
  /** Seconds after which it stops working: 60 to 31 536 000 (a year). */
  expires_in?: number | null;
  /** How many people it lets in: 1 to 10 000. */
  max_uses?: number | null;
}

/** The answer to `POST /rooms/{room}/code`. */
export interface CodeResponse {
  /** The new code. The old one no longer works. */
  code: RoomCode;
  /** When it stops working, if it does. */
  expires_at?: Timestamp;
  /** How many more people it lets in, if that is limited. */
  uses_left?: number;
}

/** connection id (UUID) */
export type ConnectionId = string;

/** `POST /rooms`. */
export interface CreateRoomRequest {
  /** Up to 500 graphemes. */
  description?: string | null;
  /** `public` or `private`. */
  kind: RoomKind;
  /** 1 to 80 graphemes. */
  name: string;
}

/** `DELETE /me`: the account ends for good. */
export interface DeleteMeRequest {
  /** The password, again. */
  password: string;
}

/** A deletion in its place. */
export interface Deleted {
  /** When the server took it. */
  at: Timestamp;
  /** The epoch its seq belongs to. */
  epoch: Epoch;
  /** The event's name. */
  id: MessageId;
  /** The message. */
  message: MessageId;
  /** The room it is in. */
  room: RoomId;
  /** Who deletes: the message's author, or somebody who keeps order in the room. */
  sender: UserId;
  /** Its place in the room. */
  seq: Seq;
}

/** `DELETE /rooms/{room}`: the room and all that is in it goes for good. The owner, or a site administrator. */
export interface DestroyRoomRequest {
  /** The room's name, typed again. */
  name: string;
  /** Why, for the audit list: up to 200 graphemes. */
  reason?: string | null;
}

/** How far the removal of a destroyed room has come. */
export interface Destruction {
  /** When it was destroyed. */
  at: Timestamp;
  /** When the last of it was gone; absent while the removal goes on. */
  finished_at?: Timestamp;
  /** What was removed so far. */
  removed: RemovedCounts;
  /** The room. */
  room: RoomId;
}

/** What a person is doing, as their client tells. */
export type DeviceStatus = "online" | "away";

/** `POST /direct`: one of the two fields. */
export interface DirectRequest {
  /** The other person. */
  user?: UserId | null;
  /** The other people, 2 to 9. */
  users?: UserId[] | null;
}

/** What somebody wants to say. The gateway makes a `MessageBody` of it: it looks up the attachments and finds who is mentioned. */
export interface Draft {
  /** Files that the sender has uploaded to the room and not sent yet, up to `limits.attachments`. An edit leaves them out: they stay as they are. */
  attachments?: AttachmentId[];
  /** The message of the same room that this answers. An edit leaves it out. */
  reply_to?: MessageId | null;
  /** The text, within `limits.text_graphemes` and `limits.text_bytes`; may be empty where there are attachments. */
  text?: string;
}

/** An edit in its place. It changes the message's text, unless the message is deleted: a deletion beats every edit, whichever seq it has. */
export interface Edited {
  /** When the server took it. */
  at: Timestamp;
  /** What it says now. */
  body: EditedBody;
  /** The epoch its seq belongs to. */
  epoch: Epoch;
  /** The event's name. */
  id: MessageId;
  /** The message. */
  message: MessageId;
  /** The room it is in. */
  room: RoomId;
  /** Who edits: the message's author. */
  sender: UserId;
  /** Its place in the room. */
  seq: Seq;
}

/** What an edit puts in place of a message's text. All else of the body stays. */
export interface EditedBody {
  /** Whom it calls now. */
  mentions?: Mentions;
  /** The new text, within the same bounds. */
  text: string;
}

/** One unbroken life of a room's counters: starts at 1, grows when Redis has lost data. */
export type Epoch = number;

/** What went wrong, for a program to act on. */
export type ErrorCode = "bad_json" | "bad_frame" | "unknown_type" | "binary_frame" | "invalid_utf8" | "frame_too_large" | "bad_id" | "id_in_future" | "id_conflict" | "empty_text" | "text_too_long" | "invalid_field" | "payload_too_large" | "unsupported_media_type" | "method_not_allowed" | "not_found" | "room_not_found" | "user_not_found" | "forbidden" | "direct_with_self" | "owner_must_stay" | "message_not_found" | "message_deleted" | "edit_too_late" | "bad_emoji" | "too_many_reactions" | "too_many_attachments" | "attachment_not_found" | "preview_not_found" | "upload_not_found" | "upload_incomplete" | "offset_mismatch" | "checksum_mismatch" | "tus_version" | "quota_exceeded" | "range_not_satisfiable" | "image_unreadable" | "image_too_large" | "too_many_watched" | "muted" | "slow_mode" | "banned" | "room_archived" | "blocked" | "word_refused" | "links_refused" | "account_suspended" | "last_admin" | "too_many_blocks" | "block_self" | "username_taken" | "invalid_credentials" | "token_required" | "token_invalid" | "token_expired" | "session_ended" | "session_not_found" | "csrf_failed" | "origin_refused" | "upgrade_required" | "hello_required" | "hello_repeated" | "hello_timeout" | "too_many_subscriptions" | "rate_limited" | "overloaded" | "unavailable" | "draining" | "timeout" | "internal";

/** An answer to a frame that could not be carried out. */
export interface ErrorFrame {
  /** What went wrong, for a program. */
  code: ErrorCode;
  /** The `id` of the frame that is answered, where it had one. */
  id?: string;
  /** What went wrong, for a person. */
  message: string;
  /** Milliseconds after which the same frame may succeed. */
  retry_after_ms?: number;
  /** The room it concerns, where there is one. */
  room?: RoomId;
}

/** A field that is out of bounds. */
export interface FieldError {
  /** The field's name. */
  field: string;
  /** What it must be. */
  message: string;
}

/** Why a client is told to move. */
export type GoAwayReason = "draining" | "rebalancing";

/** Where a room's log stands. */
export interface Head {
  /** Its current epoch. */
  epoch: Epoch;
  /** The room. */
  room: RoomId;
  /** Its last event. */
  seq: Seq;
}

/** `GET /rooms/{room}/messages`, oldest first. */
export interface History {
  /** Newer messages: `?after=` this, if there are any. */
  after?: Seq;
  /** Older messages: `?before=` this, if there are any. */
  before?: Seq;
  /** The room's current epoch. */
  epoch: Epoch;
  /** The page. */
  messages: Message[];
  /** The room's last event when the page was begun. The page is as everything up to here has left it; what follows may be in it as well. */
  seq: Seq;
}

/** `GET /me/inbox`. */
export interface Inbox {
  /** The newest first. What is read on any device is gone from here. */
  entries: InboxEntry[];
  /** Where the next page starts (`?after=`), if there is one. */
  next?: string;
  /** How many entries there are in all. */
  waiting: number;
}

/** A message that came while its reader was away. */
export interface InboxEntry {
  /** When the server took it. */
  at: Timestamp;
  /** How it begins, as plain text without any Markdown: up to 200 graphemes. */
  excerpt: string;
  /** The message. */
  message: MessageId;
  /** Why it is here. */
  reason: InboxReason;
  /** The room. */
  room: RoomId;
  /** Who wrote it. */
  sender: UserId;
  /** The message's place. */
  seq: Seq;
}

/** Why a message is in somebody's inbox. Of several reasons, the first here. */
export type InboxReason = "direct" | "mention" | "reply";

/** `POST /rooms/join`. */
export interface JoinRoomRequest {
  /** The room's code; a public room's id does as well. */
  code: string;
}

/** The bounds a client must keep to, as told in `ready` and by `GET /api/v1/limits`. */
export interface Limits {
  /** Largest file, in bytes. */
  attachment_bytes: number;
  /** Most attachments of one message. */
  attachments: number;
  /** Milliseconds after sending within which a message may be edited; absent: always. */
  edit_window_ms?: number;
  /** Largest frame a client may send, in bytes. A larger one is refused, and past four times this the connection is closed. */
  frame_bytes: number;
  /** Milliseconds within which `hello` must come. */
  hello_ms: number;
  /** Most sends of one connection that wait for their ack. */
  in_flight: number;
  /** Whether there are previews of links (`GET /rooms/{room}/messages/{message}/preview`); absent: there are none. */
  link_previews?: boolean;
  /** Most people that one message may mention by name. `@names` past it call nobody. */
  mentions: number;
  /** Most different emoji under one message. */
  reactions: number;
  /** Rooms with more members tell nobody how far others have read. */
  receipt_members: number;
  /** Most rooms one connection can hear. */
  rooms: number;
  /** Sends a user may make in a burst, over all devices and nodes. */
  send_burst: number;
  /** Sends a user may make per second once the burst is used up. */
  send_per_second: number;
  /** Longest message text, in bytes of UTF-8. */
  text_bytes: number;
  /** Longest message text, in graphemes (what a person sees as one character). */
  text_graphemes: number;
  /** Rooms with more members tell nobody who is typing. */
  typing_members: number;
  /** Most people one connection can watch. */
  watched: number;
}

/** `GET /rooms/{room}/messages/{message}/preview`: what the first link of a message leads to. Its texts are another site's own words, in one line each; they are no Markdown. */
export interface LinkPreview {
  /** What it is about, up to 400 characters. */
  description?: string;
  /** The host it names, in ASCII. A page that it is sent on from there may have another. */
  host: string;
  /** A picture of it. */
  image?: PreviewImage;
  /** What the site calls itself, up to 80 characters. */
  site_name?: string;
  /** The title, up to 200 characters. Absent where nothing was found. */
  title?: string;
  /** The link, as browsers write it. */
  url: string;
}

/** `POST /login`. */
export interface LoginRequest {
  /** The password. */
  password: string;
  /** How to carry the tokens. */
  transport?: Transport;
  /** The user name. */
  username: string;
}

/** How far one member has come in a room. */
export interface Mark {
  /** The last event that reached one of their devices. */
  delivered: Seq;
  /** Those among them that mention them. Only ever told to themselves. */
  mentions?: number;
  /** What of the room reaches them when they are not looking. Only ever told to themselves. */
  notify?: NotifyLevel;
  /** The last event they have read. */
  read: Seq;
  /** The room's last event when they came in: it and what was before it they have not seen, though it is at or before `read`. Absent for those who were there from the start. */
  since?: Seq;
  /** Messages by others that are unread, counted anew; see `ReadyRoom::unread`. Only ever told to themselves. */
  unread?: number;
  /** From where on they marked the room unread. Only ever told to themselves. */
  unread_from?: Seq;
  /** The member. */
  user: UserId;
  /** Grows with every change of one member's mark, so that late news is known as such. */
  version: number;
}

/** `GET /me`, `PATCH /me`: one's own account. */
export interface Me {
  /** Whether this is a site administrator. */
  admin: boolean;
  /** How this user wants to be seen while they are connected. */
  availability: Availability;
  /** Where the picture is, if there is one. */
  avatar: string | null;
  /** What they say about themselves. */
  bio?: string;
  /** Whether the account was deleted: the name is a stand-in then. */
  deleted?: boolean;
  /** What to show. */
  display_name: string;
  /** As given, not verified. */
  email?: string;
  /** The id. */
  id: UserId;
  /** When they were last connected; absent while they are, or if they never were. */
  last_seen: Timestamp | null;
  /** Whether others are told how far this user has read. */
  send_receipts: boolean;
  /** Whether others are told when this user is typing. */
  send_typing: boolean;
  /** What they are doing. */
  status: UserStatus;
  /** What they say they are doing. */
  status_text?: string;
  /** Unique, lower case. */
  username: string;
}

/** A membership change in its place. */
export interface Member {
  /** When the server took it. */
  at: Timestamp;
  /** How it changed. */
  change: MemberChange;
  /** The epoch its seq belongs to. */
  epoch: Epoch;
  /** The event's name. */
  id: MessageId;
  /** The new role, of a change of role. */
  role?: Role;
  /** The room it is in. */
  room: RoomId;
  /** Who caused it. */
  sender: UserId;
  /** Its place in the room. */
  seq: Seq;
  /** Until when, of a mute. */
  until?: Timestamp;
  /** Whose membership changed. */
  user: UserId;
}

/** What happened to somebody's membership. */
export type MemberChange = "joined" | "left" | "removed" | "banned" | "unbanned" | "role" | "muted" | "unmuted";

/** `GET /rooms/{room}/members`. */
export interface MemberList {
  /** Where the next page starts (`?after=`), if there is one. */
  next?: string;
  /** The page. */
  users: MemberView[];
}

/** A member of a room. */
export interface MemberView {
  /** Where the picture is, if there is one. */
  avatar: string | null;
  /** What they say about themselves. */
  bio?: string;
  /** Whether the account was deleted: the name is a stand-in then. */
  deleted?: boolean;
  /** What to show. */
  display_name: string;
  /** The id. */
  id: UserId;
  /** Since when. */
  joined_at: Timestamp;
  /** When they were last connected; absent while they are, or if they never were. */
  last_seen: Timestamp | null;
  /** Until when they may not write, if they were muted. */
  muted_until?: Timestamp;
  /** What they may do. */
  role: Role;
  /** What they are doing. */
  status: UserStatus;
  /** What they say they are doing. */
  status_text?: string;
  /** Unique, lower case. */
  username: string;
}

/** Whom a message calls by name. Found in its text by the server. */
export interface Mentions {
  /** Whether it calls everybody (`@all`), by somebody who may. */
  all?: boolean;
  /** Members whose `@name` is in the text, each once. */
  users?: UserId[];
}

/** A message in its place. */
export interface Message {
  /** When the server took it. */
  at: Timestamp;
  /** What it says. Empty once it is deleted. */
  body: MessageBody;
  /** When it was deleted, if it was. What is left is its place, its author and its time. */
  deleted_at?: Timestamp;
  /** When it was last edited, if it was. */
  edited_at?: Timestamp;
  /** The epoch its seq belongs to. */
  epoch: Epoch;
  /** Its name, given by the sender. */
  id: MessageId;
  /** What people think of it, in the order in which each emoji was first used. */
  reactions: ReactionCount[];
  /** The room it is in. */
  room: RoomId;
  /** Who wrote it. */
  sender: UserId;
  /** Its place in the room. */
  seq: Seq;
}

/** The content of a message. Text, never HTML. */
export interface MessageBody {
  /** Its files, in the sender's order. */
  attachments?: Attachment[];
  /** Whom it calls. */
  mentions?: Mentions;
  /** The message of the same room that it answers. */
  reply_to?: MessageId;
  /** The text, within `limits.text_graphemes` and `limits.text_bytes`; may be empty where there are attachments, and is empty once the message is deleted. */
  text: string;
}

/** message id (UUID) */
export type MessageId = string;

/** node name */
export type NodeId = string;

/** What of a room reaches a member who is not looking. */
export type NotifyLevel = "all" | "mentions" | "nothing";

/** `PUT /rooms/{room}/notify`. */
export interface NotifyRequest {
  /** What of the room reaches you when you are not looking. */
  notify: NotifyLevel;
}

/** What somebody is doing. */
export interface PresenceState {
  /** When they were last connected, if they are offline. */
  last_seen?: Timestamp;
  /** The best of their devices. */
  status: UserStatus;
  /** What they say they are doing, up to `STATUS_TEXT_GRAPHEMES`. */
  status_text?: string;
  /** Who. */
  user: UserId;
}

/** A picture of what a link leads to. */
export interface PreviewImage {
  /** Pixels down, up to 640. */
  height: number;
  /** Where it is, on this server. */
  path: string;
  /** Pixels across, up to 640. */
  width: number;
}

/** An error of the HTTP API: RFC 9457, `application/problem+json`. */
export interface Problem {
  /** The stable code. */
  code: ErrorCode;
  /** This occurrence, for a person. */
  detail: string;
  /** The fields that are wrong. */
  errors?: FieldError[];
  /** Milliseconds after which the same request may succeed. */
  retry_after_ms?: number;
  /** The HTTP status. */
  status: number;
  /** The same for every occurrence of the code. */
  title: string;
  /** `urn:hubbub:error:<code>`. */
  type: string;
}

/** A reaction in its place. Of those by one person with one emoji, the one with the greatest seq counts. */
export interface Reaction {
  /** When the server took it. */
  at: Timestamp;
  /** One emoji. */
  emoji: string;
  /** The epoch its seq belongs to. */
  epoch: Epoch;
  /** The event's name. */
  id: MessageId;
  /** The message. */
  message: MessageId;
  /** Whether it is put there or taken away. */
  on: boolean;
  /** The room it is in. */
  room: RoomId;
  /** Who reacts. */
  sender: UserId;
  /** Its place in the room. */
  seq: Seq;
}

/** One emoji under a message. */
export interface ReactionCount {
  /** How many people. */
  count: number;
  /** The emoji. */
  emoji: string;
  /** The first of them, by when they reacted; `REACTION_USERS` at the most. */
  users: UserId[];
}

/** `GET /rooms/{room}/messages/{message}/reactions?emoji=&after=&limit=`: who put one emoji there. */
export interface ReactionList {
  /** Where the next page starts (`?after=`), if there is one: the place of this page's last reaction, so that whoever takes theirs back meanwhile moves nobody out of the next page. */
  next?: Seq;
  /** The page, by when they reacted. */
  users: UserId[];
}

/** A room in `ready`: where it stands and how far this user has come. */
export interface ReadyRoom {
  /** The last event that reached one of this user's devices. */
  delivered: Seq;
  /** Its current epoch. */
  epoch: Epoch;
  /** Those among them that mention this user. */
  mentions: number;
  /** What of the room reaches this user when they are not looking. */
  notify: NotifyLevel;
  /** The last event this user has read. */
  read: Seq;
  /** The room. */
  room: RoomId;
  /** Its last event. */
  seq: Seq;
  /** Messages by others that are unread: after `read`, or from `unread_from` on; deleted ones do not count. Counted among what is stored, up to `UNREAD_MAX`, which stands for that many or more. */
  unread: number;
  /** From where on the room was marked unread, if it was. */
  unread_from?: Seq;
  /** The version of this user's mark. */
  version: number;
}

/** `DELETE /rooms/{room}/members/{user}` (put out), `PUT /rooms/{room}/bans/{user}` (ban). */
export interface ReasonRequest {
  /** Why, for the audit list: up to 200 graphemes. */
  reason?: string | null;
}

/** `POST /register`. */
export interface RegisterRequest {
  /** 1 to 64 graphemes; absent: the user name. */
  display_name?: string | null;
  /** Kept, not verified. */
  email?: string | null;
  /** 8 to 256 bytes. */
  password: string;
  /** How to carry the tokens. */
  transport?: Transport;
  /** 3 to 32 of `a-z 0-9 _ - .`; upper case is folded. */
  username: string;
}

/** What the removal of a destroyed room has removed. */
export interface RemovedCounts {
  /** Events of the log, messages among them. */
  events: number;
  /** Files, their thumbnails not counted. */
  files: number;
  /** Inbox entries. */
  inbox_entries: number;
  /** Memberships and bans. */
  memberships: number;
  /** Read and delivery positions. */
  positions: number;
  /** Search entries. */
  search_entries: number;
}

/** Where a client left off in a room. */
export interface ResumePoint {
  /** The epoch of the last event seen. */
  epoch: Epoch;
  /** The room. */
  room: RoomId;
  /** The last event seen. */
  seq: Seq;
}

/** What a member may do. Ordered: a greater role may do all that a smaller one may. */
export type Role = "member" | "moderator" | "owner";

/** A room, as one user sees it. */
export interface Room {
  /** Whether it is read-only. */
  archived: boolean;
  /** What lets others in; absent for a direct room and for those who are not members. */
  code: RoomCode | null;
  /** When the code stops working, if it does. */
  code_expires_at?: Timestamp;
  /** How many more people the code lets in, if that is limited. */
  code_uses_left?: number;
  /** When it was made. */
  created_at: Timestamp;
  /** The last event that reached one of your devices. */
  delivered: Seq;
  /** What it is about. */
  description: string;
  /** The current epoch. */
  epoch: Epoch;
  /** Where its picture is, if there is one. */
  icon: string | null;
  /** The id. */
  id: RoomId;
  /** What kind. */
  kind: RoomKind;
  /** The least role that may post links. */
  links: Role;
  /** Members. */
  members: number;
  /** The least role whose `@all` calls everybody. */
  mention_all: Role;
  /** Those among them that mention you. */
  mentions: number;
  /** Until when you may not write, if you were muted. */
  muted_until?: Timestamp;
  /** The name; for a direct room the other person's. */
  name: string;
  /** What of it reaches you when you are not looking. */
  notify: NotifyLevel;
  /** Who owns it; absent for a direct room. */
  owner: UserId | null;
  /** The people of a direct room, you included; none for others. */
  people?: UserId[];
  /** The last event you have read. */
  read: Seq;
  /** What you are in it; absent if you are not a member. */
  role: Role | null;
  /** The last event. */
  seq: Seq;
  /** Milliseconds between two messages of a member; 0: no slow mode. */
  slow_mode_ms: number;
  /** What is going on at the moment. */
  topic: string;
  /** Messages by others that are unread: up to `UNREAD_MAX`, which stands for that many or more. */
  unread: number;
  /** From where on you marked it unread, if you did. */
  unread_from?: Seq;
}

/** A change of a room's own details in its place. */
export interface RoomChange {
  /** Whether it is now read-only. */
  archived?: boolean;
  /** When the server took it. */
  at: Timestamp;
  /** The new description. */
  description?: string;
  /** Set in a room's last event: it is destroyed, and this is the end of its log. */
  destroyed?: boolean;
  /** The epoch its seq belongs to. */
  epoch: Epoch;
  /** Where the new icon is; empty: it has none any more. */
  icon?: string;
  /** The event's name. */
  id: MessageId;
  /** Who may post links now. */
  links?: Role;
  /** Who may call everybody now. */
  mention_all?: Role;
  /** The new name. */
  name?: string;
  /** The new owner. */
  owner?: UserId;
  /** The room that changed. */
  room: RoomId;
  /** Who caused it. */
  sender: UserId;
  /** Its place in the room. */
  seq: Seq;
  /** The new pause between two messages of a member, in milliseconds; 0: none. */
  slow_mode_ms?: number;
  /** The new topic. */
  topic?: string;
}

/** room code (UUID) */
export type RoomCode = string;

/** room id: a UUID, or 64 hex digits for a direct room */
export type RoomId = string;

/** What kind of room. */
export type RoomKind = "public" | "private" | "direct" | "group";

/** `GET /rooms`. */
export interface RoomList {
  /** Where the next page starts (`?after=`), if there is one. */
  next?: string;
  /** The page. */
  rooms: Room[];
}

/** A message that was found. */
export interface SearchHit {
  /** Where the words are in its text, ascending and apart: pairs of start and end, counted in UTF-16 code units, as JavaScript counts. */
  highlights: ([number, number])[];
  /** The message as it is now. */
  message: Message;
}

/** `GET /search`. */
export interface SearchResults {
  /** The newest first. */
  hits: SearchHit[];
  /** Where the next page starts (`?cursor=`), if there may be one. */
  next?: string;
}

/** `GET /rooms/{room}/messages/{message}/seen`: members who have read up to the message, its author and those who keep that to themselves left out. For rooms up to `limits.receipt_members`. */
export interface SeenBy {
  /** Whom it has reached, and who has not read it. */
  delivered: UserId[];
  /** Who has read it. */
  read: UserId[];
}

/** An event's place in its room: starts at 1, only grows, contiguous within an `Epoch`. */
export type Seq = number;

/** The message is stored. */
export interface ServerAck {
  /** When the server took it. */
  at: Timestamp;
  /** The epoch of its seq. */
  epoch: Epoch;
  /** The message's id. */
  id: MessageId;
  /** Its room. */
  room: RoomId;
  /** Its place. */
  seq: Seq;
  type: "ack";
}

/** This user has blocked somebody, or taken that back, on whatever device. Volatile. */
export interface ServerBlock {
  /** Whether they are blocked. */
  blocked: boolean;
  type: "block";
  /** Who is meant. */
  user: UserId;
}

/** A message is deleted. */
export type ServerDeleted = Deleted & {
  type: "deleted";
};

/** A message says something else now. */
export type ServerEdited = Edited & {
  type: "edited";
};

/** Something could not be done. */
export type ServerError = ErrorFrame & {
  type: "error";
};

/** Any frame of a server. */
export type ServerFrame = ServerReady | ServerSubscribed | ServerUnsubscribed | ServerAck | ServerMessage | ServerEdited | ServerDeleted | ServerReaction | ServerMember | ServerRoom | ServerSync | ServerReset | ServerMarks | ServerTyping | ServerPresence | ServerUser | ServerInbox | ServerBlock | ServerHeads | ServerRefreshed | ServerGoaway | ServerError | ServerPong;

/** Open a new connection, then close this one. */
export interface ServerGoaway {
  /** Milliseconds after which to move. */
  after_ms: number;
  /** Why. */
  reason: GoAwayReason;
  type: "goaway";
}

/** With the heartbeat: where rooms that moved since the last one stand. */
export interface ServerHeads {
  /** The rooms. */
  rooms: Head[];
  type: "heads";
}

/** What waits in this user's inbox has changed. Volatile. */
export interface ServerInbox {
  type: "inbox";
  /** How many entries. */
  waiting: number;
}

/** How far members have come; of oneself, on any device, too. Volatile. */
export interface ServerMarks {
  /** Who, and how far. */
  marks: Mark[];
  /** The room. */
  room: RoomId;
  type: "marks";
}

/** A membership change. */
export type ServerMember = Member & {
  type: "member";
};

/** A message. */
export type ServerMessage = Message & {
  type: "message";
};

/** The answer to `ping`. */
export interface ServerPong {
  type: "pong";
}

/** What watched people are doing: all of them after `watch`, then those who changed, at most once a second. Volatile. */
export interface ServerPresence {
  type: "presence";
  /** Who, and what. */
  users: PresenceState[];
}

/** Somebody reacted to a message, or took that back. */
export type ServerReaction = Reaction & {
  type: "reaction";
};

/** The answer to `hello`: from here on, events come. */
export interface ServerReady {
  /** This connection. */
  connection: ConnectionId;
  /** How often `heads` comes, and how often at least to be heard from. */
  heartbeat_ms: number;
  /** What waits in this user's inbox (`GET /me/inbox`). */
  inbox: number;
  /** The bounds to keep to. */
  limits: Limits;
  /** The node that holds it. */
  node: NodeId;
  /** The rooms this connection hears. */
  rooms: ReadyRoom[];
  /** Milliseconds until the access token runs out. */
  token_expires_in_ms: number;
  type: "ready";
  /** Who you are. */
  user: UserId;
}

/** The access token was replaced; the connection may stay. */
export interface ServerRefreshed {
  /** Milliseconds until the new token runs out. */
  token_expires_in_ms: number;
  type: "refreshed";
}

/** Reload the room: its position can't be continued. */
export interface ServerReset {
  /** The epoch from here on. */
  epoch: Epoch;
  /** The room. */
  room: RoomId;
  /** The room's last event. */
  seq: Seq;
  type: "reset";
}

/** A change of the room's details. */
export type ServerRoom = RoomChange & {
  type: "room";
};

/** The connection hears `room`. Events up to `seq` preceded or follow this frame; none is lost. */
export interface ServerSubscribed {
  /** Its current epoch. */
  epoch: Epoch;
  /** The room. */
  room: RoomId;
  /** Its last event at this moment. */
  seq: Seq;
  type: "subscribed";
}

/** State sync: what changed after the client's position, each message in its latest state. */
export interface ServerSync {
  /** Its current epoch. */
  epoch: Epoch;
  /** What changed, ascending by seq. */
  messages: Message[];
  /** The room. */
  room: RoomId;
  type: "sync";
  /** The client's position after applying this. */
  upto: Seq;
}

/** Somebody started or stopped typing. Volatile; expires after six seconds. */
export interface ServerTyping {
  /** Whether they type. */
  on: boolean;
  /** The room. */
  room: RoomId;
  type: "typing";
  /** Who. */
  user: UserId;
}

/** The connection no longer hears `room`. */
export interface ServerUnsubscribed {
  /** The room. */
  room: RoomId;
  type: "unsubscribed";
}

/** A watched person, or oneself on another device, has another name, picture or status text. Volatile. */
export interface ServerUser {
  type: "user";
  /** The person as they are now. */
  user: User;
}

/** One login. */
export interface Session {
  /** What the client called itself when it logged in (`User-Agent`), up to 200 bytes. */
  client?: string;
  /** When it began. */
  created_at: Timestamp;
  /** Whether this is the session that asks. */
  current: boolean;
  /** When it ends unless it is used. */
  expires_at: Timestamp;
  /** The id. */
  id: SessionId;
  /** When its tokens were last renewed. */
  renewed_at: Timestamp;
}

/** session id (UUID) */
export type SessionId = string;

/** `GET /me/sessions`. */
export interface SessionList {
  /** All live ones, the newest first. */
  sessions: Session[];
}

/** The answer to register, login and token rotation. */
export interface SessionResponse {
  /** The access token (bearer clients). */
  access_token?: string;
  /** To send as `X-CSRF-Token` with every change (cookie clients). */
  csrf_token?: string;
  /** Seconds until the access token runs out. */
  expires_in: number;
  /** The token for the next rotation (bearer clients). Each works once. */
  refresh_token?: string;
  /** Who is logged in. */
  user: User;
}

/** RFC 3339, UTC, milliseconds */
export type Timestamp = string;

/** `POST /token`. Empty for cookie clients. */
export interface TokenRequest {
  /** The latest refresh token. */
  refresh_token?: string | null;
}

/** How a client wants to carry its tokens. */
export type Transport = "bearer" | "cookie";

/** `PATCH /admin/users/{user}`. Absent fields stay as they are. */
export interface UpdateAccountRequest {
  /** Whether this is a site administrator. */
  admin?: boolean | null;
  /** Why, for the audit list: up to 200 graphemes. */
  reason?: string | null;
  /** Suspended: no login, no session, no socket. */
  suspended?: boolean | null;
}

/** `PATCH /me`. Absent fields stay as they are. */
export interface UpdateMeRequest {
  /** How this user wants to be seen while they are connected. */
  availability?: Availability | null;
  /** Up to 500 graphemes. */
  bio?: string | null;
  /** 1 to 64 graphemes. */
  display_name?: string | null;
  /** Whether others are told how far this user has read. */
  send_receipts?: boolean | null;
  /** Whether others are told when this user is typing. */
  send_typing?: boolean | null;
  /** Up to 80 graphemes; empty: none. */
  status_text?: string | null;
}

/** `PATCH /rooms/{room}/members/{user}`. Absent fields stay as they are. */
export interface UpdateMemberRequest {
  /** Seconds for which they may not write, up to 28 days; 0: they may again. A moderator, of those with a smaller role. */
  mute_for?: number | null;
  /** Why, for the audit list: up to 200 graphemes. */
  reason?: string | null;
  /** The new role; `owner` hands the room over. The owner. */
  role?: Role | null;
}

/** `PATCH /rooms/{room}`. Absent fields stay as they are. */
export interface UpdateRoomRequest {
  /** Whether it is read-only. The owner. */
  archived?: boolean | null;
  /** Up to 500 graphemes. */
  description?: string | null;
  /** The least role that may post links. */
  links?: Role | null;
  /** The least role whose `@all` calls everybody. */
  mention_all?: Role | null;
  /** 1 to 80 graphemes. */
  name?: string | null;
  /** Words nobody may use here, up to 200 of up to 50 graphemes; replaces the list. Told to moderators only, by `GET /rooms/{room}/words`. */
  refused_words?: string[] | null;
  /** Pause between two messages of a member, up to 6 hours; 0: none. Moderators are exempt. */
  slow_mode_ms?: number | null;
  /** Up to 250 graphemes. */
  topic?: string | null;
}

/** upload id (UUID) */
export type UploadId = string;

/** The answer to an upload that is complete. */
export interface UploadedFile {
  /** What to show until an image has come (<https://blurha.sh>). */
  blurhash?: string;
  /** Pixels down, of an image. */
  height?: number;
  /** The id: `GET /attachments/{id}` serves it to members of the room. */
  id: AttachmentId;
  /** The file's name, without any path. */
  name: string;
  /** Bytes. */
  size: number;
  /** Whether `GET /attachments/{id}/thumbnail` has a smaller picture of it. */
  thumbnail?: boolean;
  /** The media type found by looking at the bytes, never the one that was claimed. */
  type: string;
  /** Pixels across, of an image. */
  width?: number;
}

/** A person. */
export interface User {
  /** Where the picture is, if there is one. */
  avatar: string | null;
  /** What they say about themselves. */
  bio?: string;
  /** Whether the account was deleted: the name is a stand-in then. */
  deleted?: boolean;
  /** What to show. */
  display_name: string;
  /** The id. */
  id: UserId;
  /** When they were last connected; absent while they are, or if they never were. */
  last_seen: Timestamp | null;
  /** What they are doing. */
  status: UserStatus;
  /** What they say they are doing. */
  status_text?: string;
  /** Unique, lower case. */
  username: string;
}

/** user id (UUID) */
export type UserId = string;

/** `GET /users`, `GET /me/blocks`. */
export interface UserList {
  /** Where the next page starts (`?after=`), if there is one. */
  next?: string;
  /** The page. */
  users: User[];
}

/** What others see a person doing. */
export type UserStatus = "online" | "away" | "offline";

/** What a message said at one time. */
export interface Version {
  /** Since when it said that. */
  at: Timestamp;
  /** Whom it called. */
  mentions?: Mentions;
  /** The place of the event that made it say that. */
  seq: Seq;
  /** The text. */
  text: string;
}

/** `GET /rooms/{room}/messages/{message}/versions?before=&limit=`, oldest first: the last page, without `before`, ends with what the message says now, and the first begins with the original. */
export interface VersionList {
  /** Older ones: `?before=` this, if there are any. */
  before?: Seq;
  /** The page; nothing once the message is deleted. */
  versions: Version[];
}

/** `GET /rooms/{room}/words`. */
export interface WordList {
  /** Words nobody may use in the room. */
  refused_words: string[];
}

/** What each endpoint takes and answers with, by method and path below `/api/v1`. */
export interface Endpoints {
  /** What people with power did, the newest first */
  "GET /admin/audit": {
    query: { before?: string; limit?: number };
    answer: AuditList;
  };
  /** Every room of the site, the oldest first */
  "GET /admin/rooms": {
    query: { after?: string; limit?: number; q?: string };
    answer: AdminRoomList;
  };
  /** Find accounts, suspended ones too */
  "GET /admin/users": {
    query: { after?: string; limit?: number; q?: string };
    answer: AccountList;
  };
  /** Suspend or reinstate an account, make or unmake an administrator */
  "PATCH /admin/users/{user}": {
    path: { user: UserId };
    body: UpdateAccountRequest;
    answer: Account;
  };
  /** A file */
  "GET /attachments/{attachment}": {
    path: { attachment: AttachmentId };
    answer: Blob;
  };
  /** A smaller picture of a picture */
  "GET /attachments/{attachment}/thumbnail": {
    path: { attachment: AttachmentId };
    answer: Blob;
  };
  /** Open the direct room with somebody, or among a few */
  "POST /direct": {
    body: DirectRequest;
    answer: Room;
  };
  /** The bounds that clients must keep to */
  "GET /limits": {
    answer: Limits;
  };
  /** Begin a session */
  "POST /login": {
    body: LoginRequest;
    answer: SessionResponse;
  };
  /** End this session and its sockets, on every node */
  "POST /logout": {
    answer: undefined;
  };
  /** Delete your account for good */
  "DELETE /me": {
    body: DeleteMeRequest;
    answer: undefined;
  };
  /** Your account */
  "GET /me": {
    answer: Me;
  };
  /** Change your profile */
  "PATCH /me": {
    body: UpdateMeRequest;
    answer: Me;
  };
  /** Take your picture away */
  "DELETE /me/avatar": {
    answer: undefined;
  };
  /** Set your picture */
  "PUT /me/avatar": {
    answer: User;
  };
  /** Whom you have blocked */
  "GET /me/blocks": {
    query: { after?: string; limit?: number };
    answer: UserList;
  };
  /** Take a block back */
  "DELETE /me/blocks/{user}": {
    path: { user: UserId };
    answer: undefined;
  };
  /** Block somebody */
  "PUT /me/blocks/{user}": {
    path: { user: UserId };
    answer: undefined;
  };
  /** Empty your inbox */
  "DELETE /me/inbox": {
    answer: undefined;
  };
  /** What came while you were away */
  "GET /me/inbox": {
    query: { after?: string; limit?: number };
    answer: Inbox;
  };
  /** Change your password */
  "PUT /me/password": {
    body: ChangePasswordRequest;
    answer: undefined;
  };
  /** End all your other sessions and their sockets */
  "DELETE /me/sessions": {
    answer: undefined;
  };
  /** Where you are logged in */
  "GET /me/sessions": {
    answer: SessionList;
  };
  /** End one of your sessions and its sockets */
  "DELETE /me/sessions/{session}": {
    path: { session: SessionId };
    answer: undefined;
  };
  /** Make an account and begin its first session */
  "POST /register": {
    body: RegisterRequest;
    answer: SessionResponse;
  };
  /** Your rooms, or the directory */
  "GET /rooms": {
    query: { after?: string; limit?: number; public?: boolean; q?: string };
    answer: RoomList;
  };
  /** Make a room */
  "POST /rooms": {
    body: CreateRoomRequest;
    answer: Room;
  };
  /** Join a room by its code, or a public one by its id */
  "POST /rooms/join": {
    body: JoinRoomRequest;
    answer: Room;
  };
  /** Destroy a room for good; its owner, or a site administrator */
  "DELETE /rooms/{room}": {
    path: { room: RoomId };
    body: DestroyRoomRequest;
    answer: Destruction;
  };
  /** A room of yours */
  "GET /rooms/{room}": {
    path: { room: RoomId };
    answer: Room;
  };
  /** Change a room; moderators */
  "PATCH /rooms/{room}": {
    path: { room: RoomId };
    body: UpdateRoomRequest;
    answer: Room;
  };
  /** What of tus is spoken */
  "OPTIONS /rooms/{room}/attachments": {
    path: { room: RoomId };
    answer: undefined;
  };
  /** Upload a file, or begin to */
  "POST /rooms/{room}/attachments": {
    path: { room: RoomId };
    query: { name?: string };
    answer: UploadedFile;
  };
  /** What was done in a room by those with power; moderators */
  "GET /rooms/{room}/audit": {
    path: { room: RoomId };
    query: { before?: string; limit?: number };
    answer: AuditList;
  };
  /** Who may not come into a room; moderators */
  "GET /rooms/{room}/bans": {
    path: { room: RoomId };
    query: { after?: string; limit?: number };
    answer: BanList;
  };
  /** Lift a ban; moderators */
  "DELETE /rooms/{room}/bans/{user}": {
    path: { room: RoomId; user: UserId };
    answer: undefined;
  };
  /** Ban somebody; moderators */
  "PUT /rooms/{room}/bans/{user}": {
    path: { room: RoomId; user: UserId };
    body?: ReasonRequest;
    answer: Ban;
  };
  /** A new code; moderators */
  "POST /rooms/{room}/code": {
    path: { room: RoomId };
    body?: CodeRequest;
    answer: CodeResponse;
  };
  /** How far the removal of a room you destroyed has come */
  "GET /rooms/{room}/destruction": {
    path: { room: RoomId };
    answer: Destruction;
  };
  /** Take a room's picture away; moderators */
  "DELETE /rooms/{room}/icon": {
    path: { room: RoomId };
    answer: undefined;
  };
  /** A room's picture */
  "GET /rooms/{room}/icon": {
    path: { room: RoomId };
    query: { size?: number; v?: string };
    answer: Blob;
  };
  /** Set a room's picture; moderators */
  "PUT /rooms/{room}/icon": {
    path: { room: RoomId };
    answer: Room;
  };
  /** Leave a room */
  "POST /rooms/{room}/leave": {
    path: { room: RoomId };
    answer: undefined;
  };
  /** Who is in a room of yours */
  "GET /rooms/{room}/members": {
    path: { room: RoomId };
    query: { after?: string; limit?: number; q?: string };
    answer: MemberList;
  };
  /** Put a member out; moderators */
  "DELETE /rooms/{room}/members/{user}": {
    path: { room: RoomId; user: UserId };
    body?: ReasonRequest;
    answer: undefined;
  };
  /** A member of a room of yours */
  "GET /rooms/{room}/members/{user}": {
    path: { room: RoomId; user: UserId };
    answer: MemberView;
  };
  /** Change a member's role, or mute them */
  "PATCH /rooms/{room}/members/{user}": {
    path: { room: RoomId; user: UserId };
    body: UpdateMemberRequest;
    answer: MemberView;
  };
  /** A page of a room's history, oldest first */
  "GET /rooms/{room}/messages": {
    path: { room: RoomId };
    query: { after?: Seq; around?: Seq; before?: Seq; limit?: number };
    answer: History;
  };
  /** One message as it is now */
  "GET /rooms/{room}/messages/{message}": {
    path: { room: RoomId; message: MessageId };
    answer: Message;
  };
  /** What the first link of a message leads to */
  "GET /rooms/{room}/messages/{message}/preview": {
    path: { room: RoomId; message: MessageId };
    answer: LinkPreview;
  };
  /** The picture of what the first link of a message leads to */
  "GET /rooms/{room}/messages/{message}/preview/image": {
    path: { room: RoomId; message: MessageId };
    query: { v?: string };
    answer: Blob;
  };
  /** Who put one emoji under a message */
  "GET /rooms/{room}/messages/{message}/reactions": {
    path: { room: RoomId; message: MessageId };
    query: { after?: Seq; emoji: string; limit?: number };
    answer: ReactionList;
  };
  /** Who has seen a message */
  "GET /rooms/{room}/messages/{message}/seen": {
    path: { room: RoomId; message: MessageId };
    answer: SeenBy;
  };
  /** Every text a message has had */
  "GET /rooms/{room}/messages/{message}/versions": {
    path: { room: RoomId; message: MessageId };
    query: { before?: Seq; limit?: number };
    answer: VersionList;
  };
  /** What of a room reaches you when you are not looking */
  "PUT /rooms/{room}/notify": {
    path: { room: RoomId };
    body: NotifyRequest;
    answer: undefined;
  };
  /** Words nobody may use in a room; moderators */
  "GET /rooms/{room}/words": {
    path: { room: RoomId };
    answer: WordList;
  };
  /** Find messages by what they say */
  "GET /search": {
    query: { after?: string; before?: string; cursor?: string; from?: string; has?: string; limit?: number; q?: string; room?: string };
    answer: SearchResults;
  };
  /** Rotate the tokens */
  "POST /token": {
    body?: TokenRequest;
    answer: SessionResponse;
  };
  /** Give an upload up */
  "DELETE /uploads/{upload}": {
    path: { upload: UploadId };
    answer: undefined;
  };
  /** The file that an upload has become */
  "GET /uploads/{upload}": {
    path: { upload: UploadId };
    answer: UploadedFile;
  };
  /** How far an upload has come */
  "HEAD /uploads/{upload}": {
    path: { upload: UploadId };
    answer: undefined;
  };
  /** What of tus is spoken */
  "OPTIONS /uploads/{upload}": {
    path: { upload: UploadId };
    answer: undefined;
  };
  /** Go on with an upload */
  "PATCH /uploads/{upload}": {
    path: { upload: UploadId };
    answer: undefined;
  };
  /** Find people */
  "GET /users": {
    query: { after?: string; limit?: number; online?: boolean; q?: string };
    answer: UserList;
  };
  /** One person */
  "GET /users/{user}": {
    path: { user: UserId };
    answer: User;
  };
  /** Somebody's picture */
  "GET /users/{user}/avatar": {
    path: { user: UserId };
    query: { size?: number; v?: string };
    answer: Blob;
  };
}
