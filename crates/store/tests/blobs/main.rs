//! The contract of blobs: what every place for them promises, on disk, in GridFS and in S3.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod bucket;
mod places;
mod promises;

/// Lists each promise once and tests it with every place, as `disk::…` and so on.
macro_rules! contract {
    ($($place:ident)+ => $promises:tt) => {
        $(contract!(@place $place $promises);)+
    };
    (@place $place:ident { $($promise:ident)+ }) => {
        mod $place {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let place = crate::places::$place().await;
                crate::promises::$promise(place.blobs()).await;
            })+
        }
    };
}

contract! {
    disk gridfs s3 => {
        a_blob_comes_back_as_it_was
        a_blob_is_replaced_as_a_whole
        what_is_not_there_is_nothing_and_can_be_removed
        a_folder_goes_with_all_its_blobs_and_no_other
        a_blob_above_the_bound_is_refused
        the_same_blob_by_many_at_once_is_there
        a_file_of_parts_is_read_from_anywhere_to_anywhere
        a_file_with_a_missing_part_fails_instead_of_being_short
    }
}
