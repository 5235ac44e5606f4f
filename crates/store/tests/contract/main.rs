//! The contract: what every store promises, against SQLite and against a real MongoDB.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod accounts;
mod attachments;
mod audit;
mod blocks;
mod changes;
mod counts;
mod destruction;
mod events;
mod history;
mod inbox;
mod inspection;
mod making;
mod moderation;
mod positions;
mod rooms;
mod search;
mod sessions;
mod stores;
mod users;

/// Lists each promise once and tests it with every store, as `sqlite::rooms::…` and so on.
macro_rules! contract {
    ($($area:ident { $($promise:ident)+ })+) => {
        contract!(@store sqlite $($area { $($promise)+ })+);
        contract!(@store mongo $($area { $($promise)+ })+);
    };
    (@store $store:ident $($area:ident { $($promise:ident)+ })+) => {
        mod $store {
            $(mod $area {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let kept = crate::stores::$store().await;
                    crate::$area::$promise(kept.store()).await;
                    kept.store().close().await;
                })+
            })+
        }
    };
}

contract! {
    users {
        a_made_account_is_found_by_id_and_by_user_name
        a_user_name_is_given_once
        accounts_are_found_by_their_names_all_at_once
        of_many_who_want_a_name_at_once_one_gets_it
        making_the_same_account_again_is_no_conflict
        people_are_found_by_the_start_of_any_name_without_case_or_diacritics
        characters_of_patterns_mean_themselves
        lists_of_people_are_paged_by_id
        last_seen_never_goes_back
    }
    accounts {
        the_first_account_administers_the_site_however_many_are_made_at_once
        administrators_are_made_and_unmade_but_for_the_last_one
        of_administrators_who_dismiss_each_other_at_once_one_stays
        a_suspended_account_is_found_by_administrators_only
        a_password_is_replaced_and_secrets_are_kept
        a_profile_changes_field_by_field
        a_new_name_is_found_and_the_old_one_is_not
        a_new_picture_tells_which_one_it_replaces
        a_deleted_account_is_a_stand_in_whose_name_stays_taken
        what_a_deleted_account_leaves_is_removed_and_then_forgotten
    }
    blocks {
        a_block_counts_both_ways_and_is_one_person_s
        blocks_of_many_pairs_are_told_one_way
        each_side_takes_back_its_own_block
        blocks_come_in_pages_and_have_a_bound
    }
    sessions {
        a_session_lives_until_it_runs_out
        a_rotated_token_replaces_the_one_before
        using_a_token_twice_ends_its_session
        reuse_of_any_earlier_token_ends_the_session
        of_many_rotations_of_one_token_one_wins
        a_token_that_ran_out_is_unknown
        a_token_nobody_was_given_is_unknown
        an_ended_session_can_not_be_continued
        the_same_rotation_again_gives_the_same_answer
        live_sessions_are_told_from_others
        one_s_own_sessions_are_listed_the_newest_first
        all_sessions_but_one_end_and_are_named_until_their_tokens_run_out
    }
    rooms {
        a_made_room_has_its_owner_as_member_and_begins_in_epoch_1
        making_the_same_room_again_changes_nothing
        the_lobby_is_made_once_by_many_and_stays_destroyed
        two_people_who_open_a_direct_room_at_once_get_one
        a_direct_room_can_not_be_left_and_has_no_code
        a_code_lets_in_until_it_is_replaced
        details_change_one_by_one
        my_rooms_come_in_pages_with_my_role
        the_most_active_rooms_are_those_with_the_newest_messages
        the_directory_shows_public_rooms_by_a_part_of_their_name
        all_rooms_are_listed_whatever_their_kind
        joining_twice_counts_once
        a_newcomer_has_read_what_was_before_them
        members_are_counted_right_when_many_come_and_go_at_once
        the_owner_stays_until_the_room_is_another_s
        a_room_handed_to_somebody_who_leaves_has_an_owner_in_it
        memberships_are_told_one_by_one_and_in_batches
        members_come_in_pages
        members_are_found_by_the_start_of_any_name
        a_page_of_no_rows_is_empty
    }
    moderation {
        roles_are_given_and_taken_but_never_the_owner_s
        a_room_is_handed_to_one_of_many_at_once
        a_mute_lasts_until_it_is_lifted_and_spares_greater_roles
        who_is_put_out_may_come_back
        who_is_banned_is_out_and_stays_out
        who_joins_while_they_are_banned_is_out
        a_code_lets_in_as_many_as_it_may_however_many_come_at_once
        a_code_runs_out_and_a_ban_costs_no_use
        every_detail_is_kept
        an_archived_room_is_not_in_the_directory
        a_few_who_open_their_room_at_once_get_one
        who_left_a_few_comes_back_only_by_opening
        the_heir_is_the_moderator_then_the_first_member_whose_account_is_active
    }
    inspection {
        every_room_is_named_once_in_order
        the_largest_rooms_come_first
        a_hole_in_a_log_shows_in_its_span
        members_of_a_destroyed_room_are_no_strays
    }
    audit {
        entries_come_back_as_they_were_the_newest_first
    }
    destruction {
        a_destroyed_room_does_not_exist_for_any_reader
        a_room_is_destroyed_once
        a_job_is_held_by_one_until_its_lease_is_over
        what_remains_is_removed_in_parts_and_nothing_of_other_rooms
    }
    events {
        an_event_is_stored_once
        an_event_of_every_kind_is_stored
        a_double_is_void_and_leaves_no_gap
        one_id_twice_in_a_batch_is_stored_once
        another_event_at_a_taken_place_is_a_fork
        a_double_at_a_taken_place_is_a_fork
        one_place_twice_in_a_batch_is_a_fork
        an_id_is_unique_in_its_room_only
        what_can_never_be_stored_is_refused_and_the_rest_is_stored
        the_same_batch_by_many_at_once_is_stored_once
        a_large_batch_is_told_one_by_one
        places_are_told_in_the_order_asked
        the_head_is_the_epoch_and_the_highest_seq
        an_epoch_is_opened_once_however_many_ask
        a_room_that_does_not_exist_has_no_head
    }
    changes {
        an_edit_replaces_the_text_and_whom_it_calls
        of_edits_the_last_counts_in_whatever_order_they_are_stored
        an_edit_by_somebody_else_changes_nothing
        a_deletion_leaves_place_author_and_time
        a_deletion_beats_every_edit_and_reaction_that_is_stored_late
        what_is_stored_before_its_message_takes_effect
        reactions_are_counted_and_named_in_order
        of_one_persons_reactions_the_last_counts
        what_was_touched_is_told_once_in_its_latest_state
        every_text_a_message_has_had_is_kept
        a_change_is_no_message
        deleted_messages_are_not_unread
        changes_by_many_at_once_all_take_effect
        any_order_and_repetition_comes_to_the_same
    }
    history {
        the_latest_page_ends_with_the_newest
        pages_backwards_meet_without_gap_or_overlap
        pages_forwards_meet_without_gap_or_overlap
        a_page_around_a_message_has_both_sides
        pages_hold_messages_only
        an_empty_room_has_an_empty_page
        changes_are_the_messages_of_a_range
        too_many_changes_are_not_told
        events_of_every_kind_are_counted
        a_message_comes_back_as_it_was
    }
    attachments {
        a_file_comes_back_as_it_was
        of_many_who_extend_an_upload_at_once_one_wins
        an_owner_has_a_share_and_gone_files_give_theirs_back
        uploads_at_once_never_take_more_than_the_share
        a_file_is_claimed_by_one_message
        what_is_not_there_for_a_message_is_refused_with_all_of_it
        what_is_due_is_one_collectors_at_a_time
        deleting_a_message_discards_its_files_and_no_others
        a_rooms_files_come_in_pages
    }
    positions {
        positions_only_move_forward
        reading_implies_delivery
        first_marks_at_once_leave_one_position
        positions_are_told_in_the_order_asked
        unread_are_the_messages_of_others_after_the_mark
        a_count_of_unread_messages_ends_at_its_bound
        a_room_marked_unread_is_so_until_more_is_read
        a_notify_level_is_kept_beside_the_position
        changes_at_once_each_count_once
        unread_of_many_rooms_are_told_in_the_order_asked
    }
    counts {
        unread_and_mentions_are_what_a_recount_finds
    }
    inbox {
        an_entry_is_there_once_however_often_it_is_put
        entries_come_the_newest_first_in_pages
        an_inbox_keeps_the_newest
        what_is_read_goes_and_the_rest_stays
        a_lost_room_takes_its_entries_along
        a_deleted_message_is_in_no_inbox_and_an_edited_one_begins_anew
        an_entry_is_announced_until_somebody_says_that_it_was
    }
    search {
        a_message_is_found_as_soon_as_it_is_stored
        every_term_must_be_there_in_any_order
        parts_of_words_are_found
        case_diacritics_and_ligatures_do_not_count
        scripts_without_spaces_are_found_by_any_part
        emoji_and_right_to_left_text_are_found
        hits_tell_where_the_terms_are
        only_rooms_that_were_asked_for_are_searched
        hits_are_narrowed_by_what_is_known_of_a_message
        pages_meet_while_messages_arrive
        what_is_stored_late_and_out_of_order_is_found
        rooms_to_be_indexed_are_told
        many_who_index_at_once_leave_nothing_out
        making_the_index_anew_changes_nothing
        entries_of_a_room_are_removed_and_counted
        a_search_that_has_no_time_says_so
        an_edited_message_is_found_by_what_it_says_now
        a_deleted_message_is_not_found
        a_change_that_is_stored_before_its_message_counts
        reactions_are_found_while_they_last
        a_search_finds_what_a_look_at_every_message_finds
    }
}
