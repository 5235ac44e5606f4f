//! Rooms and memberships.

use std::sync::Arc;

use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{Epoch, Event, Message, Position, RoomCode, RoomId, Seq, Timestamp, UserId};
use hubbub_store::{CodeLimits, LOBBY, NewRoom, RoomRecord, RoomUpdate, StoreError};

use crate::making::{AnyStore, account, at_once, message, room_of, stored};

async fn members(store: &AnyStore, room: RoomId) -> u64 {
    store.rooms(&[room]).await.unwrap()[0].members
}

async fn join(store: &AnyStore, room: RoomId, user: UserId) -> bool {
    store.join(room, user, Seq(0), Timestamp::now()).await.unwrap()
}

fn named(name: &str) -> RoomUpdate {
    RoomUpdate { name: Some(name.to_owned()), ..RoomUpdate::default() }
}

pub(crate) async fn a_made_room_has_its_owner_as_member_and_begins_in_epoch_1(store: AnyStore) {
    let new = room_of(UserId::new());
    let made = store.create_room(new.clone()).await.unwrap();
    let expected = RoomRecord {
        id: new.id,
        kind: RoomKind::Public,
        name: new.name,
        description: new.description,
        topic: String::new(),
        icon: None,
        code: Some(new.code),
        code_limits: CodeLimits::default(),
        owner: Some(new.owner),
        created_at: new.created_at,
        members: 1,
        slow_mode_ms: 0,
        links: Role::Member,
        mention_all: Role::Moderator,
        archived: false,
        people: Vec::new(),
    };
    assert_eq!(made, expected);
    assert_eq!(store.rooms(&[new.id, RoomId::new()]).await.unwrap(), [expected]);
    let place = store.membership(new.id, new.owner).await.unwrap().unwrap();
    assert_eq!((place.role, place.joined_at), (Role::Owner, new.created_at));
    let head = store.stored_head(new.id).await.unwrap();
    assert_eq!(head, Some(Position::new(Epoch(1), Seq(0))));
    assert_eq!(store.rooms(&[]).await.unwrap(), []);
}

pub(crate) async fn making_the_same_room_again_changes_nothing(store: AnyStore) {
    let new = room_of(UserId::new());
    store.create_room(new.clone()).await.unwrap();
    store.update_room(new.id, named("Renamed")).await.unwrap();
    let again = store.create_room(new).await.unwrap();
    assert_eq!((again.name.as_str(), again.members), ("Renamed", 1));
}

pub(crate) async fn the_lobby_is_made_once_by_many_and_stays_destroyed(store: AnyStore) {
    let open = |store: AnyStore| async move {
        store.open_lobby("Lobby", RoomCode::new(), Timestamp::now()).await
    };
    let made = at_once(&store, 8, |_, store| async move { open(store).await.unwrap() }).await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1, "{made:?}");
    let lobby = store.rooms(&[LOBBY]).await.unwrap().remove(0);
    assert_eq!((lobby.kind, lobby.name.as_str()), (RoomKind::Public, "Lobby"));
    assert_eq!((lobby.owner, lobby.members), (None, 0));
    assert_eq!(store.directory("lob", None, 10).await.unwrap(), [lobby]);

    // Whoever comes in is a member, may be made a moderator, and leaves nobody in charge behind.
    let user = UserId::new();
    assert!(join(&store, LOBBY, user).await);
    assert_eq!(store.membership(LOBBY, user).await.unwrap().unwrap().role, Role::Member);
    assert_eq!(store.set_role(LOBBY, user, Role::Moderator).await.unwrap(), Role::Member);
    store.update_room(LOBBY, named("Foyer")).await.unwrap();
    assert!(!open(Arc::clone(&store)).await.unwrap());
    assert_eq!(store.rooms(&[LOBBY]).await.unwrap()[0].name, "Foyer");
    assert!(store.leave(LOBBY, user).await.unwrap());
    assert_eq!(store.rooms(&[LOBBY]).await.unwrap()[0].members, 0);

    store.destroy_room(LOBBY, user, Timestamp::now()).await.unwrap();
    assert!(matches!(open(Arc::clone(&store)).await, Err(StoreError::NoSuchRoom)));
    assert_eq!(store.rooms(&[LOBBY]).await.unwrap(), []);
}

