//! The gateway's settings: described in [`catalogue`], checked here.

mod catalogue;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Command};
use hubbub_protocol::{Limits, NodeId};
use hubbub_runtime::settings::{
    Environment, FixedEnvironment, LoadError, Problems, ProcessEnvironment, Reader, reference_page,
};
use hubbub_runtime::telemetry::LogFormat;
use hubbub_store::S3Options;
use hubbub_worker::settings::{Cluster, files, process};

use crate::auth::SigningKeys;
use crate::files::FileOptions;
use crate::http::quotas::Quotas;
use crate::operator::OperatorToken;
use crate::previews::address::Networks;
use crate::rebalance::RebalanceOptions;
use catalogue as setting;
pub use catalogue::spec;

/// Whether the gateway is alone or one of many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Everything in this process, kept in SQLite in the data directory.
    Standalone,
    /// One of many, joined by Redis, with a store in MongoDB.
    Cluster(Cluster),
}

/// How a gateway runs. Every value is checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where clients connect. Port 0 takes any.
    pub listen: SocketAddr,
    /// Where operators connect. Port 0 takes any.
    pub admin_listen: SocketAddr,
    /// What whoever orders the node about there has to show; without it, only its own machine may.
    pub admin_token: Option<OperatorToken>,
    /// What a standalone gateway keeps.
    pub data_dir: PathBuf,
    /// The web client to serve instead of the one built in.
    pub web_client_dir: Option<PathBuf>,
    /// The name of the room that everybody who registers is in, if there is to be one.
    pub lobby: Option<String>,
    /// This node's name; unique in the cluster.
    pub node: NodeId,
    /// Alone, or one of many.
    pub mode: Mode,
    /// Keys of access tokens: the first signs, all verify. Always there in a cluster; a standalone
    /// gateway without them makes its own.
    pub signing_keys: Option<SigningKeys>,
    /// How long an access token lasts.
    pub access_token_ttl: Duration,
    /// How long a session lasts that is not used.
    pub refresh_token_ttl: Duration,
    /// Passwords hashed at a time; at least 1.
    pub password_hashing: usize,
    /// User names, folded, whose accounts administer the site.
    pub admins: Vec<String>,
    /// Scheme, host and port that people type, without a slash at the end.
    pub public_url: Option<String>,
    /// Further origins whose pages may use cookies and sockets.
    pub origins: Vec<String>,
    /// Proxies in front whose `X-Forwarded-For` is believed.
    pub trusted_proxies: u8,
    /// How long somebody is shown as before after their last connection has ended.
    pub offline_grace: Duration,
    /// How often a quiet connection is asked for a sign of life.
    pub heartbeat: Duration,
    /// How long an HTTP request may take.
    pub request_timeout: Duration,
    /// Sockets this gateway takes.
    pub max_connections: usize,
    /// Connections a user may have on this gateway.
    pub max_connections_per_user: usize,
    /// Bytes that may wait for one connection to read.
    pub outbound_bytes: usize,
    /// How often what may be done over HTTP.
    pub quotas: Quotas,
    /// Words that nobody may use in any room.
    pub refused_words_file: Option<PathBuf>,
    /// How files are taken.
    pub files: FileOptions,
    /// The bucket that keeps files, if one does.
    pub bucket: Option<S3Options>,
    /// Networks that previews of links may reach besides the public internet; none at all where
    /// there are no previews.
    pub link_previews: Option<Networks>,
    /// The bounds clients are told.
    pub limits: Limits,
    /// How long a stopping gateway is unready before it refuses anybody.
    pub drain_notice: Duration,
    /// The time over which a stopping gateway tells its clients to move; with the notice before it
    /// within `shutdown_grace`.
    pub drain: Duration,
    /// When and how fast it gives connections away.
    pub rebalance: RebalanceOptions,
    /// From the soft stop to the hard one.
    pub shutdown_grace: Duration,
    /// What is logged, such as `info,hubbub_gateway=debug`.
    pub log: String,
    /// How a log line looks.
    pub log_format: LogFormat,
}

/// How long load balancers get to notice that a node leaves, unless somebody knows better.
const NOTICE_IN_CLUSTER: Duration = Duration::from_secs(5);

