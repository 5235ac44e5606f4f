//! What fan-out costs before the socket: one event into the lanes of a thousand members, and out
//! again, as their writers would take it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use futures_util::FutureExt;
use hubbub_bus::Receiver;
use hubbub_gateway::Settings;
use hubbub_gateway::committer::Committer;
use hubbub_gateway::hub::Hub;
use hubbub_gateway::hub::connection::Connection;
use hubbub_gateway::hub::frame::PlacedFrame;
use hubbub_gateway::hub::outbound::Outbound;
use hubbub_gateway::permissions::Permissions;
use hubbub_gateway::standalone::Standalone;
use hubbub_protocol::http::RoomKind;
use hubbub_protocol::{Limits, Position, RoomCode, RoomId, SessionId, Timestamp, UserId};
use hubbub_store::{NewRoom, NewUser, RoomStore, UserStore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const MEMBERS: usize = 1_000;
const LANE_BYTES: usize = 256 * 1024;
/// About what a message of 256 bytes takes as an event.
const FRAME: [u8; 500] = [b'x'; 500];

fn lane(criterion: &mut Criterion) {
    let outbound = Outbound::new(LANE_BYTES);
    let frame = PlacedFrame::event(RoomId::new(), Position::default(), &FRAME);
    let mut group = criterion.benchmark_group("lane");
    for depth in [1, 32] {
        group.throughput(Throughput::Elements(depth));
        group.bench_function(format!("push and take {depth}"), |b| {
            b.iter(|| {
                for _ in 0..depth {
                    outbound.event(&frame);
                }
                outbound.next().now_or_never().expect("something waits")
            });
        });
    }
    group.finish();
}

fn dispatch(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let _guard = runtime.enter();
    let (hub, room, members) = runtime.block_on(room_of(MEMBERS, dir.path()));
    let mut at = members[0].1;
    let event = Bytes::from_static(&FRAME);

    let mut group = criterion.benchmark_group("dispatch");
    group.throughput(Throughput::Elements(MEMBERS as u64));
    group.bench_function("one event to 1000 members and out of their lanes", |b| {
        b.iter(|| {
            at.seq = at.seq.next();
            hub.event(room, at, event.clone());
            for (member, _) in &members {
                member.outbound.next().now_or_never().expect("the event waits");
            }
        });
    });
    group.finish();
}

/// A hub with one room, and its members' connections with where they start.
async fn room_of(
    count: usize,
    dir: &std::path::Path,
) -> (Arc<Hub>, RoomId, Vec<(Arc<Connection>, Position)>) {
    let Standalone { bus, store, continuity, .. } =
        Standalone::open(&Settings::standalone(dir)).await.expect("a data directory");
    let now = Timestamp::now();
    let owner = NewUser {
        id: UserId::new(),
        username: "owner".to_owned(),
        display_name: "owner".to_owned(),
        email: None,
        password_hash: "none".to_owned(),
        created_at: now,
    };
    let owner = store.create_user(owner).await.expect("stored").id;
    let room = NewRoom {
        id: RoomId::new(),
        kind: RoomKind::Private,
        name: "bench".to_owned(),
        description: String::new(),
        code: RoomCode::new(),
        owner,
        created_at: now,
    };
    let room = store.create_room(room).await.expect("stored").id;
    let committer = Arc::new(Committer::new(bus.clone(), store.clone(), continuity));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let permissions = Arc::new(Permissions::new(store.clone(), bus.clone(), &[]));
    let hub = Hub::start(bus, store, committer, permissions, Limits::default(), &tasks, &stop);
    let head = hub.heads(&[room]).await.expect("a room has a head")[0];
    let mut members = Vec::new();
    for _ in 0..count {
        let member = Connection::new(UserId::new(), SessionId::new(), true, now, LANE_BYTES);
        let member = Arc::new(member);
        hub.register(&member);
        hub.attach(&member, room, head);
        members.push((member, head));
    }
    // Live once the log was read for them.
    while members.iter().any(|(member, _)| member.outbound.behind_at(room).is_some()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (hub, room, members)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    lane(&mut criterion);
    dispatch(&mut criterion);
    criterion.final_summary();
}
