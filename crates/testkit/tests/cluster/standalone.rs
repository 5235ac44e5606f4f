//! One gateway that is everything: what its end means for those who come back.

use hubbub_client::http::Page;
use hubbub_protocol::{ErrorCode, MessageId};
use hubbub_testkit::nodes::Standalone;
use hubbub_testkit::nodes::view::Permits;

use crate::{say_all, sees_all};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_clean_stop_everything_goes_on_where_it_was() {
    let mut server = Standalone::start().await;
    let (ada, bob) = (server.person().await, server.person().await);
    let room = ada.room_with(&[&bob]).await;
    let mut device = server.connect(&ada).await;
    let mut absent = server.connect(&bob).await;
    absent.vanish();
    let said = say_all(&mut device, room, 5).await;
    let head = device.acked(said[4]).await.position;

    assert!(server.stop().await, "it stops softly");
    server.start_again().await;
    device.connect(server.gateway().address()).await;
    let next = device.insist(MessageId::new(), room, "and on").await;
    assert_eq!(next.position.epoch, head.epoch);
    assert_eq!(next.position.seq, head.seq.next());
    device.say_as(said[4], room, "message 4").await;
    device.until("a second ack", |view| (view.acks[&said[4]].len() == 2).then_some(())).await;

    // What was missed before the stop is in the store alone.
    absent.permit(Permits { sync: true, reset: false });
    absent.connect(server.gateway().address()).await;
    sees_all(&absent, room, &said).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_rooms_are_loaded_again_and_nothing_acked_is_lost() {
    let mut server = Standalone::start_process().await;
    let ada = server.person().await;
    let room = ada.room_with(&[]).await;
    let mut device = server.connect(&ada).await;
    let said = say_all(&mut device, room, 50).await;
    let last = device.acked(said[49]).await;

    server.kill();
    device.ended().await;
    server.start_again().await;
    device.permit(Permits { sync: false, reset: true });
    device.connect(server.gateway().address()).await;
    device
        .until("a new epoch", |view| {
            (view.room(room).position.epoch > last.position.epoch).then_some(())
        })
        .await;
    let ada = ada.login(server.gateway().address()).await;
    let history = ada.api.messages(room, Page::Latest, 200).await.unwrap();
    let kept: Vec<_> = history.messages.iter().map(|message| message.id).collect();
    assert_eq!(kept, said);
    device.say_as(said[49], room, "message 49").await;
    device.until("a second ack", |view| (view.acks[&said[49]].len() == 2).then_some(())).await;
    let next = device.insist(MessageId::new(), room, "and on").await;
    assert!(next.position.epoch > last.position.epoch);
    let refused =
        device.look(|view| view.errors.iter().map(|error| error.code).collect::<Vec<_>>());
    assert_eq!(refused, [] as [ErrorCode; 0]);
}
