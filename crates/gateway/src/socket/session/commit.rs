//! How every event of a client gets its place and its ack.

use std::time::Duration;

use hubbub_bus::{Quota, Verdict};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::{ErrorCode, MessageId, NewEvent, RoomId, Timestamp};

use super::Session;
use crate::committer::{Committed, Standing, UNAVAILABLE_RETRY};
use crate::hub::acks::ack;
use crate::metric::Pace;
use crate::refused::Refused;

impl Session {
    /// Commits what `prepare` makes, within the sender's quota, and has it acked when it is stored.
    /// What `prepare` refuses is refused, unless the id is known: then it is a retry, and is
    /// answered like one. `None` if an ack of another try came first.
    pub(super) async fn commit(
        &self,
        room: RoomId,
        id: MessageId,
        prepare: impl Future<Output = Result<NewEventKind, Refused>>,
    ) -> Result<Option<Committed>, Refused> {
        let app = &self.sockets.app;
        let (connection, hub) = (&self.connection, &self.sockets.hub);
        self.take_quota().await?;
        let sender = connection.user;
        let prepared = match prepare.await {
            Ok(kind) => Ok(NewEvent { room, id, sender, at: Timestamp::now(), kind }),
            Err(refused) => match app.committer.committed(room, id, sender).await? {
                Some(known) => Err(known),
                None => return Err(refused),
            },
        };
        if !connection.begin_send(app.limits.in_flight) {
            return Err(Refused::until(ErrorCode::Overloaded, UNAVAILABLE_RETRY));
        }
        let first = hub.acks.expect(connection, room, id);
        if !first {
            // One ack answers both, and counts for one.
            connection.end_send();
        }
        let committed = match prepared {
            Ok(event) => app.committer.commit(&event).await,
            Err(known) => Ok(known),
        };
        match committed {
            Ok(committed) => {
                hub.committed(connection, room, id, committed.position);
                match committed.standing {
                    // The notice, or the look-up of what waits too long, answers it.
                    Standing::Fresh => {}
                    Standing::Repeated => hub.look_up_acks(&[(room, id)]).await,
                    Standing::Stored => {
                        // Unless a notice of another device's try was faster.
                        if hub.acks.forget(connection, room, id) {
                            connection.tell(&ack(room, id, committed.position, committed.at));
                        }
                    }
                }
                Ok(Some(committed))
            }
            Err(failure) => {
                if first && !hub.acks.forget(connection, room, id) {
                    // A notice of another device's try has answered it.
                    return Ok(None);
                }
                Err(failure.into())
            }
        }
    }

    async fn take_quota(&self) -> Result<(), Refused> {
        let app = &self.sockets.app;
        let quota =
            Quota::new(app.limits.send_burst, app.limits.send_per_second, Duration::from_secs(1));
        match app.bus.take(&format!("send:{}", self.connection.user), quota).await? {
            Verdict::Allowed { .. } => Ok(()),
            Verdict::Refused { retry_after } => {
                Pace::Send.exceeded();
                Err(Refused::until(ErrorCode::RateLimited, retry_after))
            }
        }
    }
}
