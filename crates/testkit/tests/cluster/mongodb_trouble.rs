//! MongoDB's primary dies while people talk.

use hubbub_testkit::nodes::Cluster;

use crate::{say_all, sees_all, times_stored};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_killed_while_messages_flow_takes_no_acked_message_with_it() {
    let cluster = Cluster::builder().with_own_mongo(3).start(2, 2).await;
    let (ada, bob) = (cluster.person(0).await, cluster.person(1).await);
    let room = ada.room_with(&[&bob]).await;
    let mut at_a = cluster.connect(&ada, 0).await;
    let at_b = cluster.connect(&bob, 1).await;
    say_all(&mut at_a, room, 5).await;

    let talking = tokio::spawn(async move {
        let mut said = Vec::new();
        for n in 0..300 {
            said.push(at_a.say(room, &format!("word {n}")).await);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        (at_a, said)
    });
    at_b.until("a conversation", |view| (view.room(room).messages.len() >= 50).then_some(())).await;
    let killed = cluster.mongo().kill_primary().await;
    let (at_a, said) = talking.await.unwrap();
    sees_all(&at_b, room, &said).await;
    crate::all_acked(&at_a, &said).await;
    assert_ne!(cluster.mongo().primary().await, killed);
    assert_eq!(times_stored(&cluster, room, &said).await, [1; 300]);
}
