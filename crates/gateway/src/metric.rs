//! The names of what a gateway counts and measures.

use std::sync::LazyLock;

use hubbub_protocol::CloseCode;
use metrics::{Counter, Histogram, counter, histogram};

use crate::http::quotas::Kind;

hubbub_runtime::metrics! {
    /// A metric of the HTTP API, the hub or its sockets.
    pub enum Metric {
        Connections: gauge "hubbub_connections" []
            "Connections after their greeting.",
        Users: gauge "hubbub_users" []
            "People with a connection on this node.",
        Rooms: gauge "hubbub_rooms" []
            "Rooms this node is subscribed to.",
        Watched: gauge "hubbub_watched_people" []
            "People whose presence this node is subscribed to.",
        PresenceLooks: counter "hubbub_presence_looks_total" []
            "People whose presence was read for those who watch them.",
        PresenceRows: counter "hubbub_presence_rows_total" []
            "Rows of presence put into connections' lanes.",
        PresenceAnnounced: counter "hubbub_presence_announced_total" []
            "Changes of presence told to the nodes that watch, one for each person who changed.",
        Deliveries: counter "hubbub_deliveries_total" []
            "Frames of events put into connections' lanes.",
        FanoutLag: histogram "hubbub_fanout_lag_seconds" []
            "From the moment a node took an event until this node's socket took it, of one live delivery in 16. Between two nodes it includes the difference of their clocks.",
        QueueBytes: gauge "hubbub_queue_bytes" []
            "Bytes of events that wait in the lanes of all connections.",
        QueueBytesMax: gauge "hubbub_queue_bytes_max" []
            "Bytes of events that wait in the fullest lane.",
        Overflows: counter "hubbub_overflows_total" []
            "Event lanes that were full and emptied; their rooms are read again from the log.",
        CommitTime: histogram "hubbub_commit_seconds" []
            "How long giving an event its place took, whatever came of it.",
        AckTime: histogram "hubbub_ack_seconds" []
            "From a send's commit until it was known to be stored and acked.",
        AcksPending: gauge "hubbub_acks_pending" []
            "Sends that wait to be stored.",
        Gaps: counter "hubbub_gaps_total" []
            "Rooms for which something may have been missed.",
        Fills: counter "hubbub_fills_total" []
            "Gaps of rooms that were read from the log.",
        Resets: counter "hubbub_resets_total" []
            "Resets told to connections of a room.",
        EpochsOpened: counter "hubbub_epochs_opened_total" []
            "Rooms of which this node found that the bus had lost data, and that go on in a new epoch.",
        Resumes: counter "hubbub_resumes_total" ["kind"]
            "Rooms that a connection went on with, after a reconnect or an overflow of its lane, by `kind`: `current` (it had missed nothing), `log` (read from the hot log), `sync` (from the store), `reset` (it must reload).",
        ProbeAge: gauge "hubbub_bus_probe_age_seconds" []
            "How long ago a probe last came back through the node's own subscription; of a probe that never did, since the start.",
        BusReconnects: counter (hubbub_bus::metric::SUBSCRIBER_RECONNECTS) []
            "Times that a subscriber's connection was rebuilt.",
        BusDropped: counter (hubbub_bus::metric::DELIVERIES_DROPPED) []
            "Deliveries that the node was too slow for; made up for by fills.",
        RateLimited: counter "hubbub_rate_limited_total" ["kind"]
            "Times that somebody was too fast, by the `kind` of quota.",
        PreviewFetches: counter "hubbub_preview_fetches_total" ["outcome"]
            "Links that were looked at for a preview, by `outcome`: `found`, `nothing` (nothing to show there), `refused` (it leads where gateways do not go), `unreachable`, `slow`, `failed` (an error, or redirects without end), `overloaded` (too many at the same time).",
        Draining: gauge "hubbub_draining" []
            "1 while this node is leaving.",
        Rebalanced: counter "hubbub_rebalanced_total" []
            "Connections told to move because this node had more than its share.",
        Closed: counter "hubbub_closed_total" ["code"]
            "Connections closed by this node, by close `code`.",
        Requests: counter "hubbub_http_requests_total" ["method", "route", "status"]
            "HTTP requests, by `method`, `route` and class of `status` (`2xx`).",
        RequestTime: histogram "hubbub_http_request_seconds" ["method", "route"]
            "How long HTTP requests took, by `method` and `route`.",
    }
}

