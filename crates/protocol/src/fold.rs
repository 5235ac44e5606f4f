//! What edits, deletions and reactions do to a message: the same for everybody who keeps one.
//!
//! Fed with the events of a room in the order of their seqs, a message comes to the state that the
//! store has. Fed again with some that are in it already, it comes back to that state once it has
//! had all of them.

use crate::event::{Deleted, Edited, Event, Message, MessageBody, Reaction, ReactionCount};
use crate::limits::REACTION_USERS;

impl Message {
    /// Takes in an event that is about this message. Whether that changed anything.
    pub fn apply(&mut self, event: &Event) -> bool {
        if event.room() != self.room || event.target() != Some(self.id) {
            return false;
        }
        match event {
            Event::Edited(edited) => self.edit(edited),
            Event::Deleted(deleted) => self.delete(deleted),
            Event::Reaction(reaction) => self.react(reaction),
            Event::Message(_) | Event::Member(_) | Event::Room(_) => false,
        }
    }

    fn edit(&mut self, edited: &Edited) -> bool {
        if self.deleted_at.is_some() || edited.sender != self.sender {
            return false;
        }
        self.body.text.clone_from(&edited.body.text);
        self.body.mentions.clone_from(&edited.body.mentions);
        self.edited_at = Some(edited.at);
        true
    }

    /// The first deletion counts; what is left is the message's place, its author and its time.
    fn delete(&mut self, deleted: &Deleted) -> bool {
        if self.deleted_at.is_some() {
            return false;
        }
        self.body = MessageBody::default();
        self.edited_at = None;
        self.reactions.clear();
        self.deleted_at = Some(deleted.at);
        true
    }

    /// A person who is not among those named of an emoji with more of them than are named is taken
    /// at the event's word.
    fn react(&mut self, reaction: &Reaction) -> bool {
        if self.deleted_at.is_some() {
            return false;
        }
        let user = reaction.sender;
        let Some(at) = self.reactions.iter().position(|count| count.emoji == reaction.emoji) else {
            if reaction.on {
                let emoji = reaction.emoji.clone();
                self.reactions.push(ReactionCount { emoji, count: 1, users: vec![user] });
            }
            return reaction.on;
        };
        let held = &mut self.reactions[at];
        let named = held.users.iter().position(|named| *named == user);
        let all_named = held.count == held.users.len() as u64;
        match (reaction.on, named) {
            (true, Some(_)) => return false,
            (false, None) if all_named => return false,
            (true, None) => {
                held.count += 1;
                if all_named && held.users.len() < REACTION_USERS {
                    held.users.push(user);
                }
            }
            (false, named) => {
                held.count -= 1;
                if let Some(named) = named {
                    held.users.remove(named);
                }
            }
        }
        if held.count == 0 {
            self.reactions.remove(at);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EditedBody, NewEvent, NewEventKind};
    use crate::id::{Epoch, MessageId, Position, RoomId, Seq, UserId};
    use crate::time::Timestamp;

    fn event(seq: u64, sender: UserId, kind: NewEventKind) -> Event {
        let (room, id, at) = (RoomId::Direct([1; 32]), MessageId::new(), Timestamp::from_millis(7));
        NewEvent { room, id, sender, at, kind }.at(Position::new(Epoch(1), Seq(seq)))
    }

    fn message(sender: UserId) -> Message {
        let body = MessageBody::text("first");
        match event(1, sender, NewEventKind::Message { body }) {
            Event::Message(message) => message,
            _ => unreachable!(),
        }
    }

    fn edit(message: &Message, sender: UserId, text: &str) -> Event {
        let body = EditedBody { text: text.to_owned(), ..EditedBody::default() };
        event(2, sender, NewEventKind::Edited { message: message.id, body })
    }

    fn reaction(message: &Message, user: UserId, on: bool) -> Event {
        let (message, emoji) = (message.id, "👍".to_owned());
        event(3, user, NewEventKind::Reaction { message, emoji, on })
    }

    #[test]
    fn only_the_author_edits() {
        let author = UserId::new();
        let mut message = message(author);
        let (own, foreign) =
            (edit(&message, author, "second"), edit(&message, UserId::new(), "third"));
        assert!(message.apply(&own));
        assert!(!message.apply(&foreign));
        assert_eq!((message.body.text.as_str(), message.edited_at.is_some()), ("second", true));
    }

    #[test]
    fn a_deletion_leaves_place_author_and_time_and_beats_what_comes_late() {
        let author = UserId::new();
        let mut message = message(author);
        let before = message.clone();
        let reacted = reaction(&message, author, true);
        let deleted = event(4, author, NewEventKind::Deleted { message: message.id });
        assert!(message.apply(&reacted) && message.apply(&deleted));
        let late = edit(&message, author, "late");
        assert!(!message.apply(&late) && !message.apply(&reacted));
        let expected = Message {
            body: MessageBody::default(),
            deleted_at: Some(Timestamp::from_millis(7)),
            ..before
        };
        assert_eq!(message, expected);
    }

    #[test]
    fn a_reaction_counts_once_a_person() {
        let mut message = message(UserId::new());
        let (ada, bob) = (UserId::new(), UserId::new());
        for (user, on, changes) in [
            (ada, false, false),
            (ada, true, true),
            (ada, true, false),
            (bob, true, true),
            (ada, false, true),
            (ada, false, false),
        ] {
            let reaction = reaction(&message, user, on);
            assert_eq!(message.apply(&reaction), changes);
        }
        let expected = ReactionCount { emoji: "👍".to_owned(), count: 1, users: vec![bob] };
        assert_eq!(message.reactions, [expected]);
        let last = reaction(&message, bob, false);
        assert!(message.apply(&last) && message.reactions.is_empty());
    }

    #[test]
    fn of_many_who_react_the_first_are_named_and_all_are_counted() {
        let mut message = message(UserId::new());
        for _ in 0..REACTION_USERS + 5 {
            let reaction = reaction(&message, UserId::new(), true);
            assert!(message.apply(&reaction));
        }
        let held = &message.reactions[0];
        assert_eq!((held.users.len(), held.count), (REACTION_USERS, REACTION_USERS as u64 + 5));
    }

    #[test]
    fn an_event_about_another_message_changes_nothing() {
        let author = UserId::new();
        let (mut message, other) = (message(author), message(author));
        let edit = edit(&other, author, "second");
        assert!(!message.apply(&edit));
    }
}
