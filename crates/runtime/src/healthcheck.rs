//! Asking a running process whether it is alive, for containers that have no other tool to do so.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// How long the process may take to answer. An orchestrator's own limit is seconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// More of an answer than this tells nothing.
const ANSWER_MAX: u64 = 4096;

/// Asks `/healthz` of the process whose operators connect at `admin` (its `HUBBUB_ADMIN_LISTEN`),
/// and prints why it is not well. The code is 0 if it is, else 1.
#[must_use]
pub fn run(admin: SocketAddr) -> ExitCode {
    match ask(admin) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("not healthy: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Asks `/healthz` at `admin`. An address that means every interface is asked on this machine.
///
/// # Errors
/// What it answered, or why it did not.
pub fn ask(admin: SocketAddr) -> Result<(), String> {
    if admin.port() == 0 {
        return Err("HUBBUB_ADMIN_LISTEN has port 0: the port is known to the process only".into());
    }
    let address = reachable(admin);
    let answer = get(address, "/healthz").map_err(|error| format!("{address}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => {
            Err(format!("{address} answers: {}", if body.is_empty() { head } else { body }.trim()))
        }
    }
}

fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    address
}

fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener as StdListener;

    use axum::Router;
    use tokio::net::TcpListener;
    use tokio::task::spawn_blocking;

    use super::*;
    use crate::health::Health;

    async fn serve(health: &Health) -> SocketAddr {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes: Router = health.routes();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        address
    }

    async fn asked(address: SocketAddr) -> Result<(), String> {
        spawn_blocking(move || ask(address)).await.unwrap()
    }

    #[tokio::test]
    async fn a_process_is_healthy_until_it_says_that_it_is_not() {
        let health = Health::new();
        let address = serve(&health).await;
        assert_eq!(asked(address).await, Ok(()));
        health.declare_dead("the writer is gone");
        let why = asked(address).await.unwrap_err();
        assert!(why.ends_with("answers: the writer is gone"), "{why}");
    }

    #[tokio::test]
    async fn a_process_that_is_not_ready_is_healthy() {
        let health = Health::new();
        let _check = health.check("store");
        assert_eq!(asked(serve(&health).await).await, Ok(()));
    }

    #[test]
    fn where_nobody_listens_nobody_is_healthy() {
        let address = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(ask(address).is_err());
        let unknown = ask("127.0.0.1:0".parse().unwrap()).unwrap_err();
        assert!(unknown.contains("port 0"), "{unknown}");
    }
}