pub(crate) async fn two_people_who_open_a_direct_room_at_once_get_one(store: AnyStore) {
    for _ in 0..10 {
        let (a, b) = (UserId::new(), UserId::new());
        let opened = at_once(&store, 4, |i, store| async move {
            let (a, b) = if i % 2 == 0 { (a, b) } else { (b, a) };
            let (room, made) = store.open_direct(a, b, Timestamp::now()).await.unwrap();
            // Whoever has the room can use it at once.
            assert!(store.membership(room.id, a).await.unwrap().is_some());
            assert!(store.membership(room.id, b).await.unwrap().is_some());
            (room, made)
        })
        .await;
        let (first, _) = &opened[0];
        assert_eq!(first.id, RoomId::direct(a, b));
        assert_eq!(first.people, [a.min(b), a.max(b)]);
        assert_eq!((first.kind, first.members), (RoomKind::Direct, 2));
        assert!(opened.iter().all(|(room, _)| room == first), "{opened:?}");
        assert_eq!(opened.iter().filter(|(_, made)| *made).count(), 1);
        assert_eq!(store.stored_head(first.id).await.unwrap().unwrap().epoch, Epoch(1));
    }
}

pub(crate) async fn a_direct_room_can_not_be_left_and_has_no_code(store: AnyStore) {
    let (a, b) = (UserId::new(), UserId::new());
    let (room, _) = store.open_direct(a, b, Timestamp::now()).await.unwrap();
    let left = store.leave(room.id, a).await;
    assert!(matches!(left, Err(StoreError::OwnerMustStay)), "{left:?}");
    assert!(!store.leave(room.id, UserId::new()).await.unwrap());
    assert_eq!(room.code, None);
    assert!(!store.set_room_code(room.id, RoomCode::new(), CodeLimits::default()).await.unwrap());
    assert_eq!(store.rooms(&[room.id]).await.unwrap(), [room]);
}

pub(crate) async fn a_code_lets_in_until_it_is_replaced(store: AnyStore) {
    let new = room_of(UserId::new());
    store.create_room(new.clone()).await.unwrap();
    let found = store.room_by_code(new.code).await.unwrap().unwrap();
    assert_eq!((found.id, found.members), (new.id, 1));
    let next = RoomCode::new();
    assert!(store.set_room_code(new.id, next, CodeLimits::default()).await.unwrap());
    assert!(store.set_room_code(new.id, next, CodeLimits::default()).await.unwrap());
    assert_eq!(store.room_by_code(new.code).await.unwrap(), None);
    assert_eq!(store.room_by_code(next).await.unwrap().unwrap().code, Some(next));
    assert!(
        !store.set_room_code(RoomId::new(), RoomCode::new(), CodeLimits::default()).await.unwrap()
    );
}

pub(crate) async fn details_change_one_by_one(store: AnyStore) {
    let new = room_of(UserId::new());
    store.create_room(new.clone()).await.unwrap();
    let renamed = store.update_room(new.id, named("Café")).await.unwrap();
    assert_eq!((&*renamed.name, &renamed.description), ("Café", &new.description));
    let undescribed = RoomUpdate { description: Some(String::new()), ..RoomUpdate::default() };
    let described = store.update_room(new.id, undescribed).await.unwrap();
    assert_eq!((&*described.name, &*described.description), ("Café", ""));
    assert_eq!(store.update_room(new.id, RoomUpdate::default()).await.unwrap(), described);
    assert_eq!(store.directory("cafe", None, 9).await.unwrap(), [described]);
    let missing = store.update_room(RoomId::new(), named("x")).await;
    assert!(matches!(missing, Err(StoreError::NoSuchRoom)), "{missing:?}");
    let missing = store.update_room(RoomId::new(), RoomUpdate::default()).await;
    assert!(matches!(missing, Err(StoreError::NoSuchRoom)), "{missing:?}");
}

pub(crate) async fn my_rooms_come_in_pages_with_my_role(store: AnyStore) {
    let me = UserId::new();
    let mut mine = Vec::new();
    for _ in 0..2 {
        mine.push(store.create_room(room_of(me)).await.unwrap().id);
        let other = store.create_room(room_of(UserId::new())).await.unwrap().id;
        join(&store, other, me).await;
        mine.push(other);
        let (direct, _) = store.open_direct(me, UserId::new(), Timestamp::now()).await.unwrap();
        mine.push(direct.id);
        store.create_room(room_of(UserId::new())).await.unwrap();
    }
    mine.sort_unstable();
    let mut seen = Vec::new();
    loop {
        let after = seen.last().copied();
        let page = store.rooms_of(me, after, 4).await.unwrap();
        if page.is_empty() {
            break;
        }
        for (room, place) in page {
            assert_eq!((place.room, place.user), (room.id, me));
            assert_eq!(place.role == Role::Owner, room.owner == Some(me));
            assert_eq!(room.members, if room.owner == Some(me) { 1 } else { 2 });
            seen.push(room.id);
        }
    }
    assert_eq!(seen, mine);
    assert_eq!(store.room_ids_of(me).await.unwrap(), mine);
    assert_eq!(store.room_ids_of(UserId::new()).await.unwrap(), []);
}

