//! `hubbub-worker`: stores what gateways commit.

use std::process::ExitCode;

use hubbub_runtime::settings::ProcessEnvironment;

#[tokio::main]
async fn main() -> ExitCode {
    hubbub_worker::cli::execute(std::env::args_os(), &ProcessEnvironment).await
}