const REFERENCE: &str = "settings";
const HEALTH_CHECK: &str = "healthcheck";

/// The command line: every setting, and the commands that print their reference page and ask a
/// running gateway whether it is alive.
#[must_use]
pub fn command() -> Command {
    let reference = Command::new(REFERENCE).about("Prints every setting's reference, in Markdown");
    let health = Command::new(HEALTH_CHECK)
        .about("Asks the gateway with these settings whether it is alive: 0 if it is, else 1");
    spec().command().subcommand(reference).subcommand(health)
}

/// The reference page of both binaries' settings, in Markdown.
#[must_use]
pub fn reference() -> String {
    reference_page(&[spec(), hubbub_worker::settings::spec()])
}

impl Settings {
    /// Reads flags, environment and files.
    ///
    /// # Errors
    /// [`LoadError::Usage`] when help is asked for or a flag can't be understood,
    /// [`LoadError::Asked`] with the reference page for the command `settings`,
    /// [`LoadError::HealthCheck`] for the command `healthcheck`,
    /// [`LoadError::Invalid`] with everything that is wrong with the values.
    pub fn load<A>(
        arguments: impl IntoIterator<Item = A>,
        environment: &dyn Environment,
    ) -> Result<Self, LoadError>
    where
        A: Into<OsString> + Clone,
    {
        let flags = command().try_get_matches_from(arguments)?;
        match flags.subcommand_name() {
            Some(REFERENCE) => return Err(LoadError::Asked(reference())),
            Some(HEALTH_CHECK) => {
                let mut reader = Reader::new(&spec(), &flags, environment);
                let admin = reader.get(&setting::ADMIN_LISTEN);
                return Err(LoadError::HealthCheck(reader.finish(admin)?));
            }
            _ => {}
        }
        Ok(Self::from_flags(&flags, environment)?)
    }

    /// Reads the environment and the files beside flags that [`command`] has parsed.
    ///
    /// # Errors
    /// Everything that is wrong with the values.
    pub fn from_flags(flags: &ArgMatches, environment: &dyn Environment) -> Result<Self, Problems> {
        let mut reader = Reader::new(&spec(), flags, environment);
        let settings = Self::read(&mut reader, environment);
        settings.check(&mut reader);
        reader.finish(settings)
    }

    /// A standalone gateway with every default but the lobby, on free ports of this machine. For
    /// tests, which change what they are about.
    #[must_use]
    pub fn standalone(data_dir: impl Into<PathBuf>) -> Self {
        let flags = command().get_matches_from([spec().program()]);
        let mut reader = Reader::new(&spec(), &flags, &FixedEnvironment::new());
        let mut settings = Self::read(&mut reader, &ProcessEnvironment);
        settings.listen.set_port(0);
        settings.admin_listen.set_port(0);
        settings.data_dir = data_dir.into();
        settings.lobby = None;
        settings
    }

