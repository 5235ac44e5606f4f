//! A fresh place for each test.

use std::sync::Arc;

use hubbub_store::{BlobStore, DiskBlobs, MongoOptions, MongoStore, S3Blobs, S3Options};
use hubbub_testkit::mongo::MongoSet;
use hubbub_testkit::s3::S3Server;
use tempfile::TempDir;
use tokio::sync::OnceCell;

pub(crate) type AnyBlobs = Arc<dyn BlobStore>;

/// Blobs and what they live in.
pub(crate) struct Place {
    blobs: AnyBlobs,
    _dir: Option<TempDir>,
}

impl Place {
    pub(crate) fn blobs(&self) -> AnyBlobs {
        Arc::clone(&self.blobs)
    }
}

pub(crate) async fn disk() -> Place {
    let dir = tempfile::tempdir().unwrap();
    Place { blobs: Arc::new(DiskBlobs::new(dir.path().join("blobs"))), _dir: Some(dir) }
}

pub(crate) async fn gridfs() -> Place {
    static SET: OnceCell<MongoSet> = OnceCell::const_new();
    let set = SET.get_or_init(|| MongoSet::start(1)).await;
    let database = format!("test-{}", uuid::Uuid::new_v4().simple());
    let store = MongoStore::connect(MongoOptions::new(set.uri(), database)).await.unwrap();
    Place { blobs: Arc::new(store.blobs()), _dir: None }
}

pub(crate) async fn s3() -> Place {
    let blobs = S3Blobs::open(&s3_options().await).await.unwrap();
    Place { blobs: Arc::new(blobs), _dir: None }
}

/// The bucket of a server that all tests share.
pub(crate) async fn s3_options() -> S3Options {
    static SERVER: OnceCell<S3Server> = OnceCell::const_new();
    let server = SERVER.get_or_init(S3Server::start).await;
    S3Options {
        endpoint: server.endpoint(),
        bucket: S3Server::BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        access_key: "test".to_owned(),
        secret_key: "secret".to_owned(),
    }
}
