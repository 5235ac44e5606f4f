//! A cluster under test, and accounts and rooms made straight in its store: ten thousand accounts
//! over HTTP would mostly measure how slow password hashing is meant to be.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use hubbub_bus::redis::{RedisBus, RedisOptions};
use hubbub_bus::{CommitError, CommitRequest, RoomLog};
use hubbub_gateway::auth::{Auth, AuthOptions, SigningKeys};
use hubbub_protocol::event::NewEventKind;
use hubbub_protocol::http::RoomKind;
use hubbub_protocol::{
    Epoch, MessageBody, MessageId, NewEvent, Position, RoomCode, RoomId, Seq, SessionId, Timestamp,
    UserId,
};
use hubbub_store::{
    MembershipStore, MongoOptions, MongoStore, NewRoom, NewSession, NewUser, RoomStore,
    SessionStore, UserStore,
};

use super::socket::{Counts, Socket};
use super::usage::ProcessId;
use super::{Failure, number};

/// How long sessions and tokens last; longer than any run.
const LASTING: Duration = Duration::from_secs(3600);
/// What is done at the same time while a scenario is set up.
pub(super) const AT_ONCE: usize = 64;
/// Where a new room starts.
pub(super) const BEGINNING: Position = Position::new(Epoch(1), Seq(0));
/// How often and how long memory is watched until it stays the same.
const SETTLE_EVERY: Duration = Duration::from_millis(500);
const SETTLE_WITHIN: Duration = Duration::from_secs(10);

/// Where the cluster is.
#[derive(Debug, Clone, Args)]
pub struct ClusterOptions {
    /// A gateway, as `ADDRESS/PID`; the first is the one that is measured.
    #[arg(long = "gateway", required = true)]
    pub gateways: Vec<Gateway>,
    /// The worker's process.
    #[arg(long)]
    pub worker: u32,
    /// `redis://…`.
    #[arg(long)]
    pub redis: String,
    /// `mongodb://…`.
    #[arg(long)]
    pub mongodb: String,
    /// The database that the cluster uses.
    #[arg(long, default_value = "hubbub")]
    pub database: String,
    /// The file with the cluster's signing keys.
    #[arg(long)]
    pub signing_keys: PathBuf,
}

/// A gateway under test.
#[derive(Debug, Clone, Copy)]
pub struct Gateway {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its process.
    pub process: ProcessId,
}

impl FromStr for Gateway {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let (address, process) = text.split_once('/').ok_or("ADDRESS/PID")?;
        Ok(Self { address: address.parse()?, process: ProcessId(process.parse()?) })
    }
}

/// A cluster under test.
pub struct Cluster {
    /// Its gateways.
    pub gateways: Vec<Gateway>,
    /// Its worker.
    pub worker: ProcessId,
    /// Its bus, on which this process publishes like a gateway.
    pub bus: Arc<RedisBus>,
    store: MongoStore,
    auth: Auth,
}

/// Somebody who can connect.
#[derive(Debug, Clone)]
pub struct Account {
    /// Who it is.
    pub user: UserId,
    /// Their access token.
    pub token: String,
}

impl Cluster {
    /// Connects to its Redis and its MongoDB.
    ///
    /// # Errors
    /// When one of them can't be reached or the keys can't be read.
    pub async fn connect(options: ClusterOptions) -> Result<Self, Failure> {
        let node = "load".parse()?;
        let bus = RedisBus::connect(RedisOptions::new(vec![options.redis], node)).await?;
        let store = MongoStore::connect(MongoOptions::new(options.mongodb, options.database));
        Ok(Self {
            gateways: options.gateways,
            worker: ProcessId(options.worker),
            bus: Arc::new(bus),
            store: store.await?,
            auth: Auth::new(AuthOptions {
                signing_keys: SigningKeys::load_or_create(&options.signing_keys)?,
                access_token_ttl: LASTING,
                refresh_token_ttl: LASTING,
                hashing_permits: 1,
                secure_cookies: false,
            }),
        })
    }

    /// The gateway that is measured.
    ///
    /// # Errors
    /// When there is none.
    pub fn measured(&self) -> Result<Gateway, Failure> {
        self.gateways.first().copied().ok_or_else(|| "no gateway".into())
    }

