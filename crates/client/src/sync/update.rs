//! What a replica asks its driver to do, and what it tells the person.

use hubbub_protocol::server::{ErrorFrame, Mark, PresenceState};
use hubbub_protocol::{
    ClientFrame, ErrorCode, Event, Member, Message, MessageId, Position, RoomChange, RoomId,
    Timestamp, UserId,
};

/// Something the driver has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Send this frame on the newest connection that is ready.
    Transmit(ClientFrame),
    /// Get the newest page of this room's history and hand it to `Replica::loaded`.
    Load(RoomId),
    /// Tell the person.
    Tell(Update),
}

/// Something a person may want to see.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// A message is in its place, or has changed there. One's own come as well.
    Message(Message),
    /// A message was edited or deleted, or somebody reacted to it.
    Changed {
        /// The message as it is now.
        message: Message,
        /// What happened to it.
        change: Box<Event>,
    },
    /// Somebody came or went.
    Member(Member),
    /// A room's details changed.
    Room(RoomChange),
    /// One's own message is stored. Comes once for each.
    Stored {
        /// The message.
        id: MessageId,
        /// Its room.
        room: RoomId,
        /// Its place.
        position: Position,
        /// When the server took it.
        at: Timestamp,
    },
    /// One's own message was refused for good. It stays in the outbox until it is retried or
    /// discarded.
    Failed {
        /// The message.
        id: MessageId,
        /// Its room.
        room: RoomId,
        /// Why, for a program.
        code: ErrorCode,
        /// Why, for a person.
        detail: String,
    },
    /// The room's messages were loaded again. These are all there are in the window now.
    Reloaded {
        /// The room.
        room: RoomId,
        /// Its messages in order.
        messages: Vec<Message>,
    },
    /// A room is heard from now on: joined on this device or another.
    Heard {
        /// The room.
        room: RoomId,
        /// Where it stood.
        position: Position,
    },
    /// A room is no longer heard: left, removed from, or not among those this connection may hear.
    Gone {
        /// The room.
        room: RoomId,
    },
    /// How far members have come.
    Marks {
        /// The room.
        room: RoomId,
        /// Who, and how far.
        marks: Vec<Mark>,
    },
    /// Somebody started or stopped typing.
    Typing {
        /// The room.
        room: RoomId,
        /// Who.
        user: UserId,
        /// Whether they type.
        on: bool,
    },
    /// What watched people are doing: all of them after `Replica::watch` and after each
    /// reconnection, then those who changed.
    Presence {
        /// Who, and what.
        people: Vec<PresenceState>,
    },
    /// A frame that was not a send was refused.
    Refused(ErrorFrame),
}
