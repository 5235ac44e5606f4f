//! A client that believes nothing: every frame must continue its position.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hubbub_gateway::hub::connection::Connection;
use hubbub_gateway::hub::outbound::Batch;
use hubbub_protocol::{
    Event, MessageId, Position, RoomId, ServerFrame, SessionId, Timestamp, UserId,
};
use tokio::time::timeout;

/// Where a client is in a room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) at: Position,
    /// Whether it may be told to reload: only if its position can't be continued.
    pub(crate) may_reset: bool,
}

/// One connection and what its client knows.
pub(crate) struct Client {
    pub(crate) connection: Arc<Connection>,
    pub(crate) places: HashMap<RoomId, Place>,
    /// What it was told of each position.
    pub(crate) seen: Vec<(RoomId, Position, Option<MessageId>)>,
}

impl Client {
    pub(crate) fn new(lane_bytes: usize) -> Self {
        let (user, session) = (UserId::new(), SessionId::new());
        let expires = Timestamp::now().after(Duration::from_secs(3600));
        let connection = Connection::new(user, session, true, expires, lane_bytes);
        Self { connection: Arc::new(connection), places: HashMap::new(), seen: Vec::new() }
    }

    /// Reads what is there, if anything is.
    pub(crate) fn read(&mut self) {
        if let Some(batch) = self.connection.outbound.next().now_or_never() {
            self.take(&batch);
        }
    }

    /// Reads what comes within a moment.
    pub(crate) async fn wait(&mut self, moment: Duration) {
        let connection = Arc::clone(&self.connection);
        if let Ok(batch) = timeout(moment, connection.outbound.next()).await {
            self.take(&batch);
        }
    }

    fn take(&mut self, batch: &Batch) {
        assert_eq!(batch.close, None, "nobody closes it");
        for frame in &batch.frames {
            let frame = frame.payload();
            if let Ok(event) = Event::parse(frame) {
                self.event(&event);
            } else {
                self.other(serde_json::from_slice(frame).unwrap());
            }
        }
    }

    fn event(&mut self, event: &Event) {
        let Event::Message(message) = event else { panic!("only messages are sent: {event:?}") };
        let at = Position::new(message.epoch, message.seq);
        self.seen.push((message.room, at, Some(message.id)));
        // After a detach what waits may still come.
        let Some(place) = self.places.get_mut(&message.room) else { return };
        let next = Position::new(place.at.epoch, place.at.seq.next());
        assert_eq!(at, next, "an event that continues {}", place.at);
        place.at = at;
    }

    fn other(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::Sync { room, epoch, upto, messages } => {
                let Some(place) = self.places.get_mut(&room) else { return };
                assert_eq!(epoch, place.at.epoch, "a sync within the epoch");
                assert!(upto > place.at.seq, "a sync to {upto} from {}", place.at);
                let brought: HashMap<_, _> = messages.iter().map(|m| (m.seq, m.id)).collect();
                while place.at.seq < upto {
                    place.at.seq = place.at.seq.next();
                    self.seen.push((room, place.at, brought.get(&place.at.seq).copied()));
                }
                assert!(messages.iter().all(|m| m.seq <= upto));
            }
            ServerFrame::Reset { room, epoch, seq } => {
                let Some(place) = self.places.get_mut(&room) else { return };
                let to = Position::new(epoch, seq);
                let needed = place.may_reset || to.epoch > place.at.epoch;
                assert!(needed, "a reset from {} to {to} that nothing asks for", place.at);
                *place = Place { at: to, may_reset: false };
            }
            ServerFrame::Subscribed { .. } => {}
            frame => panic!("unexpected: {frame:?}"),
        }
    }
}
