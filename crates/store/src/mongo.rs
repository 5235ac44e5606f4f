//! The store of a cluster: MongoDB, a replica set.
//!
//! Every write waits for a majority and every read reads what a majority has, whatever the URI
//! says. What decides about acknowledging, about order or about epochs is read linearizably: a
//! primary that has been replaced without knowing it can't answer, because it waits until a majority
//! confirms that it still is the primary.
//!
//! There are no multi-document transactions. Where an operation is more than one write, the order
//! of the writes is such that a crash in between leaves nothing that can be seen, and that the
//! same call again finishes it; each such place says how.

mod accounts;
mod attachments;
mod audit;
mod blocks;
mod destruction;
mod error;
mod events;
mod inbox;
mod inspection;
mod memberships;
mod moderation;
mod positions;
mod rooms;
mod schema;
mod search;
mod sessions;
mod users;
mod value;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::{
    Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, ServerAddress,
    Tls, WriteConcern,
};
use mongodb::{Client, Collection, Database};

use crate::search::touched::Touched;
use crate::{GridFsBlobs, Store, StoreError};

/// How long [`Store::ping`] waits.
const PING_WITHIN: Duration = Duration::from_secs(1);

/// How long to look for a primary, and for a connection to it.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How often members are asked how they are. A new primary is found by this at the latest.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// Where and how to reach MongoDB.
#[derive(Clone)]
pub struct MongoOptions {
    /// `mongodb://…`. Read and write concerns in it do not count.
    pub uri: String,
    /// The database's name.
    pub database: String,
    /// Connections to each member, at the most, unless the URI says so.
    pub max_pool_size: u32,
    /// After how long an operation without answer is given up as unavailable.
    pub operation_timeout: Duration,
}

impl MongoOptions {
    /// With the pool at 32 connections and the time at 10 seconds.
    #[must_use]
    pub fn new(uri: impl Into<String>, database: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            database: database.into(),
            max_pool_size: 32,
            operation_timeout: Duration::from_secs(10),
        }
    }
}

/// The URI may hold a password.
impl fmt::Debug for MongoOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoOptions").field("database", &self.database).finish_non_exhaustive()
    }
}

/// A store in a MongoDB replica set. Clones share their connections.
#[derive(Clone)]
pub struct MongoStore {
    client: Client,
    database: Database,
    operation_timeout: Duration,
    users: Collection<Document>,
    site: Collection<Document>,
    blocks: Collection<Document>,
    erasures: Collection<Document>,
    sessions: Collection<Document>,
    session_tokens: Collection<Document>,
    rooms: Collection<Document>,
    memberships: Collection<Document>,
    bans: Collection<Document>,
    audit: Collection<Document>,
    destructions: Collection<Document>,
    events: Collection<Document>,
    reactions: Collection<Document>,
    positions: Collection<Document>,
    inbox: Collection<Document>,
    search_marks: Collection<Document>,
    search_blocks: Collection<Document>,
    touched: Touched,
    files: Collection<Document>,
}

impl MongoStore {
    /// Connects, makes sure that it is a replica set and that all indexes exist.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no primary answers within five seconds,
    /// [`StoreError::Failed`] when the URI is wrong, the server is no replica set, or an index
    /// can't be made. The texts name `HUBBUB_MONGODB_URL` and what to do.
    pub async fn connect(options: MongoOptions) -> Result<Self, StoreError> {
        let MongoOptions { uri, database, max_pool_size, operation_timeout } = options;
        let mut client = ClientOptions::parse(&uri).await.map_err(|error| match *error.kind {
            // Nothing of the URI is repeated: it may hold a password.
            ErrorKind::InvalidArgument { .. } => StoreError::Failed(
                "HUBBUB_MONGODB_URL is not a MongoDB connection string: \
                 write it as mongodb://host:port,…/?replicaSet=name"
                    .to_owned(),
            ),
            _ => error.into(),
        })?;
        client.app_name.get_or_insert_with(|| "hubbub".to_owned());
        client.max_pool_size.get_or_insert(max_pool_size);
        client.server_selection_timeout.get_or_insert(CONNECT_WITHIN);
        client.connect_timeout.get_or_insert(CONNECT_WITHIN);
        client.heartbeat_freq.get_or_insert(HEARTBEAT);
        client.selection_criteria =
            Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        client.read_concern = Some(ReadConcern::majority());
        // `j: false` would make each write wait for the journal's next turn, 100 ms.
        client.write_concern = Some(
            WriteConcern::builder()
                .w(Acknowledgment::Majority)
                .w_timeout(operation_timeout)
                .build(),
        );
        let (hosts, tls) = (client.hosts.clone(), client.tls.clone());
        let client = Client::with_options(client)?;
        require_replica_set(&client, &hosts, tls).await?;
        let database = client.database(&database);
        let store = Self {
            users: database.collection("users"),
            site: database.collection("site"),
            blocks: database.collection("blocks"),
            erasures: database.collection("erasures"),
            sessions: database.collection("sessions"),
            session_tokens: database.collection("session_tokens"),
            rooms: database.collection("rooms"),
            memberships: database.collection("memberships"),
            bans: database.collection("bans"),
            audit: database.collection("audit"),
            destructions: database.collection("destructions"),
            events: database.collection("events"),
            reactions: database.collection("reactions"),
            positions: database.collection("positions"),
            inbox: database.collection("inbox"),
            // The number is that of the index's format: another one is made anew beside it.
            search_marks: database.collection("search_marks_1"),
            search_blocks: database.collection("search_blocks_1"),
            touched: Touched::default(),
            files: database.collection("files"),
            client,
            database,
            operation_timeout,
        };
        schema::create_indexes(&store).await?;
        Ok(store)
    }