    /// New accounts, logged in. Nobody can log in to them by password.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn accounts(&self, count: usize) -> Result<Vec<Account>, Failure> {
        stream::iter(0..count).map(|_| self.account()).buffered(AT_ONCE).try_collect().await
    }

    async fn account(&self) -> Result<Account, Failure> {
        let (user, session, now) = (UserId::new(), SessionId::new(), Timestamp::now());
        let name = user.as_uuid().simple().to_string();
        let user = NewUser {
            id: user,
            username: name.clone(),
            display_name: name,
            email: None,
            password_hash: "none".to_owned(),
            created_at: now,
        };
        let user = self.store.create_user(user).await?.id;
        let (token, access) = self.auth.issue_access(user, session, now);
        let mut hash = [0; 32];
        hash[..16].copy_from_slice(session.as_uuid().as_bytes());
        let session = NewSession {
            id: session,
            user,
            token: hash,
            created_at: now,
            expires_at: now.after(LASTING),
            access_expires_at: access.expires_at,
            client: None,
        };
        self.store.create_session(session).await?;
        Ok(Account { user, token })
    }

    /// Rooms with `size` of the accounts each, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rooms(&self, accounts: &[Account], size: usize) -> Result<Vec<RoomId>, Failure> {
        let rooms = accounts.chunks(size).map(|members| self.room(members));
        stream::iter(rooms).buffered(AT_ONCE).try_collect().await
    }

    async fn room(&self, members: &[Account]) -> Result<RoomId, Failure> {
        let (owner, others) = members.split_first().ok_or("a room without members")?;
        let now = Timestamp::now();
        let room = NewRoom {
            id: RoomId::new(),
            kind: RoomKind::Private,
            name: "load".to_owned(),
            description: String::new(),
            code: RoomCode::new(),
            owner: owner.user,
            created_at: now,
        };
        let room = self.store.create_room(room).await?.id;
        // As the HTTP API does. Without it the room would count as one whose history the bus has
        // lost, and for some minutes each send would be looked up in the store.
        self.bus.seed(room, BEGINNING, false).await?;
        for member in others {
            self.store.join(room, member.user, Seq(0), now).await?;
        }
        Ok(room)
    }

    /// Connects accounts to a gateway, and counts what they receive.
    ///
    /// # Errors
    /// When the gateway refuses one.
    pub async fn listen(
        gateway: Gateway,
        accounts: &[Account],
        counts: &Arc<Counts>,
    ) -> Result<(), Failure> {
        stream::iter(accounts)
            .map(|account| Socket::open(gateway.address, &account.token))
            .buffer_unordered(AT_ONCE)
            .try_for_each(|socket| async {
                socket.count_into(counts);
                Ok(())
            })
            .await
    }

    /// Publishes a message as another gateway would.
    ///
    /// # Errors
    /// When the bus fails.
    pub async fn publish(&self, room: RoomId, sender: UserId, text: &str) -> Result<(), Failure> {
        let event = NewEvent {
            room,
            id: MessageId::new(),
            sender,
            at: Timestamp::now(),
            kind: NewEventKind::Message { body: MessageBody::text(text) },
        };
        loop {
            match self.bus.commit(CommitRequest { event: &event, checked: true }).await {
                Ok(_) => return Ok(()),
                Err(CommitError::Overloaded { retry_after }) => {
                    tokio::time::sleep(retry_after / 10).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Resident memory once it stays the same, in KiB.
///
/// # Errors
/// When the process is gone.
pub async fn settled_kib(process: ProcessId) -> Result<f64, Failure> {
    let until = tokio::time::Instant::now() + SETTLE_WITHIN;
    let mut last = process.resident()?;
    let mut same = 0;
    while same < 4 && tokio::time::Instant::now() < until {
        tokio::time::sleep(SETTLE_EVERY).await;
        let now = process.resident()?;
        same = if now.abs_diff(last) < 64 * 1024 { same + 1 } else { 0 };
        last = now;
    }
    Ok(number(last) / 1024.0)
}
