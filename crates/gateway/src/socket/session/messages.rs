//! Saying something.

use std::time::Duration;

use hubbub_bus::{Quota, Verdict};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{Draft, ErrorCode, MessageBody, MessageId, NewEvent, RoomId, Timestamp};

use super::Session;
use crate::committer::{Standing, UNAVAILABLE_RETRY};
use crate::hub::acks::ack;
use crate::refused::Refused;

impl Session {
    pub(super) async fn send(
        &self,
        id: MessageId,
        room: RoomId,
        draft: Draft,
    ) -> Result<(), Refused> {
        let app = &self.sockets.app;
        let connection = &self.connection;
        app.limits.check_text(&draft.text)?;
        self.authorise(room).await?;
        let quota =
            Quota::new(app.limits.send_burst, app.limits.send_per_second, Duration::from_secs(1));
        match app.bus.take(&format!("send:{}", connection.user), quota).await? {
            Verdict::Allowed { .. } => {}
            Verdict::Refused { retry_after } => {
                return Err(Refused {
                    code: ErrorCode::RateLimited,
                    retry_after: Some(retry_after),
                });
            }
        }
        if !connection.begin_send(app.limits.in_flight) {
            return Err(Refused {
                code: ErrorCode::Overloaded,
                retry_after: Some(UNAVAILABLE_RETRY),
            });
        }
        let event = NewEvent {
            room,
            id,
            sender: connection.user,
            at: Timestamp::now(),
            kind: NewEventKind::Message { body: MessageBody::text(draft.text) },
        };
        let hub = &self.sockets.hub;
        let first = hub.acks.expect(connection, room, id);
        if !first {
            // One ack answers both, and counts for one.
            connection.end_send();
        }
        let outcome = app.committer.commit(&event).await;
        if outcome.is_ok() {
            hub.stop_typing(connection, room);
        }
        match outcome {
            Ok(committed) => match committed.standing {
                // The notice, or the look-up of what waits too long, answers it.
                Standing::Fresh => {}
                Standing::Repeated => hub.look_up_acks(&[(room, id)]).await,
                Standing::Stored => {
                    // Unless a notice of another device's try was faster.
                    if hub.acks.forget(connection, room, id) {
                        connection.tell(&ack(room, id, committed.position, committed.at));
                    }
                }
            },
            Err(failure) => {
                if first && !hub.acks.forget(connection, room, id) {
                    // A notice of another device's try has answered it.
                    return Ok(());
                }
                return Err(failure.into());
            }
        }
        Ok(())
    }
}
