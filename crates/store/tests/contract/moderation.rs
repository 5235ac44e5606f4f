//! Roles, mutes, bans, codes with limits, direct rooms among a few.

use std::time::Duration;

use hubbub_protocol::http::{Role, RoomKind};
use hubbub_protocol::{RoomCode, RoomId, Seq, Timestamp, UserId};
use hubbub_store::{BanRecord, CodeLimits, Opened, RoomUpdate, StoreError};

use crate::making::{AnyStore, account, at_once, room_of};

/// A room with its owner and a member.
async fn room(store: &AnyStore) -> (RoomId, UserId, UserId) {
    let (owner, member) = (UserId::new(), UserId::new());
    let room = store.create_room(room_of(owner)).await.unwrap().id;
    store.join(room, member, Seq(0), Timestamp::now()).await.unwrap();
    (room, owner, member)
}

async fn role(store: &AnyStore, room: RoomId, user: UserId) -> Option<Role> {
    store.membership(room, user).await.unwrap().map(|place| place.role)
}

fn ban_of(room: RoomId, user: UserId, by: UserId) -> BanRecord {
    let at = Timestamp::from_millis(1_800_000_000_000);
    BanRecord { room, user, by, at, reason: Some("noise".to_owned()) }
}

pub(crate) async fn roles_are_given_and_taken_but_never_the_owner_s(store: AnyStore) {
    let (room, owner, member) = room(&store).await;
    assert_eq!(store.set_role(room, member, Role::Moderator).await.unwrap(), Role::Member);
    assert_eq!(role(&store, room, member).await, Some(Role::Moderator));
    assert_eq!(store.set_role(room, member, Role::Member).await.unwrap(), Role::Moderator);
    for (user, given) in [(owner, Role::Member), (member, Role::Owner)] {
        let refused = store.set_role(room, user, given).await;
        assert!(matches!(refused, Err(StoreError::Outranked)), "{refused:?}");
    }
    let nobody = store.set_role(room, UserId::new(), Role::Moderator).await;
    assert!(matches!(nobody, Err(StoreError::NoSuchMember)), "{nobody:?}");
    assert_eq!(role(&store, room, owner).await, Some(Role::Owner));
}

pub(crate) async fn a_room_is_handed_to_one_of_many_at_once(store: AnyStore) {
    let (room, owner, first) = room(&store).await;
    let second = UserId::new();
    store.join(room, second, Seq(0), Timestamp::now()).await.unwrap();
    let outsider = store.hand_over(room, owner, UserId::new()).await;
    assert!(matches!(outsider, Err(StoreError::NoSuchMember)), "{outsider:?}");
    let heirs = [first, second];
    let outcomes =
        at_once(&store, 2, |i, store| async move { store.hand_over(room, owner, heirs[i]).await })
            .await;
    let done: Vec<_> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{outcomes:?}");
    let (new, other) = if done[0] { (first, second) } else { (second, first) };
    assert_eq!(store.rooms(&[room]).await.unwrap()[0].owner, Some(new));
    assert_eq!(role(&store, room, new).await, Some(Role::Owner));
    assert_eq!(role(&store, room, owner).await, Some(Role::Moderator));
    assert_eq!(role(&store, room, other).await, Some(Role::Member));
    // Again, by whoever did not hear the answer.
    store.hand_over(room, owner, new).await.unwrap();
    assert_eq!(store.owned_rooms(new).await.unwrap(), [room]);
    assert_eq!(store.owned_rooms(owner).await.unwrap(), []);
}

pub(crate) async fn a_mute_lasts_until_it_is_lifted_and_spares_greater_roles(store: AnyStore) {
    let (room, owner, member) = room(&store).await;
    let until = Timestamp::from_millis(1_900_000_000_000);
    store.mute(room, member, Role::Moderator, Some(until)).await.unwrap();
    let place = store.membership(room, member).await.unwrap().unwrap();
    assert_eq!(place.muted_until, Some(until));
    store.mute(room, member, Role::Moderator, None).await.unwrap();
    assert_eq!(store.membership(room, member).await.unwrap().unwrap().muted_until, None);
    for user in [owner, member] {
        let refused = store.mute(room, user, Role::Member, Some(until)).await;
        assert!(matches!(refused, Err(StoreError::Outranked)), "{refused:?}");
    }
    let nobody = store.mute(room, UserId::new(), Role::Owner, None).await;
    assert!(matches!(nobody, Err(StoreError::NoSuchMember)), "{nobody:?}");
}

pub(crate) async fn who_is_put_out_may_come_back(store: AnyStore) {
    let (room, owner, member) = room(&store).await;
    let refused = store.remove_member(room, owner, Role::Owner).await;
    assert!(matches!(refused, Err(StoreError::Outranked)), "{refused:?}");
    store.remove_member(room, member, Role::Moderator).await.unwrap();
    assert_eq!(role(&store, room, member).await, None);
    let again = store.remove_member(room, member, Role::Moderator).await;
    assert!(matches!(again, Err(StoreError::NoSuchMember)), "{again:?}");
    assert!(store.join(room, member, Seq(0), Timestamp::now()).await.unwrap());
}

