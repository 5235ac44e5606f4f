//! Edits, deletions and reactions: what they make of messages, in whatever order they are stored.

use std::collections::BTreeMap;

use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::http::Version;
use hubbub_protocol::{
    EditedBody, Epoch, Event, Mentions, Message, MessageBody, MessageId, NewEvent, Position,
    RoomId, Seq, Timestamp, UserId,
};
use hubbub_store::{Page, Reactor};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::runtime::Handle;

use crate::making::{AnyStore, a_room, at_once, message_by, stored};
use crate::positions::{range_after, unread_of};

fn event(room: RoomId, seq: u64, sender: UserId, kind: NewEventKind) -> Event {
    let at = Timestamp::from_millis(1_000_000 + seq.cast_signed());
    NewEvent { room, id: MessageId::new(), sender, at, kind }.at(Position::new(Epoch(1), Seq(seq)))
}

fn edit(of: &Event, seq: u64, text: &str) -> Event {
    edit_by(of.sender(), of, seq, text)
}

fn edit_by(sender: UserId, of: &Event, seq: u64, text: &str) -> Event {
    let body = EditedBody { text: text.to_owned(), mentions: Mentions::default() };
    event(of.room(), seq, sender, NewEventKind::Edited { message: of.id(), body })
}

fn delete(of: &Event, seq: u64) -> Event {
    event(of.room(), seq, of.sender(), NewEventKind::Deleted { message: of.id() })
}

fn react(of: &Event, seq: u64, user: UserId, emoji: &str, on: bool) -> Event {
    let emoji = emoji.to_owned();
    event(of.room(), seq, user, NewEventKind::Reaction { message: of.id(), emoji, on })
}

/// The message as the store has it now.
async fn now(store: &AnyStore, of: &Event) -> Message {
    store.messages(of.room(), &[of.id()]).await.unwrap().remove(0)
}

/// Every text the message has had.
async fn versions(store: &AnyStore, of: &Event) -> Vec<Version> {
    store.versions(of.room(), of.id(), Seq(1_000), 100).await.unwrap()
}

/// What the message comes to if these events reach it in order.
fn after(of: &Event, events: &[Event]) -> Message {
    let Event::Message(message) = of else { panic!("no message") };
    let mut message = message.clone();
    for event in events {
        message.apply(event);
    }
    message
}

pub(crate) async fn an_edit_replaces_the_text_and_whom_it_calls(store: AnyStore) {
    let room = a_room(&store).await;
    let (called, answered) = (UserId::new(), MessageId::new());
    let mut said = message_by(UserId::new(), room, 1);
    if let Event::Message(message) = &mut said {
        message.body = MessageBody { reply_to: Some(answered), ..MessageBody::text("first") };
        message.body.mentions.users = vec![called];
    }
    let edited = edit(&said, 2, "second");
    stored(&store, std::slice::from_ref(&said)).await;
    assert_eq!(now(&store, &said).await, after(&said, &[]));
    stored(&store, std::slice::from_ref(&edited)).await;
    let now = now(&store, &said).await;
    assert_eq!(now, after(&said, std::slice::from_ref(&edited)));
    assert_eq!((now.body.text.as_str(), now.edited_at), ("second", Some(edited.at())));
    assert_eq!((now.body.reply_to, now.body.mentions), (Some(answered), Mentions::default()));
    let called_by = versions(&store, &said).await.into_iter().map(|version| version.mentions.users);
    assert_eq!(called_by.collect::<Vec<_>>(), [vec![called], Vec::new()]);
}

pub(crate) async fn of_edits_the_last_counts_in_whatever_order_they_are_stored(store: AnyStore) {
    let room = a_room(&store).await;
    let said = message_by(UserId::new(), room, 1);
    let edits = [edit(&said, 2, "second"), edit(&said, 3, "third"), edit(&said, 4, "fourth")];
    stored(&store, &[edits[2].clone(), said.clone()]).await;
    stored(&store, &[edits[0].clone()]).await;
    stored(&store, &[edits[1].clone()]).await;
    assert_eq!(now(&store, &said).await, after(&said, &edits));
}

pub(crate) async fn an_edit_by_somebody_else_changes_nothing(store: AnyStore) {
    let room = a_room(&store).await;
    let said = message_by(UserId::new(), room, 1);
    stored(&store, &[said.clone(), edit_by(UserId::new(), &said, 2, "forged")]).await;
    assert_eq!(now(&store, &said).await, after(&said, &[]));
    assert_eq!(versions(&store, &said).await.len(), 1);
}

