//! Full-text search: what is found, in what order, and that the index changes nothing about it.

use std::time::Duration;

use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{
    Attachment, AttachmentId, EditedBody, Epoch, Event, Mentions, Message, MessageBody, MessageId,
    NewEvent, Position, RoomId, Seq, Timestamp, UserId,
};
use hubbub_store::search::matches;
use hubbub_store::{EVERYBODY, Has, Indexed, Page, Remains, SearchCursor, SearchPage, SearchQuery};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::making::{AnyStore, a_room, at_once, message, stored};

const IN_TIME: Duration = Duration::from_secs(20);

/// A message whose time is its seq, in seconds.
fn said_by(sender: UserId, room: RoomId, seq: u64, body: MessageBody) -> Event {
    Event::Message(Message {
        room,
        epoch: Epoch(1),
        seq: Seq(seq),
        id: MessageId::new(),
        sender,
        at: at(seq),
        body,
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
    })
}

fn said(room: RoomId, seq: u64, text: &str) -> Event {
    said_by(UserId::new(), room, seq, MessageBody::text(text))
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + seconds.cast_signed() * 1000)
}

fn words(terms: &[&str]) -> SearchQuery {
    let terms = terms.iter().map(|term| (*term).to_owned()).collect();
    SearchQuery { terms, ..SearchQuery::default() }
}

/// A room where these things were said, at seqs from 1 on.
async fn room_where(store: &AnyStore, texts: &[&str]) -> RoomId {
    let room = a_room(store).await;
    let events: Vec<_> = (1..).zip(texts).map(|(seq, text)| said(room, seq, text)).collect();
    stored(store, &events).await;
    room
}

async fn index(store: &AnyStore, room: RoomId) {
    while store.index_room(room).await.unwrap() == Indexed::Behind {}
}

async fn page(
    store: &AnyStore,
    query: &SearchQuery,
    rooms: &[RoomId],
    before: Option<SearchCursor>,
    limit: usize,
) -> SearchPage {
    store.search(query, rooms, before, limit, IN_TIME).await.unwrap()
}

/// The seqs of all hits, the newest first.
async fn hits(store: &AnyStore, query: &SearchQuery, rooms: &[RoomId]) -> Vec<u64> {
    let page = page(store, query, rooms, None, 1000).await;
    assert_eq!(page.next, None);
    page.hits.iter().map(|hit| hit.message.seq.0).collect()
}

/// The same before and after the room is indexed.
async fn found(store: &AnyStore, room: RoomId, terms: &[&str]) -> Vec<u64> {
    let direct = hits(store, &words(terms), &[room]).await;
    index(store, room).await;
    assert_eq!(hits(store, &words(terms), &[room]).await, direct, "{terms:?} once indexed");
    direct
}

async fn highlights(store: &AnyStore, room: RoomId, terms: &[&str]) -> Vec<[u32; 2]> {
    let page = page(store, &words(terms), &[room], None, 1).await;
    page.hits.into_iter().next().map(|hit| hit.highlights).unwrap_or_default()
}

pub(crate) async fn a_message_is_found_as_soon_as_it_is_stored(store: AnyStore) {
    let room = room_where(&store, &["the quick brown fox"]).await;
    assert_eq!(found(&store, room, &["quick"]).await, [1]);
    stored(&store, &[said(room, 2, "quick again")]).await;
    assert_eq!(found(&store, room, &["quick"]).await, [2, 1]);
}

pub(crate) async fn every_term_must_be_there_in_any_order(store: AnyStore) {
    let room = room_where(&store, &["alpha beta gamma", "beta", "gamma and then alpha"]).await;
    assert_eq!(found(&store, room, &["gamma", "alpha"]).await, [3, 1]);
    assert_eq!(found(&store, room, &["alpha beta"]).await, [1]);
    assert_eq!(found(&store, room, &["beta alpha"]).await, [0; 0]);
    assert_eq!(found(&store, room, &["alpha", "delta"]).await, [0; 0]);
}

pub(crate) async fn parts_of_words_are_found(store: AnyStore) {
    let room = room_where(&store, &["redeployment at noon", "deploy", "employ"]).await;
    assert_eq!(found(&store, room, &["ploy"]).await, [3, 2, 1]);
    assert_eq!(found(&store, room, &["deploym"]).await, [1]);
    assert_eq!(found(&store, room, &["de"]).await, [2]);
    assert_eq!(found(&store, room, &["n"]).await, [1]);
}