    /// Whether browsers reach this service by https, so that cookies must be `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    fn read(reader: &mut Reader, environment: &dyn Environment) -> Self {
        let link_previews = reader.get(&setting::LINK_PREVIEWS);
        let mode = Cluster::optional(reader).map_or(Mode::Standalone, Mode::Cluster);
        Self {
            listen: reader.get(&setting::LISTEN),
            admin_listen: reader.get(&setting::ADMIN_LISTEN),
            admin_token: reader.find(&setting::ADMIN_TOKEN),
            data_dir: reader.get(&setting::DATA_DIR),
            lobby: reader.get(&setting::LOBBY),
            web_client_dir: reader.find(&setting::WEB_CLIENT_DIR),
            node: process::node(reader, "gateway", environment),
            mode: mode.clone(),
            signing_keys: reader.find(&setting::SIGNING_KEYS),
            access_token_ttl: reader.get(&setting::ACCESS_TOKEN_TTL),
            refresh_token_ttl: reader.get(&setting::REFRESH_TOKEN_TTL),
            password_hashing: reader
                .find(&setting::PASSWORD_HASHING)
                .unwrap_or_else(|| environment.cores()),
            admins: reader.find(&setting::ADMINS).unwrap_or_default(),
            public_url: reader.find(&setting::PUBLIC_URL),
            origins: reader.find(&setting::ORIGINS).unwrap_or_default(),
            trusted_proxies: reader.get(&setting::TRUSTED_PROXIES),
            offline_grace: reader.get(&process::OFFLINE_GRACE),
            heartbeat: reader.get(&setting::HEARTBEAT),
            request_timeout: reader.get(&setting::REQUEST_TIMEOUT),
            max_connections: reader.get(&setting::MAX_CONNECTIONS),
            max_connections_per_user: reader.get(&setting::MAX_CONNECTIONS_PER_USER),
            outbound_bytes: reader.get(&setting::OUTBOUND_BYTES),
            quotas: Quotas::new(|kind| reader.get(&kind.setting())),
            refused_words_file: reader.find(&setting::REFUSED_WORDS_FILE),
            files: FileOptions {
                quota: reader.get(&setting::FILE_QUOTA),
                unsent: reader.get(&setting::UNSENT_FILES),
                ..FileOptions::default()
            },
            bucket: files::bucket(reader),
            link_previews: link_previews
                .then(|| reader.find(&setting::LINK_PREVIEW_NETWORKS).unwrap_or_default()),
            limits: Limits { link_previews, ..read_limits(reader) },
            drain_notice: reader.find(&setting::DRAIN_NOTICE).unwrap_or(match &mode {
                Mode::Standalone => Duration::ZERO,
                Mode::Cluster(_) => NOTICE_IN_CLUSTER,
            }),
            drain: reader.get(&setting::DRAIN),
            rebalance: RebalanceOptions {
                above_percent: reader.get(&setting::REBALANCE_ABOVE),
                per_second: reader.get(&setting::REBALANCE_PER_SECOND),
            },
            shutdown_grace: reader.get(&process::SHUTDOWN_GRACE),
            log: reader.get(&process::LOG),
            log_format: reader.get(&process::LOG_FORMAT),
        }
    }

    /// What only shows when settings are seen together.
    fn check(&self, reader: &mut Reader) {
        let in_cluster = matches!(self.mode, Mode::Cluster(_));
        if in_cluster && !reader.is_given(&setting::SIGNING_KEYS) {
            reader.problem(
                &setting::SIGNING_KEYS,
                "is needed in a cluster, the same on every gateway; make one with: \
                 echo \"k1:$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=')\"",
            );
        }
        if self.listen == self.admin_listen && self.listen.port() != 0 {
            reader.problem(
                &setting::ADMIN_LISTEN,
                format!("is {} like HUBBUB_LISTEN; give it a port of its own", self.listen),
            );
        }
        if self.access_token_ttl >= self.refresh_token_ttl {
            reader.problem(
                &setting::ACCESS_TOKEN_TTL,
                "must be shorter than HUBBUB_REFRESH_TOKEN_TTL, or sessions end before their tokens",
            );
        }
        if self.drain_notice + self.drain >= self.shutdown_grace {
            reader.problem(
                &setting::DRAIN,
                "must, with HUBBUB_DRAIN_NOTICE, be shorter than HUBBUB_SHUTDOWN_GRACE, or the last \
                 clients are cut off",
            );
        }
        if self.limits.text_bytes >= self.limits.frame_bytes {
            reader.problem(
                &setting::TEXT_BYTES,
                "must be less than HUBBUB_FRAME_BYTES, or the longest text fits no frame",
            );
        }
        if self.limits.frame_bytes as usize >= self.outbound_bytes {
            reader.problem(
                &setting::FRAME_BYTES,
                "must be less than HUBBUB_OUTBOUND_BYTES, or the largest message reaches nobody",
            );
        }
        if self.max_connections_per_user > self.max_connections {
            reader.problem(
                &setting::MAX_CONNECTIONS_PER_USER,
                "must not be more than HUBBUB_MAX_CONNECTIONS",
            );
        }
    }
}

