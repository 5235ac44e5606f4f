//! Logs and metrics. Both are global to a process: several nodes in one process (tests) share them.

#[cfg(feature = "otel")]
pub mod traces;

use std::fmt;
use std::io::{self, IsTerminal};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::metric::Metric;

/// How often histograms are condensed. Between two of these each keeps every single sample, so this
/// bounds the memory metrics take.
const UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds of the buckets of every histogram named `*_seconds`.
const SECONDS_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of the buckets of every other histogram: bytes and counts.
const SIZE_BUCKETS: [f64; 10] =
    [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0];

/// The target of the lines that follow single events from the socket to the store and back. They
/// name rooms, messages and places, and nothing of what was said. `info,hubbub::message=debug` shows
/// them.
pub const MESSAGES: &str = "hubbub::message";

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("write pretty or json".to_owned()),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        })
    }
}

/// Where log lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogOutput {
    /// A server: its log is what it has to say.
    #[default]
    Stdout,
    /// A command: stdout is for its answer.
    Stderr,
}

/// OpenTelemetry traces, which this build does not have.
#[cfg(not(feature = "otel"))]
pub mod traces {
    /// Nothing to be a child of.
    pub const fn adopt(_: &tracing::Span, _: &axum::http::HeaderMap) {}

    /// Nothing waits.
    pub async fn finish() {}
}

/// Why logs or metrics could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter can't be understood.
    #[error("log filter: {0}")]
    Filter(String),
    /// Traces can't be exported.
    #[error("traces: {0}")]
    Traces(String),
    /// Somebody else's recorder is in place.
    #[error("metrics recorder: {0}")]
    Recorder(#[from] BuildError),
}

/// Whether `filter` is one, such as `info` or `info,hubbub_gateway::socket=debug`.
///
/// # Errors
/// What is wrong with it.
pub fn check_filter(filter: &str) -> Result<(), TelemetryError> {
    parse_filter(filter).map(drop)
}

/// Libraries that log what people wrote, or where their links lead, at their finest levels. Whatever the
/// filter says of everything, they log warnings only.
const QUOTING: [&str; 5] = [
    "tungstenite=warn",
    "tokio_tungstenite=warn",
    "reqwest=warn",
    "hyper_util=warn",
    "rustls=warn",
];

fn parse_filter(filter: &str) -> Result<EnvFilter, TelemetryError> {
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(|error| TelemetryError::Filter(error.to_string()))?;
    let quiet = QUOTING.iter().map(|quoting| quoting.parse().expect("a target and a level"));
    Ok(quiet.fold(filter, EnvFilter::add_directive))
}

/// Logs from here on what passes `filter`. In a process that logs already nothing changes.
///
/// # Errors
/// [`TelemetryError::Filter`]; with the feature `otel` and a collector also [`TelemetryError::Traces`].
pub fn log(filter: &str, format: LogFormat, output: LogOutput) -> Result<(), TelemetryError> {
    #[cfg(feature = "otel")]
    let collector = traces::endpoint();
    #[cfg(not(feature = "otel"))]
    let collector: Option<String> = None;
    log_to(filter, format, output, collector.as_deref())
}

/// As [`log`], and exports traces to the `collector` at this URL, from within a runtime. Without the
/// feature `otel` there is nothing to export.
///
/// # Errors
/// [`TelemetryError::Filter`], [`TelemetryError::Traces`].
pub fn log_to(
    filter: &str,
    format: LogFormat,
    output: LogOutput,
    collector: Option<&str>,
) -> Result<(), TelemetryError> {
    let (writer, terminal) = match output {
        LogOutput::Stdout => (BoxMakeWriter::new(io::stdout), io::stdout().is_terminal()),
        LogOutput::Stderr => (BoxMakeWriter::new(io::stderr), io::stderr().is_terminal()),
    };
    let lines = tracing_subscriber::fmt::layer().with_ansi(terminal).with_writer(writer);
    let lines = match format {
        LogFormat::Pretty => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    #[cfg(feature = "otel")]
    if let Some(collector) = collector {
        let filter = parse_filter(filter)?;
        let spans = traces::layer(collector)?;
        let _ =
            tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).try_init();
        return Ok(());
    }
    let _ = collector;
    // The only error is that a subscriber is in place.
    let _ = tracing_subscriber::registry().with(lines).with(parse_filter(filter)?).try_init();
    Ok(())
}

/// The revision that the program was built from, if whoever built it told.
pub const REVISION: &str = match option_env!("HUBBUB_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What every process tells of itself.
fn describe_process() {
    for metric in Metric::ALL {
        metric.describe();
    }
    metrics::gauge!(Metric::Build.name(), "version" => VERSION, "revision" => REVISION).set(1.0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    metrics::gauge!(Metric::Started.name()).set(now.as_secs_f64());
}

/// The process's metrics, in the Prometheus text format.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

static INSTALLED: Mutex<Option<Metrics>> = Mutex::new(None);

impl Metrics {
    /// Installs the recorder behind the `metrics` macros, or returns the one installed before.
    ///
    /// # Errors
    /// [`TelemetryError::Recorder`].
    pub fn install() -> Result<Self, TelemetryError> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metrics) = &*installed {
            return Ok(metrics.clone());
        }
        let handle = PrometheusBuilder::new()
            .set_buckets(&SIZE_BUCKETS)?
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)?
            .install_recorder()?;
        describe_process();
        Ok(installed.insert(Self(handle)).clone())
    }

    /// All metrics as text.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Condenses histograms every few seconds, until `stop`. Without it they grow for ever.
    pub async fn upkeep(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
            self.0.run_upkeep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logging_twice_is_not_an_error() {
        log("warn", LogFormat::Json, LogOutput::Stderr).unwrap();
        log("info", LogFormat::Pretty, LogOutput::Stderr).unwrap();
    }

    #[test]
    fn a_filter_that_is_none_is_refused() {
        check_filter("info,hubbub_gateway=debug").unwrap();
        assert!(check_filter("info,hubbub_gateway=loud").is_err());
    }

    #[test]
    fn every_node_of_a_process_sees_the_same_metrics() {
        let first = Metrics::install().unwrap();
        let second = Metrics::install().unwrap();
        metrics::counter!("hubbub_runtime_test_total").increment(2);
        metrics::histogram!("hubbub_runtime_test_seconds").record(0.002);
        assert!(first.render().contains("hubbub_runtime_test_total 2"));
        assert!(second.render().contains("hubbub_runtime_test_seconds_bucket{le=\"0.0025\"} 1"));
    }
}