pub(crate) async fn the_most_active_rooms_are_those_with_the_newest_messages(store: AnyStore) {
    let me = UserId::new();
    let made = |at| NewRoom { created_at: Timestamp::from_millis(at), ..room_of(me) };
    let old = store.create_room(made(1_000)).await.unwrap().id;
    let quiet = store.create_room(made(2_000)).await.unwrap().id;
    let silent = store.create_room(made(9_000)).await.unwrap().id;
    let (direct, _) =
        store.open_direct(me, UserId::new(), Timestamp::from_millis(500)).await.unwrap();
    for (room, seq, at) in [(old, 1, 3_000), (old, 2, 7_000), (quiet, 1, 4_000)] {
        stored(&store, &[said_at(at, room, seq)]).await;
    }
    stored(&store, &[said_at(8_000, direct.id, 1)]).await;
    let rooms = [quiet, silent, RoomId::new(), direct.id, old];
    let most = async |limit| store.most_active(&rooms, limit).await.unwrap();
    assert_eq!(most(9).await, [direct.id, old, quiet, silent]);
    assert_eq!(most(2).await, [direct.id, old]);
    assert_eq!(most(0).await, []);
    assert_eq!(store.most_active(&[], 9).await.unwrap(), []);
}

/// A message of this time.
fn said_at(millis: i64, room: RoomId, seq: u64) -> Event {
    match message(room, seq) {
        Event::Message(said) => {
            Event::Message(Message { at: Timestamp::from_millis(millis), ..said })
        }
        other => other,
    }
}

pub(crate) async fn the_directory_shows_public_rooms_by_a_part_of_their_name(store: AnyStore) {
    let mut public = Vec::new();
    for name in ["Rust (beginners)", "Trust.me", "Gärten"] {
        let room = NewRoom { name: name.to_owned(), ..room_of(UserId::new()) };
        public.push(store.create_room(room).await.unwrap());
    }
    let hidden = NewRoom {
        kind: RoomKind::Private,
        name: "Rust in private".to_owned(),
        ..room_of(UserId::new())
    };
    store.create_room(hidden).await.unwrap();
    store.open_direct(UserId::new(), UserId::new(), Timestamp::now()).await.unwrap();
    assert_eq!(store.directory("", None, 9).await.unwrap(), public);
    assert_eq!(store.directory("RUST", None, 9).await.unwrap(), public[..2]);
    assert_eq!(store.directory("rust", None, 1).await.unwrap(), public[..1]);
    assert_eq!(store.directory("rust", Some(public[0].id), 9).await.unwrap(), public[1..2]);
    assert_eq!(store.directory("t (b", None, 9).await.unwrap(), public[..1]);
    assert_eq!(store.directory("T.M", None, 9).await.unwrap(), public[1..2]);
    assert_eq!(store.directory("gärt", None, 9).await.unwrap(), public[2..]);
    for nothing in [".*", "%", "_", "^R", "[rR]", "\\w", "private"] {
        assert_eq!(store.directory(nothing, None, 9).await.unwrap(), [], "{nothing}");
    }
}

pub(crate) async fn all_rooms_are_listed_whatever_their_kind(store: AnyStore) {
    let mut rooms = Vec::new();
    for (name, kind) in
        [("Rust", RoomKind::Public), ("Rusty", RoomKind::Private), ("Trust", RoomKind::Public)]
    {
        let room = NewRoom { name: name.to_owned(), kind, ..room_of(UserId::new()) };
        rooms.push(store.create_room(room).await.unwrap());
    }
    let archive = RoomUpdate { archived: Some(true), ..RoomUpdate::default() };
    rooms[2] = store.update_room(rooms[2].id, archive).await.unwrap();
    let (direct, _) =
        store.open_direct(UserId::new(), UserId::new(), Timestamp::now()).await.unwrap();
    assert_eq!(store.all_rooms("rust", None, 9).await.unwrap(), rooms);
    assert_eq!(store.all_rooms("rusty", None, 9).await.unwrap(), rooms[1..2]);
    assert_eq!(store.all_rooms("rust", None, 2).await.unwrap(), rooms[..2]);
    assert_eq!(store.all_rooms("rust", Some(rooms[1].id), 9).await.unwrap(), rooms[2..]);
    rooms.push(direct);
    rooms.sort_by_key(|room| room.id);
    assert_eq!(store.all_rooms("", None, 9).await.unwrap(), rooms);
    assert!(store.all_rooms(".*", None, 9).await.unwrap().is_empty());
}

