//! hubbub-chat: Hubbub in a terminal, line by line.
//!
//! - [`chat`]: what is done with commands, and with what arrives
//! - [`command`]: what a line means
//! - [`rooms`]: the rooms and people that are known by name
//! - [`screen`]: what it looks like
//! - [`input`]: lines and passwords

mod chat;
mod command;
mod input;
mod rooms;
mod screen;

use std::process::ExitCode;

use clap::Parser;

/// Chat in a terminal.
///
/// Type what you want to say, or a command; /help lists them. A password is asked for without
/// showing it, or taken from HUBBUB_PASSWORD.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where the server is.
    #[arg(long, env = "HUBBUB_SERVER", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// Log in as this user right away.
    #[arg(long)]
    user: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { server, user } = Arguments::parse();
    match chat::run(&server, user.as_deref()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("hubbub-chat: {cause}");
            ExitCode::FAILURE
        }
    }
}
