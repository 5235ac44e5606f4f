//! Where a request comes from, as far as that can be known behind proxies.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::app::App;

/// The client's address.
///
/// The connection's peer; or, with `trusted_proxies` of n, the n-th entry from the right of
/// `X-Forwarded-For`: each trusted proxy has added the one it saw, and whatever is further left the
/// client may have made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The address of a request.
    #[must_use]
    pub fn of(peer: Option<SocketAddr>, headers: &HeaderMap, trusted_proxies: u8) -> Self {
        // Without a peer all requests are one client: the limits hold, if more tightly.
        let peer = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
        let forwarded = match trusted_proxies {
            0 => None,
            count => forwarded(headers, usize::from(count)),
        };
        Self(forwarded.unwrap_or(peer).to_canonical())
    }

    /// Whether it is this machine: a proxy beside us that `trusted_proxies` does not count, or
    /// somebody trying things out.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.0.is_loopback()
    }
}

/// What limits count by: an IPv4 address, or the /64 network of an IPv6 one, of which every
/// customer has at least one to themselves.
impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                write!(f, "{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

fn forwarded(headers: &HeaderMap, from_right: usize) -> Option<IpAddr> {
    let mut entries = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .rev()
        .take(from_right);
    // With fewer entries than proxies the leftmost is the best there is.
    parse(entries.by_ref().last()?)
}

/// Some proxies add the port.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

impl FromRequestParts<Arc<App>> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        Ok(Self::of(peer, &parts.headers, app.http.trusted_proxies))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(trusted: u8, forwarded: &[&str]) -> String {
        let peer = "192.0.2.1:4000".parse().unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        ClientAddress::of(Some(peer), &headers, trusted).to_string()
    }

    #[test]
    fn without_trusted_proxies_the_header_counts_for_nothing() {
        assert_eq!(address(0, &["203.0.113.9"]), "192.0.2.1");
    }

    #[test]
    fn each_trusted_proxy_is_one_entry_from_the_right() {
        let forwarded = ["198.51.100.66, 203.0.113.9", "10.0.0.1"];
        assert_eq!(address(1, &forwarded), "10.0.0.1");
        assert_eq!(address(2, &forwarded), "203.0.113.9");
        assert_eq!(address(9, &forwarded), "198.51.100.66");
    }

    #[test]
    fn without_a_usable_entry_the_peer_counts() {
        assert_eq!(address(1, &[]), "192.0.2.1");
        assert_eq!(address(1, &["unknown"]), "192.0.2.1");
        assert_eq!(address(1, &[""]), "192.0.2.1");
    }

    #[test]
    fn ports_and_brackets_are_taken_off() {
        assert_eq!(address(1, &["203.0.113.9:5555"]), "203.0.113.9");
        assert_eq!(address(1, &["[2001:db8::7]:5555"]), "2001:db8::/64");
        assert_eq!(address(1, &["[2001:db8::7]"]), "2001:db8::/64");
    }

    #[test]
    fn one_customer_s_network_is_one_client() {
        assert_eq!(address(1, &["2001:db8:1:2:aaaa::1"]), address(1, &["2001:db8:1:2:bbbb::2"]));
        assert_ne!(address(1, &["2001:db8:1:2::1"]), address(1, &["2001:db8:1:3::1"]));
        assert_eq!(address(1, &["::ffff:203.0.113.9"]), "203.0.113.9");
    }
}
