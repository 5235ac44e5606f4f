//! Which addresses a gateway connects to only because somebody wrote them into a message.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Networks that may be reached although they are not public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads `10.1.0.0/16, fd00:1::/32, 127.0.0.1`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| {
            let one = || entry.parse::<IpAddr>().map(IpNet::from);
            entry.parse::<IpNet>().or_else(|_| one()).map_err(|_| {
                format!("`{entry}` is no network; write them as 10.1.0.0/16 or fd00:1::/32")
            })
        };
        entries.map(network).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address is in one of them.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// What of IPv4 is not the public internet (IANA's registry of special-purpose addresses).
const SPECIAL_V4: [Ipv4Net; 16] = [
    v4(0, 0, 0, 0, 8),        // this host
    v4(10, 0, 0, 0, 8),       // private
    v4(100, 64, 0, 0, 10),    // behind a carrier's NAT
    v4(127, 0, 0, 0, 8),      // loopback
    v4(168, 63, 129, 16, 32), // a cloud's platform service on a public address
    v4(169, 254, 0, 0, 16),   // link-local: clouds' metadata
    v4(172, 16, 0, 0, 12),    // private
    v4(192, 0, 0, 0, 24),     // protocol assignments
    v4(192, 0, 2, 0, 24),     // documentation
    v4(192, 88, 99, 0, 24),   // relays of 6to4
    v4(192, 168, 0, 0, 16),   // private
    v4(198, 18, 0, 0, 15),    // benchmarks
    v4(198, 51, 100, 0, 24),  // documentation
    v4(203, 0, 113, 0, 24),   // documentation
    v4(224, 0, 0, 0, 4),      // multicast
    v4(240, 0, 0, 0, 4),      // reserved, broadcast
];

/// Where all public IPv6 is.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// What of it is not public all the same.
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 0, 23),     // protocol assignments: Teredo, benchmarks, ORCHID
    v6(0x2001, 0xdb8, 0, 32), // documentation
    v6(0x2002, 0, 0, 16),     // 6to4: an IPv4 address inside, and relays that are gone
    v6(0x3fff, 0, 0, 20),     // documentation
];

/// IPv4 addresses as IPv6 ones: mapped by the system, and translated by a network (RFC 6052).
const EMBEDDING: [Ipv6Net; 2] =
    [Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), v6(0x64, 0xff9b, 0, 96)];

/// Whether an address is one of the public internet, which anybody can reach from anywhere.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) if EMBEDDING.iter().any(|network| network.contains(&address)) => {
            let [.., a, b, c, d] = address.octets();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address)
                && !SPECIAL_V6.iter().any(|network| network.contains(&address))
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_not_the_public_internet_is_not_reached() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:8.8.8.8",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn the_public_internet_is() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "93.184.216.34",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
        ] {
            assert!(is_public(address(text)), "{text}");
        }
    }

    #[test]
    fn kubernetes_lets_nothing_through_that_is_refused_here() {
        let policies = include_str!("../../../../k8s/base/network-policies.yaml");
        let policy = policies.split("---").find(|policy| policy.contains("hubbub-web")).unwrap();
        let v4 = SPECIAL_V4.iter().map(ToString::to_string);
        for network in v4.chain(SPECIAL_V6.iter().map(ToString::to_string)) {
            assert!(policy.contains(&format!("- {network}\n")), "{network}");
        }
    }

    #[test]
    fn further_networks_are_those_that_are_named() {
        let networks = Networks::parse("10.1.0.0/16, fd00:1::/32,127.0.0.1").unwrap();
        for within in ["10.1.2.3", "::ffff:10.1.2.3", "fd00:1::7", "127.0.0.1"] {
            assert!(networks.contain(address(within)), "{within}");
        }
        for outside in ["10.2.0.1", "fd00:2::1", "127.0.0.2", "8.8.8.8"] {
            assert!(!networks.contain(address(outside)), "{outside}");
        }
        assert_eq!(Networks::parse(" ,"), Ok(Networks::default()));
        for bad in ["10.1.0.0/33", "intranet", "10.1", "10.1.0.0-10.2.0.0"] {
            assert!(Networks::parse(bad).unwrap_err().contains(bad), "{bad}");
        }
    }
}
