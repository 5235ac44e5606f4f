//! Order in rooms, and their end, on every node at once (P6).

mod end;

use std::time::{Duration, Instant};

use hubbub_protocol::http::{CodeRequest, Role, RoomKind, UpdateMemberRequest, UpdateRoomRequest};
use hubbub_protocol::{ErrorCode, MemberChange, MessageId, RoomId, ServerFrame};
use hubbub_store::MembershipStore;
use hubbub_testkit::nodes::view::View;
use hubbub_testkit::nodes::{Cluster, Person, TestClient};

use crate::say_all;

/// How soon a change takes effect on every node.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How a send was answered: taken, or refused with a code.
fn answer(view: &View, id: MessageId) -> Option<Result<(), ErrorCode>> {
    let name = id.to_string();
    let refused = view.errors.iter().find(|error| error.id.as_deref() == Some(&name));
    let taken = || view.acks.contains_key(&id).then_some(Ok(()));
    refused.map(|error| Err(error.code)).or_else(taken)
}

/// Says one thing after the other until one is refused, which must be at once and with this code.
async fn is_refused_at_once(device: &mut TestClient, room: RoomId, code: ErrorCode) {
    let begun = Instant::now();
    loop {
        let id = device.say(room, "may I?").await;
        match device.until("an answer", |view| answer(view, id)).await {
            Err(refused) => {
                assert_eq!(refused, code);
                return assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
            }
            Ok(()) => assert!(begun.elapsed() < AT_ONCE, "still taken: {:?}", begun.elapsed()),
        }
    }
}

/// Waits until a device was told that its person is out: by this change in the room's log, and only
/// then of its own connection.
async fn is_put_out(device: &TestClient, of: &Person, room: RoomId, change: MemberChange) {
    let is_end = |frame: &ServerFrame| matches!(frame, ServerFrame::Unsubscribed { room: of } if *of == room);
    let is_change = |frame: &ServerFrame| matches!(frame, ServerFrame::Member(member) if (member.room, member.user, member.change) == (room, of.id(), change));
    let place = |view: &View, is: &dyn Fn(&ServerFrame) -> bool| view.frames.iter().position(is);
    let told = device.until("the end", |view| {
        let end = place(view, &is_end)?;
        Some(place(view, &is_change).is_some_and(|why| why < end))
    });
    assert!(told.await, "told that it is out before it was told why");
}

async fn can_join(person: &Person, code: &str) -> Result<(), Option<ErrorCode>> {
    person.api.join_room(code).await.map(drop).map_err(|error| error.code())
}

fn muted(seconds: u64) -> UpdateMemberRequest {
    UpdateMemberRequest { mute_for: Some(seconds), ..UpdateMemberRequest::default() }
}

