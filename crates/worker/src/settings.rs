//! The worker's settings, and those it shares with the gateway.
//!
//! - [`cluster`]: where Redis and MongoDB are, and what all nodes must agree on
//! - [`files`]: where the bytes of files are
//! - [`process`]: name, logs, stopping and presence

pub mod cluster;
pub mod files;
pub mod process;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgMatches, Command};
use hubbub_protocol::NodeId;
use hubbub_runtime::settings::{Environment, LoadError, Problems, Reader, Setting, Spec};
use hubbub_runtime::telemetry::LogFormat;

use hubbub_store::S3Options;

use crate::destruction::RemoverOptions;
use crate::pipeline::PipelineOptions;
pub use cluster::Cluster;

const ADMIN_LISTEN: Setting<SocketAddr> =
    Setting::address("admin_listen", "Where `/healthz`, `/readyz` and `/metrics` answer.")
        .or("127.0.0.1:9091");
const BATCH_EVENTS: Setting<usize> =
    Setting::integer("batch_events", (1, 10_000), "Most events written to the store at a time.")
        .or("500");
const BATCH_AGE: Setting<Duration> = Setting::duration(
    "batch_age",
    (Duration::ZERO, Duration::from_secs(5)),
    "How long a busy partition's batch may grow before it is written. A quiet one does not wait.",
)
.or("20ms");
const CLAIM_IDLE: Setting<Duration> = Setting::duration(
    "claim_idle",
    (Duration::from_secs(1), Duration::from_secs(600)),
    "How long another worker may hold an event without settling it before this one takes it over. \
     Longer than the store takes for a batch.",
)
.or("5s");
const ATTEMPTS: Setting<u32> = Setting::integer(
    "attempts",
    (1, 1_000),
    "How often an event that the store refuses is tried before it becomes a dead letter.",
)
.or("5");
const REMOVAL_LEASE: Setting<Duration> = Setting::duration(
    "removal_lease",
    (Duration::from_secs(1), Duration::from_secs(600)),
    "How long a worker may remove a destroyed room without a sign of life before another takes over.",
)
.or("30s");
const REMOVAL_LATE: Setting<Duration> = Setting::duration(
    "removal_late",
    (Duration::from_secs(1), Duration::from_secs(3_600)),
    "How long after a room's end something of it may still come. Then what is left of it is removed \
     for the last time. Longer than any request takes, and than clocks differ.",
)
.or("60s");

/// Settings that only the gateway has. One environment or TOML file may serve both binaries.
pub const GATEWAY_ONLY: &[&str] = &[
    "listen",
    "admin_token",
    "data_dir",
    "web_client_dir",
    "refused_words_file",
    "signing_keys",
    "public_url",
    "origins",
    "trusted_proxies",
    "access_token_ttl",
    "refresh_token_ttl",
    "password_hashing",
    "admins",
    "lobby",
    "link_previews",
    "link_preview_networks",
    "heartbeat",
    "request_timeout",
    "outbound_bytes",
    "max_connections",
    "max_connections_per_user",
    "drain_notice",
    "drain",
    "rebalance_above",
    "rebalance_per_second",
    "frame_bytes",
    "text_graphemes",
    "text_bytes",
    "rooms_per_connection",
    "in_flight",
    "hello_timeout",
    "send_burst",
    "send_per_second",
    "edit_window",
    "mentions",
    "reactions",
    "quota_login_account",
    "quota_login_address",
    "quota_register_address",
    "quota_token_address",
    "quota_join_account",
    "quota_join_address",
    "quota_create_room",
    "quota_open_direct",
    "quota_upload",
    "quota_preview",
    "quota_search",
    "quota_users",
    "quota_watch",
    "quota_requests",
    "watched",
    "typing_members",
    "attachments",
    "attachment_bytes",
    "file_quota",
    "unsent_files",
];

/// How a worker runs. Every value is checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where `/healthz`, `/readyz` and `/metrics` answer.
    pub admin_listen: SocketAddr,
    /// This worker's name; unique in the cluster.
    pub node: NodeId,
    /// Redis and MongoDB.
    pub cluster: Cluster,
    /// The bucket that keeps files, if one does.
    pub bucket: Option<S3Options>,
    /// How events are batched, claimed and given up on.
    pub pipeline: PipelineOptions,
    /// How long somebody is shown as before after their last connection has ended.
    pub offline_grace: Duration,
    /// How destroyed rooms are removed.
    pub remover: RemoverOptions,
    /// From the soft stop to the hard one.
    pub shutdown_grace: Duration,
    /// What is logged, such as `info,hubbub_worker=debug`.
    pub log: String,
    /// How a log line looks.
    pub log_format: LogFormat,
}

