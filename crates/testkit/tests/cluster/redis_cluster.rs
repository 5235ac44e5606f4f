//! A Redis Cluster loses a node for a while.

use hubbub_protocol::MessageId;
use hubbub_testkit::nodes::{Cluster, eventually};

use crate::{say_all, sees_all, times_stored};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_its_nodes_may_restart_while_people_talk() {
    let cluster = Cluster::builder().with_redis_cluster().start(2, 2).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let mut rooms = Vec::new();
    for _ in 0..4 {
        rooms.push(ada.room_with(&[&bob]).await);
    }
    let mut at_a = cluster.connect(&ada, 0).await;
    let mut at_b = cluster.connect(&bob, 1).await;
    let mut said = vec![Vec::new(); rooms.len()];
    for (room, said) in rooms.iter().zip(&mut said) {
        said.extend(say_all(&mut at_a, *room, 5).await);
    }
    for node in 0..3 {
        let epochs: Vec<_> = rooms.iter().map(|room| at_a.position(*room).epoch).collect();
        cluster.redis_nodes().kill_node(node);
        cluster.redis_nodes().restart_node(node).await;
        for ((room, said), epoch) in rooms.iter().zip(&mut said).zip(epochs) {
            for client in [&mut at_a, &mut at_b] {
                let id = MessageId::new();
                let ack = client.insist(id, *room, &format!("after {node}")).await;
                assert_eq!(ack.position.epoch, epoch, "nothing was lost");
                said.push(id);
            }
        }
    }
    for (room, said) in rooms.iter().zip(&said) {
        sees_all(&at_a, *room, said).await;
        sees_all(&at_b, *room, said).await;
        assert!(times_stored(&cluster, *room, said).await.iter().all(|times| *times == 1));
    }
    eventually("an empty log", async || (cluster.wal_entries().await == 0).then_some(())).await;
}
