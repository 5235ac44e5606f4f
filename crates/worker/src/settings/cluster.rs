//! Where Redis and MongoDB are, and what all nodes of a cluster must agree on.

use std::fmt;
use std::path::PathBuf;

use hubbub_runtime::settings::setting::About;
use hubbub_runtime::settings::{Reader, Secret, Setting};

/// Redis: one server, or some nodes of a Redis Cluster.
pub const REDIS_URL: Setting<Vec<String>> = Setting::parsed(
    "redis_url",
    "`redis://` or `rediss://` URLs, separated by commas",
    redis_urls,
    "Redis 7 or newer: one server, or some nodes of a Redis Cluster. Needs \
     `maxmemory-policy noeviction`. `rediss://` is TLS. Turns cluster mode on, together with the \
     MongoDB URL.",
)
.secret();

/// Who vouches for Redis.
pub const REDIS_CA_FILE: Setting<PathBuf> = Setting::path(
    "redis_ca_file",
    "Certificates in PEM of those who vouch for Redis, with `rediss://`. Without it, those whom \
     the system trusts.",
);

/// MongoDB: a replica set.
pub const MONGODB_URL: Setting<Secret> = Setting::parsed(
    "mongodb_url",
    "`mongodb://` URL",
    mongodb_url,
    "MongoDB 6 or newer, a replica set: \
     `mongodb://user:password@db-1,db-2,db-3/hubbub?replicaSet=rs0`. With TLS `&tls=true`, and \
     `&tlsCAFile=/path/ca.pem` where no public authority vouches for it.",
)
.secret();

/// The database in it.
pub const MONGODB_DATABASE: Setting<String> = Setting::parsed(
    "mongodb_database",
    "1 to 38 characters of A-Z a-z 0-9 - _",
    database_name,
    "The database to use.",
)
.or_computed("the one in the URL's path, else `hubbub`");

/// Partitions of the log.
pub const PARTITIONS: Setting<u16> = Setting::integer(
    "partitions",
    (1, 1_024),
    "Parts that rooms are spread over. Every node must have the same number, and it can't change \
     once the cluster has run.",
)
.or("16");

/// The bound of the write-ahead log.
pub const WAL_LIMIT: Setting<usize> = Setting::integer(
    "wal_limit",
    (100, 100_000_000),
    "Events of a partition that may wait for MongoDB. Past it sends are refused as `overloaded`.",
)
.or("100000");

/// All of them, in the order they are shown.
#[must_use]
pub fn settings() -> [About; 6] {
    [
        REDIS_URL.about(),
        REDIS_CA_FILE.about(),
        MONGODB_URL.about(),
        MONGODB_DATABASE.about(),
        PARTITIONS.about(),
        WAL_LIMIT.about(),
    ]
}

/// Where Redis and MongoDB are, and what all nodes must agree on.
#[derive(Clone, PartialEq, Eq)]
pub struct Cluster {
    /// One server, or some nodes of a Redis Cluster. They may hold passwords.
    pub redis_urls: Vec<String>,
    /// Certificates of those who vouch for it, if the system does not know them.
    pub redis_ca_file: Option<PathBuf>,
    /// A replica set.
    pub mongodb_url: Secret,
    /// The database in it.
    pub mongodb_database: String,
    /// Partitions of the log.
    pub partitions: u16,
    /// Events of a partition that may wait for storage.
    pub wal_limit: usize,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<String> = self.redis_urls.iter().map(|url| without_password(url)).collect();
        f.debug_struct("Cluster")
            .field("redis_urls", &urls)
            .field("redis_ca_file", &self.redis_ca_file)
            .field("mongodb_url", &without_password(self.mongodb_url.expose()))
            .field("mongodb_database", &self.mongodb_database)
            .field("partitions", &self.partitions)
            .field("wal_limit", &self.wal_limit)
            .finish()
    }
}

impl Cluster {
    /// A cluster with this Redis (one URL, or some nodes of a Redis Cluster) and this MongoDB, and
    /// defaults for the rest.
    #[must_use]
    pub fn new(redis_urls: Vec<String>, mongodb_url: Secret) -> Self {
        let mongodb_database = database_in(mongodb_url.expose()).unwrap_or(DATABASE).to_owned();
        Self {
            redis_urls,
            redis_ca_file: None,
            mongodb_url,
            mongodb_database,
            partitions: 16,
            wal_limit: 100_000,
        }
    }

    /// Reads it where nothing works without.
    pub fn required(reader: &mut Reader) -> Self {
        let redis_urls = reader.require(
            &REDIS_URL,
            "is needed; set it to the Redis the gateways use, such as redis://127.0.0.1:6379",
        );
        let mongodb_url = reader.require(
            &MONGODB_URL,
            "is needed; set it to the replica set the gateways use, such as \
             mongodb://127.0.0.1:27017/hubbub?replicaSet=rs0",
        );
        Self::with(redis_urls, mongodb_url, reader)
    }

