//! Putting a gateway together, and taking it apart.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::any;
use hubbub_bus::Bus;
use hubbub_runtime::admin;
use hubbub_runtime::health::Health;
use hubbub_runtime::lifecycle::Lifecycle;
use hubbub_runtime::telemetry::Metrics;
use hubbub_store::{BlobStore, DiskBlobs, Store, StoreError};
use hubbub_worker::{Collector, Reaper, Remover, RemoverOptions, SearchIndexer, open_blobs};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::affinity::{self, Secure};
use crate::app::App;
use crate::auth::keys::KeysError;
use crate::auth::origin::{OriginError, Origins};
use crate::auth::{Auth, AuthOptions, SigningKeys};
use crate::committer::{Committer, Continuity};
use crate::drain::{DrainOptions, drain};
use crate::http::{self, HttpOptions};
use crate::hub::roster::Roster;
use crate::hub::{Hub, heartbeat};
use crate::media::Media;
use crate::operator::OperatorOptions;
use crate::permissions::Permissions;
use crate::previews::{PreviewOptions, Previews};
use crate::settings::{Mode, Settings};
use crate::socket::{GREETED_AT_ONCE, SocketOptions, Sockets, upgrade::upgrade};
use crate::standalone::Standalone;
use crate::web_client::{self, Assets};
use crate::{administrators, documents, erasure, metric, operator, readiness, rebalance, server};

/// The file in the data directory that holds a standalone server's own signing key.
const KEY_FILE: &str = "signing-keys";

/// The directory in the data directory that holds a standalone server's files.
const BLOBS_DIR: &str = "blobs";

/// Words of the file of refused words that count.
const REFUSED_WORDS_MAX: usize = 10_000;