pub(crate) async fn a_deletion_leaves_place_author_and_time(store: AnyStore) {
    let room = a_room(&store).await;
    let reader = UserId::new();
    let said = message_by(UserId::new(), room, 1);
    let changes = [edit(&said, 2, "second"), react(&said, 3, reader, "👍", true), delete(&said, 4)];
    stored(&store, std::slice::from_ref(&said)).await;
    stored(&store, &changes).await;
    let now = now(&store, &said).await;
    assert_eq!(now, after(&said, &changes));
    assert_eq!((now.seq, now.sender, now.at), (Seq(1), said.sender(), said.at()));
    assert_eq!(now.deleted_at, Some(changes[2].at()));
    assert_eq!(now.body, MessageBody::default());
    assert_eq!(versions(&store, &said).await, []);
    assert_eq!(store.reactors(room, said.id(), "👍", Seq(0), 9).await.unwrap(), []);
    // Its place is still there: in pages, in the log, against another message.
    let page = store.history(room, Page::Latest, 9).await.unwrap();
    assert_eq!(page.messages, [now]);
    assert_eq!(store.count_events(room, Seq(0), Seq(4)).await.unwrap(), 4);
    assert!(store.places(&[(room, said.id())]).await.unwrap()[0].is_some());
}

pub(crate) async fn a_deletion_beats_every_edit_and_reaction_that_is_stored_late(store: AnyStore) {
    let room = a_room(&store).await;
    let said = message_by(UserId::new(), room, 1);
    let late = [edit(&said, 2, "late"), react(&said, 3, UserId::new(), "👍", true)];
    let later = [edit(&said, 5, "later"), react(&said, 6, UserId::new(), "👍", true)];
    let deletions = [delete(&said, 4), delete(&said, 7)];
    stored(&store, &[said.clone(), deletions[1].clone()]).await;
    stored(&store, &late).await;
    stored(&store, &[deletions[0].clone()]).await;
    stored(&store, &later).await;
    let now = now(&store, &said).await;
    assert_eq!(now, after(&said, &deletions), "the first deletion counts");
    assert_eq!(versions(&store, &said).await, []);
    assert_eq!(store.reactors(room, said.id(), "👍", Seq(0), 9).await.unwrap(), []);
}

pub(crate) async fn what_is_stored_before_its_message_takes_effect(store: AnyStore) {
    let room = a_room(&store).await;
    let [edited, deleted, reacted] = [1, 2, 3].map(|seq| message_by(UserId::new(), room, seq));
    let changes = [
        edit(&edited, 4, "second"),
        delete(&deleted, 5),
        react(&reacted, 6, UserId::new(), "👍", true),
    ];
    stored(&store, &changes).await;
    let messages = [edited, deleted, reacted];
    stored(&store, &messages).await;
    for message in &messages {
        assert_eq!(now(&store, message).await, after(message, &changes));
    }
    let changed = store.changes(room, Seq(3), Seq(3), 9).await.unwrap().unwrap();
    assert_eq!(changed.len(), 3);
}

pub(crate) async fn reactions_are_counted_and_named_in_order(store: AnyStore) {
    let room = a_room(&store).await;
    let said = message_by(UserId::new(), room, 1);
    let [ada, bob, eve] = [(); 3].map(|()| UserId::new());
    let changes = [
        react(&said, 2, bob, "🎉", true),
        react(&said, 3, ada, "👍", true),
        react(&said, 4, eve, "👍", true),
        react(&said, 5, ada, "👍", false),
        react(&said, 6, bob, "👍", true),
        react(&said, 7, ada, "👍", true),
    ];
    stored(&store, std::slice::from_ref(&said)).await;
    stored(&store, &changes).await;
    let counts: Vec<_> = now(&store, &said)
        .await
        .reactions
        .into_iter()
        .map(|held| (held.emoji, held.count, held.users))
        .collect();
    let expected = [("🎉".to_owned(), 1, vec![bob]), ("👍".to_owned(), 3, vec![eve, bob, ada])];
    assert_eq!(counts, expected);
    let page = store.reactors(room, said.id(), "👍", Seq(0), 2).await.unwrap();
    assert_eq!(page, [Reactor { user: eve, seq: Seq(4) }, Reactor { user: bob, seq: Seq(6) }]);
    let rest = store.reactors(room, said.id(), "👍", Seq(6), 2).await.unwrap();
    assert_eq!(rest, [Reactor { user: ada, seq: Seq(7) }]);
    assert_eq!(store.reactors(room, said.id(), "🤷", Seq(0), 2).await.unwrap(), []);
}

