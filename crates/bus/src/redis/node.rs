//! One Redis server: a connection that all callers share, and a small pool for odd jobs.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_redis::{Manager, Pool, Timeouts};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, Pipeline, ProtocolVersion, PushInfo, RedisError, RedisResult, Value,
};

/// Within what time a connection must be open and greeted.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Within what time a command must be answered.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// After a failed connection attempt, callers fail with it instead of trying again for this long.
const RECONNECT_PAUSE: Duration = Duration::from_millis(50);
/// Commands that may wait to be written.
const PIPELINE_BUFFER: usize = 4096;
/// Connections of the pool.
const POOL_SIZE: usize = 4;

/// Host and port.
pub(super) type Address = (String, u16);

/// The address in a URL's connection settings.
pub(super) fn address_of(info: &ConnectionInfo) -> Option<Address> {
    match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Some((host.clone(), *port))
        }
        _ => None,
    }
}

fn at_address(info: &ConnectionInfo, (host, port): Address) -> ConnectionInfo {
    let addr = match info.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: *insecure,
            tls_params: tls_params.clone(),
        },
        _ => ConnectionAddr::Tcp(host, port),
    };
    info.clone().set_addr(addr).set_tcp_settings(TcpSettings::default().set_nodelay(true))
}

fn settings() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_pipeline_buffer_size(PIPELINE_BUFFER)
}

/// Whether the connection an error came from is of no more use. One that let a command time out may
/// be half open, so it counts.
pub(super) fn breaks_connection(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse) || error.is_unrecoverable_error()
}

struct Shared {
    serial: u64,
    connection: MultiplexedConnection,
}

/// One Redis server.
pub(super) struct Node {
    address: Address,
    client: Client,
    resp3: Client,
    shared: Mutex<Option<Shared>>,
    /// The last failure to connect. Held while connecting, so that callers wait for one attempt.
    connecting: tokio::sync::Mutex<Option<(Instant, RedisError)>>,
    pool: Pool,
}

impl Node {
    /// A server at `address`, with everything else as in `like`.
    pub(super) fn new(like: &ConnectionInfo, address: Address) -> RedisResult<Self> {
        let info = at_address(like, address.clone());
        let resp3 = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let manager = Manager::new_with_config(info.clone(), settings())?;
        let pool = Pool::builder(manager)
            .max_size(POOL_SIZE)
            .timeouts(Timeouts {
                wait: Some(RESPONSE_TIMEOUT),
                create: Some(CONNECT_TIMEOUT),
                recycle: Some(CONNECT_TIMEOUT),
            })
            .runtime(deadpool_redis::Runtime::Tokio1)
            .build()
            .map_err(|error| odd(&error))?;
        Ok(Self {
            address,
            client: Client::open(info.clone())?,
            resp3: Client::open(info.set_redis_settings(resp3).into_connection_info()?)?,
            shared: Mutex::new(None),
            connecting: tokio::sync::Mutex::new(None),
            pool,
        })
    }

    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a command over the shared connection.
    pub(super) async fn send(&self, cmd: &Cmd) -> RedisResult<Value> {
        let (serial, mut connection) = self.connection().await?;
        let answer = cmd.query_async(&mut connection).await;
        self.keep(serial, answer)
    }

    /// Sends a command to a server that is taking over its slot.
    pub(super) async fn send_asking(&self, cmd: &Cmd) -> RedisResult<Value> {
        let (serial, mut connection) = self.connection().await?;
        let mut pipeline = Pipeline::with_capacity(2);
        pipeline.cmd("ASKING").ignore().add_command(cmd.clone());
        let answer: RedisResult<(Value,)> = pipeline.query_async(&mut connection).await;
        self.keep(serial, answer).map(|(value,)| value)
    }

    /// Sends a command over a connection of the pool, out of the message path's way.
    pub(super) async fn send_aside(&self, cmd: &Cmd) -> RedisResult<Value> {
        let mut connection = self.pool.get().await.map_err(|error| odd(&error))?;
        cmd.query_async(&mut connection).await
    }

    /// A connection of its own whose commands may wait for as long as they say.
    pub(super) async fn patient(&self) -> RedisResult<MultiplexedConnection> {
        let settings = settings().set_response_timeout(None);
        self.client.get_multiplexed_async_connection_with_config(&settings).await
    }

    /// A connection of its own that hands what is pushed to it to `on_push`.
    pub(super) async fn pushing(
        &self,
        on_push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> RedisResult<MultiplexedConnection> {
        let settings = settings().set_push_sender(move |info| {
            on_push(info);
            Ok::<(), redis::aio::SendError>(())
        });
        self.resp3.get_multiplexed_async_connection_with_config(&settings).await
    }

    fn current(&self) -> Option<(u64, MultiplexedConnection)> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.as_ref().map(|shared| (shared.serial, shared.connection.clone()))
    }

    async fn connection(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        if let Some(current) = self.current() {
            return Ok(current);
        }
        let mut failure = self.connecting.lock().await;
        if let Some(current) = self.current() {
            return Ok(current);
        }
        if let Some((at, error)) = &*failure
            && at.elapsed() < RECONNECT_PAUSE
        {
            return Err(error.clone());
        }
        match self.client.get_multiplexed_async_connection_with_config(&settings()).await {
            Ok(connection) => {
                let serial = rand::random();
                let shared = Shared { serial, connection: connection.clone() };
                *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Some(shared);
                Ok((serial, connection))
            }
            Err(error) => {
                *failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    fn keep<T>(&self, serial: u64, answer: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &answer
            && breaks_connection(error)
        {
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            // Others may have replaced it by now.
            if shared.as_ref().is_some_and(|shared| shared.serial == serial) {
                *shared = None;
            }
        }
        answer
    }
}

fn odd(error: &impl ToString) -> RedisError {
    RedisError::from((ErrorKind::Io, "connection pool", error.to_string()))
}
