//! What reading and writing a frame costs: each message is read once, by the gateway it comes in
//! on, and its event written once, however many members there are.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{
    ClientFrame, Draft, Epoch, Event, MessageBody, MessageId, NewEvent, Position, RoomId, Seq,
    ServerFrame, Timestamp, UserId,
};

fn frames(criterion: &mut Criterion) {
    let body = MessageBody::text("x".repeat(256));
    let (room, id, sender) = (RoomId::new(), MessageId::new(), UserId::new());
    let send = ClientFrame::Send { id, room, body: Draft::text(body.text.clone()) }.encode();
    let at = Timestamp::now();
    let event = NewEvent { room, id, sender, at, kind: NewEventKind::Message { body } };
    let position = Position::new(Epoch(1), Seq(123_456));
    let message = event.template().at(position);
    let ack = ServerFrame::Ack { id, room, epoch: position.epoch, seq: position.seq, at: event.at };

    let mut group = criterion.benchmark_group("frames");
    group.throughput(Throughput::Elements(1));
    group.bench_function("read a send", |b| b.iter(|| ClientFrame::parse(black_box(&send))));
    group.bench_function("make a template", |b| b.iter(|| black_box(&event).template()));
    group.bench_function("read an event", |b| {
        b.iter(|| Event::parse(black_box(message.as_bytes())));
    });
    group.bench_function("write an ack", |b| b.iter(|| black_box(&ack).encode()));
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    frames(&mut criterion);
    criterion.final_summary();
}