pub(crate) async fn of_one_persons_reactions_the_last_counts(store: AnyStore) {
    let room = a_room(&store).await;
    let said = message_by(UserId::new(), room, 1);
    let ada = UserId::new();
    stored(&store, &[said.clone(), react(&said, 3, ada, "👍", false)]).await;
    stored(&store, &[react(&said, 2, ada, "👍", true)]).await;
    assert_eq!(now(&store, &said).await.reactions, []);
}

pub(crate) async fn what_was_touched_is_told_once_in_its_latest_state(store: AnyStore) {
    let room = a_room(&store).await;
    let by = UserId::new();
    let said: Vec<_> = (1..=4).map(|seq| message_by(by, room, seq)).collect();
    let changes = [edit(&said[0], 5, "a"), delete(&said[2], 6), react(&said[0], 7, by, "👍", true)];
    stored(&store, &said).await;
    stored(&store, &changes).await;
    let changed = async |after, upto| {
        let changes = store.changes(room, Seq(after), Seq(upto), 10).await.unwrap().unwrap();
        changes.into_iter().map(|message| message.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(changed(4, 7).await, [1, 3]);
    assert_eq!(changed(6, 7).await, [1]);
    assert_eq!(changed(2, 7).await, [1, 3, 4]);
    // What comes after `upto` is left to the log, but not the state it has left behind.
    assert_eq!(changed(0, 2).await, [1, 2]);
    let first = store.changes(room, Seq(4), Seq(5), 10).await.unwrap().unwrap().remove(0);
    assert_eq!(first, after(&said[0], &changes));
}

pub(crate) async fn every_text_a_message_has_had_is_kept(store: AnyStore) {
    let room = a_room(&store).await;
    let said = message_by(UserId::new(), room, 1);
    stored(&store, &[said.clone(), edit(&said, 5, "third"), edit(&said, 3, "second")]).await;
    let versions = versions(&store, &said).await;
    let told: Vec<_> = versions.iter().map(|v| (v.seq.0, v.text.as_str())).collect();
    assert_eq!(told, [(1, "number 1"), (3, "second"), (5, "third")]);
    let page = async |before, limit| -> Vec<u64> {
        let page = store.versions(room, said.id(), Seq(before), limit).await.unwrap();
        page.iter().map(|version| version.seq.0).collect()
    };
    assert_eq!(page(99, 2).await, [3, 5]);
    assert_eq!(page(3, 2).await, [1]);
    assert_eq!(page(4, 1).await, [3]);
    assert_eq!(page(1, 2).await, [0; 0]);
    assert_eq!(store.versions(room, MessageId::new(), Seq(99), 9).await.unwrap(), []);
}

pub(crate) async fn a_change_is_no_message(store: AnyStore) {
    let room = a_room(&store).await;
    let said = message_by(UserId::new(), room, 1);
    let edited = edit(&said, 2, "second");
    let about_it = edit(&edited, 3, "third");
    stored(&store, &[said.clone(), edited.clone(), about_it]).await;
    let found = store.messages(room, &[edited.id(), said.id(), MessageId::new()]).await.unwrap();
    assert_eq!(found.iter().map(|message| message.id).collect::<Vec<_>>(), [said.id()]);
    assert_eq!(store.messages(RoomId::new(), &[said.id()]).await.unwrap(), []);
    assert_eq!(store.messages(room, &[]).await.unwrap(), []);
    assert_eq!(store.history(room, Page::Latest, 9).await.unwrap().messages.len(), 1);
}

pub(crate) async fn deleted_messages_are_not_unread(store: AnyStore) {
    let room = a_room(&store).await;
    let (ada, bob) = (UserId::new(), UserId::new());
    let said: Vec<_> = (1..=3).map(|seq| message_by(ada, room, seq)).collect();
    stored(&store, &said).await;
    assert_eq!(unread_of(&store, bob, &[range_after(room, 0)]).await, [3]);
    stored(&store, &[delete(&said[1], 4), edit(&said[0], 5, "x")]).await;
    assert_eq!(unread_of(&store, bob, &[range_after(room, 0)]).await, [2]);
}

pub(crate) async fn changes_by_many_at_once_all_take_effect(store: AnyStore) {
    let room = a_room(&store).await;
    let said = message_by(UserId::new(), room, 1);
    let people: Vec<_> = (0..16).map(|_| UserId::new()).collect();
    let mut events = vec![said.clone()];
    for (n, user) in people.iter().enumerate() {
        events.push(react(&said, 10 + n as u64, *user, "👍", true));
        events.push(edit(&said, 50 + n as u64, &format!("edit {n}")));
    }
    at_once(&store, events.len(), |n, store| {
        let event = events[n].clone();
        async move { store.append(&[event]).await.unwrap() }
    })
    .await;
    events.sort_unstable_by_key(Event::seq);
    assert_eq!(now(&store, &said).await, after(&said, &events));
}

/// One change of one of three messages.
#[derive(Debug, Clone)]
enum Step {
    Edit { message: usize },
    Delete { message: usize },
    React { message: usize, by: usize, emoji: usize, on: bool },
}

/// Changes, and in which parts and in which order (with repetitions) they are stored.
fn course() -> impl Strategy<Value = (Vec<Step>, Vec<Vec<prop::sample::Index>>)> {
    let step = prop_oneof![
        3 => (0..3_usize).prop_map(|message| Step::Edit { message }),
        1 => (0..3_usize).prop_map(|message| Step::Delete { message }),
        5 => (0..3_usize, 0..3_usize, 0..2_usize, any::<bool>())
            .prop_map(|(message, by, emoji, on)| Step::React { message, by, emoji, on }),
    ];
    let part = prop::collection::vec(any::<prop::sample::Index>(), 1..6);
    (prop::collection::vec(step, 1..12), prop::collection::vec(part, 0..8))
}

/// Reactions in an order of their own: the store tells the last word of each person, a reader of
/// events their first.
fn sorted(mut message: Message) -> Message {
    for held in &mut message.reactions {
        held.users.sort_unstable();
    }
    message.reactions.sort_unstable_by(|a, b| a.emoji.cmp(&b.emoji));
    message
}

async fn runs(
    store: &AnyStore,
    steps: &[Step],
    parts: &[Vec<prop::sample::Index>],
) -> Result<(), TestCaseError> {
    let room = RoomId::new();
    let people: Vec<_> = (0..3).map(|_| UserId::new()).collect();
    let said: Vec<_> = (0..3).map(|n| message_by(people[n], room, n as u64 + 1)).collect();
    let mut events = said.clone();
    for (n, step) in steps.iter().enumerate() {
        let seq = n as u64 + 4;
        events.push(match *step {
            Step::Edit { message } => edit(&said[message], seq, &format!("edit {seq}")),
            Step::Delete { message } => delete(&said[message], seq),
            Step::React { message, by, emoji, on } => {
                react(&said[message], seq, people[by], ["👍", "🎉"][emoji], on)
            }
        });
    }
    let mut missing: BTreeMap<u64, Event> =
        events.iter().map(|event| (event.seq().0, event.clone())).collect();
    // Two at a time, as two workers do.
    for pair in parts.chunks(2) {
        let batches = pair.iter().map(|part| {
            let picked: Vec<_> = part.iter().map(|index| index.get(&events).clone()).collect();
            picked.iter().for_each(|event| drop(missing.remove(&event.seq().0)));
            async move { store.append(&picked).await }
        });
        for stored in futures_util::future::join_all(batches).await {
            stored.unwrap();
        }
    }
    let rest: Vec<_> = missing.into_values().rev().collect();
    store.append(&rest).await.unwrap();
    store.append(&events).await.unwrap();

    let page = store.history(room, Page::Latest, 9).await.unwrap();
    let expected: Vec<_> = said.iter().map(|of| sorted(after(of, &events))).collect();
    let found: Vec<_> = page.messages.into_iter().map(sorted).collect();
    prop_assert_eq!(found, expected);
    let upto = Seq(events.len() as u64);
    for seen in 0..=upto.0 {
        let touched = |of: &&Event| {
            let about = |event: &&Event| event.id() == of.id() || event.target() == Some(of.id());
            events.iter().filter(about).any(|event| event.seq().0 > seen)
        };
        let expected: Vec<_> = said.iter().filter(touched).map(Event::seq).collect();
        let changed = store.changes(room, Seq(seen), upto, 9).await.unwrap().unwrap();
        prop_assert_eq!(changed.iter().map(|m| m.seq).collect::<Vec<_>>(), expected);
    }
    Ok(())
}

pub(crate) async fn any_order_and_repetition_comes_to_the_same(store: AnyStore) {
    let mut runner = TestRunner::new(Config { cases: 60, ..Config::default() });
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&course(), |(steps, parts)| {
            Handle::current().block_on(runs(&store, &steps, &parts))
        })
    });
    outcome.unwrap();
}
