//! A Redis Cluster that changes under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hubbub_protocol::RoomId;
use hubbub_testkit::redis::RedisCluster;

use crate::backend::{Backend, Kind, Node, at, eventually, message};

async fn three() -> (Backend, Arc<Node>, Vec<RoomId>) {
    let backend = Backend::start(Kind::Cluster).await;
    let node = Arc::new(backend.node("a").await);
    let mut rooms = Vec::new();
    for _ in 0..64 {
        rooms.push(node.room().await);
    }
    node.hear(&rooms).await;
    (backend, node, rooms)
}

fn cluster(backend: &Backend) -> &RedisCluster {
    match backend {
        Backend::Cluster(cluster) => cluster,
        _ => unreachable!("started as one"),
    }
}

async fn every_room_is_heard(node: &Node, rooms: &[RoomId]) {
    for room in rooms {
        let position = node.say(*room).await;
        node.heard.until("it", |_| node.heard.positions(*room).contains(&position)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_move_to_another_server_under_load() {
    let (backend, node, rooms) = three().await;
    let nodes = cluster(&backend).nodes();
    let (from, to) = (&nodes[0], &nodes[1]);
    let (from_id, to_id) =
        (from.cli(&["CLUSTER", "MYID"]).await, to.cli(&["CLUSTER", "MYID"]).await);
    let over = Arc::new(AtomicBool::new(false));
    let talk = {
        let (node, rooms, over) = (Arc::clone(&node), rooms.clone(), Arc::clone(&over));
        tokio::spawn(async move {
            let mut said = vec![0_u64; rooms.len()];
            while !over.load(Ordering::Relaxed) {
                for (room, said) in rooms.iter().zip(&mut said) {
                    assert_eq!(node.say(*room).await, at(1, *said + 1));
                    *said += 1;
                }
            }
            said
        })
    };
    let address = format!("127.0.0.1:{}", from.port());
    from.cli(&[
        "--cluster",
        "reshard",
        &address,
        "--cluster-from",
        &from_id,
        "--cluster-to",
        &to_id,
        "--cluster-slots",
        "5461",
        "--cluster-yes",
    ])
    .await;
    over.store(true, Ordering::Relaxed);
    let said = talk.await.unwrap();
    eventually("every room is heard again", async || {
        for room in &rooms {
            let position = node.say(*room).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
            if !node.heard.positions(*room).contains(&position) {
                return false;
            }
        }
        true
    })
    .await;
    every_room_is_heard(&node, &rooms).await;
    let heads = node.bus.heads(&rooms).await.unwrap();
    assert!(heads.iter().zip(said).all(|(head, said)| head.unwrap().seq.0 > said));
    let stored = heads.iter().map(|head| usize::try_from(head.unwrap().seq.0).unwrap()).sum();
    node.read(stored).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_that_dies_takes_only_its_own_rooms_along() {
    let (backend, node, rooms) = three().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    cluster(&backend).kill_node(2);
    let mut alive = Vec::new();
    for room in &rooms {
        if node.commit(&message(*room)).await.is_ok() {
            alive.push(*room);
        }
        if alive.len() >= 5 {
            break;
        }
    }
    assert!(alive.len() >= 5, "two of three servers are there");
    every_room_is_heard(&node, &alive).await;
    cluster(&backend).restart_node(2).await;
    eventually("all rooms take events", async || {
        for room in &rooms {
            if node.commit(&message(*room)).await.is_err() {
                return false;
            }
        }
        true
    })
    .await;
    eventually("the probes of all servers", async || {
        node.bus.probe_age().is_some_and(|age| age < Duration::from_secs(3))
    })
    .await;
    every_room_is_heard(&node, &rooms).await;
}
