//! Who was away when something came for them.
//!
//! The pipeline hands on what it has stored, before it takes it off the log: a worker that dies in
//! between leaves it to the next one, and an entry that is in an inbox already is not put there
//! again. Plain messages concern nobody here, and cost nothing.
//!
//! - `callees`: whom a message calls, and why
//! - `inboxes`: into whose inbox it goes
//! - [`announcer`]: the hook for those who send notifications: new entries are given to them, at
//!   least once, apart from storage

pub mod announcer;
mod callees;
mod inboxes;

use std::fmt;
use std::sync::Arc;

use hubbub_bus::{Bus, BusError};
use hubbub_protocol::Event;
use hubbub_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

pub use self::announcer::{Sink, SinkError};

use self::announcer::Announcer;

/// Why inboxes could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AwayError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl AwayError {
    /// Whether the same may work later.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(self, Self::Bus(_) | Self::Store(StoreError::Unavailable(_)))
    }
}

/// Writes the inboxes of people who are away.
pub struct Away {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    /// Nobody, where there are no sinks.
    announcer: Option<Announcer>,
}

impl fmt::Debug for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Away").field("announcer", &self.announcer).finish_non_exhaustive()
    }
}

impl Away {
    /// Writes into `store`, for those whom `bus` knows no connection of, and gives what is new to
    /// the sinks, while [`Self::run`] runs.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>, sinks: Vec<Arc<dyn Sink>>) -> Self {
        let announcer = (!sinks.is_empty()).then(|| Announcer::new(Arc::clone(&store), sinks));
        Self { store, bus, announcer }
    }

    /// Gives new entries to the sinks, until `stop`. Without sinks there is nothing to do.
    pub async fn run(&self, stop: CancellationToken) {
        match &self.announcer {
            Some(announcer) => announcer.run(stop).await,
            None => stop.cancelled().await,
        }
    }

    /// Whether an event may concern somebody who is away.
    pub(crate) fn concerns(event: &Event) -> bool {
        match event {
            Event::Message(message) => {
                let body = &message.body;
                message.room.is_direct() || !body.mentions.is_empty() || body.reply_to.is_some()
            }
            Event::Edited(_) | Event::Deleted(_) => true,
            Event::Member(member) => member.change.ends_membership(),
            Event::Reaction(_) | Event::Room(_) => false,
        }
    }
}
