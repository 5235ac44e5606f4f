//! A fresh place for each test.

use std::sync::Arc;

use hubbub_store::{BlobStore, DiskBlobs, MongoOptions, MongoStore};
use hubbub_testkit::mongo::MongoSet;
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
