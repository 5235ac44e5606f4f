//! Every setting of the gateway: what it is called, what it may be, what it is for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Uri;
use hubbub_runtime::settings::{Setting, Spec};
use hubbub_worker::settings::{cluster, files, process};

use crate::auth::SigningKeys;
use crate::auth::origin::Origins;
use crate::http::quotas::Kind;
use crate::http::{room_name, username};
use crate::operator::OperatorToken;
use crate::previews::address::Networks;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

pub(super) const LISTEN: Setting<SocketAddr> =
    Setting::address("listen", "Where clients connect: HTTP and WebSocket. Port 0 takes any.")
        .or("127.0.0.1:8080");
pub(super) const ADMIN_LISTEN: Setting<SocketAddr> = Setting::address(
    "admin_listen",
    "Where `/healthz`, `/readyz` and `/metrics` answer, and `POST /drain` and `POST /rebalance` are \
     taken. Not for the public.",
)
.or("127.0.0.1:9090");
pub(super) const ADMIN_TOKEN: Setting<OperatorToken> = Setting::parsed(
    "admin_token",
    "16 to 512 printable characters without spaces",
    OperatorToken::parse,
    "What `POST /drain` and `POST /rebalance` need as `Authorization: Bearer`. Without it they are \
     taken from the gateway's own machine only.",
)
.secret();
pub(super) const DATA_DIR: Setting<PathBuf> = Setting::path(
    "data_dir",
    "What a standalone gateway keeps: its database and its signing key. Made if it is not there.",
)
.or("./data");

pub(super) const REFUSED_WORDS_FILE: Setting<PathBuf> = Setting::path(
    "refused_words_file",
    "A file of words that nobody may use in any room, one a line; what follows `#` does not count. \
     Read at the start, up to 10000 of them.",
);

pub(super) const WEB_CLIENT_DIR: Setting<PathBuf> = Setting::path(
    "web_client_dir",
    "A built web client, such as `web/dist`, to be served instead of the one built in. Read at the \
     start.",
);

pub(super) const SIGNING_KEYS: Setting<SigningKeys> = Setting::parsed(
    "signing_keys",
    "list of `id:key`, each key 32 bytes or more in base64url",
    |text| SigningKeys::parse(text).map_err(|error| error.to_string()),
    "Keys of access tokens, the same on every gateway. The first signs, all verify; a rotation \
     takes three steps (`hubbub-admin rotate-keys`). Needed in a cluster; a standalone gateway \
     makes its own.",
)
.secret();
pub(super) const ACCESS_TOKEN_TTL: Setting<Duration> = Setting::duration(
    "access_token_ttl",
    (seconds(MINUTE), seconds(DAY)),
    "How long an access token lasts.",
)
.or("15m");
pub(super) const REFRESH_TOKEN_TTL: Setting<Duration> = Setting::duration(
    "refresh_token_ttl",
    (seconds(HOUR), seconds(365 * DAY)),
    "How long a session lasts that is not used.",
)
.or("30d");
pub(super) const PASSWORD_HASHING: Setting<usize> = Setting::integer(
    "password_hashing",
    (1, 256),
    "Passwords hashed at a time; each takes 19 MiB and a core.",
)
.or_computed("the number of cores");

pub(super) const ADMINS: Setting<Vec<String>> = Setting::parsed(
    "admins",
    "list of user names",
    admins,
    "Accounts that administer the site besides the first one ever: made so at each start, and when \
     they register. List only names that are taken: whoever registers one gets it.",
);

pub(super) const LOBBY: Setting<Option<String>> = Setting::parsed(
    "lobby",
    "name of a room, or `none`",
    lobby,
    "The public room that everybody who registers is in, made at the first start. Renamed or \
     destroyed later, it stays so. Nobody owns it; site administrators moderate it.",
)
.or("Lobby");