pub(crate) async fn case_diacritics_and_ligatures_do_not_count(store: AnyStore) {
    let room = room_where(&store, &["Die STRASSE", "die Straße", "GROẞE", "Crème brûlée"]).await;
    assert_eq!(found(&store, room, &["straße"]).await, [2, 1]);
    assert_eq!(found(&store, room, &["strass"]).await, [2, 1]);
    assert_eq!(found(&store, room, &["grosse"]).await, [3]);
    assert_eq!(found(&store, room, &["creme", "BRULEE"]).await, [4]);
    assert_eq!(highlights(&store, room, &["straße"]).await, [[4, 10]]);
}

pub(crate) async fn scripts_without_spaces_are_found_by_any_part(store: AnyStore) {
    let room = room_where(&store, &["今天天气很好", "東京都に住む", "안녕하세요", "สวัสดีครับ"]).await;
    assert_eq!(found(&store, room, &["天气"]).await, [1]);
    assert_eq!(found(&store, room, &["好"]).await, [1]);
    assert_eq!(found(&store, room, &["京都"]).await, [2]);
    assert_eq!(found(&store, room, &["都に住"]).await, [2]);
    assert_eq!(found(&store, room, &["하세"]).await, [3]);
    assert_eq!(found(&store, room, &["ดี"]).await, [4]);
    assert_eq!(found(&store, room, &["氣"]).await, [0; 0]);
}

pub(crate) async fn emoji_and_right_to_left_text_are_found(store: AnyStore) {
    let room = room_where(&store, &["done 🎉👍🏽", "שָׁלוֹם לך", "مَرْحَبًا بك"]).await;
    assert_eq!(found(&store, room, &["🎉"]).await, [1]);
    assert_eq!(found(&store, room, &["👍"]).await, [1]);
    assert_eq!(found(&store, room, &["שלום"]).await, [2]);
    assert_eq!(found(&store, room, &["مرحبا"]).await, [3]);
    assert_eq!(highlights(&store, room, &["🎉"]).await, [[5, 7]]);
}

pub(crate) async fn hits_tell_where_the_terms_are(store: AnyStore) {
    let room = room_where(&store, &["😀 naïve NAIVE na", "x"]).await;
    index(&store, room).await;
    assert_eq!(highlights(&store, room, &["naive"]).await, [[3, 8], [9, 14]]);
    assert_eq!(highlights(&store, room, &["nai", "aive"]).await, [[3, 8], [9, 14]]);
    assert_eq!(highlights(&store, room, &["na"]).await, [[3, 5], [9, 11], [15, 17]]);
}

pub(crate) async fn only_rooms_that_were_asked_for_are_searched(store: AnyStore) {
    let mine = room_where(&store, &["a secret"]).await;
    let other = room_where(&store, &["another secret"]).await;
    for _ in 0..2 {
        assert_eq!(hits(&store, &words(&["secret"]), &[mine]).await, [1]);
        assert_eq!(hits(&store, &words(&["secret"]), &[mine, other]).await, [1, 1]);
        assert_eq!(hits(&store, &words(&["secret"]), &[]).await, [0; 0]);
        index(&store, mine).await;
        index(&store, other).await;
    }
}