/// Every setting of the worker.
#[must_use]
pub fn spec() -> Spec {
    Spec::new("hubbub-worker", "Stores what gateways commit. A cluster has one or more.")
        .section(
            "Process",
            [
                ADMIN_LISTEN.about(),
                process::NODE.about(),
                process::SHUTDOWN_GRACE.about(),
                process::OFFLINE_GRACE.about(),
                process::LOG.about(),
                process::LOG_FORMAT.about(),
            ],
        )
        .section("Cluster", cluster::settings())
        .section("Files", files::settings())
        .section(
            "Storing",
            [BATCH_EVENTS.about(), BATCH_AGE.about(), CLAIM_IDLE.about(), ATTEMPTS.about()],
        )
        .section("Removing", [REMOVAL_LEASE.about(), REMOVAL_LATE.about()])
        .tolerating(GATEWAY_ONLY.iter().copied())
}

/// The command line, to which subcommands may be added.
#[must_use]
pub fn command() -> Command {
    spec().command()
}

impl Settings {
    /// Reads flags, environment and files.
    ///
    /// # Errors
    /// [`LoadError::Usage`] when help is asked for or a flag can't be understood,
    /// [`LoadError::Invalid`] with everything that is wrong with the values.
    pub fn load<A>(
        arguments: impl IntoIterator<Item = A>,
        environment: &dyn Environment,
    ) -> Result<Self, LoadError>
    where
        A: Into<OsString> + Clone,
    {
        let flags = command().try_get_matches_from(arguments)?;
        Ok(Self::from_flags(&flags, environment)?)
    }

    /// Reads the environment and the files beside flags that [`command`] has parsed.
    ///
    /// # Errors
    /// Everything that is wrong with the values.
    pub fn from_flags(flags: &ArgMatches, environment: &dyn Environment) -> Result<Self, Problems> {
        let mut reader = Reader::new(&spec(), flags, environment);
        let settings = Self {
            admin_listen: reader.get(&ADMIN_LISTEN),
            node: process::node(&mut reader, "worker", environment),
            cluster: Cluster::required(&mut reader),
            remover: RemoverOptions {
                lease: reader.get(&REMOVAL_LEASE),
                late: reader.get(&REMOVAL_LATE),
                ..RemoverOptions::default()
            },
            bucket: files::bucket(&mut reader),
            pipeline: PipelineOptions {
                batch_events: reader.get(&BATCH_EVENTS),
                batch_age: reader.get(&BATCH_AGE),
                claim_idle: reader.get(&CLAIM_IDLE),
                attempts: reader.get(&ATTEMPTS),
                ..PipelineOptions::default()
            },
            offline_grace: reader.get(&process::OFFLINE_GRACE),
            shutdown_grace: reader.get(&process::SHUTDOWN_GRACE),
            log: reader.get(&process::LOG),
            log_format: reader.get(&process::LOG_FORMAT),
        };
        reader.finish(settings)
    }
}

#[cfg(test)]
mod tests {
    use hubbub_runtime::settings::FixedEnvironment;

    use super::*;

    fn load(environment: &FixedEnvironment) -> Result<Settings, LoadError> {
        Settings::load(["hubbub-worker"], environment)
    }

    fn cluster() -> FixedEnvironment {
        FixedEnvironment::new()
            .with("HUBBUB_REDIS_URL", "redis://:hunter2@127.0.0.1:6379")
            .with("HUBBUB_MONGODB_URL", "mongodb://user:hunter2@127.0.0.1:27017/?replicaSet=rs0")
    }

    #[test]
    fn a_worker_needs_to_know_where_redis_and_mongodb_are_and_nothing_else() {
        let settings = load(&cluster()).unwrap();
        assert_eq!(settings.admin_listen.port(), 9091);
        assert_eq!(settings.cluster.partitions, 16);
        assert_eq!(settings.pipeline.batch_events, 500);
        assert!(settings.node.as_str().starts_with("host-"));
    }

    #[test]
    fn without_them_both_are_asked_for() {
        let error = load(&FixedEnvironment::new()).unwrap_err().to_string();
        assert!(error.contains("HUBBUB_REDIS_URL: ") && error.contains("HUBBUB_MONGODB_URL: "));
    }

    #[test]
    fn settings_print_without_secrets() {
        let text = format!("{:?}", load(&cluster()).unwrap());
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("127.0.0.1:6379"), "{text}");
    }

    #[test]
    fn a_gateways_variables_may_be_in_the_same_environment() {
        load(&cluster().with("HUBBUB_SIGNING_KEYS_FILE", "/run/secrets/keys")).unwrap();
    }
}