pub(super) const PUBLIC_URL: Setting<String> = Setting::parsed(
    "public_url",
    "`http://` or `https://`, host and port",
    public_url,
    "What people type to get here. With `https` cookies are `Secure` and `__Host-`; its origin may \
     use them.",
);
pub(super) const ORIGINS: Setting<Vec<String>> = Setting::parsed(
    "origins",
    "list of `scheme://host[:port]`",
    origins,
    "Further origins whose pages may use cookies and sockets, exactly as browsers send them.",
);
pub(super) const TRUSTED_PROXIES: Setting<u8> = Setting::integer(
    "trusted_proxies",
    (0, 16),
    "Proxies in front whose `X-Forwarded-For` is believed, counted from here.",
)
.or("0");

pub(super) const HEARTBEAT: Setting<Duration> = Setting::duration(
    "heartbeat",
    (seconds(1), seconds(5 * MINUTE)),
    "How often a quiet connection is asked for a sign of life. Below the idle time of any proxy in \
     between.",
)
.or("25s");
pub(super) const REQUEST_TIMEOUT: Setting<Duration> = Setting::duration(
    "request_timeout",
    (seconds(1), seconds(5 * MINUTE)),
    "How long an HTTP request may take.",
)
.or("15s");
pub(super) const DRAIN_NOTICE: Setting<Duration> = Setting::duration(
    "drain_notice",
    (seconds(0), seconds(HOUR)),
    "How long a stopping gateway is unready, but serves as before, so that load balancers notice. \
     With `drain` shorter than `shutdown_grace`.",
)
.or_computed("5s in a cluster, 0s standalone");
pub(super) const DRAIN: Setting<Duration> = Setting::duration(
    "drain",
    (seconds(0), seconds(HOUR)),
    "The time over which a stopping gateway tells its clients to move.",
)
.or("12s");
pub(super) const REBALANCE_ABOVE: Setting<u32> = Setting::integer(
    "rebalance_above",
    (0, 1_000),
    "A gateway that has so many percent more connections than the mean of all gives its surplus \
     away by itself; 0: only when an operator asks.",
)
.or("0");
pub(super) const REBALANCE_PER_SECOND: Setting<u32> = Setting::integer(
    "rebalance_per_second",
    (1, 100_000),
    "Connections a crowded gateway tells to move each second.",
)
.or("50");

pub(super) const MAX_CONNECTIONS: Setting<usize> = Setting::integer(
    "max_connections",
    (1, 10_000_000),
    "Sockets this gateway takes; more are refused with 503. The system's limit of open files must \
     be higher.",
)
.or("100000");
pub(super) const MAX_CONNECTIONS_PER_USER: Setting<usize> = Setting::integer(
    "max_connections_per_user",
    (1, 10_000),
    "Connections a user may have on this gateway.",
)
.or("20");
pub(super) const OUTBOUND_BYTES: Setting<usize> = Setting::bytes(
    "outbound_bytes",
    (64 * KIB, 64 * MIB),
    "What may wait for one connection to read. Past it the client is told to catch up.",
)
.or("256KiB");

pub(super) const FRAME_BYTES: Setting<u32> =
    Setting::bytes("frame_bytes", (KIB, 16 * MIB), "Largest frame a client may send.").or("64KiB");
pub(super) const TEXT_GRAPHEMES: Setting<u32> = Setting::integer(
    "text_graphemes",
    (1, 100_000),
    "Longest message text, in what a person sees as one character.",
)
.or("4000");
pub(super) const TEXT_BYTES: Setting<u32> =
    Setting::bytes("text_bytes", (1, MIB), "Longest message text, in UTF-8.").or("32KiB");
pub(super) const ROOMS_PER_CONNECTION: Setting<u32> =
    Setting::integer("rooms_per_connection", (1, 10_000), "Rooms one connection can hear.")
        .or("500");
pub(super) const IN_FLIGHT: Setting<u32> =
    Setting::integer("in_flight", (1, 10_000), "Sends of one connection that may wait for acks.")
        .or("64");