pub(crate) async fn hits_are_narrowed_by_what_is_known_of_a_message(store: AnyStore) {
    let room = a_room(&store).await;
    let (ada, bob) = (UserId::new(), UserId::new());
    let file = |media_type: &str| Attachment {
        id: AttachmentId::new(),
        name: "file".to_owned(),
        media_type: media_type.to_owned(),
        size: 1,
        width: None,
        height: None,
        blurhash: None,
        thumbnail: false,
    };
    let with = |attachments| MessageBody { attachments, ..MessageBody::text("tea") };
    let reply_to = Some(MessageId::new());
    let mentions = Mentions { users: vec![bob], all: false };
    let everybody = Mentions { users: Vec::new(), all: true };
    let bodies = [
        MessageBody::text("tea at HTTPS://example.org"),
        with(vec![file("text/plain")]),
        with(vec![file("image/png")]),
        MessageBody { reply_to, ..MessageBody::text("tea") },
        MessageBody { mentions, ..MessageBody::text("tea @bob") },
        MessageBody { mentions: everybody, ..MessageBody::text("milk @all") },
    ];
    let events = (1..).zip(bodies);
    let by = |seq| if seq % 2 == 1 { ada } else { bob };
    let events: Vec<_> = events.map(|(seq, body)| said_by(by(seq), room, seq, body)).collect();
    stored(&store, &events).await;
    let has = |has| SearchQuery { has: vec![has], ..SearchQuery::default() };
    let tea = || words(&["tea"]);
    let queries = [
        (has(Has::Link), vec![1]),
        (has(Has::File), vec![3, 2]),
        (has(Has::Image), vec![3]),
        (has(Has::Reply), vec![4]),
        (has(Has::Reaction), vec![]),
        (SearchQuery { mentions: Some(bob), ..tea() }, vec![5]),
        (SearchQuery { mentions: Some(ada), ..tea() }, vec![]),
        (SearchQuery { mentions: Some(EVERYBODY), ..SearchQuery::default() }, vec![6]),
        (SearchQuery { from: Some(bob), ..SearchQuery::default() }, vec![6, 4, 2]),
        (SearchQuery { since: Some(at(3)), ..tea() }, vec![5, 4, 3]),
        (SearchQuery { until: Some(at(3)), ..tea() }, vec![2, 1]),
        (SearchQuery { since: Some(at(2)), until: Some(at(4)), ..tea() }, vec![3, 2]),
        (SearchQuery { excluded: vec!["exam".to_owned()], ..tea() }, vec![5, 4, 3, 2]),
    ];
    for _ in 0..2 {
        for (query, expected) in &queries {
            assert_eq!(hits(&store, query, &[room]).await, *expected, "{query:?}");
        }
        index(&store, room).await;
    }
}

