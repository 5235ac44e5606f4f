//! `hubbub-gateway`: serves people and bots, alone or in a cluster.

use std::process::ExitCode;

use hubbub_gateway::{Gateway, Settings};
use hubbub_runtime::lifecycle::{Lifecycle, Signals};
use hubbub_runtime::settings::ProcessEnvironment;
use hubbub_runtime::telemetry::{self, LogOutput, Metrics};

fn main() -> ExitCode {
    let settings = match Settings::load(std::env::args_os(), &ProcessEnvironment) {
        Ok(settings) => settings,
        Err(error) => return error.report(),
    };
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(settings)),
        Err(error) => {
            eprintln!("can't start threads: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> ExitCode {
    if let Err(error) = telemetry::log(&settings.log, settings.log_format, LogOutput::Stdout) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let lifecycle = Lifecycle::default();
    let grace = settings.shutdown_grace;
    let prepared = Signals::of_process().map_err(|e| e.to_string()).and_then(|signals| {
        Metrics::install().map(|metrics| (signals, metrics)).map_err(|e| e.to_string())
    });
    let (signals, metrics) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            tracing::error!(%error, "can't start");
            return ExitCode::FAILURE;
        }
    };
    match Gateway::start(settings, &lifecycle, metrics).await {
        Ok(_gateway) => {
            let ended = lifecycle.run(signals, grace).await;
            telemetry::traces::finish().await;
            ended.into()
        }
        Err(error) => {
            tracing::error!("can't start: {error}");
            ExitCode::FAILURE
        }
    }
}
