//! Blobs in a bucket of anything that speaks S3.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
};
use uuid::Uuid;

use super::{BlobKey, BlobStore, check_size};
use crate::StoreError;

/// How long a request may take, and a connection for it.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// For how long a request is tried again that failed on the way or at the server.
const RETRY_FOR: Duration = Duration::from_secs(10);

/// Where the bucket is, and who may use it.
#[derive(Clone)]
pub struct S3Options {
    /// `https://host[:port]`; buckets are below it, by path. `http://` is for a network that
    /// nobody else is on.
    pub endpoint: String,
    /// The bucket. It must exist.
    pub bucket: String,
    /// Its region; `us-east-1` where there are none.
    pub region: String,
    /// The access key's id.
    pub access_key: String,
    /// The access key's secret.
    pub secret_key: String,
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Options")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

/// Blobs in a bucket.
#[derive(Debug, Clone)]
pub struct S3Blobs {
    bucket: AmazonS3,
}

impl S3Blobs {
    /// Uses a bucket, after writing, listing and removing a blob there.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the options are wrong or the bucket refuses,
    /// [`StoreError::Unavailable`] when nobody answers.
    pub async fn open(options: &S3Options) -> Result<Self, StoreError> {
        // The first of the process counts; whoever was faster took the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = ClientOptions::new()
            .with_timeout(ANSWER_WITHIN)
            .with_connect_timeout(CONNECT_WITHIN)
            .with_allow_http(options.endpoint.starts_with("http://"));
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 5,
            retry_timeout: RETRY_FOR,
        };
        let bucket = AmazonS3Builder::new()
            .with_endpoint(&options.endpoint)
            .with_bucket_name(&options.bucket)
            .with_region(&options.region)
            .with_access_key_id(&options.access_key)
            .with_secret_access_key(&options.secret_key)
            .with_virtual_hosted_style_request(false)
            // Not everything that speaks S3 removes many in one request.
            .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true")
            .with_client_options(client)
            .with_retry(retry)
            .build()
            .map_err(|error| failure(&error))?;
        let blobs = Self { bucket };
        // In a folder that nobody else has. Only a write tells a missing bucket and a refused key
        // from other faults: reading what is not there is no error, and the errors of a list are
        // all alike.
        let probe = BlobKey::new(Uuid::nil(), "probe");
        blobs.put(&probe, Bytes::from_static(b"hubbub")).await?;
        blobs.remove_all(probe.folder()).await?;
        Ok(blobs)
    }
}

/// What an error means. Its own text may hold what the server said, but neither keys nor bytes.
fn failure(error: &Error) -> StoreError {
    match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            StoreError::Failed("S3 refused the access key".to_owned())
        }
        Error::NotFound { .. } => StoreError::Failed("S3 knows no such bucket".to_owned()),
        Error::NotSupported { .. }
        | Error::NotImplemented { .. }
        | Error::InvalidPath { .. }
        | Error::UnknownConfigurationKey { .. } => StoreError::Failed(format!("S3: {error}")),
        _ => StoreError::Unavailable(format!("S3: {error}")),
    }
}

fn path(key: &BlobKey) -> Path {
    Path::from(key.to_string())
}

fn folder(folder: Uuid) -> Path {
    Path::from(folder.as_hyphenated().to_string())
}

fn unless_missing<T: Default>(result: Result<T, Error>) -> Result<T, StoreError> {
    match result {
        Err(Error::NotFound { .. }) => Ok(T::default()),
        other => other.map_err(|error| failure(&error)),
    }
}

#[async_trait]
impl BlobStore for S3Blobs {
    async fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<(), StoreError> {
        check_size(&bytes)?;
        let put = self.bucket.put(&path(key), PutPayload::from(bytes)).await;
        put.map(drop).map_err(|error| failure(&error))
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Bytes>, StoreError> {
        let path = path(key);
        let got = async { self.bucket.get(&path).await?.bytes().await.map(Some) };
        unless_missing(got.await)
    }

    async fn remove(&self, key: &BlobKey) -> Result<(), StoreError> {
        unless_missing(self.bucket.delete(&path(key)).await)
    }

    async fn remove_all(&self, id: Uuid) -> Result<(), StoreError> {
        let listed = self.bucket.list(Some(&folder(id))).map_ok(|object| object.location);
        let paths: Vec<Path> = listed.try_collect().await.map_err(|error| failure(&error))?;
        let mut removals = futures_util::stream::iter(paths)
            .map(|path| async move { unless_missing(self.bucket.delete(&path).await) })
            .buffer_unordered(8);
        while let Some(removed) = removals.next().await {
            removed?;
        }
        Ok(())
    }
}