    /// Reads it if it is set: both URLs, or neither.
    pub fn optional(reader: &mut Reader) -> Option<Self> {
        match (reader.is_given(&REDIS_URL), reader.is_given(&MONGODB_URL)) {
            (false, false) => return None,
            (true, true) => {}
            (true, false) => reader.problem(
                &MONGODB_URL,
                "is needed too, since HUBBUB_REDIS_URL is set; a cluster has both, standalone has \
                 neither",
            ),
            (false, true) => reader.problem(
                &REDIS_URL,
                "is needed too, since HUBBUB_MONGODB_URL is set; a cluster has both, standalone \
                 has neither",
            ),
        }
        let redis_urls = reader.find(&REDIS_URL).unwrap_or_default();
        let mongodb_url = reader.find(&MONGODB_URL).unwrap_or_default();
        Some(Self::with(redis_urls, mongodb_url, reader))
    }

    fn with(redis_urls: Vec<String>, mongodb_url: Secret, reader: &mut Reader) -> Self {
        let mut cluster = Self::new(redis_urls, mongodb_url);
        if let Some(name) = reader.find(&MONGODB_DATABASE) {
            cluster.mongodb_database = name;
        } else if let Err(why) = database_name(&cluster.mongodb_database) {
            reader.problem(&MONGODB_URL, format!("the database in its path: {why}"));
        }
        cluster.redis_ca_file = reader.find(&REDIS_CA_FILE);
        if cluster.redis_ca_file.is_some() && !cluster.redis_urls.iter().any(|url| over_tls(url)) {
            reader.problem(&REDIS_CA_FILE, "is for TLS; write rediss:// in HUBBUB_REDIS_URL");
        }
        cluster.partitions = reader.get(&PARTITIONS);
        cluster.wal_limit = reader.get(&WAL_LIMIT);
        cluster
    }
}

const DATABASE: &str = "hubbub";
/// MongoDB allows 63 bytes; this leaves room for what is put behind it (GridFS, tests).
const DATABASE_MAX: usize = 38;

fn redis_urls(text: &str) -> Result<Vec<String>, String> {
    let urls: Vec<String> =
        text.split(',').map(str::trim).filter(|url| !url.is_empty()).map(str::to_owned).collect();
    let all = |scheme: &str| {
        urls.iter().all(|url| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
    };
    if !urls.is_empty() && (all("redis://") || all("rediss://")) {
        Ok(urls)
    } else {
        Err("write redis://host:port, or redis://user:password@host:port (special characters in a \
             password as %XX), with rediss:// for TLS; several of one kind, separated by commas, \
             for a Redis Cluster"
            .to_owned())
    }
}

fn over_tls(url: &str) -> bool {
    url.starts_with("rediss://")
}

fn mongodb_url(text: &str) -> Result<Secret, String> {
    if text.starts_with("mongodb+srv://") {
        return Err("this build does not look up SRV records; write mongodb:// and list the \
                    members of the replica set"
            .to_owned());
    }
    match text.strip_prefix("mongodb://") {
        Some(rest) if !rest.is_empty() => Ok(Secret::new(text)),
        _ => Err("write mongodb://host:port/hubbub?replicaSet=name".to_owned()),
    }
}

fn database_name(text: &str) -> Result<String, String> {
    let fits = (1..=DATABASE_MAX).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!("write 1 to {DATABASE_MAX} characters of A-Z a-z 0-9 - _"))
    }
}

/// The database a MongoDB URL names in its path.
fn database_in(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let (_, path) = rest.split_once('/')?;
    let name = path.split('?').next()?;
    Some(name).filter(|name| !name.is_empty())
}

/// A URL as it may be shown: with `***` for whoever logs in, and without its options.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return "***".to_owned() };
    let rest = rest.split('?').next().unwrap_or_default();
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}"),
        None => format!("{scheme}://{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_comes_from_the_urls_path() {
        for (url, database) in [
            ("mongodb://a:1,b:2/chat?replicaSet=rs0", Some("chat")),
            ("mongodb://user:p%2Fw@a/chat", Some("chat")),
            ("mongodb://a/?replicaSet=rs0", None),
            ("mongodb://a", None),
        ] {
            assert_eq!(database_in(url), database, "{url}");
        }
        assert_eq!(Cluster::new(Vec::new(), Secret::new("mongodb://a")).mongodb_database, "hubbub");
    }

    #[test]
    fn redis_urls_are_one_or_many_and_say_redis() {
        assert_eq!(redis_urls("redis://a:1, redis://b:2").unwrap(), ["redis://a:1", "redis://b:2"]);
        assert_eq!(redis_urls("rediss://a").unwrap(), ["rediss://a"]);
        for bad in [
            "",
            ",",
            "127.0.0.1:6379",
            "redis://",
            "rediss://",
            "redis://a,b:2",
            "redis://a,rediss://b",
            "http://a",
        ] {
            assert!(redis_urls(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn database_names_are_plain() {
        assert!(database_name("hubbub_test-1").is_ok());
        for bad in ["", "a.b", "a b", "a/b", "$a", &"x".repeat(39)] {
            assert!(database_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_shown_url_has_neither_password_nor_options() {
        assert_eq!(without_password("redis://:pw@a:1/0"), "redis://***@a:1/0");
        assert_eq!(without_password("mongodb://u:p@a,b/db?tlsKey=x"), "mongodb://***@a,b/db");
        assert_eq!(without_password("mongodb://a,b/db"), "mongodb://a,b/db");
    }
}
