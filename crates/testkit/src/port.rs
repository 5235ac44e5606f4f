//! Ports for servers that are stopped and started again on the same port.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Where ports are taken from. Below Linux's ephemeral range (32768 and up): a port from there
/// could become the source port of somebody's connection while its server is down.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// A port on 127.0.0.1 that is free now and is handed out once in this process.
///
/// Another process may still take it before the caller does, so callers try again with another one.
///
/// # Panics
/// When no port of the range is free.
#[must_use]
pub fn free_port() -> u16 {
    static TAKEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Test processes that run side by side start at different places.
    let seed = uuid::Uuid::new_v4().as_u128() % u128::from(RANGE.end - RANGE.start);
    let offset = u16::try_from(seed).expect("the remainder is below the range's length");
    let port = (RANGE.start + offset..RANGE.end)
        .chain(RANGE.start..RANGE.start + offset)
        .find(|port| !taken.contains(port) && TcpListener::bind(local(*port)).is_ok())
        .expect("a free port between 12000 and 32000");
    taken.insert(port);
    port
}

/// `port` on 127.0.0.1.
#[must_use]
pub const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
