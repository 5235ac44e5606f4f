//! The names of what the worker counts and measures.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// A metric of the pipeline, the reaper or the write-ahead log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Batches given to the store.
    Batches,
    /// Events in a batch.
    BatchEvents,
    /// Events by `outcome`: `stored`, `already`, `double`, `fork`, `refused`, `suspect`.
    Events,
    /// Time the store took for a batch, in seconds.
    AppendSeconds,
    /// Tries that failed and are made again, by `step`.
    Retries,
    /// Events committed again because they had lost their place.
    Relocated,
    /// Entries taken over because their consumer had held them for too long.
    Claimed,
    /// Entries set aside as dead letters.
    Buried,
    /// Users whose offline grace is over.
    Reaped,
    /// Steps in which rooms were indexed for the search.
    SearchSteps,
    /// Rooms that could not be indexed for the search, and wait for the next look at all rooms.
    SearchFailures,
    /// Destroyed rooms that were removed.
    RoomsRemoved,
    /// Inbox entries that a sink took, by `sink`.
    Announced,
    /// Inbox entries that a sink did not take, by `sink`.
    NotAnnounced,
    /// Batches of inbox entries that the sinks were too slow for, and get later.
    AnnouncementsPutOff,
    /// Files that were removed.
    FilesCollected,
    /// Entries that wait for storage, by `partition`.
    WalEntries,
    /// Age of the oldest entry that waits for storage, in seconds, by `partition`.
    WalOldestSeconds,
    /// Dead letters that wait for an operator, by `partition`.
    DeadLetters,
}

impl Metric {
    /// The name under which it is exported.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batches => "hubbub_worker_batches_total",
            Self::BatchEvents => "hubbub_worker_batch_events",
            Self::Events => "hubbub_worker_events_total",
            Self::AppendSeconds => "hubbub_worker_append_seconds",
            Self::Retries => "hubbub_worker_retries_total",
            Self::Relocated => "hubbub_worker_relocated_total",
            Self::Claimed => "hubbub_worker_claimed_total",
            Self::Buried => "hubbub_worker_buried_total",
            Self::Reaped => "hubbub_worker_reaped_users_total",
            Self::SearchSteps => "hubbub_search_index_steps_total",
            Self::SearchFailures => "hubbub_search_index_failures_total",
            Self::RoomsRemoved => "hubbub_worker_rooms_removed_total",
            Self::Announced => "hubbub_worker_announced_total",
            Self::NotAnnounced => "hubbub_worker_not_announced_total",
            Self::AnnouncementsPutOff => "hubbub_worker_announcements_put_off_total",
            Self::FilesCollected => "hubbub_worker_files_collected_total",
            Self::WalEntries => "hubbub_wal_entries",
            Self::WalOldestSeconds => "hubbub_wal_oldest_seconds",
            Self::DeadLetters => "hubbub_wal_dead_letters",
        }
    }
}

/// Tells the installed recorder what each metric means. Call once, after installing it.
pub fn describe() {
    use Metric::{
        Announced, AnnouncementsPutOff, AppendSeconds, BatchEvents, Batches, Buried, Claimed,
        DeadLetters, Events, FilesCollected, NotAnnounced, Reaped, Relocated, Retries,
        RoomsRemoved, SearchFailures, SearchSteps, WalEntries, WalOldestSeconds,
    };
    describe_counter!(Batches.name(), "Batches given to the store.");
    describe_histogram!(BatchEvents.name(), Unit::Count, "Events in a batch.");
    describe_counter!(Events.name(), "Events given to the store, by outcome.");
    describe_histogram!(AppendSeconds.name(), Unit::Seconds, "Time the store took for a batch.");
    describe_counter!(Retries.name(), "Tries that failed and are made again, by step.");
    describe_counter!(Relocated.name(), "Events committed again after they lost their place.");
    describe_counter!(Claimed.name(), "Entries taken over from consumers that held them too long.");
    describe_counter!(Buried.name(), "Entries set aside as dead letters.");
    describe_counter!(Reaped.name(), "Users who are offline, their grace being over.");
    describe_counter!(SearchSteps.name(), "Steps in which rooms were indexed for the search.");
    describe_counter!(SearchFailures.name(), "Rooms that could not be indexed for the search.");
    describe_counter!(RoomsRemoved.name(), "Destroyed rooms of which nothing is left.");
    describe_counter!(Announced.name(), "Inbox entries that a sink took.");
    describe_counter!(NotAnnounced.name(), "Inbox entries that a sink did not take.");
    describe_counter!(
        AnnouncementsPutOff.name(),
        "Batches of inbox entries that the sinks were too slow for, and get later."
    );
    describe_counter!(FilesCollected.name(), "Files removed that nobody could get any more.");
    describe_gauge!(WalEntries.name(), "Entries that wait for storage.");
    describe_gauge!(WalOldestSeconds.name(), Unit::Seconds, "Age of the oldest waiting entry.");
    describe_gauge!(DeadLetters.name(), "Dead letters that wait for an operator.");
}
