//! The core of it, the same on one Redis, on a Redis Cluster and alone.

use hubbub_protocol::MessageId;
use hubbub_testkit::nodes::{Cluster, Person, Standalone, TestClient};

use crate::{say_all, sees_all};

/// Whatever one can register and connect at.
trait Service {
    /// Somebody new, at the gateway with this number (or the only one).
    async fn newcomer(&self, gateway: usize) -> Person;
    /// A device of somebody.
    async fn device(&self, person: &Person, gateway: usize) -> TestClient;
    /// Goes on with a device at a gateway.
    async fn come_back(&self, device: &mut TestClient, gateway: usize);
}

impl Service for Cluster {
    async fn newcomer(&self, gateway: usize) -> Person {
        self.person(gateway).await
    }

    async fn device(&self, person: &Person, gateway: usize) -> TestClient {
        self.connect(person, gateway).await
    }

    async fn come_back(&self, device: &mut TestClient, gateway: usize) {
        device.connect(self.address(gateway)).await;
    }
}

impl Service for Standalone {
    async fn newcomer(&self, _: usize) -> Person {
        self.person().await
    }

    async fn device(&self, person: &Person, _: usize) -> TestClient {
        self.connect(person).await
    }

    async fn come_back(&self, device: &mut TestClient, _: usize) {
        device.connect(self.gateway().address()).await;
    }
}

async fn people_talk_come_back_and_repeat_themselves(service: &impl Service) {
    let (ada, bob) = (service.newcomer(0).await, service.newcomer(1).await);
    // Several rooms, so that several partitions and slots take part.
    let mut rooms = Vec::new();
    for _ in 0..4 {
        rooms.push(ada.room_with(&[&bob]).await);
    }
    let direct = ada.api.direct(bob.id()).await.expect("a direct room").id;
    let other_way = bob.api.direct(ada.id()).await.expect("the same direct room").id;
    assert_eq!(other_way, direct);
    rooms.push(direct);
    let mut at_a = service.device(&ada, 0).await;
    let mut at_b = service.device(&bob, 1).await;
    for room in &rooms {
        let said = say_all(&mut at_a, *room, 20).await;
        sees_all(&at_b, *room, &said).await;
        let said = say_all(&mut at_b, *room, 20).await;
        sees_all(&at_a, *room, &said).await;
    }

    at_b.vanish();
    let mut missed = Vec::new();
    for room in &rooms {
        missed.push(say_all(&mut at_a, *room, 20).await);
    }
    service.come_back(&mut at_b, 0).await;
    for (room, missed) in rooms.iter().zip(&missed) {
        sees_all(&at_b, *room, missed).await;
        let screens = [&at_a, &at_b].map(|client| client.look(|view| view.room(*room).ids()));
        assert_eq!(screens[0], screens[1]);
        assert_eq!(screens[0].len(), 60);
    }

    let mut elsewhere = service.device(&ada, 1).await;
    for (room, missed) in rooms.iter().zip(&missed) {
        let first = at_a.acked(missed[0]).await;
        elsewhere.say_as(missed[0], *room, "message 0").await;
        assert_eq!(elsewhere.acked(missed[0]).await, first);
        let next = elsewhere.insist(MessageId::new(), *room, "and on").await;
        let last = at_a.acked(missed[19]).await;
        assert_eq!(next.position.seq, last.position.seq.next(), "the retry was no message");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_on_one_redis() {
    people_talk_come_back_and_repeat_themselves(&Cluster::start(2, 1).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_on_a_redis_cluster() {
    let cluster = Cluster::builder().with_redis_cluster().start(2, 1).await;
    people_talk_come_back_and_repeat_themselves(&cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_alone() {
    people_talk_come_back_and_repeat_themselves(&Standalone::start().await).await;
}