pub(crate) async fn who_is_banned_is_out_and_stays_out(store: AnyStore) {
    let (room, owner, member) = room(&store).await;
    let ban = ban_of(room, member, owner);
    assert!(store.ban(ban.clone(), Role::Owner).await.unwrap());
    assert_eq!(role(&store, room, member).await, None);
    let refused = store.join(room, member, Seq(0), Timestamp::now()).await;
    assert!(matches!(refused, Err(StoreError::Banned)), "{refused:?}");
    // The first ban stands; whoever was never in can be banned as well.
    assert!(!store.ban(BanRecord { reason: None, ..ban.clone() }, Role::Owner).await.unwrap());
    let other = ban_of(room, UserId::new(), owner);
    assert!(!store.ban(other.clone(), Role::Owner).await.unwrap());
    let owner_banned = store.ban(ban_of(room, owner, member), Role::Owner).await;
    assert!(matches!(owner_banned, Err(StoreError::Outranked)), "{owner_banned:?}");
    let mut bans = vec![ban, other];
    bans.sort_unstable_by_key(|ban| ban.user);
    assert_eq!(store.bans(room, None, 9).await.unwrap(), bans);
    assert_eq!(store.bans(room, Some(bans[0].user), 9).await.unwrap(), bans[1..]);
    assert_eq!(store.bans(room, None, 0).await.unwrap(), []);
    assert!(store.unban(room, member).await.unwrap());
    assert!(!store.unban(room, member).await.unwrap());
    assert!(store.join(room, member, Seq(0), Timestamp::now()).await.unwrap());
}

pub(crate) async fn who_joins_while_they_are_banned_is_out(store: AnyStore) {
    for _ in 0..20 {
        let owner = UserId::new();
        let room = store.create_room(room_of(owner)).await.unwrap().id;
        let user = UserId::new();
        at_once(&store, 2, |i, store| async move {
            if i == 0 {
                store.ban(ban_of(room, user, owner), Role::Owner).await.unwrap();
            } else {
                let joined = store.join(room, user, Seq(0), Timestamp::now()).await;
                assert!(matches!(joined, Ok(true) | Err(StoreError::Banned)), "{joined:?}");
            }
        })
        .await;
        assert_eq!(role(&store, room, user).await, None);
    }
}

