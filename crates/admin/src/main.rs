//! `hubbub-admin`: what an operator asks of a cluster.

use std::process::ExitCode;

use hubbub_runtime::settings::ProcessEnvironment;

#[tokio::main]
async fn main() -> ExitCode {
    hubbub_admin::cli::execute(std::env::args_os(), &ProcessEnvironment).await
}
