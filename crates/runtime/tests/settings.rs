//! Settings from all their sources, as a binary reads them.

use std::time::Duration;

use hubbub_runtime::settings::{
    FixedEnvironment, LoadError, Problems, Reader, Secret, Setting, Spec, reference_page,
};

const LISTEN: Setting<std::net::SocketAddr> =
    Setting::address("listen", "Where clients connect.").or("127.0.0.1:8080");
const HEARTBEAT: Setting<Duration> =
    Setting::duration("heartbeat", (Duration::from_secs(1), Duration::from_secs(60)), "How often.")
        .or("25s");
const PARTITIONS: Setting<u16> = Setting::integer("partitions", (1, 256), "How many.").or("16");
const ORIGINS: Setting<Vec<String>> = Setting::list("origins", "Which pages.");
const KEYS: Setting<Secret> = Setting::secret_text("signing_keys", "Signs tokens.");

#[derive(Debug, PartialEq)]
struct Settings {
    listen: std::net::SocketAddr,
    heartbeat: Duration,
    partitions: u16,
    origins: Vec<String>,
    keys: Option<Secret>,
}

fn spec() -> Spec {
    Spec::new("hubbub-test", "A program with a few settings.")
        .section("Network", [LISTEN.about(), HEARTBEAT.about(), ORIGINS.about()])
        .section("Cluster", [PARTITIONS.about(), KEYS.about()])
        .tolerating(["batch_age"])
}

fn load(flags: &[&str], environment: &FixedEnvironment) -> Result<Settings, LoadError> {
    let command_line = ["hubbub-test"].iter().chain(flags);
    let matches = spec().command().try_get_matches_from(command_line)?;
    let mut reader = Reader::new(&spec(), &matches, environment);
    let settings = Settings {
        listen: reader.get(&LISTEN),
        heartbeat: reader.get(&HEARTBEAT),
        partitions: reader.get(&PARTITIONS),
        origins: reader.find(&ORIGINS).unwrap_or_default(),
        keys: reader.find(&KEYS),
    };
    Ok(reader.finish(settings)?)
}

