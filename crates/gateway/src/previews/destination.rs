//! Where a link leads, before anything is sent there.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hubbub_protocol::markdown;
use tokio::net::lookup_host;
use tokio::time::timeout;
use url::{Host, Url};

use super::Fault;
use super::address::{self, Networks};

/// Ports of the web. Others are reached in further networks only.
const PORTS: [u16; 2] = [80, 443];

/// How long a name may take to become addresses.
const RESOLVED_WITHIN: Duration = Duration::from_secs(3);

/// The first link of a message that may be looked at.
#[must_use]
pub fn first_link(text: &str) -> Option<Url> {
    markdown::links(text).iter().find_map(|link| readable(link))
}

/// A link of http or https, without a name and a password in it.
fn readable(link: &str) -> Option<Url> {
    let url = Url::parse(link).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    let is_plain = url.username().is_empty() && url.password().is_none();
    (is_web && is_plain).then_some(url)
}

/// A place to connect to.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) url: Url,
    /// Every one of them may be connected to, and no other address.
    pub(super) addresses: Vec<SocketAddr>,
}

impl Destination {
    /// Resolves a URL, and looks at every address it resolves to: one that may not be reached
    /// condemns them all.
    ///
    /// # Errors
    /// [`Fault::Refused`], and [`Fault::Unreachable`] for a name that means nothing.
    pub(super) async fn vet(url: Url, networks: &Networks) -> Result<Self, Fault> {
        let url = readable(url.as_str()).ok_or(Fault::Refused)?;
        let port = url.port_or_known_default().ok_or(Fault::Refused)?;
        let addresses = resolve(&url, port).await?;
        let may_reach = |address: IpAddr| {
            networks.contain(address) || address::is_public(address) && PORTS.contains(&port)
        };
        if !addresses.iter().all(|address| may_reach(address.ip())) {
            return Err(Fault::Refused);
        }
        Ok(Self { url, addresses })
    }
}

async fn resolve(url: &Url, port: u16) -> Result<Vec<SocketAddr>, Fault> {
    let name = match url.host().ok_or(Fault::Refused)? {
        Host::Ipv4(address) => return Ok(vec![(address, port).into()]),
        Host::Ipv6(address) => return Ok(vec![(address, port).into()]),
        Host::Domain(name) => name,
    };
    let looked_up = timeout(RESOLVED_WITHIN, lookup_host((name, port))).await;
    let addresses: Vec<_> =
        looked_up.map_err(|_| Fault::Slow)?.map_err(|_| Fault::Unreachable)?.collect();
    if addresses.is_empty() { Err(Fault::Unreachable) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn vet(url: &str, networks: &str) -> Result<Vec<SocketAddr>, Fault> {
        let networks = Networks::parse(networks).unwrap();
        let url = Url::parse(url).unwrap();
        Destination::vet(url, &networks).await.map(|destination| destination.addresses)
    }

    #[test]
    fn the_first_link_is_one_that_can_be_looked_at() {
        let first = |text| first_link(text).map(String::from);
        let expected = Some("https://b.example/x#y".to_owned());
        assert_eq!(first("https://me:secret@a.example/ https://b.example/x#y"), expected);
        assert_eq!(first("www.b.example"), Some("http://www.b.example/".to_owned()));
        assert_eq!(first("<https://a.example/>"), None);
        assert_eq!(first("[a](https://)"), None);
    }

    #[tokio::test]
    async fn an_address_is_refused_however_it_is_written() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://0/",
            "http://127.0.0.1./",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://%31%32%37.0.0.1/",
            "http://１２７.0.0.1/",
        ] {
            assert_eq!(vet(url, "").await, Err(Fault::Refused), "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_is_refused_for_what_it_resolves_to() {
        assert_eq!(vet("http://localhost/", "").await, Err(Fault::Refused));
        assert_eq!(vet("http://LOCALHOST/", "").await, Err(Fault::Refused));
        let local = vet("http://localhost/", "127.0.0.0/8, ::1").await.unwrap();
        assert!(local.iter().all(|address| address.ip().is_loopback()), "{local:?}");
    }

    #[tokio::test]
    async fn other_ports_are_reached_in_further_networks_only() {
        assert_eq!(vet("http://8.8.8.8:8080/", "").await, Err(Fault::Refused));
        assert_eq!(vet("http://8.8.8.8:22/", "10.0.0.0/8").await, Err(Fault::Refused));
        let there = |address: &str| Ok(vec![address.parse().unwrap()]);
        assert_eq!(vet("https://8.8.8.8/", "").await, there("8.8.8.8:443"));
        assert_eq!(vet("http://10.1.2.3:8080/", "10.0.0.0/8").await, there("10.1.2.3:8080"));
    }

    #[tokio::test]
    async fn only_the_web_is_reached_and_nobody_is_logged_in_there() {
        for url in ["ftp://8.8.8.8/", "file:///etc/passwd", "gopher://8.8.8.8/", "data:,x"] {
            assert_eq!(vet(url, "").await, Err(Fault::Refused), "{url}");
        }
        assert_eq!(vet("http://me@8.8.8.8/", "").await, Err(Fault::Refused));
        assert_eq!(vet("http://:secret@8.8.8.8/", "").await, Err(Fault::Refused));
    }
}
