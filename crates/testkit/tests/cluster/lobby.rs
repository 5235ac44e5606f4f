//! The room everybody is in, made by two nodes at once and joined on both.

use hubbub_protocol::http::RoomKind;
use hubbub_testkit::nodes::{Cluster, Person};

use crate::say_all;

async fn only_room(person: &Person) -> hubbub_protocol::http::Room {
    let mut rooms = person.api.rooms(None).await.expect("their rooms").rooms;
    assert_eq!(rooms.len(), 1, "{rooms:?}");
    rooms.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_registers_on_any_node_is_in_the_lobby_and_is_heard_at_once() {
    let cluster = Cluster::builder().with("HUBBUB_LOBBY", "Foyer").start(2, 1).await;
    let (ada, bob, eve) = tokio::join!(cluster.person(0), cluster.person(1), cluster.person(0));
    let lobby = only_room(&ada).await;
    assert_eq!((lobby.name.as_str(), lobby.kind, lobby.owner), ("Foyer", RoomKind::Public, None));
    for person in [&bob, &eve] {
        assert_eq!(only_room(person).await.id, lobby.id);
    }

    let mut devices = [cluster.connect(&ada, 0).await, cluster.connect(&bob, 1).await];
    let mut said = Vec::new();
    for device in &mut devices {
        said.extend(say_all(device, lobby.id, 1).await);
    }
    // A newcomer speaks first thing, on the node where they have just registered.
    let dan = cluster.person(1).await;
    let mut dans = cluster.connect(&dan, 1).await;
    said.extend(say_all(&mut dans, lobby.id, 1).await);
    for device in &devices {
        for id in &said {
            device.until("every message", |view| view.room(lobby.id).place(*id)).await;
        }
    }

    // Another gateway that starts later finds the lobby as it is; somebody registers there as well.
    let mut cluster = cluster;
    cluster.add_gateway().await;
    assert_eq!(only_room(&cluster.person(2).await).await.id, lobby.id);
}
