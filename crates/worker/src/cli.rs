//! The command line of `hubbub-worker`: without a command it works, with one it answers an operator
//! and ends.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use hubbub_protocol::RoomId;
use hubbub_runtime::Lifecycle;
use hubbub_runtime::lifecycle::Signals;
use hubbub_runtime::settings::{Environment, LoadError, reference_page};
use hubbub_runtime::telemetry::{self, LogOutput};

use crate::operator::{self, Format, Listing};
use crate::search_indexer;
use crate::settings::{self, Settings};
use crate::worker::{self, Worker};

/// Dead letters shown of each partition.
const LIMIT: &str = "100";

type Failure = Box<dyn std::error::Error>;

/// The command line: every setting as a flag, and the operator's commands.
#[must_use]
pub fn command() -> Command {
    let json = || flag("json").help("One JSON object a line");
    let partition =
        || Arg::new("partition").long("partition").value_name("N").value_parser(value_parser!(u16));
    let list = Command::new("list")
        .about("Show dead letters, oldest first, with the reason each could not be stored")
        .arg(partition().help("Only of this partition"))
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("N")
                .default_value(LIMIT)
                .value_parser(value_parser!(u32))
                .help("Most of each partition"),
        )
        .arg(flag("show-frames").help("Show the events themselves, with what people wrote"))
        .arg(json());
    let replay = Command::new("replay")
        .about("Put dead letters back on the log, to be stored after their cause is gone")
        .arg(
            Arg::new("of")
                .value_name("PARTITION")
                .value_parser(value_parser!(u16))
                .requires("id")
                .help("The dead letter's partition"),
        )
        .arg(Arg::new("id").value_name("ID").requires("of").help("The dead letter's id"))
        .arg(flag("all").help("All that are there now"))
        .arg(partition().conflicts_with("of").requires("all").help("With --all: only of this one"))
        .group(ArgGroup::new("which").args(["of", "all"]).required(true));
    settings::command()
        .subcommand(
            Command::new("dead-letters")
                .about("Events that could not be stored")
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(list)
                .subcommand(replay),
        )
        .subcommand(
            Command::new("reindex")
                .about("Make the search index anew, room by room, while everything runs")
                .arg(
                    Arg::new("after")
                        .long("after")
                        .value_name("ROOM")
                        .value_parser(value_parser!(RoomId))
                        .help("Go on after this room, the last one that was printed"),
                ),
        )
        .subcommand(Command::new("wal").about("Show how full the write-ahead log is").arg(json()))
        .subcommand(
            Command::new("healthcheck").about(
                "Ask the worker with these settings whether it is alive: 0 if it is, else 1",
            ),
        )
        .subcommand(Command::new("settings").about("Print the settings reference (Markdown)"))
}

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

/// Does what the command line says. The code is 0 if that worked, 2 if the command line or the
/// settings are wrong, 1 for everything else.
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
    if flags.subcommand_name() == Some("settings") {
        print!("{}", reference_page(&[settings::spec()]));
        return ExitCode::SUCCESS;
    }
    let settings = match Settings::from_flags(&flags, environment) {
        Ok(settings) => settings,
        Err(problems) => return LoadError::Invalid(problems).report(),
    };
    let done = match flags.subcommand() {
        Some(("healthcheck", _)) => {
            return LoadError::HealthCheck(settings.admin_listen).report();
        }
        None => work(&settings).await,
        Some((name, flags)) => answer(&settings, name, flags).await.map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

async fn work(settings: &Settings) -> Result<ExitCode, Failure> {
    telemetry::log(&settings.log, settings.log_format, LogOutput::Stdout)?;
    let signals = Signals::of_process()?;
    let worker = Worker::start(settings, Lifecycle::default()).await?;
    let ended = worker.run(signals).await;
    telemetry::traces::finish().await;
    Ok(ended.into())
}

async fn answer(settings: &Settings, command: &str, flags: &ArgMatches) -> Result<(), Failure> {
    telemetry::log(&settings.log, settings.log_format, LogOutput::Stderr)?;
    let out = &mut io::stdout().lock();
    if command == "reindex" {
        let store = worker::open_store(settings).await?;
        // Whoever no longer reads along loses nothing by it.
        let tell = |room| drop(writeln!(out, "{room}"));
        search_indexer::reindex(&*store, flags.get_one("after").copied(), tell).await?;
        store.close().await;
        return Ok(());
    }
    let wal = worker::open_wal(settings).await?;
    let wal = &*wal;
    match (command, flags.subcommand()) {
        ("wal", _) => operator::show_depth(wal, format_of(flags), out).await?,
        (_, Some(("list", flags))) => {
            let listing = Listing {
                partition: flags.get_one("partition").copied(),
                limit: flags.get_one::<u32>("limit").map_or(0, |limit| *limit as usize),
                show_frames: flags.get_flag("show-frames"),
                format: format_of(flags),
            };
            operator::list_dead_letters(wal, listing, out).await?;
        }
        (_, Some((_, flags))) => match (flags.get_one("of"), flags.get_one::<String>("id")) {
            (Some(partition), Some(id)) => operator::replay(wal, *partition, id, out).await?,
            _ => operator::replay_all(wal, flags.get_one("partition").copied(), out).await?,
        },
        (_, None) => {}
    }
    Ok(())
}

fn format_of(flags: &ArgMatches) -> Format {
    if flags.get_flag("json") { Format::Json } else { Format::Table }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parses(line: &str) -> bool {
        command().try_get_matches_from(line.split(' ')).is_ok()
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn a_replay_names_one_dead_letter_or_all() {
        assert!(parses("hubbub-worker dead-letters replay 3 1700000000000-0"));
        assert!(parses("hubbub-worker dead-letters replay --all"));
        assert!(parses("hubbub-worker dead-letters replay --all --partition 3"));
        for wrong in ["", " 3", " --partition 3", " 3 1-0 --all", " 3 1-0 --partition 3"] {
            assert!(!parses(&format!("hubbub-worker dead-letters replay{wrong}")), "{wrong}");
        }
    }

    #[test]
    fn reindexing_can_go_on_after_a_room() {
        assert!(parses("hubbub-worker reindex"));
        let room = RoomId::new();
        assert!(parses(&format!("hubbub-worker reindex --after {room}")));
        assert!(!parses("hubbub-worker reindex --after tea"));
    }

    #[test]
    fn settings_may_stand_behind_a_command() {
        assert!(parses("hubbub-worker wal --json --redis-url redis://127.0.0.1:6379"));
        assert!(parses("hubbub-worker dead-letters list --partition 1 --show-frames --json"));
    }
}
