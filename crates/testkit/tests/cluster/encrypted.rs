//! Redis and MongoDB behind TLS.

use hubbub_testkit::nodes::Cluster;

use crate::{all_acked, sees_all};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn databases_behind_tls_carry_a_conversation_and_are_found_again() {
    let cluster = Cluster::builder().of_processes().over_tls().start(2, 1).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut ada = cluster.connect(&ada, 0).await;
    let bob = cluster.connect(&bob, 1).await;
    let first = ada.say(room, "nobody listens in").await;
    all_acked(&ada, &[first]).await;
    sees_all(&bob, room, &[first]).await;

    assert!(cluster.mongo().connections_over_tls().await > 0, "MongoDB is reached over TLS");
    let plain = cluster.redis().port().to_string();
    let clients = cluster.redis().cli(&["CLIENT", "LIST"]).await;
    let encrypted =
        clients.lines().filter(|client| !client.contains(&format!("laddr=127.0.0.1:{plain} ")));
    assert_eq!(encrypted.count(), clients.lines().count() - 1, "all but this one:\n{clients}");

    cluster.redis().restart().await;
    let second = ada.say(room, "nor after a restart").await;
    all_acked(&ada, &[second]).await;
    sees_all(&bob, room, &[first, second]).await;
}
