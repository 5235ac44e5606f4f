//! What is particular to a bucket.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hubbub_store::{BlobKey, BlobStore, S3Blobs, S3Options, StoreError};
use uuid::Uuid;

use crate::places::s3_options;

#[tokio::test]
async fn a_bucket_that_is_not_there_is_refused() {
    let options = S3Options { bucket: "nobody-made-it".to_owned(), ..s3_options().await };
    let refused = S3Blobs::open(&options).await;
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
}

#[tokio::test]
async fn an_endpoint_where_nobody_answers_is_unavailable() {
    let nobody = format!("http://127.0.0.1:{}", hubbub_testkit::port::free_port());
    let options = S3Options { endpoint: nobody, ..s3_options().await };
    let refused = S3Blobs::open(&options).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}

/// A list has at most a thousand objects in one answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_of_more_blobs_than_one_answer_lists_goes_as_a_whole() {
    let blobs = S3Blobs::open(&s3_options().await).await.unwrap();
    let folder = Uuid::now_v7();
    let key = |i: usize| BlobKey::new(folder, &format!("part-{i:04}"));
    let puts = (0..1_005).map(|i| {
        let (blobs, key) = (blobs.clone(), key(i));
        async move { blobs.put(&key, Bytes::from_static(b"part")).await }
    });
    let mut puts = stream::iter(puts).buffer_unordered(8);
    while let Some(put) = puts.next().await {
        put.unwrap();
    }
    blobs.remove_all(folder).await.unwrap();
    for i in [0, 999, 1_000, 1_004] {
        assert_eq!(blobs.get(&key(i)).await.unwrap(), None, "part {i}");
    }
}