fn problems(flags: &[&str], environment: &FixedEnvironment) -> Vec<String> {
    match load(flags, environment) {
        Err(LoadError::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("no problems: {other:?}"),
    }
}

fn nothing() -> FixedEnvironment {
    FixedEnvironment::new()
}

#[test]
fn without_any_source_every_setting_has_its_default() {
    let settings = load(&[], &nothing()).unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.heartbeat, Duration::from_secs(25));
    assert_eq!(settings.partitions, 16);
    assert_eq!(settings.keys, None);
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file() {
    let environment = nothing()
        .with("HUBBUB_CONFIG", "hubbub.toml")
        .with_file("hubbub.toml", "listen = '127.0.0.1:1'\nheartbeat = '1s'\npartitions = 1")
        .with("HUBBUB_HEARTBEAT", "2s")
        .with("HUBBUB_PARTITIONS", "2");
    let settings = load(&["--partitions", "3"], &environment).unwrap();
    assert_eq!(settings.listen.port(), 1);
    assert_eq!(settings.heartbeat, Duration::from_secs(2));
    assert_eq!(settings.partitions, 3);
}

#[test]
fn the_config_flag_beats_the_config_variable() {
    let environment = nothing()
        .with("HUBBUB_CONFIG", "missing.toml")
        .with_file("given.toml", "origins = ['https://a.example', 'https://b.example']");
    let settings = load(&["--config", "given.toml"], &environment).unwrap();
    assert_eq!(settings.origins, ["https://a.example", "https://b.example"]);
}

#[test]
fn a_secret_comes_from_its_file_without_the_line_break_at_the_end() {
    let environment = nothing()
        .with("HUBBUB_SIGNING_KEYS_FILE", "/run/secrets/keys")
        .with_file("/run/secrets/keys", "k1:abc\n");
    assert_eq!(load(&[], &environment).unwrap().keys, Some(Secret::new("k1:abc")));
    let by_flag = nothing().with_file("keys", "k2:def");
    let settings = load(&["--signing-keys-file", "keys"], &by_flag).unwrap();
    assert_eq!(settings.keys, Some(Secret::new("k2:def")));
}

#[test]
fn the_environment_beats_a_secret_in_the_toml_file() {
    let environment = nothing()
        .with("HUBBUB_CONFIG", "c.toml")
        .with_file("c.toml", "signing_keys = 'from-toml'")
        .with("HUBBUB_SIGNING_KEYS_FILE", "f")
        .with_file("f", "from-file");
    assert_eq!(load(&[], &environment).unwrap().keys, Some(Secret::new("from-file")));
}

#[test]
fn a_secret_given_twice_is_refused() {
    let environment = nothing()
        .with("HUBBUB_SIGNING_KEYS", "k1:abc")
        .with("HUBBUB_SIGNING_KEYS_FILE", "keys")
        .with_file("keys", "k2:def");
    assert_eq!(
        problems(&[], &environment),
        ["HUBBUB_SIGNING_KEYS: set either this or HUBBUB_SIGNING_KEYS_FILE, not both"]
    );
}

#[test]
fn a_secret_file_that_is_not_there_is_named() {
    let environment = nothing().with("HUBBUB_SIGNING_KEYS_FILE", "/run/secrets/keys");
    let found = problems(&[], &environment);
    assert!(found[0].starts_with("HUBBUB_SIGNING_KEYS_FILE: the file /run/secrets/keys can't"));
}

#[test]
fn all_problems_are_reported_at_once_each_with_its_variable() {
    let environment = nothing()
        .with("HUBBUB_LISTEN", "localhost")
        .with("HUBBUB_HEARTBEAT", "25")
        .with("HUBBUB_CONFIG", "hubbub.toml")
        .with_file("hubbub.toml", "partitions = 0\nfanciness = 3");
    assert_eq!(
        problems(&[], &environment),
        [
            "hubbub.toml: there is no setting fanciness; see --help for those there are",
            "HUBBUB_LISTEN: write an IP address and a port, such as 127.0.0.1:8080, 0.0.0.0:8080 \
             or [::1]:8080; it is \"localhost\"",
            "HUBBUB_HEARTBEAT: write a whole number and a unit: 250ms, 15s, 10m, 24h or 30d; it is \
             \"25\"",
            "HUBBUB_PARTITIONS (from partitions in hubbub.toml): must be 1 to 256; it is \"0\"",
        ]
    );
}

#[test]
fn a_misspelt_variable_or_key_is_refused_with_the_right_one() {
    let environment = nothing()
        .with("HUBBUB_LISTN", "127.0.0.1:1")
        .with("HUBBUB_CONFIG", "c.toml")
        .with_file("c.toml", "partition = 3");
    assert_eq!(
        problems(&[], &environment),
        [
            "HUBBUB_LISTN: there is no such setting; did you mean HUBBUB_LISTEN?",
            "c.toml: there is no setting partition; did you mean partitions?",
        ]
    );
}

#[test]
fn a_file_variable_of_what_is_no_secret_is_refused() {
    assert_eq!(
        problems(&[], &nothing().with("HUBBUB_LISTEN_FILE", "x")),
        ["HUBBUB_LISTEN_FILE: only a secret can come from a file of its own; use HUBBUB_LISTEN"]
    );
}

#[test]
fn what_others_put_into_the_environment_is_left_alone() {
    let environment = nothing()
        .with("HUBBUB_GATEWAY_SERVICE_HOST", "10.0.0.1")
        .with("HUBBUB_GATEWAY_SERVICE_PORT_HTTP", "80")
        .with("HUBBUB_GATEWAY_PORT", "tcp://10.0.0.1:80")
        .with("HUBBUB_GATEWAY_PORT_80_TCP_PROTO", "tcp")
        .with("HUBBUB_BATCH_AGE", "a setting of the other binary")
        .with("HUBBUB_TEST_MONGOD", "/usr/bin/mongod")
        .with("PATH", "/bin");
    load(&[], &environment).unwrap();
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let settings = load(&[], &nothing().with("HUBBUB_LISTEN", "")).unwrap();
    assert_eq!(settings.listen.port(), 8080);
}

#[test]
fn a_broken_file_is_reported_by_line_and_without_its_text() {
    let environment = nothing()
        .with("HUBBUB_CONFIG", "c.toml")
        .with_file("c.toml", "partitions = 3\nsigning_keys = hunter2\n");
    let found = problems(&[], &environment);
    assert!(found[0].starts_with("c.toml:2: "), "{found:?}");
    assert!(!found[0].contains("hunter2"), "{found:?}");
}

#[test]
fn a_table_in_the_file_is_refused() {
    let environment =
        nothing().with("HUBBUB_CONFIG", "c.toml").with_file("c.toml", "[listen]\nport = 1");
    let found = problems(&[], &environment);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("listen: write a text"), "{found:?}");
}

#[test]
fn a_long_value_is_shown_in_part() {
    let found = problems(&["--listen", &"x".repeat(10_000)], &nothing());
    assert!(found[0].starts_with("HUBBUB_LISTEN (from --listen): "), "{found:?}");
    assert!(found[0].len() < 300);
}

#[test]
fn help_names_every_flag_variable_and_default() {
    let Err(LoadError::Usage(help)) = load(&["--help"], &nothing()) else { panic!("no help") };
    assert_eq!(help.exit_code(), 0);
    let text = help.to_string();
    for about in spec().settings() {
        assert!(text.contains(&format!("--{} ", about.flag())), "{text}");
        assert!(text.contains(&about.variable()), "{text}");
    }
    assert!(text.contains("[default: 25s]") && text.contains("--signing-keys-file"), "{text}");
}

#[test]
fn flags_are_accepted_after_a_subcommand() {
    let command = spec().command().subcommand(clap::Command::new("dead-letters"));
    let matches =
        command.try_get_matches_from(["hubbub-test", "dead-letters", "--partitions", "4"]).unwrap();
    assert_eq!(Reader::new(&spec(), &matches, &nothing()).get(&PARTITIONS), 4);
}

#[test]
fn the_reference_page_has_a_row_for_every_setting() {
    let page = reference_page(&[spec()]);
    for about in spec().settings() {
        assert!(page.contains(&format!("| `{}`", about.variable())), "{page}");
    }
    assert!(page.contains("| `HUBBUB_PARTITIONS` | whole number, 1 to 256 | `16` | How many. |"));
    assert!(page.contains("`HUBBUB_SIGNING_KEYS` 🔒"));
}

#[test]
fn problems_read_as_a_list() {
    let Err(LoadError::Invalid(found)) = load(&["--partitions", "0"], &nothing()) else {
        panic!("accepted")
    };
    let found: Problems = found;
    let text = found.to_string();
    assert!(text.starts_with("a setting needs your attention:\n  HUBBUB_PARTITIONS"), "{text}");
}