fn archived(on: bool) -> UpdateRoomRequest {
    UpdateRoomRequest { archived: Some(on), ..UpdateRoomRequest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_put_out_stops_hearing_on_every_node_within_a_second_and_may_come_back() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, eve) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&eve]).await;
    let code = ada.api.room(room).await.unwrap().code.unwrap().to_string();
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut devices = [cluster.connect(&eve, 1).await, cluster.connect(&eve, 0).await];
    for device in &mut devices {
        say_all(device, room, 1).await;
    }

    ada.api.remove_member(room, eve.id()).await.unwrap();
    let out = Instant::now();
    for device in &devices {
        is_put_out(device, &eve, room, MemberChange::Removed).await;
    }
    assert!(out.elapsed() < AT_ONCE, "{:?}", out.elapsed());
    let secret = at_a.say(room, "about eve").await;
    at_a.acked(secret).await;
    for device in &mut devices {
        is_refused_at_once(device, room, ErrorCode::RoomNotFound).await;
        assert_eq!(device.look(|view| view.room(room).place(secret)), None);
    }
    assert_eq!(can_join(&eve, &code).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_banned_stops_hearing_and_is_let_in_on_no_node() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, eve) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&eve]).await;
    let code = ada.api.room(room).await.unwrap().code.unwrap().to_string();
    let mut device = cluster.connect(&eve, 1).await;
    say_all(&mut device, room, 1).await;

    ada.api.ban(room, eve.id()).await.unwrap();
    let out = Instant::now();
    is_put_out(&device, &eve, room, MemberChange::Banned).await;
    assert!(out.elapsed() < AT_ONCE, "{:?}", out.elapsed());
    is_refused_at_once(&mut device, room, ErrorCode::RoomNotFound).await;
    let elsewhere = eve.login(cluster.address(0)).await;
    for session in [&eve, &elsewhere] {
        assert_eq!(can_join(session, &code).await, Err(Some(ErrorCode::RoomNotFound)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mute_and_its_end_take_effect_on_another_node_within_a_second() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut device = cluster.connect(&bob, 1).await;
    say_all(&mut device, room, 1).await;

    ada.api.update_member(room, bob.id(), &muted(600)).await.unwrap();
    is_refused_at_once(&mut device, room, ErrorCode::Muted).await;
    ada.api.update_member(room, bob.id(), &muted(0)).await.unwrap();
    is_taken_at_once(&mut device, room).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_room_is_read_only_on_another_node_within_a_second() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut device = cluster.connect(&bob, 1).await;
    say_all(&mut device, room, 1).await;

    ada.api.update_room(room, &archived(true)).await.unwrap();
    is_refused_at_once(&mut device, room, ErrorCode::RoomArchived).await;
    ada.api.update_room(room, &archived(false)).await.unwrap();
    is_taken_at_once(&mut device, room).await;
}

/// Says one thing after the other until one is taken, which must be at once.
async fn is_taken_at_once(device: &mut TestClient, room: RoomId) {
    let begun = Instant::now();
    loop {
        let id = device.say(room, "and now?").await;
        let answered = device.until("an answer", |view| answer(view, id)).await;
        assert!(begun.elapsed() < AT_ONCE, "{answered:?} after {:?}", begun.elapsed());
        if answered.is_ok() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_for_three_lets_three_of_eight_in_who_come_at_once_over_both_nodes() {
    let cluster = Cluster::start(2, 1).await;
    let ada = cluster.person(0).await;
    let room = ada.room_with(&[]).await;
    let limits = CodeRequest { max_uses: Some(3), ..CodeRequest::default() };
    let code = ada.api.limited_code(room, &limits).await.unwrap().code.to_string();
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(cluster.person(number % 2).await);
    }
    let mut joining = tokio::task::JoinSet::new();
    for person in people {
        let code = code.clone();
        joining.spawn(async move { can_join(&person, &code).await });
    }
    let answers = joining.join_all().await;
    let let_in = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(let_in, 3, "{answers:?}");
    let refused = Err(Some(ErrorCode::RoomNotFound));
    assert_eq!(answers.iter().filter(|answer| **answer == refused).count(), 5, "{answers:?}");
    let members = cluster.store().await.members(room, None, 100).await.unwrap();
    assert_eq!(members.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_transfers_at_once_over_two_nodes_one_wins_and_there_is_one_owner() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob, eve) =
        (cluster.person(0).await, cluster.person(1).await, cluster.person(0).await);
    let elsewhere = ada.login(cluster.address(1)).await;
    let owner = UpdateMemberRequest { role: Some(Role::Owner), ..UpdateMemberRequest::default() };
    for _ in 0..5 {
        let room = ada.room_with(&[&bob, &eve]).await;
        let (to_bob, to_eve) = tokio::join!(
            ada.api.update_member(room, bob.id(), &owner),
            elsewhere.api.update_member(room, eve.id(), &owner),
        );
        let (winner, refused) = match (to_bob, to_eve) {
            (Ok(_), Err(refused)) => (bob.id(), refused),
            (Err(refused), Ok(_)) => (eve.id(), refused),
            both => panic!("one of them wins: {both:?}"),
        };
        assert_eq!(refused.code(), Some(ErrorCode::Forbidden));
        let members = cluster.store().await.members(room, None, 100).await.unwrap();
        let owners: Vec<_> =
            members.iter().filter(|member| member.role == Role::Owner).map(|m| m.user).collect();
        assert_eq!(owners, [winner]);
        assert_eq!(ada.api.room(room).await.unwrap().owner, Some(winner));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_block_and_its_end_hold_for_direct_messages_on_another_node_at_once_and_both_ways() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.api.direct(bob.id()).await.unwrap();
    assert_eq!(room.kind, RoomKind::Direct);
    let mut devices = [cluster.connect(&bob, 1).await, cluster.connect(&ada, 1).await];
    for device in &mut devices {
        say_all(device, room.id, 1).await;
    }

    ada.api.block(bob.id()).await.unwrap();
    for device in &mut devices {
        is_refused_at_once(device, room.id, ErrorCode::Blocked).await;
    }
    ada.api.unblock(bob.id()).await.unwrap();
    for device in &mut devices {
        is_taken_at_once(device, room.id).await;
    }
}