pub(crate) async fn joining_twice_counts_once(store: AnyStore) {
    let room = store.create_room(room_of(UserId::new())).await.unwrap().id;
    let user = UserId::new();
    assert!(join(&store, room, user).await);
    assert!(!join(&store, room, user).await);
    assert_eq!(members(&store, room).await, 2);
    assert!(store.leave(room, user).await.unwrap());
    assert!(!store.leave(room, user).await.unwrap());
    assert_eq!(members(&store, room).await, 1);
    let nowhere = store.join(RoomId::new(), user, Seq(0), Timestamp::now()).await;
    assert!(matches!(nowhere, Err(StoreError::NoSuchRoom)), "{nowhere:?}");
    assert!(!store.leave(RoomId::new(), user).await.unwrap());
}

pub(crate) async fn a_newcomer_has_read_what_was_before_them(store: AnyStore) {
    let room = store.create_room(room_of(UserId::new())).await.unwrap().id;
    let user = UserId::new();
    let position = async || store.positions(user, &[room]).await.unwrap()[0];
    store.join(room, user, Seq(7), Timestamp::now()).await.unwrap();
    assert_eq!((position().await.read, position().await.delivered), (Seq(7), Seq(7)));
    assert_eq!(position().await.since, Seq(7));
    // Who is a member already has read what they have read.
    store.join(room, user, Seq(9), Timestamp::now()).await.unwrap();
    assert_eq!(position().await.read, Seq(7));
    // Who was a member before does not go back.
    store.leave(room, user).await.unwrap();
    store.join(room, user, Seq(3), Timestamp::now()).await.unwrap();
    assert_eq!((position().await.read, position().await.since), (Seq(7), Seq(7)));
    // What was said while they were out they have not seen.
    store.leave(room, user).await.unwrap();
    store.join(room, user, Seq(12), Timestamp::now()).await.unwrap();
    assert_eq!((position().await.read, position().await.since), (Seq(12), Seq(12)));
}

pub(crate) async fn members_are_counted_right_when_many_come_and_go_at_once(store: AnyStore) {
    let room = store.create_room(room_of(UserId::new())).await.unwrap().id;
    let users: Vec<_> = (0..10).map(|_| UserId::new()).collect();
    let joined = at_once(&store, 40, |i, store| {
        let user = users[i % 10];
        async move { join(&store, room, user).await }
    })
    .await;
    assert_eq!(joined.iter().filter(|joined| **joined).count(), 10);
    assert_eq!(members(&store, room).await, 11);
    let left = at_once(&store, 40, |i, store| {
        let user = users[i % 5];
        async move { store.leave(room, user).await.unwrap() }
    })
    .await;
    assert_eq!(left.iter().filter(|left| **left).count(), 5);
    assert_eq!(members(&store, room).await, 6);
}

pub(crate) async fn the_owner_stays_until_the_room_is_another_s(store: AnyStore) {
    let (owner, other) = (UserId::new(), UserId::new());
    let room = store.create_room(room_of(owner)).await.unwrap().id;
    let stays = async || {
        let left = store.leave(room, owner).await;
        assert!(matches!(left, Err(StoreError::OwnerMustStay)), "{left:?}");
        let place = store.membership(room, owner).await.unwrap().unwrap();
        assert_eq!(place.role, Role::Owner);
    };
    stays().await;
    join(&store, room, other).await;
    stays().await;
    store.hand_over(room, owner, other).await.unwrap();
    assert!(store.leave(room, owner).await.unwrap());
    assert_eq!(members(&store, room).await, 1);
}

pub(crate) async fn a_room_handed_to_somebody_who_leaves_has_an_owner_in_it(store: AnyStore) {
    for _ in 0..20 {
        let (owner, other) = (UserId::new(), UserId::new());
        let room = store.create_room(room_of(owner)).await.unwrap().id;
        join(&store, room, other).await;
        at_once(&store, 2, |i, store| async move {
            if i == 0 {
                let handed = store.hand_over(room, owner, other).await;
                assert!(matches!(handed, Ok(()) | Err(StoreError::NoSuchMember)), "{handed:?}");
            } else {
                let left = store.leave(room, other).await;
                assert!(matches!(left, Ok(true) | Err(StoreError::OwnerMustStay)), "{left:?}");
            }
        })
        .await;
        let owns = store.rooms(&[room]).await.unwrap()[0].owner.unwrap();
        let place = store.membership(room, owns).await.unwrap().expect("the owner is in");
        assert_eq!(place.role, Role::Owner);
    }
}