fn read_limits(reader: &mut Reader) -> Limits {
    let hello = reader.get(&setting::HELLO_TIMEOUT);
    let edit_window = reader.get(&setting::EDIT_WINDOW);
    Limits {
        frame_bytes: reader.get(&setting::FRAME_BYTES),
        text_graphemes: reader.get(&setting::TEXT_GRAPHEMES),
        text_bytes: reader.get(&setting::TEXT_BYTES),
        rooms: reader.get(&setting::ROOMS_PER_CONNECTION),
        in_flight: reader.get(&setting::IN_FLIGHT),
        hello_ms: u32::try_from(hello.as_millis()).expect("the setting is at most a minute"),
        send_burst: reader.get(&setting::SEND_BURST),
        send_per_second: reader.get(&setting::SEND_PER_SECOND),
        watched: reader.get(&setting::WATCHED),
        typing_members: reader.get(&setting::TYPING_MEMBERS),
        mentions: reader.get(&setting::MENTIONS),
        reactions: reader.get(&setting::REACTIONS),
        edit_window_ms: (!edit_window.is_zero())
            .then(|| u64::try_from(edit_window.as_millis()).unwrap_or(u64::MAX)),
        attachments: reader.get(&setting::ATTACHMENTS),
        attachment_bytes: reader.get(&setting::ATTACHMENT_BYTES),
        ..Limits::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const KEYS: &str = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

    fn load(environment: &FixedEnvironment) -> Result<Settings, LoadError> {
        Settings::load(["hubbub-gateway"], environment)
    }

    fn problem(environment: &FixedEnvironment) -> String {
        match load(environment) {
            Err(LoadError::Invalid(problems)) => {
                let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
                assert_eq!(all.len(), 1, "{all:?}");
                all.concat()
            }
            other => panic!("accepted: {other:?}"),
        }
    }

    fn nothing() -> FixedEnvironment {
        FixedEnvironment::new()
    }

    fn cluster() -> FixedEnvironment {
        nothing()
            .with("HUBBUB_REDIS_URL", "redis://127.0.0.1:6379")
            .with("HUBBUB_MONGODB_URL", "mongodb://127.0.0.1:27017/chat?replicaSet=rs0")
    }

    #[test]
    fn without_settings_it_is_standalone_with_the_protocols_limits() {
        let settings = load(&nothing()).unwrap();
        assert_eq!(settings.mode, Mode::Standalone);
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.admin_listen.to_string(), "127.0.0.1:9090");
        assert_eq!(settings.limits, Limits::default());
        assert_eq!(settings.password_hashing, nothing().cores());
        assert_eq!(settings.access_token_ttl, Duration::from_secs(900));
        assert!(settings.signing_keys.is_none() && !settings.is_https());
    }

    #[test]
    fn with_redis_and_mongodb_it_is_one_of_a_cluster() {
        let settings = load(&cluster().with("HUBBUB_SIGNING_KEYS", KEYS)).unwrap();
        let Mode::Cluster(cluster) = settings.mode else { panic!("standalone") };
        assert_eq!(cluster.redis_urls, ["redis://127.0.0.1:6379"]);
        assert_eq!(cluster.mongodb_database, "chat");
        assert_eq!((cluster.partitions, cluster.wal_limit), (16, 100_000));
        assert!(settings.signing_keys.is_some());
    }

    #[test]
    fn redis_without_mongodb_is_refused_and_so_is_the_reverse() {
        let redis =
            nothing().with("HUBBUB_REDIS_URL", "redis://a").with("HUBBUB_SIGNING_KEYS", KEYS);
        assert!(problem(&redis).starts_with("HUBBUB_MONGODB_URL: is needed too"));
        let mongodb =
            nothing().with("HUBBUB_MONGODB_URL", "mongodb://a").with("HUBBUB_SIGNING_KEYS", KEYS);
        assert!(problem(&mongodb).starts_with("HUBBUB_REDIS_URL: is needed too"));
    }

    #[test]
    fn a_cluster_without_signing_keys_is_told_how_to_make_one() {
        let text = problem(&cluster());
        assert!(
            text.starts_with("HUBBUB_SIGNING_KEYS: ") && text.contains("openssl rand"),
            "{text}"
        );
    }

    #[test]
    fn a_weak_signing_key_is_refused_without_being_shown() {
        let text = problem(&cluster().with("HUBBUB_SIGNING_KEYS", "k1:c2hvcnQtc2VjcmV0"));
        assert!(text.starts_with("HUBBUB_SIGNING_KEYS: "), "{text}");
        assert!(!text.contains("c2hvcnQ"), "{text}");
    }

    #[test]
    fn settings_print_without_secrets() {
        let environment = cluster()
            .with("HUBBUB_REDIS_URL", "redis://:hunter2@127.0.0.1:6379")
            .with("HUBBUB_SIGNING_KEYS", KEYS);
        let text = format!("{:?}", load(&environment).unwrap());
        assert!(!text.contains("hunter2") && !text.contains("MDEyMz"), "{text}");
    }

    #[test]
    fn previews_of_links_can_be_off_and_reach_further_networks() {
        let settings = load(&nothing()).unwrap();
        assert_eq!(settings.link_previews, Some(Networks::default()));
        assert!(settings.limits.link_previews);
        let further = nothing().with("HUBBUB_LINK_PREVIEW_NETWORKS", "10.1.0.0/16, fd00::/8");
        let networks = load(&further).unwrap().link_previews.unwrap();
        assert!(networks.contain([10, 1, 2, 3].into()) && !networks.contain([10, 2, 2, 3].into()));
        let off = load(&further.with("HUBBUB_LINK_PREVIEWS", "off")).unwrap();
        assert!(off.link_previews.is_none() && !off.limits.link_previews);
        let text = problem(&nothing().with("HUBBUB_LINK_PREVIEWS", "yes"));
        assert!(text.starts_with("HUBBUB_LINK_PREVIEWS: write on or off"), "{text}");
        let text = problem(&nothing().with("HUBBUB_LINK_PREVIEW_NETWORKS", "intranet"));
        assert!(text.starts_with("HUBBUB_LINK_PREVIEW_NETWORKS: `intranet` is no"), "{text}");
    }

    #[test]
    fn an_origin_of_all_is_refused() {
        let text = problem(&nothing().with("HUBBUB_ORIGINS", "*"));
        assert!(text.starts_with("HUBBUB_ORIGINS: `*` would let any page"), "{text}");
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        for (name, value) in [
            ("HUBBUB_ADMIN_LISTEN", "127.0.0.1:8080"),
            ("HUBBUB_ACCESS_TOKEN_TTL", "1d"),
            ("HUBBUB_DRAIN", "30s"),
            ("HUBBUB_TEXT_BYTES", "64KiB"),
            ("HUBBUB_FRAME_BYTES", "1MiB"),
            ("HUBBUB_MAX_CONNECTIONS_PER_USER", "50"),
        ] {
            let environment = nothing()
                .with("HUBBUB_REFRESH_TOKEN_TTL", "12h")
                .with("HUBBUB_MAX_CONNECTIONS", "40")
                .with(name, value);
            assert!(problem(&environment).starts_with(name), "{name}");
        }
    }

    #[test]
    fn the_command_settings_asks_for_the_reference_page() {
        match Settings::load(["hubbub-gateway", "settings"], &nothing()) {
            Err(LoadError::Asked(page)) => assert_eq!(page, reference()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn https_makes_it_https() {
        let settings = load(&nothing().with("HUBBUB_PUBLIC_URL", "https://chat.example/")).unwrap();
        assert!(settings.is_https());
        assert_eq!(settings.public_url.as_deref(), Some("https://chat.example"));
    }

    #[test]
    fn a_test_gateway_has_ports_of_its_own() {
        let settings = Settings::standalone("/tmp/x");
        assert_eq!((settings.listen.port(), settings.admin_listen.port()), (0, 0));
        assert_ne!(settings.node, Settings::standalone("/tmp/x").node);
    }

    #[test]
    fn gateway_and_worker_may_share_one_environment() {
        let names = |spec: hubbub_runtime::settings::Spec| -> BTreeSet<&str> {
            spec.settings().map(|about| about.name()).collect()
        };
        let (gateway, worker) = (names(spec()), names(hubbub_worker::settings::spec()));
        let gateway_only: BTreeSet<&str> = gateway.difference(&worker).copied().collect();
        assert_eq!(gateway_only, hubbub_worker::settings::GATEWAY_ONLY.iter().copied().collect());
        let worker_only: BTreeSet<&str> = worker.difference(&gateway).copied().collect();
        assert_eq!(worker_only, catalogue::WORKER_ONLY.into());
    }
}