/// Where what a connection had missed came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// It had missed nothing.
    Current,
    /// The hot log.
    Log,
    /// The store.
    Sync,
    /// It must reload.
    Reset,
}

impl Resume {
    const ALL: [Self; 4] = [Self::Current, Self::Log, Self::Sync, Self::Reset];

    const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Log => "log",
            Self::Sync => "sync",
            Self::Reset => "reset",
        }
    }

    /// Counts one.
    pub fn count(self) {
        counter!(Metric::Resumes.name(), "kind" => self.name()).increment(1);
    }
}

/// What has a quota beside the HTTP API's kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Sends of one account.
    Send,
    /// Words of typing.
    Typing,
    /// Slow mode of a room.
    SlowMode,
    /// Frames of one connection.
    Frames,
}

impl Pace {
    const ALL: [Self; 4] = [Self::Send, Self::Typing, Self::SlowMode, Self::Frames];

    const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Typing => "typing",
            Self::SlowMode => "slow-mode",
            Self::Frames => "frames",
        }
    }

    /// Counts somebody who was too fast.
    pub fn exceeded(self) {
        too_fast(self.name());
    }
}

/// Counts somebody who was too fast for a quota of the HTTP API.
pub fn exceeded(kind: Kind) {
    too_fast(kind.name());
}

fn too_fast(kind: &'static str) {
    counter!(Metric::RateLimited.name(), "kind" => kind).increment(1);
}

/// What came of a look at a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviewFetch {
    /// Something to show.
    Found,
    /// Nothing to show.
    Nothing,
    /// It leads where gateways do not go.
    Refused,
    /// Nobody answers there.
    Unreachable,
    /// It took too long.
    Slow,
    /// An error, or redirects without end.
    Failed,
    /// Too many at the same time.
    Overloaded,
}

impl PreviewFetch {
    const ALL: [Self; 7] = [
        Self::Found,
        Self::Nothing,
        Self::Refused,
        Self::Unreachable,
        Self::Slow,
        Self::Failed,
        Self::Overloaded,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Nothing => "nothing",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Slow => "slow",
            Self::Failed => "failed",
            Self::Overloaded => "overloaded",
        }
    }

    /// Counts one.
    pub fn count(self) {
        counter!(Metric::PreviewFetches.name(), "outcome" => self.name()).increment(1);
    }
}

/// Handles of what is counted for every event. Looking one up costs as much as ten increments.
///
/// Made at the first use, which is after the recorder is installed.
pub(crate) struct Hot {
    pub(crate) deliveries: Counter,
    pub(crate) fanout_lag: Histogram,
    pub(crate) commit: Histogram,
    pub(crate) ack: Histogram,
}

pub(crate) static HOT: LazyLock<Hot> = LazyLock::new(|| Hot {
    deliveries: counter!(Metric::Deliveries.name()),
    fanout_lag: histogram!(Metric::FanoutLag.name()),
    commit: histogram!(Metric::CommitTime.name()),
    ack: histogram!(Metric::AckTime.name()),
});

/// Tells the installed recorder what each metric means.
pub fn describe() {
    for metric in Metric::ALL {
        metric.describe();
    }
    Metric::Resumes.about().begin(Resume::ALL.map(Resume::name));
    Metric::PreviewFetches.about().begin(PreviewFetch::ALL.map(PreviewFetch::name));
    Metric::Closed.about().begin(CloseCode::ALL.iter().map(|code| code.reason()));
    let quotas = Kind::ALL.iter().map(|kind| kind.name());
    Metric::RateLimited.about().begin(quotas.chain(Pace::ALL.map(Pace::name)));
}

/// The page that describes every metric.
#[must_use]
pub fn reference() -> String {
    hubbub_runtime::metric::reference_page(&[
        ("Every process", hubbub_runtime::metric::Metric::ALL),
        ("Gateways", Metric::ALL),
        ("Workers, and a standalone gateway", hubbub_worker::metric::Metric::ALL),
    ])
}