pub(crate) async fn memberships_are_told_one_by_one_and_in_batches(store: AnyStore) {
    let (owner, member, stranger) = (UserId::new(), UserId::new(), UserId::new());
    let room = store.create_room(room_of(owner)).await.unwrap().id;
    let other = store.create_room(room_of(stranger)).await.unwrap().id;
    let since = Timestamp::from_millis(1_700_000_000_000);
    store.join(room, member, Seq(0), since).await.unwrap();
    let place = store.membership(room, member).await.unwrap().unwrap();
    assert_eq!((place.role, place.joined_at), (Role::Member, since));
    assert_eq!(store.membership(room, stranger).await.unwrap(), None);
    let asked = [(room, owner), (room, stranger), (other, member), (room, member)];
    let mut told = store.memberships_among(&asked).await.unwrap();
    told.sort_unstable();
    let mut expected = [(room, owner), (room, member)];
    expected.sort_unstable();
    assert_eq!(told, expected);
    assert_eq!(store.memberships_among(&[]).await.unwrap(), []);
}

pub(crate) async fn members_come_in_pages(store: AnyStore) {
    let owner = UserId::new();
    let room = store.create_room(room_of(owner)).await.unwrap().id;
    let mut everybody = vec![owner];
    for _ in 0..6 {
        let user = UserId::new();
        join(&store, room, user).await;
        everybody.push(user);
    }
    everybody.sort_unstable();
    let mut seen: Vec<UserId> = Vec::new();
    loop {
        let page = store.members(room, seen.last().copied(), 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 3);
        assert!(page.iter().all(|place| place.room == room));
        assert!(page.iter().all(|place| (place.role == Role::Owner) == (place.user == owner)));
        seen.extend(page.iter().map(|place| place.user));
    }
    assert_eq!(seen, everybody);
}

pub(crate) async fn members_are_found_by_the_start_of_any_name(store: AnyStore) {
    let room = store.create_room(room_of(UserId::new())).await.unwrap().id;
    let mut users = Vec::new();
    for (username, display_name) in
        [("zoe", "Zoë Åkerström"), ("akim", "Akim"), ("ben", "Ben Åkesson"), ("akira", "Akira")]
    {
        users.push(store.create_user(account(username, display_name)).await.unwrap().id);
    }
    for user in &users[..3] {
        join(&store, room, *user).await;
    }
    let find = async |q: &str, after, limit| {
        let page = store.find_members(room, q, after, limit).await.unwrap();
        assert!(page.members.iter().all(|member| member.room == room));
        let found: Vec<_> = page.members.iter().map(|member| member.user).collect();
        (found, page.next)
    };
    assert_eq!(find("ÅK", None, 9).await, (users[..3].to_vec(), None), "akira is not in");
    assert_eq!(find("zoe", None, 9).await, (users[..1].to_vec(), None));
    assert_eq!(find("ak", None, 2).await, (users[..2].to_vec(), Some(users[1])));
    assert_eq!(find("ak", Some(users[1]), 2).await, (users[2..3].to_vec(), None));
    for nothing in ["", " ", ".*", "%", "akira"] {
        assert_eq!(find(nothing, None, 9).await, (vec![], None), "{nothing}");
    }
    assert_eq!(find("ak", None, 0).await, (vec![], None));
    let moderator = store.set_role(room, users[0], Role::Moderator).await;
    assert_eq!(moderator.unwrap(), Role::Member);
    let page = store.find_members(room, "zoe", None, 9).await.unwrap();
    assert_eq!(page.members[0], store.membership(room, users[0]).await.unwrap().unwrap());
}

pub(crate) async fn a_page_of_no_rows_is_empty(store: AnyStore) {
    let owner = UserId::new();
    let room = store.create_room(room_of(owner)).await.unwrap().id;
    assert!(store.rooms_of(owner, None, 0).await.unwrap().is_empty());
    assert!(store.directory("", None, 0).await.unwrap().is_empty());
    assert!(store.members(room, None, 0).await.unwrap().is_empty());
}