pub(crate) async fn a_code_lets_in_as_many_as_it_may_however_many_come_at_once(store: AnyStore) {
    let new = room_of(UserId::new());
    let room = store.create_room(new).await.unwrap().id;
    let code = RoomCode::new();
    let limits = CodeLimits { uses_left: Some(3), expires_at: None };
    assert!(store.set_room_code(room, code, limits).await.unwrap());
    let users: Vec<_> = (0..10).map(|_| UserId::new()).collect();
    let joined = at_once(&store, 10, |i, store| {
        let user = users[i];
        async move { store.join_by_code(room, code, user, Seq(0), Timestamp::now()).await }
    })
    .await;
    let mut inside = Vec::new();
    for (user, joined) in users.iter().zip(&joined) {
        match joined {
            Ok(true) => inside.push(*user),
            Err(StoreError::NoSuchRoom) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(inside.len(), 3);
    let record = store.room_by_code(code).await.unwrap().unwrap();
    assert_eq!((record.members, record.code_limits.uses_left), (4, Some(0)));
    // Who is in by it is not counted again.
    assert!(!store.join_by_code(room, code, inside[0], Seq(0), Timestamp::now()).await.unwrap());
}

pub(crate) async fn a_code_runs_out_and_a_ban_costs_no_use(store: AnyStore) {
    let (room, owner, _) = room(&store).await;
    let (code, now) = (RoomCode::new(), Timestamp::now());
    let limits =
        CodeLimits { uses_left: Some(1), expires_at: Some(now.after(Duration::from_secs(60))) };
    store.set_room_code(room, code, limits).await.unwrap();
    let user = UserId::new();
    let late = now.after(Duration::from_secs(61));
    let refused = store.join_by_code(room, code, user, Seq(0), late).await;
    assert!(matches!(refused, Err(StoreError::NoSuchRoom)), "{refused:?}");
    let wrong = store.join_by_code(room, RoomCode::new(), user, Seq(0), now).await;
    assert!(matches!(wrong, Err(StoreError::NoSuchRoom)), "{wrong:?}");
    let banned = UserId::new();
    store.ban(ban_of(room, banned, owner), Role::Owner).await.unwrap();
    let refused = store.join_by_code(room, code, banned, Seq(0), now).await;
    assert!(matches!(refused, Err(StoreError::Banned)), "{refused:?}");
    assert!(store.join_by_code(room, code, user, Seq(0), now).await.unwrap());
    // A new code has no limits of the old one.
    store.set_room_code(room, RoomCode::new(), CodeLimits::default()).await.unwrap();
    let record = store.rooms(&[room]).await.unwrap().remove(0);
    assert_eq!(record.code_limits, CodeLimits::default());
}

pub(crate) async fn every_detail_is_kept(store: AnyStore) {
    let (room, ..) = room(&store).await;
    let icon = hubbub_protocol::PictureId::new();
    let update = RoomUpdate {
        topic: Some("Today".to_owned()),
        icon: Some(Some(icon)),
        slow_mode_ms: Some(5_000),
        links: Some(Role::Moderator),
        mention_all: Some(Role::Owner),
        refused_words: Some(vec!["darn".to_owned(), "馬鹿".to_owned()]),
        ..RoomUpdate::default()
    };
    let changed = store.update_room(room, update).await.unwrap();
    assert_eq!((&*changed.topic, changed.icon, changed.slow_mode_ms), ("Today", Some(icon), 5_000));
    assert_eq!((changed.links, changed.mention_all), (Role::Moderator, Role::Owner));
    assert_eq!(store.refused_words(room).await.unwrap(), ["darn", "馬鹿"]);
    assert_eq!(store.rooms(&[room]).await.unwrap(), [changed]);
    let without = RoomUpdate { icon: Some(None), ..RoomUpdate::default() };
    assert_eq!(store.update_room(room, without).await.unwrap().icon, None);
    assert_eq!(store.refused_words(RoomId::new()).await.unwrap(), [""; 0]);
}

pub(crate) async fn an_archived_room_is_not_in_the_directory(store: AnyStore) {
    let (room, ..) = room(&store).await;
    let archived = |archived| RoomUpdate { archived: Some(archived), ..RoomUpdate::default() };
    assert!(store.update_room(room, archived(true)).await.unwrap().archived);
    assert_eq!(store.directory("lounge", None, 9).await.unwrap(), []);
    let open = store.update_room(room, archived(false)).await.unwrap();
    assert_eq!(store.directory("lounge", None, 9).await.unwrap(), [open]);
}

pub(crate) async fn a_few_who_open_their_room_at_once_get_one(store: AnyStore) {
    let people: Vec<_> = (0..4).map(|_| UserId::new()).collect();
    let opened = at_once(&store, 4, |i, store| {
        let people = people.clone();
        async move { store.open_group(people[i], &people, Timestamp::now()).await.unwrap() }
    })
    .await;
    let (room, _) = &opened[0];
    assert_eq!((room.id, room.kind), (RoomId::direct_group(&people), RoomKind::Group));
    assert_eq!(opened.iter().filter(|(_, opened)| *opened == Opened::Made).count(), 1);
    let mut sorted = people.clone();
    sorted.sort_unstable();
    let record = store.rooms(&[room.id]).await.unwrap().remove(0);
    assert_eq!((record.people, record.members), (sorted, 4));
}

pub(crate) async fn who_left_a_few_comes_back_only_by_opening(store: AnyStore) {
    let people: Vec<_> = (0..3).map(|_| UserId::new()).collect();
    let now = Timestamp::now();
    let (room, _) = store.open_group(people[0], &people, now).await.unwrap();
    assert!(store.leave(room.id, people[1]).await.unwrap());
    let (_, opened) = store.open_group(people[0], &people, now).await.unwrap();
    assert_eq!(opened, Opened::Present);
    assert_eq!(role(&store, room.id, people[1]).await, None);
    let (record, opened) = store.open_group(people[1], &people, now).await.unwrap();
    assert_eq!((opened, record.members), (Opened::Rejoined, 3));
}

pub(crate) async fn the_heir_is_the_moderator_then_the_first_member_whose_account_is_active(
    store: AnyStore,
) {
    let owner = UserId::new();
    let room = store.create_room(room_of(owner)).await.unwrap().id;
    assert_eq!(store.heir(room, owner).await.unwrap(), None);
    let start = Timestamp::from_millis(1_700_000_000_000);
    // The first account administers the site and can't be suspended.
    store.create_user(account("root", "Root")).await.unwrap();
    let mut users = Vec::new();
    for (name, after) in [("ada", 10), ("bob", 9), ("eve", 8)] {
        let user = store.create_user(account(name, name)).await.unwrap().id;
        store.join(room, user, Seq(0), start.after(Duration::from_secs(after))).await.unwrap();
        users.push(user);
    }
    assert_eq!(store.heir(room, owner).await.unwrap(), Some(users[2]));
    store.set_role(room, users[1], Role::Moderator).await.unwrap();
    assert_eq!(store.heir(room, owner).await.unwrap(), Some(users[1]));
    store.suspend(users[1], start).await.unwrap();
    assert_eq!(store.heir(room, owner).await.unwrap(), Some(users[2]));
    store.begin_erasure(users[2], start).await.unwrap();
    assert_eq!(store.heir(room, owner).await.unwrap(), Some(users[0]));
    store.suspend(users[0], start).await.unwrap();
    assert_eq!(store.heir(room, owner).await.unwrap(), None);
}