/// Why a gateway did not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be listened on.
    #[error("can't listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The data directory can't be used.
    #[error("can't use the data directory (HUBBUB_DATA_DIR): {0}")]
    DataDir(#[source] StoreError),
    /// The signing keys can't be read or made.
    #[error("signing keys: {0}")]
    Keys(#[from] KeysError),
    /// A cluster's gateways need the same keys, so none are made up.
    #[error("HUBBUB_SIGNING_KEYS is needed in a cluster, the same on every gateway")]
    NoKeys,
    /// An origin can't be read.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The file of refused words can't be read.
    #[error("can't read the refused words (HUBBUB_REFUSED_WORDS_FILE) in {0}: {1}")]
    RefusedWords(PathBuf, #[source] io::Error),
    /// The web client can't be read.
    #[error("can't read the web client (HUBBUB_WEB_CLIENT_DIR) in {0}: {1}")]
    WebClient(PathBuf, #[source] io::Error),
    /// Redis or MongoDB can't be used.
    #[error(transparent)]
    Cluster(#[from] hubbub_worker::ConnectError),
    /// The administrators that the settings name can't be made.
    #[error("HUBBUB_ADMINS: {0}")]
    Admins(#[from] StoreError),
    /// The lobby can't be made.
    #[error("HUBBUB_LOBBY: {0}")]
    Lobby(#[source] StoreError),
    /// The node's lease can't be taken.
    #[error("can't take the node's lease: {0}")]
    Lease(#[from] hubbub_bus::BusError),
}

/// A running gateway. It stops with its [`Lifecycle`].
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    admin_address: SocketAddr,
    sockets: Arc<Sockets>,
    health: Health,
}

/// Where a browser on this machine finds what listens at `address`.
fn near(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// Bus and store, wherever they are.
struct Backends {
    bus: Arc<dyn Bus>,
    store: Arc<dyn Store>,
    blobs: Arc<dyn BlobStore>,
    continuity: Continuity,
    keys: SigningKeys,
    standalone: Option<Standalone>,
}

impl Backends {
    async fn open(settings: &Settings) -> Result<Self, StartError> {
        let keys = settings.signing_keys.clone();
        match &settings.mode {
            Mode::Standalone => {
                let standalone = Standalone::open(settings).await.map_err(StartError::DataDir)?;
                let disk = DiskBlobs::new(settings.data_dir.join(BLOBS_DIR));
                let keys = match keys {
                    Some(keys) => keys,
                    None => SigningKeys::load_or_create(&settings.data_dir.join(KEY_FILE))?,
                };
                Ok(Self {
                    bus: Arc::clone(&standalone.bus) as _,
                    store: Arc::clone(&standalone.store) as _,
                    blobs: open_blobs(settings.bucket.as_ref(), disk).await?,
                    continuity: standalone.continuity,
                    keys,
                    standalone: Some(standalone),
                })
            }
            Mode::Cluster(cluster) => {
                let keys = keys.ok_or(StartError::NoKeys)?;
                let connected =
                    hubbub_worker::connect(cluster, settings.node.clone(), settings.offline_grace)
                        .await?;
                Ok(Self {
                    bus: connected.bus as _,
                    blobs: open_blobs(settings.bucket.as_ref(), connected.store.blobs()).await?,
                    store: connected.store as _,
                    continuity: Continuity::Lost,
                    keys,
                    standalone: None,
                })
            }
        }
    }
}

impl Gateway {
    /// Starts a gateway that stops with `lifecycle`.
    ///
    /// # Errors
    /// [`StartError`], after which nothing is left running.
    pub async fn start(
        settings: Settings,
        lifecycle: &Lifecycle,
        metrics: Metrics,
    ) -> Result<Self, StartError> {
        let listener = listen(settings.listen).await?;
        let admin_listener = listen(settings.admin_listen).await?;
        let (address, admin_address) = (address(&listener)?, address(&admin_listener)?);

        let origins = Origins::new(settings.public_url.as_deref(), &settings.origins)?;
        let client = client_files(settings.web_client_dir.as_deref())?;
        let Backends { bus, store, blobs, continuity, keys, standalone } =
            Backends::open(&settings).await?;
        let committer = Arc::new(Committer::new(Arc::clone(&bus), Arc::clone(&store), continuity));
        let auth = Auth::new(AuthOptions {
            signing_keys: keys,
            access_token_ttl: settings.access_token_ttl,
            refresh_token_ttl: settings.refresh_token_ttl,
            hashing_permits: settings.password_hashing,
            secure_cookies: settings.is_https(),
        });
        administrators::appoint(&*store, &settings.admins).await?;
        let refused_words = refused_words(settings.refused_words_file.as_deref()).await?;
        let permissions =
            Arc::new(Permissions::new(Arc::clone(&store), Arc::clone(&bus), &refused_words));
        let media = Media::default();
        let previews = settings.link_previews.clone().map(PreviewOptions::new);
        let previews = previews.map(|options| Previews::new(options, media.clone()));
        let app = Arc::new(App {
            bus: Arc::clone(&bus),
            store: Arc::clone(&store),
            blobs,
            files: settings.files.clone(),
            media,
            previews,
            auth,
            committer: Arc::clone(&committer),
            permissions: Arc::clone(&permissions),
            limits: settings.limits,
            http: HttpOptions {
                trusted_proxies: settings.trusted_proxies,
                request_timeout: settings.request_timeout,
                quotas: settings.quotas.clone(),
                admins: settings.admins.clone(),
                lobby: settings.lobby.clone(),
                ..HttpOptions::new(origins.clone())
            },
        });

        http::lobby::open(&app).await.map_err(StartError::Lobby)?;

        // What runs until the last client has gone, which is later than the soft stop.
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let hub = Hub::start(bus, store, committer, permissions, settings.limits, &tasks, &stop);
        let roster = Roster::start(&hub).await?;
        let sockets = Arc::new(Sockets {
            app: Arc::clone(&app),
            hub,
            roster,
            options: SocketOptions {
                node: settings.node.clone(),
                heartbeat: settings.heartbeat,
                outbound_bytes: settings.outbound_bytes,
                max_connections_per_user: settings.max_connections_per_user,
            },
            places: Arc::new(Semaphore::new(settings.max_connections.min(Semaphore::MAX_PERMITS))),
            greetings: Semaphore::new(GREETED_AT_ONCE),
            origins,
            tasks: tasks.clone(),
            leaving: CancellationToken::new(),
            rebalancing: Mutex::default(),
            draining: CancellationToken::new(),
            stop: stop.clone(),
        });

        metric::describe();
        if standalone.is_some() {
            hubbub_worker::metric::describe();
        }
        let health = Health::new();
        let router = router(&sockets, &health, client, Secure(settings.is_https()));
        let until_stop = Until { tasks: &tasks, stop: &stop };
        until_stop.spawn(heartbeat::run(Arc::clone(&sockets.hub), settings.heartbeat));
        until_stop.spawn(readiness::watch(Arc::clone(&sockets), health.clone()));
        let options = OperatorOptions {
            drain: DrainOptions {
                notice: settings.drain_notice,
                window: settings.drain,
                grace: settings.shutdown_grace,
            },
            rebalance: settings.rebalance,
        };
        until_stop.spawn(operator::run(Arc::clone(&sockets), options));
        until_stop.spawn(rebalance::watch(Arc::clone(&sockets), options.rebalance));
        until_stop.spawn(erasure::run(Arc::clone(&app)));
        until_stop.spawn(metrics.clone().upkeep(stop.clone()));
        if let Some(standalone) = &standalone {
            // In a cluster the workers do it.
            let reaper = Reaper::new(Arc::clone(&app.bus) as _, Arc::clone(&app.store) as _);
            let stop = stop.clone();
            let collector = Collector::new(Arc::clone(&app.store), Arc::clone(&app.blobs));
            until_stop.spawn(collector.run(stop.clone()));
            until_stop.spawn(async move { reaper.run(stop).await });
            let indexer = SearchIndexer::new(Arc::clone(&app.store));
            until_stop.spawn(indexer.run(CancellationToken::new()));
            let remover = Remover::new(
                Arc::clone(&standalone.bus) as _,
                Arc::clone(&standalone.bus) as _,
                Arc::clone(&standalone.store) as _,
                Arc::clone(&app.blobs),
                RemoverOptions::default(),
            );
            let stop = until_stop.stop.clone();
            until_stop.spawn(async move { remover.run(stop).await });
        }
        let admin_routes = admin::routes(&health, metrics).merge(operator::routes(
            &sockets,
            options,
            settings.admin_token.clone(),
        ));
        tasks.spawn({
            let stop = stop.clone();
            async move {
                if let Err(error) = admin::serve(admin_listener, admin_routes, stop).await {
                    tracing::error!(%error, "the admin listener failed");
                }
            }
        });
        tasks.spawn(server::accept(
            listener,
            router,
            tasks.clone(),
            sockets.leaving.clone(),
            stop.clone(),
        ));

        let gateway = Self { address, admin_address, sockets: Arc::clone(&sockets), health };
        let is_standalone = standalone.is_some();
        let soft = lifecycle.soft_stop().clone();
        lifecycle.spawn_essential("gateway", async move {
            soft.cancelled().await;
            drain(&sockets, options.drain).await;
            drop(sockets);
            stop.cancel();
            tasks.close();
            tasks.wait().await;
            if let Some(standalone) = standalone {
                standalone.close().await;
            }
        });
        tracing::info!(%address, %admin_address, node = %settings.node, "listening");
        if is_standalone {
            tracing::info!("the chat is at http://{}", near(address));
        }
        Ok(gateway)
    }

    /// Where people and bots connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where operators ask.
    #[must_use]
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Whether it should get clients, and why not.
    #[must_use]
    pub const fn health(&self) -> &Health {
        &self.health
    }

    /// The services behind it.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.sockets.app
    }

    /// Connections it holds after their greeting.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.sockets.hub.connection_count()
    }
}

/// Tasks that end when the node stops.
struct Until<'a> {
    tasks: &'a TaskTracker,
    stop: &'a CancellationToken,
}

impl Until<'_> {
    fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let _ = stop.run_until_cancelled(task).await;
        });
    }
}