    /// The blobs in the same database.
    #[must_use]
    pub fn blobs(&self) -> GridFsBlobs {
        GridFsBlobs::new(&self.database, self.operation_timeout)
    }

    /// Bounds an operation. The driver has no such bound: a primary that stopped without closing
    /// its connections would hold a caller for ever.
    async fn within<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Ok(result) = tokio::time::timeout(self.operation_timeout, operation).await else {
            let after = self.operation_timeout;
            return Err(StoreError::Unavailable(format!("no answer from MongoDB in {after:?}")));
        };
        result
    }
}

/// Without a replica set there is no majority, so nothing that is acknowledged would be safe.
async fn require_replica_set(
    client: &Client,
    hosts: &[ServerAddress],
    tls: Option<Tls>,
) -> Result<(), StoreError> {
    let refused = || {
        StoreError::Failed(
            "HUBBUB_MONGODB_URL names a MongoDB that is not a replica set: start mongod with \
             --replSet, run rs.initiate() once (one member is enough to try it), and add \
             ?replicaSet=<name> to the URL"
                .to_owned(),
        )
    };
    match hello(client).await {
        Ok(hello) if hello.contains_key("setName") => Ok(()),
        Ok(_) => Err(refused()),
        // A URI with `replicaSet` hides every server that is not in that set: ask one directly.
        Err(error) => match direct_hello(hosts, tls).await {
            Some(hello) if !hello.contains_key("setName") => Err(refused()),
            _ => Err(StoreError::Unavailable(format!(
                "no primary of the replica set that HUBBUB_MONGODB_URL names: {}",
                StoreError::from(error)
            ))),
        },
    }
}

async fn hello(client: &Client) -> mongodb::error::Result<Document> {
    client.database("admin").run_command(doc! { "hello": 1 }).await
}

async fn direct_hello(hosts: &[ServerAddress], tls: Option<Tls>) -> Option<Document> {
    let mut options = ClientOptions::builder()
        .hosts(vec![hosts.first()?.clone()])
        .direct_connection(true)
        .server_selection_timeout(PING_WITHIN)
        .build();
    options.tls = tls;
    let client = Client::with_options(options).ok()?;
    let answer = hello(&client).await.ok();
    client.shutdown().immediate(true).await;
    answer
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore")
            .field("database", &self.database.name())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn ping(&self) -> Result<(), StoreError> {
        let answer = self.database.run_command(doc! { "ping": 1 });
        match tokio::time::timeout(PING_WITHIN, answer).await {
            Ok(answer) => Ok(answer.map(drop)?),
            Err(_) => Err(StoreError::Unavailable("no answer within a second".to_owned())),
        }
    }

    async fn close(&self) {
        // It waits for whoever still uses a connection, and they for a server that may be stuck.
        let shutdown = self.client.clone().shutdown();
        if tokio::time::timeout(self.operation_timeout, shutdown.into_future()).await.is_err() {
            tracing::warn!("MongoDB connections were still in use when the store was closed");
        }
    }
}