pub(super) const WATCHED: Setting<u32> =
    Setting::integer("watched", (1, 1_000), "People whose presence one connection can watch.")
        .or("500");
pub(super) const TYPING_MEMBERS: Setting<u32> = Setting::integer(
    "typing_members",
    (0, 10_000),
    "Rooms with more members tell nobody who is typing.",
)
.or("100");
pub(super) const HELLO_TIMEOUT: Setting<Duration> = Setting::duration(
    "hello_timeout",
    (Duration::from_millis(100), seconds(MINUTE)),
    "How long a new connection may take to say hello.",
)
.or("10s");
pub(super) const SEND_BURST: Setting<u32> =
    Setting::integer("send_burst", (1, 100_000), "Sends a user may make at once.").or("30");
pub(super) const SEND_PER_SECOND: Setting<u32> = Setting::integer(
    "send_per_second",
    (1, 100_000),
    "Sends a user may make each second once the burst is used up.",
)
.or("10");

pub(super) const EDIT_WINDOW: Setting<Duration> = Setting::duration(
    "edit_window",
    (seconds(0), seconds(10 * 365 * 24 * HOUR)),
    "How long after sending a message may be edited; 0: always.",
)
.or("0s");
pub(super) const MENTIONS: Setting<u32> = Setting::integer(
    "mentions",
    (0, 1_000),
    "People that one message may call by name; names past it call nobody.",
)
.or("50");
pub(super) const REACTIONS: Setting<u32> =
    Setting::integer("reactions", (1, 1_000), "Different emoji under one message.").or("20");

pub(super) const ATTACHMENTS: Setting<u32> =
    Setting::integer("attachments", (0, 100), "Files in one message.").or("10");
pub(super) const ATTACHMENT_BYTES: Setting<u64> =
    Setting::bytes("attachment_bytes", (KIB, 16 << 30), "Largest file.").or("50MiB");
pub(super) const FILE_QUOTA: Setting<u64> = Setting::bytes(
    "file_quota",
    (KIB, 1 << 50),
    "Files that one account may have, in messages and on their way.",
)
.or("1GiB");
pub(super) const UNSENT_FILES: Setting<Duration> = Setting::duration(
    "unsent_files",
    (seconds(MINUTE), seconds(30 * DAY)),
    "How long an upload may take, and a file may wait to be sent. Then it is removed.",
)
.or("24h");

pub(super) const LINK_PREVIEWS: Setting<bool> = Setting::parsed(
    "link_previews",
    "`on` or `off`",
    switch,
    "Whether gateways look where links in messages lead, for clients to show a title and a small \
     picture. They reach addresses of the public internet only, on ports 80 and 443.",
)
.or("on");
pub(super) const LINK_PREVIEW_NETWORKS: Setting<Networks> = Setting::parsed(
    "link_preview_networks",
    "list of networks, such as `10.1.0.0/16`",
    Networks::parse,
    "Networks that previews of links may reach besides the public internet, on any port. Whoever \
     writes a message can have a gateway ask anything there: list no network with what trusts its \
     neighbours.",
);

/// Settings that only the worker has. One environment or TOML file may serve both binaries.
pub(super) const WORKER_ONLY: [&str; 6] =
    ["batch_events", "batch_age", "claim_idle", "attempts", "removal_lease", "removal_late"];