/// The words of a file, one a line, up to [`REFUSED_WORDS_MAX`].
async fn refused_words(file: Option<&Path>) -> Result<Vec<String>, StartError> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let text = tokio::fs::read_to_string(file)
        .await
        .map_err(|error| StartError::RefusedWords(file.to_owned(), error))?;
    let words = text.lines().filter_map(|line| line.split('#').next()).map(str::trim);
    Ok(words.filter(|w| !w.is_empty()).take(REFUSED_WORDS_MAX).map(str::to_owned).collect())
}

/// The web client's files.
fn client_files(directory: Option<&Path>) -> Result<Arc<Assets>, StartError> {
    let read = directory.map(|directory| {
        Assets::of_directory(directory)
            .map_err(|error| StartError::WebClient(directory.to_owned(), error))
    });
    read.unwrap_or_else(|| Ok(Assets::built_in())).map(Arc::new)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError::Listen(address, error))
}

fn address(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|error| StartError::Listen(([0, 0, 0, 0], 0).into(), error))
}

/// Everything on the main port.
fn router(sockets: &Arc<Sockets>, health: &Health, client: Arc<Assets>, secure: Secure) -> Router {
    Router::new()
        .route("/ws", any(upgrade).layer(from_fn(http::layers::observe)))
        .with_state(Arc::clone(sockets))
        .nest("/api/v1", http::router(Arc::clone(&sockets.app)))
        .nest("/api", documents::pages::router())
        .merge(Router::new().fallback(web_client::serve).with_state(client))
        .layer(from_fn_with_state(secure, affinity::mark))
        .merge(health.routes())
}
