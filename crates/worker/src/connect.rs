//! Reaching a cluster's Redis and MongoDB, and refusing what would lose messages.
//!
//! The same for workers and gateways: what one of them refuses, the other must not rely on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hubbub_bus::BusError;
use hubbub_bus::presence::OFFLINE_GRACE;
use hubbub_bus::redis::{RedisBus, RedisOptions, SafetyError};
use hubbub_protocol::NodeId;
use hubbub_store::{BlobStore, MongoOptions, MongoStore, S3Blobs, S3Options, StoreError};

use crate::settings::Cluster;

/// Why a cluster can't be used. The text names the setting and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Redis can't be reached, or holds data of another layout.
    #[error("HUBBUB_REDIS_URL: {0}")]
    Redis(#[from] BusError),
    /// The certificates of those who vouch for Redis can't be read.
    #[error("HUBBUB_REDIS_CA_FILE: {}: {error}", path.display())]
    Authorities {
        /// Where they should be.
        path: PathBuf,
        /// Why they can't be read.
        error: std::io::Error,
    },
    /// Redis would lose messages.
    #[error("HUBBUB_REDIS_URL: {0}")]
    UnsafeRedis(#[from] SafetyError),
    /// MongoDB can't be reached, or is not a replica set. Its text names the setting by itself.
    #[error(transparent)]
    MongoDb(#[from] StoreError),
    /// The bucket can't be used.
    #[error("HUBBUB_S3_ENDPOINT: {0}")]
    Bucket(#[source] StoreError),
}

/// A cluster that was found safe to use.
#[derive(Debug)]
pub struct Connected {
    /// Redis.
    pub bus: Arc<RedisBus>,
    /// MongoDB.
    pub store: Arc<MongoStore>,
}

/// Connects to both, as `node`, and checks them. Whoever leaves is shown as before for
/// `offline_grace`.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect(
    cluster: &Cluster,
    node: NodeId,
    offline_grace: Duration,
) -> Result<Connected, ConnectError> {
    let bus = open_redis(cluster, node, offline_grace).await?;
    for warning in bus.check_safety().await? {
        tracing::warn!(warning, "Redis is not set up as it should be");
    }
    let store = connect_mongodb(cluster).await?;
    Ok(Connected { bus: Arc::new(bus), store: Arc::new(store) })
}

/// Connects to MongoDB alone, for commands that need only the store.
///
/// # Errors
/// As for [`MongoStore::connect`].
pub async fn connect_mongodb(cluster: &Cluster) -> Result<MongoStore, ConnectError> {
    let options =
        MongoOptions::new(cluster.mongodb_url.expose(), cluster.mongodb_database.as_str());
    Ok(MongoStore::connect(options).await?)
}

/// Where files are: the bucket if there is one, `otherwise` if not.
///
/// # Errors
/// [`ConnectError::Bucket`].
pub async fn open_blobs(
    bucket: Option<&S3Options>,
    otherwise: impl BlobStore,
) -> Result<Arc<dyn BlobStore>, ConnectError> {
    match bucket {
        Some(options) => match S3Blobs::open(options).await {
            Ok(bucket) => Ok(Arc::new(bucket)),
            Err(error) => Err(ConnectError::Bucket(error)),
        },
        None => Ok(Arc::new(otherwise)),
    }
}

/// Connects to Redis alone, for commands that only look at it.
///
/// # Errors
/// As for [`RedisBus::connect`].
pub async fn connect_redis(cluster: &Cluster, node: NodeId) -> Result<RedisBus, ConnectError> {
    open_redis(cluster, node, OFFLINE_GRACE).await
}

async fn open_redis(
    cluster: &Cluster,
    node: NodeId,
    offline_grace: Duration,
) -> Result<RedisBus, ConnectError> {
    let authorities = match &cluster.redis_ca_file {
        Some(path) => Some(
            tokio::fs::read(path)
                .await
                .map_err(|error| ConnectError::Authorities { path: path.clone(), error })?,
        ),
        None => None,
    };
    let options = RedisOptions {
        authorities,
        partitions: cluster.partitions,
        wal_limit: cluster.wal_limit,
        offline_grace,
        ..RedisOptions::new(cluster.redis_urls.clone(), node)
    };
    Ok(RedisBus::connect(options).await?)
}
