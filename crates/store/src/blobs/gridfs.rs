//! Blobs in MongoDB's GridFS.
//!
//! A blob's id there is its key as text, so the blobs of a folder, finished or not, are a range of
//! ids. Chunks are as large as a blob may be: each blob is one.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{AsyncReadExt, AsyncWriteExt};
use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::{ErrorKind, GridFsErrorKind};
use mongodb::gridfs::GridFsBucket;
use mongodb::options::GridFsBucketOptions;
use uuid::Uuid;

use super::{BLOB_MAX, BlobKey, BlobStore, check_size};
use crate::StoreError;

/// The bucket's name: its collections are `blobs.files` and `blobs.chunks`.
const BUCKET: &str = "blobs";

/// Blobs in a bucket of a MongoDB database. See [`MongoStore::blobs`](crate::MongoStore::blobs).
#[derive(Clone)]
pub struct GridFsBlobs {
    database: Database,
    bucket: GridFsBucket,
    operation_timeout: Duration,
}

impl GridFsBlobs {
    pub(crate) fn new(database: &Database, operation_timeout: Duration) -> Self {
        let chunk = u32::try_from(BLOB_MAX).expect("a blob is 1 MiB at the most");
        let options = GridFsBucketOptions::builder()
            .bucket_name(BUCKET.to_owned())
            .chunk_size_bytes(chunk)
            .build();
        let bucket = database.gridfs_bucket(options);
        Self { database: database.clone(), bucket, operation_timeout }
    }

    async fn within<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let Ok(result) = tokio::time::timeout(self.operation_timeout, operation).await else {
            let after = self.operation_timeout;
            return Err(StoreError::Unavailable(format!("no answer from GridFS in {after:?}")));
        };
        result
    }
}

impl std::fmt::Debug for GridFsBlobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GridFsBlobs")
            .field("database", &self.database.name())
            .finish_non_exhaustive()
    }
}

fn id(key: &BlobKey) -> Bson {
    Bson::String(key.to_string())
}

fn is_missing(error: &mongodb::error::Error) -> bool {
    matches!(&*error.kind, ErrorKind::GridFs(GridFsErrorKind::FileNotFound { .. }))
}

/// The driver's streams tell MongoDB's errors inside those of input and output.
fn failure(error: std::io::Error) -> StoreError {
    match error.downcast::<mongodb::error::Error>() {
        Ok(error) => error.into(),
        Err(error) => StoreError::Unavailable(format!("GridFS: {error}")),
    }
}

async fn remove(bucket: &GridFsBucket, key: &BlobKey) -> Result<(), StoreError> {
    match bucket.delete(id(key)).await {
        Err(error) if !is_missing(&error) => Err(error.into()),
        _ => Ok(()),
    }
}

#[async_trait]
impl BlobStore for GridFsBlobs {
    async fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<(), StoreError> {
        check_size(&bytes)?;
        self.within(async {
            // What an interrupted try has left would be in the way.
            remove(&self.bucket, key).await?;
            let folder = key.folder().as_hyphenated().to_string();
            let mut stream = self.bucket.open_upload_stream(folder).id(id(key)).await?;
            stream.write_all(&bytes).await.map_err(failure)?;
            stream.close().await.map_err(failure)
        })
        .await
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Bytes>, StoreError> {
        self.within(async {
            let mut stream = match self.bucket.open_download_stream(id(key)).await {
                Ok(stream) => stream,
                Err(error) if is_missing(&error) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.map_err(failure)?;
            Ok(Some(bytes.into()))
        })
        .await
    }

    async fn remove(&self, key: &BlobKey) -> Result<(), StoreError> {
        self.within(remove(&self.bucket, key)).await
    }

    async fn remove_all(&self, folder: Uuid) -> Result<(), StoreError> {
        let folder = folder.as_hyphenated();
        // `0` is the character after `/`.
        let all = doc! { "$gte": format!("{folder}/"), "$lt": format!("{folder}0") };
        let collection = |name: &str| self.database.collection::<Document>(name);
        self.within(async {
            collection("blobs.files").delete_many(doc! { "_id": all.clone() }).await?;
            collection("blobs.chunks").delete_many(doc! { "files_id": all }).await?;
            Ok(())
        })
        .await
    }
}