pub(crate) async fn pages_meet_while_messages_arrive(store: AnyStore) {
    let rooms = [a_room(&store).await, a_room(&store).await];
    // Both rooms at the same times, so that pages are cut among equals too.
    for room in rooms {
        let events: Vec<_> = (1..=300).map(|seq| said(room, seq, "tick")).collect();
        stored(&store, &events).await;
    }
    index(&store, rooms[0]).await;
    let (mut before, mut all, mut next_seq) = (None, Vec::new(), 301);
    loop {
        let page = page(&store, &words(&["tick"]), &rooms, before, 37).await;
        assert!(page.hits.len() == 37 || page.next.is_none());
        all.extend(page.hits.iter().map(|hit| (hit.message.at, hit.message.room, hit.message.seq)));
        for room in rooms {
            stored(&store, &[said(room, next_seq, "tick")]).await;
        }
        next_seq += 1;
        index(&store, rooms[next_seq as usize % 2]).await;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(all.len(), 600);
    assert!(all.is_sorted_by(|a, b| a > b));
}

pub(crate) async fn what_is_stored_late_and_out_of_order_is_found(store: AnyStore) {
    let room = a_room(&store).await;
    stored(&store, &[said(room, 2, "late one"), said(room, 700, "late two")]).await;
    index(&store, room).await;
    stored(&store, &[said(room, 1, "late three"), said(room, 400, "late four")]).await;
    assert_eq!(found(&store, room, &["late"]).await, [700, 400, 2, 1]);
    stored(&store, &[said(room, 401, "late five")]).await;
    assert_eq!(found(&store, room, &["late"]).await, [700, 401, 400, 2, 1]);
}

pub(crate) async fn rooms_to_be_indexed_are_told(store: AnyStore) {
    let (old, new) = (room_where(&store, &["a"]).await, room_where(&store, &["b"]).await);
    index(&store, old).await;
    let look = store.rooms_behind(None, 100).await.unwrap();
    assert!(look.seen.contains(&old) && look.seen.contains(&new));
    assert_eq!(look.behind, [new]);
    let last = *look.seen.last().unwrap();
    assert_eq!(store.rooms_behind(Some(last), 100).await.unwrap().seen, []);
    stored(&store, &(2..60).map(|seq| message(old, seq)).collect::<Vec<_>>()).await;
    assert_eq!(store.rooms_to_index(), [old]);
    assert_eq!(store.rooms_to_index(), []);
}

pub(crate) async fn many_who_index_at_once_leave_nothing_out(store: AnyStore) {
    let room = a_room(&store).await;
    stored(&store, &(1..=150).map(|seq| said(room, seq, "word")).collect::<Vec<_>>()).await;
    at_once(&store, 6, |task, store| async move {
        let first = 151 + task as u64 * 50;
        for seq in first..first + 50 {
            stored(&store, &[said(room, seq, "word")]).await;
            if seq % 10 == 0 {
                store.index_room(room).await.unwrap();
            }
        }
    })
    .await;
    index(&store, room).await;
    let expected: Vec<_> = (1..=450).rev().collect();
    assert_eq!(hits(&store, &words(&["word"]), &[room]).await, expected);
}

pub(crate) async fn making_the_index_anew_changes_nothing(store: AnyStore) {
    let room = a_room(&store).await;
    stored(&store, &(1..=300).map(|seq| said(room, seq, "word")).collect::<Vec<_>>()).await;
    index(&store, room).await;
    let before = hits(&store, &words(&["word"]), &[room]).await;
    let mut from = Some(Seq(0));
    while let Some(seq) = from {
        from = store.reindex_room(room, seq, 1).await.unwrap();
    }
    assert_eq!(hits(&store, &words(&["word"]), &[room]).await, before);
}

pub(crate) async fn entries_of_a_room_are_removed_and_counted(store: AnyStore) {
    let room = a_room(&store).await;
    let other = room_where(&store, &["word"]).await;
    stored(&store, &(1..=300).map(|seq| said(room, seq, "word")).collect::<Vec<_>>()).await;
    index(&store, room).await;
    index(&store, other).await;
    let entries = Remains::SearchEntries;
    // Three blocks, and the mark of how far they reach.
    assert_eq!(store.count_remains(room, entries).await.unwrap(), 4);
    while store.remove_remains(room, entries, 2).await.unwrap() > 0 {}
    assert_eq!(store.count_remains(room, entries).await.unwrap(), 0);
    assert_eq!(store.rooms_behind(None, 100).await.unwrap().behind, [room]);
    assert_eq!(hits(&store, &words(&["word"]), &[other]).await, [1]);
}

pub(crate) async fn a_search_that_has_no_time_says_so(store: AnyStore) {
    let room = room_where(&store, &["word"]).await;
    index(&store, room).await;
    let searched = store.search(&words(&["word"]), &[room], None, 10, Duration::ZERO).await;
    assert!(matches!(searched, Err(hubbub_store::StoreError::Overloaded(_))), "{searched:?}");
}

/// A change of a message, in its place.
fn changed(message: &Event, seq: u64, kind: NewEventKind) -> Event {
    NewEvent {
        room: message.room(),
        id: MessageId::new(),
        sender: message.sender(),
        at: at(seq),
        kind,
    }
    .at(Position::new(Epoch(1), Seq(seq)))
}

fn edited(message: &Event, seq: u64, text: &str) -> Event {
    let body = EditedBody { text: text.to_owned(), ..EditedBody::default() };
    changed(message, seq, NewEventKind::Edited { message: message.id(), body })
}

fn deleted(message: &Event, seq: u64) -> Event {
    changed(message, seq, NewEventKind::Deleted { message: message.id() })
}

pub(crate) async fn an_edited_message_is_found_by_what_it_says_now(store: AnyStore) {
    for indexed_before in [false, true] {
        let room = a_room(&store).await;
        let message = said(room, 1, "the old wording");
        stored(&store, &[message.clone(), said(room, 2, "something else")]).await;
        if indexed_before {
            index(&store, room).await;
        }
        stored(&store, &[edited(&message, 3, "new phrases")]).await;
        assert_eq!(found(&store, room, &["phrases"]).await, [1]);
        assert_eq!(found(&store, room, &["wording"]).await, [0; 0]);
        stored(&store, &[edited(&message, 4, "latest words")]).await;
        assert_eq!(found(&store, room, &["latest"]).await, [1]);
        assert_eq!(found(&store, room, &["phrases"]).await, [0; 0]);
    }
}

pub(crate) async fn a_deleted_message_is_not_found(store: AnyStore) {
    for indexed_before in [false, true] {
        let room = a_room(&store).await;
        let messages: Vec<_> = (1..=3).map(|seq| said(room, seq, "a mistake")).collect();
        stored(&store, &messages).await;
        stored(&store, &[edited(&messages[0], 4, "a big mistake")]).await;
        if indexed_before {
            index(&store, room).await;
        }
        stored(&store, &[deleted(&messages[0], 5), deleted(&messages[2], 6)]).await;
        assert_eq!(found(&store, room, &["mistake"]).await, [2]);
        let from = SearchQuery { from: Some(messages[2].sender()), ..SearchQuery::default() };
        assert_eq!(hits(&store, &from, &[room]).await, [0; 0]);
        // An edit that comes too late brings nothing back.
        stored(&store, &[edited(&messages[2], 7, "the mistake again")]).await;
        assert_eq!(found(&store, room, &["again"]).await, [0; 0]);
    }
}

pub(crate) async fn a_change_that_is_stored_before_its_message_counts(store: AnyStore) {
    let room = a_room(&store).await;
    let (first, second) = (said(room, 1, "early word"), said(room, 2, "early word"));
    stored(&store, &[edited(&first, 3, "late word"), deleted(&second, 4)]).await;
    index(&store, room).await;
    stored(&store, &[first, second]).await;
    assert_eq!(found(&store, room, &["word"]).await, [1]);
    assert_eq!(found(&store, room, &["late"]).await, [1]);
    assert_eq!(found(&store, room, &["early"]).await, [0; 0]);
}

pub(crate) async fn reactions_are_found_while_they_last(store: AnyStore) {
    let room = a_room(&store).await;
    let messages: Vec<_> = (1..=2).map(|seq| said(room, seq, "well done")).collect();
    stored(&store, &messages).await;
    let query = SearchQuery { has: vec![Has::Reaction], ..words(&["done"]) };
    let react = |seq, on| {
        let (message, emoji) = (messages[0].id(), "🎉".to_owned());
        changed(&messages[0], seq, NewEventKind::Reaction { message, emoji, on })
    };
    for (event, expected) in [(react(3, true), vec![1]), (react(4, false), vec![])] {
        index(&store, room).await;
        stored(&store, &[event]).await;
        assert_eq!(hits(&store, &query, &[room]).await, expected);
        index(&store, room).await;
        assert_eq!(hits(&store, &query, &[room]).await, expected);
    }
}

fn query() -> impl Strategy<Value = SearchQuery> {
    let term = "[abà]{1,4}|[ab]{1,3} [ab]{1,3}|[京都]{1,3}";
    let terms = prop::collection::vec(term.prop_map(String::from), 1..3);
    let excluded = prop::collection::vec("[ab]{2,3}", 0..2);
    (terms, excluded).prop_map(|(terms, excluded)| SearchQuery {
        terms,
        excluded,
        ..SearchQuery::default()
    })
}

pub(crate) async fn a_search_finds_what_a_look_at_every_message_finds(store: AnyStore) {
    let mut runner = TestRunner::deterministic();
    let mut draw = async |strategy: &str| {
        proptest::string::string_regex(strategy).unwrap().new_tree(&mut runner).unwrap().current()
    };
    let mut rooms = Vec::new();
    for indexed in [0, 100, 290, 300] {
        let room = a_room(&store).await;
        let mut events = Vec::new();
        for seq in 1..=300 {
            events.push(said(
                room,
                seq,
                &draw("([abcß]{1,5}|[京都市]{1,4})( [abÀ]{1,5}){0,3}").await,
            ));
        }
        stored(&store, &events[..indexed]).await;
        index(&store, room).await;
        stored(&store, &events[indexed..]).await;
        rooms.push(room);
    }
    let mut messages = Vec::new();
    for room in &rooms {
        messages.extend(store.history(*room, Page::Latest, 1000).await.unwrap().messages);
    }
    messages.sort_unstable_by_key(|m| std::cmp::Reverse((m.at, m.room, m.seq)));
    let mut runner = TestRunner::deterministic();
    for _ in 0..60 {
        let query = query().new_tree(&mut runner).unwrap().current();
        let expected = messages.iter().filter(|message| matches(&query, message).is_some());
        let expected: Vec<_> = expected.map(|message| message.id).collect();
        let (mut got, mut before) = (Vec::new(), None);
        loop {
            let page = page(&store, &query, &rooms, before, 100).await;
            got.extend(page.hits.iter().map(|hit| hit.message.id));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(got, expected, "{query:?}");
    }
}
