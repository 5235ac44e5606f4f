//! Name, logs, stopping and presence: what gateway and worker have in common as processes.

use std::time::Duration;

use hubbub_protocol::NodeId;
use hubbub_runtime::settings::{Environment, Reader, Setting};
use hubbub_runtime::telemetry::{LogFormat, check_filter};

/// This process's name.
pub const NODE: Setting<NodeId> = Setting::parsed(
    "node",
    "1 to 63 characters of A-Z a-z 0-9 - _ .",
    |text| text.parse().map_err(|_| "write 1 to 63 characters of A-Z a-z 0-9 - _ .".to_owned()),
    "This node's name, unique in the cluster. It shows in `ready`, logs and presence.",
)
.or_computed("host name and four random characters");

/// From the soft stop to the hard one.
pub const SHUTDOWN_GRACE: Setting<Duration> = Setting::duration(
    "shutdown_grace",
    (Duration::from_secs(1), Duration::from_secs(3_600)),
    "How long a stop may take. Keep it below what the orchestrator allows before it kills (30 s in \
     Kubernetes).",
)
.or("25s");

/// How long somebody is shown as before after their last connection has ended.
pub const OFFLINE_GRACE: Setting<Duration> = Setting::duration(
    "offline_grace",
    (Duration::from_secs(1), Duration::from_secs(120)),
    "How long somebody is shown as before after their last connection has ended, so that a reload \
     does not show. Every node must have the same.",
)
.or("15s");

/// What is logged.
pub const LOG: Setting<String> = Setting::parsed(
    "log",
    "filter",
    |text| match check_filter(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(_) => Err("write a level or targets with levels, such as info or \
                       info,hubbub_gateway=debug"
            .to_owned()),
    },
    "What is logged: `error`, `warn`, `info`, `debug` or `trace`, also per target: \
     `info,hubbub_gateway=debug`.",
)
.or("info");

/// How a log line looks.
pub const LOG_FORMAT: Setting<LogFormat> = Setting::parsed(
    "log_format",
    "`pretty` or `json`",
    str::parse,
    "Log lines for people, or one JSON object a line.",
)
.or("pretty");

/// The longest part of a host name that leaves room for the random characters.
const HOST_MAX: usize = 58;

/// The node's name as it is set, or one made up from the host's (or from `role`) and four random
/// characters, so that two nodes on one host differ.
pub fn node(reader: &mut Reader, role: &str, environment: &dyn Environment) -> NodeId {
    if let Some(node) = reader.find(&NODE) {
        return node;
    }
    let host: String = environment
        .host_name()
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .take(HOST_MAX)
        .collect();
    let host = if host.is_empty() { role } else { &host };
    let suffix = environment.random() & 0xffff;
    format!("{host}-{suffix:04x}").parse().expect("made of allowed characters, and short enough")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::io;
    use std::path::Path;

    use hubbub_runtime::settings::Spec;

    use super::*;

    struct Named(Option<&'static str>);

    impl Environment for Named {
        fn variables(&self) -> Vec<(OsString, OsString)> {
            Vec::new()
        }

        fn read(&self, _: &Path) -> io::Result<String> {
            Err(io::ErrorKind::NotFound.into())
        }

        fn host_name(&self) -> Option<String> {
            self.0.map(str::to_owned)
        }

        fn cores(&self) -> usize {
            1
        }

        fn random(&self) -> u64 {
            u64::MAX
        }
    }

    fn made_up(host: Option<&'static str>) -> String {
        let spec = Spec::new("test", "").section("Process", [NODE.about()]);
        let flags = spec.command().get_matches_from(["test"]);
        let environment = Named(host);
        node(&mut Reader::new(&spec, &flags, &environment), "gateway", &environment).to_string()
    }

    #[test]
    fn a_name_is_made_up_from_whatever_the_host_is_called() {
        assert_eq!(made_up(Some("web-1.example")), "web-1.example-ffff");
        assert_eq!(made_up(Some("büro pc")), "bropc-ffff");
        assert_eq!(made_up(Some("日本")), "gateway-ffff");
        assert_eq!(made_up(None), "gateway-ffff");
    }

    #[test]
    fn a_long_host_name_is_cut() {
        const LONG: &str =
            "a.very.long.host.name.of.more.than.sixty.three.characters.in.all.example";
        assert_eq!(made_up(Some(LONG)).len(), 63);
    }
}
