//! The command line of `hubbub-admin`.
//!
//! The code is 0 if all is as it should be, 1 if the command could not be carried out, 2 if the command
//! line or the settings are wrong, and 3 if the answer is no: something is not sound, not there, or not
//! done in time.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use hubbub_protocol::{MessageId, RoomId};
use hubbub_runtime::settings::{Environment, LoadError, Problems, Reader, Spec};
use hubbub_runtime::telemetry::{self, LogFormat, LogOutput};
use hubbub_worker::operator::{self, Listing};
use hubbub_worker::settings::{self, Cluster, cluster, process};

use crate::keys::{self, Step};
use crate::output::{Format, Outcome, Output};
use crate::reach::{Failure, Reach};
use crate::{check, kick, nodes, rooms, trace};

/// What `settings` there are: where the cluster is. Whatever else gateways and workers have may be in
/// the same environment.
#[must_use]
pub fn spec() -> Spec {
    let others: Vec<&'static str> =
        settings::spec().settings().map(hubbub_runtime::settings::setting::About::name).collect();
    Spec::new("hubbub-admin", "Shows a cluster, and changes what operators may change.")
        .section("Cluster", cluster::settings())
        .section("Process", [process::LOG.about()])
        .tolerating(others)
        .tolerating(settings::GATEWAY_ONLY.iter().copied())
}

/// The command line.
#[must_use]
pub fn command() -> Command {
    let limit = |default| {
        Arg::new("limit")
            .long("limit")
            .value_name("N")
            .default_value(default)
            .value_parser(value_parser!(u32).range(1..=10_000))
            .help("At most so many")
    };
    let room =
        || Arg::new("room").long("room").value_name("ROOM").value_parser(value_parser!(RoomId));
    let file = Arg::new("file")
        .long("file")
        .value_name("PATH")
        .required(true)
        .global(false)
        .value_parser(value_parser!(PathBuf))
        .help("The file that HUBBUB_SIGNING_KEYS_FILE names");
    let step =
        |name: &'static str, about: &'static str| Command::new(name).about(about).arg(file.clone());
    let wait = Arg::new("wait")
        .long("wait")
        .value_name("SECONDS")
        .value_parser(value_parser!(u64).range(1..=86_400))
        .help("Wait so long until every client has moved");
    spec()
        .command()
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .global(true)
                .help("One JSON object a line"),
        )
        .subcommand(Command::new("nodes").about("Show gateways: connections, leases, versions"))
        .subcommand(
            Command::new("rooms").about("Show the rooms with the most members").arg(limit("20")),
        )
        .subcommand(Command::new("lag").about("Show what waits for storage, by partition"))
        .subcommand(dead_letters(limit("100")))
        .subcommand(
            Command::new("drain")
                .about("Let a gateway's clients move to the others")
                .arg(Arg::new("node").value_name("NODE").required(true).help("As `nodes` shows it"))
                .arg(wait),
        )
        .subcommand(
            Command::new("rebalance")
                .about("Let gateways with more than their share of connections give some up"),
        )
        .subcommand(
            Command::new("kick")
                .about("End every session of somebody and close their sockets, everywhere")
                .arg(Arg::new("user").value_name("USER").required(true).help("Id or user name")),
        )
        .subcommand(
            Command::new("rotate-keys")
                .about("Rotate the keys that sign access tokens, in three steps")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(step("add", "Put a new key at the end, which only verifies"))
                .subcommand(step("promote", "Let the last key sign"))
                .subcommand(step("retire", "Take out all keys but the one that signs")),
        )
        .subcommand(
            Command::new("trace")
                .about("Show when a message was accepted and stored, and where it was delivered")
                .arg(
                    Arg::new("message")
                        .value_name("MESSAGE")
                        .required(true)
                        .value_parser(value_parser!(MessageId))
                        .help("The message's id"),
                )
                .arg(room().help("Its room, which saves looking at all of them")),
        )
        .subcommand(
            Command::new("check")
                .about("Check that logs have no holes, counters are not behind, and members have rooms")
                .arg(room().help("Only this room")),
        )
        .subcommand(
            Command::new("repair")
                .about("Check, and mend what can be mended")
                .arg(room().help("Only this room")),
        )
}

