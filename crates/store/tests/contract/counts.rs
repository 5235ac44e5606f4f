//! Unread and mention counts are what a recount of everything that happened finds, at any moment.

use std::collections::{BTreeMap, BTreeSet};

use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{
    EditedBody, Epoch, Event, Mentions, MessageId, NewEvent, Position, RoomId, Seq, Timestamp,
    UserId,
};
use hubbub_store::{Unread, UnreadRange};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Handle;

use crate::making::{AnyStore, message_by, stored};
use crate::positions::{forward, range_after, unread_from};

/// Rooms, and people who are all in each of them.
const ROOMS: usize = 2;
const PEOPLE: usize = 3;

/// Whom a message calls: some of the people, and perhaps everybody.
#[derive(Debug, Clone)]
struct Calls {
    people: BTreeSet<usize>,
    all: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Say { room: usize, by: usize, calls: Calls },
    Edit { room: usize, message: Index, calls: Calls },
    Delete { room: usize, message: Index },
    Read { room: usize, by: usize, upto: u64 },
    MarkUnread { room: usize, by: usize, from: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let calls = || {
        (proptest::collection::btree_set(0..PEOPLE, 0..3), proptest::bool::weighted(0.2))
            .prop_map(|(people, all)| Calls { people, all })
    };
    let step = prop_oneof![
        4 => (0..ROOMS, 0..PEOPLE, calls())
            .prop_map(|(room, by, calls)| Step::Say { room, by, calls }),
        2 => (0..ROOMS, any::<Index>(), calls())
            .prop_map(|(room, message, calls)| Step::Edit { room, message, calls }),
        1 => (0..ROOMS, any::<Index>())
            .prop_map(|(room, message)| Step::Delete { room, message }),
        2 => (0..ROOMS, 0..PEOPLE, 0..20_u64)
            .prop_map(|(room, by, upto)| Step::Read { room, by, upto }),
        1 => (0..ROOMS, 0..PEOPLE, 0..20_u64)
            .prop_map(|(room, by, from)| Step::MarkUnread { room, by, from }),
    ];
    proptest::collection::vec(step, 0..40)
}

/// A message as a list of all that happened has it.
struct Said {
    event: Event,
    by: usize,
    calls: Calls,
    deleted: bool,
}

/// A room and what happened in it.
struct Room {
    id: RoomId,
    /// Its last event.
    head: u64,
    said: Vec<Said>,
    /// By person: what they have read, and from where on they marked it unread.
    marks: BTreeMap<usize, (u64, Option<u64>)>,
}

impl Room {
    fn new() -> Self {
        Self { id: RoomId::new(), head: 0, said: Vec::new(), marks: BTreeMap::new() }
    }

    fn next_seq(&mut self) -> u64 {
        self.head += 1;
        self.head
    }

    fn unread(&self, reader: usize) -> Unread {
        let (read, from) = self.marks.get(&reader).copied().unwrap_or_default();
        let first = from.unwrap_or(read + 1);
        let unread =
            |said: &&Said| said.event.seq().0 >= first && said.by != reader && !said.deleted;
        let calls = |said: &&Said| said.calls.all || said.calls.people.contains(&reader);
        let unread: Vec<_> = self.said.iter().filter(unread).collect();
        let mentions = unread.iter().copied().filter(calls).count() as u64;
        Unread { messages: unread.len() as u64, mentions }
    }
}

/// The store beside the list.
struct Recount<'a> {
    store: &'a AnyStore,
    people: Vec<UserId>,
    rooms: Vec<Room>,
}

