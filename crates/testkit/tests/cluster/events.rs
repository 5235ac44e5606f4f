//! Each kind of event, caused on one node and seen on another, in the room's order.
//!
//! Messages, edits, deletions and reactions are in `messages`, the end of a room in `rooms`,
//! receipts in `positions`, presence in `presence`.

use hubbub_protocol::http::{Role, UpdateMemberRequest, UpdateRoomRequest};
use hubbub_protocol::{ClientFrame, Member, MemberChange, RoomDetails, RoomId, ServerFrame};
use hubbub_testkit::nodes::view::View;
use hubbub_testkit::nodes::{Cluster, Person, TestClient};

/// The membership changes of somebody that a device was told, in order.
fn member_changes(view: &View, room: RoomId, of: &Person) -> Vec<Member> {
    let of_theirs = |frame: &ServerFrame| match frame {
        ServerFrame::Member(member) if member.room == room && member.user == of.id() => {
            Some(member.clone())
        }
        _ => None,
    };
    view.frames.iter().filter_map(of_theirs).collect()
}

fn role(role: Role) -> UpdateMemberRequest {
    UpdateMemberRequest { role: Some(role), ..UpdateMemberRequest::default() }
}

fn mute(seconds: u64) -> UpdateMemberRequest {
    UpdateMemberRequest { mute_for: Some(seconds), ..UpdateMemberRequest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_of_a_membership_is_seen_on_the_other_node_in_order() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob, eve) =
        (cluster.person(0).await, cluster.person(1).await, cluster.person(0).await);
    let room = ada.room_with(&[&bob]).await;
    let at_b = cluster.connect(&bob, 1).await;
    let code = ada.api.room(room).await.unwrap();

    eve.join(&code).await;
    ada.api.update_member(room, eve.id(), &role(Role::Moderator)).await.unwrap();
    ada.api.update_member(room, eve.id(), &role(Role::Member)).await.unwrap();
    ada.api.update_member(room, eve.id(), &mute(60)).await.unwrap();
    ada.api.update_member(room, eve.id(), &mute(0)).await.unwrap();
    ada.api.remove_member(room, eve.id()).await.unwrap();
    eve.join(&code).await;
    eve.api.leave(room).await.unwrap();
    ada.api.ban(room, eve.id()).await.unwrap();
    ada.api.unban(room, eve.id()).await.unwrap();

    let told = at_b
        .until("every change", |view| {
            let changes = member_changes(view, room, &eve);
            (changes.last()?.change == MemberChange::Unbanned).then_some(changes)
        })
        .await;
    let kinds: Vec<_> = told.iter().map(|member| member.change).collect();
    use MemberChange::{Banned, Joined, Left, Muted, Removed, Unbanned, Unmuted};
    let expected = [
        Joined,
        MemberChange::Role,
        MemberChange::Role,
        Muted,
        Unmuted,
        Removed,
        Joined,
        Left,
        Banned,
        Unbanned,
    ];
    assert_eq!(kinds, expected);
    assert_eq!((told[1].role, told[2].role), (Some(Role::Moderator), Some(Role::Member)));
    assert!(told[3].until.is_some() && told[4].until.is_none());
    assert_eq!((told[0].sender, told[5].sender), (eve.id(), ada.id()), "who did it");
}

/// Waits until a device was told of a change of the room's details.
async fn is_told(device: &TestClient, room: RoomId, what: &str, of: impl Fn(&RoomDetails) -> bool) {
    device
        .hears(what, |frame| match frame {
            ServerFrame::Room(change) if change.room == room && of(&change.details) => Some(()),
            _ => None,
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_change_of_a_room_is_seen_on_the_other_node() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let at_b = cluster.connect(&bob, 1).await;
    let change = UpdateRoomRequest {
        name: Some("Tea".to_owned()),
        topic: Some("Today".to_owned()),
        description: Some("For everything".to_owned()),
        slow_mode_ms: Some(1000),
        links: Some(Role::Moderator),
        mention_all: Some(Role::Owner),
        ..UpdateRoomRequest::default()
    };
    ada.api.update_room(room, &change).await.unwrap();
    is_told(&at_b, room, "the details", |details| {
        let texts = (details.name.as_deref(), details.topic.as_deref());
        texts == (Some("Tea"), Some("Today"))
            && details.description.as_deref() == Some("For everything")
            && details.slow_mode_ms == Some(1000)
            && (details.links, details.mention_all) == (Some(Role::Moderator), Some(Role::Owner))
    })
    .await;
    for archived in [true, false] {
        let change = UpdateRoomRequest { archived: Some(archived), ..UpdateRoomRequest::default() };
        ada.api.update_room(room, &change).await.unwrap();
        is_told(&at_b, room, "the archive", |details| details.archived == Some(archived)).await;
    }
    ada.api.update_member(room, bob.id(), &role(Role::Owner)).await.unwrap();
    is_told(&at_b, room, "the new owner", |details| details.owner == Some(bob.id())).await;
    let seen = bob.api.room(room).await.unwrap();
    assert_eq!(
        (seen.name.as_str(), seen.owner, seen.role),
        ("Tea", Some(bob.id()), Some(Role::Owner))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_is_seen_on_the_other_node_and_not_on_ones_own_devices() {
    let cluster = Cluster::start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut own = cluster.connect(&ada, 1).await;
    let at_b = cluster.connect(&bob, 1).await;
    for on in [true, false] {
        at_a.transmit(&ClientFrame::Typing { room, on }).await;
        at_b.hears("typing", |frame| {
            let typing = ServerFrame::Typing { room, user: ada.id(), on };
            (*frame == typing).then_some(())
        })
        .await;
    }
    own.caught_up().await;
    let told = own
        .look(|view| view.frames.iter().any(|frame| matches!(frame, ServerFrame::Typing { .. })));
    assert!(!told, "one knows what one types");
}
