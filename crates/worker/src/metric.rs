//! The names of what the worker counts and measures.

use crate::pipeline::Step;

hubbub_runtime::metrics! {
    /// A metric of the pipeline, the reaper or the write-ahead log.
    pub enum Metric {
        Batches: counter "hubbub_worker_batches_total" []
            "Batches given to the store.",
        BatchEvents: histogram "hubbub_worker_batch_events" []
            "Events in a batch.",
        Events: counter "hubbub_worker_events_total" ["outcome"]
            "Events given to the store, by `outcome`: `stored`, `already` (a redelivery), `double` and `fork` (the bus had lost data), `refused`, `suspect`, `discarded` (their room is no more).",
        AppendSeconds: histogram "hubbub_worker_append_seconds" []
            "Time the store took for a batch.",
        Retries: counter "hubbub_worker_retries_total" ["step"]
            "Tries that failed and are made again, by `step`.",
        Relocated: counter "hubbub_worker_relocated_total" []
            "Events committed again because they had lost their place.",
        Claimed: counter "hubbub_worker_claimed_total" []
            "Entries taken over because their consumer had held them for too long.",
        Buried: counter "hubbub_worker_buried_total" []
            "Entries set aside as dead letters.",
        Reaped: counter "hubbub_worker_reaped_users_total" []
            "Users whose offline grace is over.",
        SearchSteps: counter "hubbub_search_index_steps_total" []
            "Steps in which rooms were indexed for the search.",
        SearchFailures: counter "hubbub_search_index_failures_total" []
            "Rooms that could not be indexed for the search, and wait for the next look at all rooms.",
        RoomsRemoved: counter "hubbub_worker_rooms_removed_total" []
            "Destroyed rooms of which nothing is left.",
        Announced: counter "hubbub_worker_announced_total" ["sink"]
            "Inbox entries that a sink took, by `sink`.",
        NotAnnounced: counter "hubbub_worker_not_announced_total" ["sink"]
            "Inbox entries that a sink did not take, by `sink`.",
        AnnouncementsPutOff: counter "hubbub_worker_announcements_put_off_total" []
            "Batches of inbox entries that the sinks were too slow for, and get later.",
        FilesCollected: counter "hubbub_worker_files_collected_total" []
            "Files removed that nobody could get any more.",
        WalEntries: gauge "hubbub_wal_entries" ["partition"]
            "Entries that wait for storage, by `partition`.",
        WalOldestSeconds: gauge "hubbub_wal_oldest_seconds" ["partition"]
            "Age of the oldest entry that waits for storage, by `partition`.",
        DeadLetters: gauge "hubbub_wal_dead_letters" ["partition"]
            "Dead letters that wait for an operator, by `partition`.",
    }
}

/// What can become of an event that is given to the store.
const OUTCOMES: [&str; 7] =
    ["stored", "already", "double", "fork", "refused", "suspect", "discarded"];

/// Tells the installed recorder what each metric means. Call once, after installing it, in a
/// process that stores.
pub fn describe() {
    for metric in Metric::ALL {
        metric.describe();
    }
    Metric::Events.about().begin(OUTCOMES);
    Metric::Retries.about().begin(Step::ALL.iter().map(|step| step.name()));
}
