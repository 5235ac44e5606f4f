//! A fresh store for each test. The tests share one MongoDB, each with a database of its own.

use std::sync::Arc;

use hubbub_store::{MongoOptions, MongoStore, SqliteStore, Store};
use hubbub_testkit::mongo::MongoSet;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// A store and what it lives in.
pub(crate) struct Kept {
    store: Arc<dyn Store>,
    _dir: Option<TempDir>,
}

impl Kept {
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }
}

pub(crate) async fn sqlite() -> Kept {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).unwrap();
    Kept { store: Arc::new(store), _dir: Some(dir) }
}

pub(crate) async fn mongo() -> Kept {
    static SET: OnceCell<MongoSet> = OnceCell::const_new();
    let set = SET.get_or_init(|| MongoSet::start(1)).await;
    let database = format!("test-{}", uuid::Uuid::new_v4().simple());
    let store = MongoStore::connect(MongoOptions::new(set.uri(), database)).await.unwrap();
    Kept { store: Arc::new(store), _dir: None }
}