impl Recount<'_> {
    fn mentions(&self, calls: &Calls) -> Mentions {
        let users = calls.people.iter().map(|person| self.people[*person]).collect();
        Mentions { users, all: calls.all }
    }

    async fn carry_out(&mut self, step: &Step) {
        match step {
            Step::Say { room, by, calls } => {
                let mentions = self.mentions(calls);
                let room = &mut self.rooms[*room];
                let mut event = message_by(self.people[*by], room.id, room.next_seq());
                if let Event::Message(message) = &mut event {
                    message.body.mentions = mentions;
                }
                stored(self.store, std::slice::from_ref(&event)).await;
                let calls = calls.clone();
                room.said.push(Said { event, by: *by, calls, deleted: false });
            }
            Step::Edit { room, message, calls } => {
                let body = EditedBody { text: "new".to_owned(), mentions: self.mentions(calls) };
                let change = |message| NewEventKind::Edited { message, body };
                if let Some(said) = self.change(*room, message, change).await {
                    said.calls = calls.clone();
                }
            }
            Step::Delete { room, message } => {
                let change = |message| NewEventKind::Deleted { message };
                if let Some(said) = self.change(*room, message, change).await {
                    said.deleted = true;
                }
            }
            Step::Read { room, by, upto } => {
                let room = &mut self.rooms[*room];
                let change = forward(None, Some(*upto));
                self.store.mark(room.id, self.people[*by], change).await.unwrap();
                let (read, from) = room.marks.entry(*by).or_default();
                if upto > read {
                    (*read, *from) = (*upto, None);
                }
            }
            Step::MarkUnread { room, by, from } => {
                let room = &mut self.rooms[*room];
                self.store.mark(room.id, self.people[*by], unread_from(*from)).await.unwrap();
                let (read, marked) = room.marks.entry(*by).or_default();
                *marked = Some(*from).filter(|from| (1..=*read).contains(from));
            }
        }
    }

    /// Changes one of a room's messages by its author's hand, if it has any.
    async fn change(
        &mut self,
        room: usize,
        message: &Index,
        change: impl FnOnce(MessageId) -> NewEventKind,
    ) -> Option<&mut Said> {
        let room = &mut self.rooms[room];
        if room.said.is_empty() {
            return None;
        }
        let at = Position::new(Epoch(1), Seq(room.next_seq()));
        let said = message.index(room.said.len());
        let said = &mut room.said[said];
        let event = NewEvent {
            room: room.id,
            id: MessageId::new(),
            sender: said.event.sender(),
            at: Timestamp::now(),
            kind: change(said.event.id()),
        };
        stored(self.store, &[event.at(at)]).await;
        Some(said)
    }

    /// Compares what the store counts for each person with what the list says: in short ranges,
    /// which it counts together, and in such as may hold more than it counts.
    async fn compare(&self) -> Result<(), TestCaseError> {
        let ids: Vec<_> = self.rooms.iter().map(|room| room.id).collect();
        for (reader, user) in self.people.iter().enumerate() {
            let positions = self.store.positions(*user, &ids).await.unwrap();
            let long: Vec<_> =
                positions.iter().map(|row| range_after(row.room, row.unread_after().0)).collect();
            let short: Vec<_> = long
                .iter()
                .zip(&self.rooms)
                .map(|(range, room)| UnreadRange { upto: Seq(room.head), ..*range })
                .collect();
            let expected: Vec<_> = self.rooms.iter().map(|room| room.unread(reader)).collect();
            for asked in [long, short] {
                prop_assert_eq!(&self.store.unread(*user, &asked).await.unwrap(), &expected);
            }
        }
        Ok(())
    }
}

async fn recount(store: &AnyStore, steps: &[Step]) -> Result<(), TestCaseError> {
    let people = (0..PEOPLE).map(|_| UserId::new()).collect();
    let rooms = (0..ROOMS).map(|_| Room::new()).collect();
    let mut recount = Recount { store, people, rooms };
    for step in steps {
        recount.carry_out(step).await;
        if matches!(step, Step::Edit { .. } | Step::Delete { .. }) {
            recount.compare().await?;
        }
    }
    recount.compare().await
}

pub(crate) async fn unread_and_mentions_are_what_a_recount_finds(store: AnyStore) {
    let mut runner = TestRunner::new(Config { cases: 40, ..Config::default() });
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&steps(), |steps| Handle::current().block_on(recount(&store, &steps)))
    });
    outcome.unwrap();
}
