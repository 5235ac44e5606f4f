//! From nothing to a connection that is ready.

use std::time::Duration;

use hubbub_protocol::client::ResumePoint;
use hubbub_protocol::{ClientFrame, CloseCode, RoomId, ServerFrame};
use tokio::time::timeout;

use super::driver::REFRESH_BEFORE;
use crate::connection::{Closed, Connection};
use crate::http::{Api, ApiError};

/// How long `ready` may take once the socket is open.
const READY_WITHIN: Duration = Duration::from_secs(15);

/// A connection that has been greeted.
pub(super) struct Dialled {
    pub(super) connection: Box<Connection>,
    pub(super) token: String,
    pub(super) ready: ServerFrame,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error(transparent)]
    Token(#[from] ApiError),
}

/// Opens a connection and says hello, with another token than `expired`.
pub(super) async fn dial(
    api: Api,
    expired: Option<String>,
    resume: Vec<ResumePoint>,
    only: Option<Vec<RoomId>>,
) -> Result<Dialled, DialError> {
    let token = match expired {
        Some(expired) => api.next_token(&expired).await?,
        None => api.access_token(REFRESH_BEFORE).await?,
    };
    let mut connection =
        Box::new(Connection::open(api.address(), api.tls(), api.affinity()).await?);
    let hello = ClientFrame::Hello { token: Some(token.clone()), resume, only };
    connection.send(&hello).await?;
    let greeted = timeout(READY_WITHIN, async {
        loop {
            // Before `ready` there is at most an error, which the close after it repeats.
            let frame = connection.next().await?;
            if let ServerFrame::Ready { .. } = frame {
                return Ok::<_, Closed>(frame);
            }
        }
    });
    match greeted.await.unwrap_or(Err(Closed::Silent)) {
        Ok(ready) => Ok(Dialled { connection, token, ready }),
        Err(closed) => {
            if closed.is(CloseCode::TokenExpired) {
                api.expire_token().await;
            }
            Err(closed.into())
        }
    }
}
