//! What is promised of blobs.

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use hubbub_store::blobs::{self, BLOB_MAX, Part};
use hubbub_store::{BlobKey, StoreError};
use uuid::Uuid;

use crate::places::AnyBlobs;

/// Bytes that differ from place to place.
fn pattern(length: usize) -> Bytes {
    (0..length).map(|i| (i % 251) as u8).collect()
}

fn key(name: &str) -> BlobKey {
    BlobKey::new(Uuid::now_v7(), name)
}

pub(crate) async fn a_blob_comes_back_as_it_was(blobs: AnyBlobs) {
    for length in [0, 1, 300_000, BLOB_MAX] {
        let (key, bytes) = (key("a-1"), pattern(length));
        blobs.put(&key, bytes.clone()).await.unwrap();
        assert!(blobs.get(&key).await.unwrap() == Some(bytes), "{length} bytes");
    }
}

pub(crate) async fn a_blob_is_replaced_as_a_whole(blobs: AnyBlobs) {
    let key = key("avatar");
    for bytes in [pattern(2_000), pattern(10), pattern(10)] {
        blobs.put(&key, bytes.clone()).await.unwrap();
        assert_eq!(blobs.get(&key).await.unwrap(), Some(bytes));
    }
}

pub(crate) async fn what_is_not_there_is_nothing_and_can_be_removed(blobs: AnyBlobs) {
    let key = key("a");
    assert_eq!(blobs.get(&key).await.unwrap(), None);
    blobs.remove(&key).await.unwrap();
    blobs.remove_all(key.folder()).await.unwrap();
    blobs.put(&key, pattern(9)).await.unwrap();
    for _ in 0..2 {
        blobs.remove(&key).await.unwrap();
        assert_eq!(blobs.get(&key).await.unwrap(), None);
    }
}

pub(crate) async fn a_folder_goes_with_all_its_blobs_and_no_other(blobs: AnyBlobs) {
    let (gone, kept) = (Uuid::now_v7(), Uuid::now_v7());
    for folder in [gone, kept] {
        for name in ["64", "128", "512"] {
            blobs.put(&BlobKey::new(folder, name), pattern(64)).await.unwrap();
        }
    }
    for _ in 0..2 {
        blobs.remove_all(gone).await.unwrap();
        for name in ["64", "128", "512"] {
            assert_eq!(blobs.get(&BlobKey::new(gone, name)).await.unwrap(), None);
            assert!(blobs.get(&BlobKey::new(kept, name)).await.unwrap().is_some());
        }
    }
}

pub(crate) async fn a_blob_above_the_bound_is_refused(blobs: AnyBlobs) {
    let key = key("large");
    let refused = blobs.put(&key, pattern(BLOB_MAX + 1)).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    assert_eq!(blobs.get(&key).await.unwrap(), None);
}

pub(crate) async fn the_same_blob_by_many_at_once_is_there(blobs: AnyBlobs) {
    let folder = Uuid::now_v7();
    let puts = (0..8).map(|i| {
        let blobs = blobs.clone();
        async move { blobs.put(&BlobKey::new(folder, &format!("n-{i}")), pattern(5_000)).await }
    });
    for put in join_all(puts).await {
        put.unwrap();
    }
    for i in 0..8 {
        let key = BlobKey::new(folder, &format!("n-{i}"));
        assert_eq!(blobs.get(&key).await.unwrap(), Some(pattern(5_000)));
    }
}

pub(crate) async fn a_file_of_parts_is_read_from_anywhere_to_anywhere(blobs: AnyBlobs) {
    let (folder, bytes) = (Uuid::now_v7(), pattern(2 * BLOB_MAX + 700));
    let parts = blobs::put_parts(&*blobs, folder, bytes.clone()).await.unwrap();
    assert_eq!((parts.len(), blobs::size(&parts)), (3, bytes.len() as u64));
    let (end, edge) = (bytes.len() as u64, BLOB_MAX as u64);
    for range in [0..end, 0..1, edge - 1..edge + 1, edge..2 * edge, end - 1..end, 5..5, 9..end + 9]
    {
        let pieces = blobs::read(blobs.clone(), folder, &parts, range.clone());
        let read: Vec<Bytes> = pieces.try_collect().await.unwrap();
        let to = usize::try_from(range.end.min(end)).unwrap();
        let expected = &bytes[usize::try_from(range.start).unwrap()..to];
        assert!(read.concat() == expected, "{range:?}");
    }
}

pub(crate) async fn a_file_with_a_missing_part_fails_instead_of_being_short(blobs: AnyBlobs) {
    let folder = Uuid::now_v7();
    let mut parts = blobs::put_parts(&*blobs, folder, pattern(100)).await.unwrap();
    parts.push(Part::new(100));
    let read: Result<Vec<Bytes>, _> =
        blobs::read(blobs, folder, &parts, 0..200).try_collect().await;
    assert!(read.is_err());
}