fn dead_letters(limit: Arg) -> Command {
    let partition =
        || Arg::new("partition").value_name("PARTITION").value_parser(value_parser!(u16));
    Command::new("dead-letters")
        .about("Events that could not be stored")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("list").about("Show them, oldest first, with their reasons").arg(limit),
        )
        .subcommand(
            Command::new("replay")
                .about("Put them back on the log, after their cause is gone")
                .arg(partition().requires("id").help("The dead letter's partition"))
                .arg(Arg::new("id").value_name("ID").help("The dead letter's id"))
                .arg(
                    Arg::new("all")
                        .long("all")
                        .action(ArgAction::SetTrue)
                        .conflicts_with("partition")
                        .required_unless_present("partition")
                        .help("All that are there now"),
                ),
        )
}

/// Does what the command line says.
pub async fn execute<A>(
    arguments: impl IntoIterator<Item = A>,
    environment: &dyn Environment,
) -> ExitCode
where
    A: Into<OsString> + Clone,
{
    let flags = match command().try_get_matches_from(arguments) {
        Ok(flags) => flags,
        Err(usage) => return LoadError::Usage(usage).report(),
    };
    // Not locked: an answer is written between waits.
    let mut stdout = io::stdout();
    let format = if flags.get_flag("json") { Format::Json } else { Format::Table };
    let mut out = Output::new(format, &mut stdout);
    let answered = match flags.subcommand() {
        // Needs no cluster.
        Some(("rotate-keys", flags)) => rotate(flags, &mut out),
        Some((name, of_command)) => {
            let (cluster, log) = match read(&flags, environment) {
                Ok(read) => read,
                Err(problems) => return LoadError::Invalid(problems).report(),
            };
            if let Err(error) = telemetry::log(&log, LogFormat::Pretty, LogOutput::Stderr) {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
            answer(&cluster, name, of_command, &mut out).await
        }
        None => return ExitCode::from(2),
    };
    let flushed = answered.and_then(|outcome| stdout.flush().map(|()| outcome).map_err(Into::into));
    match flushed {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(3),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn read(flags: &ArgMatches, environment: &dyn Environment) -> Result<(Cluster, String), Problems> {
    let mut reader = Reader::new(&spec(), flags, environment);
    let cluster = Cluster::required(&mut reader);
    // What a library has to say about itself is no part of an answer.
    let log = reader.find(&process::LOG).unwrap_or_else(|| "warn".to_owned());
    reader.finish((cluster, log))
}

fn rotate(flags: &ArgMatches, out: &mut Output<'_>) -> Result<Outcome, Failure> {
    let (step, flags) = match flags.subcommand() {
        Some(("promote", flags)) => (Step::Promote, flags),
        Some(("retire", flags)) => (Step::Retire, flags),
        Some((_, flags)) => (Step::Add, flags),
        None => return Ok(Outcome::No),
    };
    let path = flags.get_one::<PathBuf>("file").expect("clap requires it");
    keys::rotate(path, step, out)
}

async fn answer(
    cluster: &Cluster,
    command: &str,
    flags: &ArgMatches,
    out: &mut Output<'_>,
) -> Result<Outcome, Failure> {
    let name = "admin".parse().expect("letters are a name");
    let reach = Reach::open(cluster, name).await?;
    let reach = &reach;
    let text = |id: &str| flags.get_one::<String>(id).map_or("", String::as_str);
    match command {
        "nodes" => nodes::show(reach, out).await,
        "rooms" => rooms::show(reach, limit_of(flags), out).await,
        "lag" => {
            let (format, to) = out.parts();
            operator::show_depth(&reach.bus, of_worker(format), to).await?;
            Ok(Outcome::Good)
        }
        "dead-letters" => letters(reach, flags, out).await,
        "drain" => {
            let wait = flags.get_one::<u64>("wait").copied().map(Duration::from_secs);
            nodes::drain(reach, text("node"), wait, out).await
        }
        "rebalance" => nodes::rebalance(reach, out).await,
        "kick" => kick::kick(reach, text("user"), out).await,
        "trace" => {
            let message = flags.get_one::<MessageId>("message").expect("clap requires it");
            trace::trace(reach, *message, flags.get_one("room").copied(), out).await
        }
        "check" => check::check(reach, flags.get_one("room").copied(), false, out).await,
        _ => check::check(reach, flags.get_one("room").copied(), true, out).await,
    }
}

async fn letters(
    reach: &Reach,
    flags: &ArgMatches,
    out: &mut Output<'_>,
) -> Result<Outcome, Failure> {
    let (format, to) = out.parts();
    match flags.subcommand() {
        Some(("list", flags)) => {
            let listing = Listing {
                partition: None,
                limit: limit_of(flags),
                show_frames: false,
                format: of_worker(format),
            };
            operator::list_dead_letters(&reach.bus, listing, to).await?;
        }
        Some((_, flags)) => {
            let one = flags.get_one::<u16>("partition").zip(flags.get_one::<String>("id"));
            let mut told = Vec::new();
            match one {
                Some((partition, id)) => {
                    operator::replay(&reach.bus, *partition, id, &mut told).await?;
                }
                None => operator::replay_all(&reach.bus, None, &mut told).await?,
            }
            let told = String::from_utf8_lossy(&told).trim().to_owned();
            out.one(&serde_json::json!({ "replayed": told }), &told)?;
        }
        None => return Ok(Outcome::No),
    }
    Ok(Outcome::Good)
}

fn limit_of(flags: &ArgMatches) -> usize {
    flags.get_one::<u32>("limit").map_or(1, |limit| *limit as usize)
}

const fn of_worker(format: Format) -> operator::Format {
    match format {
        Format::Table => operator::Format::Table,
        Format::Json => operator::Format::Json,
    }
}

#[cfg(test)]
mod tests {
    use hubbub_runtime::settings::FixedEnvironment;

    use super::*;

    fn parses(line: &str) -> bool {
        command().try_get_matches_from(line.split(' ')).is_ok()
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn json_may_stand_anywhere() {
        assert!(parses("hubbub-admin --json nodes") && parses("hubbub-admin nodes --json"));
        assert!(parses("hubbub-admin dead-letters list --json"));
    }

    #[test]
    fn what_is_needed_is_asked_for() {
        for bad in [
            "",
            " drain",
            " kick",
            " trace",
            " trace tea",
            " rotate-keys",
            " rotate-keys add",
            " dead-letters replay",
            " dead-letters replay 3",
            " drain a --wait 0",
            " rooms --limit 0",
        ] {
            assert!(!parses(&format!("hubbub-admin{bad}")), "{bad}");
        }
    }

    #[test]
    fn a_gateways_environment_will_do() {
        let environment = FixedEnvironment::new()
            .with("HUBBUB_REDIS_URL", "redis://127.0.0.1:6379")
            .with("HUBBUB_MONGODB_URL", "mongodb://127.0.0.1:27017/?replicaSet=rs0")
            .with("HUBBUB_SIGNING_KEYS_FILE", "/run/secrets/keys")
            .with("HUBBUB_LOG_FORMAT", "json")
            .with("HUBBUB_BATCH_AGE", "20ms");
        let flags = command().get_matches_from(["hubbub-admin", "nodes"]);
        assert_eq!(read(&flags, &environment).unwrap().1, "warn");
        let nothing = read(&flags, &FixedEnvironment::new()).unwrap_err().to_string();
        assert!(nothing.contains("HUBBUB_REDIS_URL") && nothing.contains("HUBBUB_MONGODB_URL"));
    }
}
