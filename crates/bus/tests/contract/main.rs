//! One suite for every bus: in one process, over one Redis, over a Redis Cluster of three.
//!
//! A test is written once, against the traits, and runs as `local::…`, `redis::…` and `cluster::…`.
//! What only makes sense between processes or against a server that fails runs on the latter two.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backend;
mod heard;

mod between_nodes;
mod claims;
mod cluster_changes;
mod faults;
mod hearing;
mod leaving;
mod limits;
mod order;
mod outage;
mod people;
mod safety;
mod storage;

use backend::{Backend, Kind};

macro_rules! suite {
    ($kind:ident: $($module:ident { $($test:ident,)* })*) => {
        $(mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let backend = crate::Backend::start(crate::Kind::$kind).await;
                crate::$module::$test(&backend).await;
            })*
        })*
    };
}

macro_rules! contract {
    (every bus: { $($every:tt)* } servers: { $($servers:tt)* }) => {
        mod local {
            suite! { Local: $($every)* }
        }
        mod redis {
            suite! { Redis: $($every)* $($servers)* }
        }
        mod cluster {
            suite! { Cluster: $($every)* $($servers)* }
        }
    };
}

contract! {
    every bus: {
        order {
            a_room_without_counters_takes_no_event,
            seqs_are_contiguous_under_concurrent_commits,
            a_retry_returns_the_first_place,
            concurrent_retries_make_one_event,
            an_id_of_another_author_is_returned_with_its_author,
            seeding_again_keeps_the_counters,
            a_recovered_room_asks_for_lookups_until_its_window_is_over,
            a_full_log_turns_new_events_away_and_answers_retries,
            heads_come_in_the_order_asked,
            frames_are_the_events_as_committed,
            a_read_at_the_head_is_empty,
            a_read_returns_up_to_the_limit,
            a_read_beyond_the_head_or_of_another_epoch_is_foreign,
            a_read_of_an_unseeded_room_says_so,
            a_reopened_room_goes_on_once_and_tells_its_nodes,
            a_reopened_room_never_goes_backwards,
            a_reopened_room_asks_for_lookups,
            a_closed_room_takes_no_event_and_has_no_log,
            what_a_closed_room_left_on_the_write_ahead_log_stays_there,
            a_room_can_be_closed_again_and_others_go_on,
        }
        storage {
            entries_come_in_the_order_of_commits,
            a_read_waits_for_the_next_commit,
            a_read_gives_up_after_its_wait,
            what_is_settled_is_off_the_log_and_its_origin_hears,
            a_hot_log_keeps_what_is_not_stored,
            a_hot_log_is_trimmed_up_to_the_oldest_unstored_event,
            a_stored_id_is_still_remembered,
            a_forgotten_id_can_be_committed_again,
            an_id_is_not_forgotten_at_another_place,
            an_unsettled_entry_is_claimed_and_counted,
            a_fresh_entry_is_not_claimed,
            a_buried_entry_is_listed_and_replayed,
            a_buried_id_stays_remembered,
            depth_counts_entries_and_dead_letters,
            an_event_is_found_by_its_id_while_the_hot_log_has_it,
            progress_ends_before_the_oldest_unstored_event,
            progress_tells_where_the_epoch_began,
        }
        hearing {
            a_subscribed_room_is_heard_in_order,
            a_room_is_heard_from_its_confirmation_on,
            an_unsubscribed_room_is_silent,
            a_room_subscribed_again_is_confirmed_again,
            a_volatile_frame_carries_its_key,
            a_control_word_comes_back_to_its_node,
            an_ended_session_is_remembered_and_told,
            the_probe_comes_back,
            a_frame_for_people_reaches_their_node_before_the_map_has_them,
        }
        people {
            the_first_renewal_takes_the_lease,
            a_node_tells_operators_how_it_is,
            a_word_to_one_node_is_heard_by_it,
            a_user_is_connected_until_the_last_connection_goes,
            the_best_status_counts,
            online_users_come_in_pages,
            a_lapsed_lease_ends_its_connections,
            without_a_reaper_a_dead_nodes_users_are_offline_all_the_same,
            releasing_a_node_clears_it,
        }
        leaving {
            a_status_is_told_as_changed_once,
            who_leaves_is_shown_as_before_until_the_grace_is_over,
            who_comes_back_within_the_grace_was_never_gone,
            devices_that_end_together_leave_the_better_status,
            the_departed_are_named_until_they_are_forgotten,
            who_comes_back_is_not_forgotten,
            an_announcement_reaches_those_who_hear_the_person,
        }
        limits {
            a_burst_is_allowed_and_the_next_refused,
            keys_do_not_share_a_quota,
            a_refused_caller_is_allowed_after_the_wait,
            takes_agree_with_the_reference,
            one_name_passes_in_a_while_and_the_same_again,
            who_waited_passes_and_is_the_last_to_have_passed,
            a_shorter_pause_holds_for_those_who_wait_already,
            a_longer_pause_holds_from_the_next_on,
            paces_do_not_share_a_key,
        }
    }
    servers: {
        between_nodes {
            every_node_hears_one_order,
            a_retry_on_another_node_returns_the_first_place,
            a_room_closed_by_one_node_is_closed_for_another,
            a_pace_is_one_for_all_nodes,
            notices_reach_only_their_origin,
            control_words_reach_every_node,
            a_word_to_one_node_reaches_no_other,
            a_frame_for_people_reaches_only_the_nodes_that_hold_them,
            every_room_is_heard_whatever_its_partition,
            presence_is_one_map,
            a_dead_nodes_users_leave_as_of_its_end,
            one_reaper_is_told_of_the_departed,
            a_node_that_comes_back_is_not_cleared,
            another_number_of_partitions_is_refused,
        }
        claims {
            a_dead_consumers_entries_go_to_another,
            two_consumers_share_the_log,
            a_stored_id_expires_after_the_window,
        }
        outage {
            rooms_are_heard_again_after_their_connections_were_killed,
            rooms_are_heard_again_after_a_restart,
            nothing_committed_is_lost_in_a_restart,
            a_wiped_redis_is_unseeded_and_reads_go_on,
            commits_fail_within_their_deadline_while_redis_is_away,
        }
        safety {
            an_evicting_redis_is_refused,
            a_safe_redis_raises_no_warning,
        }
    }
}