/// Every setting of the gateway.
#[must_use]
pub fn spec() -> Spec {
    Spec::new(
        "hubbub-gateway",
        "Serves clients over HTTP and WebSocket. Without settings it needs nothing else.",
    )
    .section(
        "Process",
        [
            LISTEN.about(),
            ADMIN_LISTEN.about(),
            ADMIN_TOKEN.about(),
            DATA_DIR.about(),
            WEB_CLIENT_DIR.about(),
            REFUSED_WORDS_FILE.about(),
            process::NODE.about(),
            DRAIN_NOTICE.about(),
            DRAIN.about(),
            REBALANCE_ABOVE.about(),
            REBALANCE_PER_SECOND.about(),
            process::SHUTDOWN_GRACE.about(),
            process::LOG.about(),
            process::LOG_FORMAT.about(),
        ],
    )
    .section("Cluster", cluster::settings())
    .section(
        "Accounts and sessions",
        [
            SIGNING_KEYS.about(),
            ACCESS_TOKEN_TTL.about(),
            REFRESH_TOKEN_TTL.about(),
            PASSWORD_HASHING.about(),
            ADMINS.about(),
            LOBBY.about(),
        ],
    )
    .section("Where it is reached", [PUBLIC_URL.about(), ORIGINS.about(), TRUSTED_PROXIES.about()])
    .section(
        "Connections",
        [
            HEARTBEAT.about(),
            process::OFFLINE_GRACE.about(),
            REQUEST_TIMEOUT.about(),
            MAX_CONNECTIONS.about(),
            MAX_CONNECTIONS_PER_USER.about(),
            OUTBOUND_BYTES.about(),
        ],
    )
    .section(
        "Files",
        [FILE_QUOTA.about(), UNSENT_FILES.about()].into_iter().chain(files::settings()),
    )
    .section("Links", [LINK_PREVIEWS.about(), LINK_PREVIEW_NETWORKS.about()])
    .section(
        "Limits told to clients",
        [
            FRAME_BYTES.about(),
            TEXT_GRAPHEMES.about(),
            TEXT_BYTES.about(),
            ROOMS_PER_CONNECTION.about(),
            IN_FLIGHT.about(),
            WATCHED.about(),
            TYPING_MEMBERS.about(),
            HELLO_TIMEOUT.about(),
            SEND_BURST.about(),
            SEND_PER_SECOND.about(),
            EDIT_WINDOW.about(),
            MENTIONS.about(),
            REACTIONS.about(),
            ATTACHMENTS.about(),
            ATTACHMENT_BYTES.about(),
        ],
    )
    .section("Quotas", Kind::ALL.iter().map(|kind| kind.setting().about()))
    .tolerating(WORKER_ONLY)
}

fn switch(text: &str) -> Result<bool, String> {
    match text.trim() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("write on or off".to_owned()),
    }
}

fn admins(text: &str) -> Result<Vec<String>, String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| username(name).ok_or_else(|| format!("`{name}` can't be a user name")))
        .collect()
}

fn lobby(text: &str) -> Result<Option<String>, String> {
    match text.trim() {
        "none" => Ok(None),
        name => room_name(name).map(Some).ok_or_else(|| "can't be the name of a room".to_owned()),
    }
}

fn public_url(text: &str) -> Result<String, String> {
    let fits = text
        .parse::<Uri>()
        .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.path() == "/");
    match Origins::new(Some(text), [""; 0]) {
        Ok(_) if fits => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("write what people type, without a path: https://chat.example".to_owned()),
    }
}

fn origins(text: &str) -> Result<Vec<String>, String> {
    let origins: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|origin| !origin.is_empty())
        .map(str::to_owned)
        .collect();
    if origins.iter().any(|origin| origin.contains('*')) {
        return Err("`*` would let any page act for whoever visits it; list each origin, such as \
                    https://chat.example"
            .to_owned());
    }
    match Origins::new(None, &origins) {
        Ok(_) => Ok(origins),
        Err(error) => Err(format!("write scheme://host[:port] without a path; {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        assert_eq!(public_url("https://chat.example/").unwrap(), "https://chat.example");
        for bad in ["chat.example", "ftp://chat.example", "https://chat.example/chat", "https://"] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_are_exact() {
        let list = origins("https://a.example, http://localhost:5173").unwrap();
        assert_eq!(list, ["https://a.example", "http://localhost:5173"]);
        for bad in ["*", "https://*.example", "a.example", "https://a.example/x", "null"] {
            assert!(origins(bad).is_err(), "{bad}");
        }
    }
}
