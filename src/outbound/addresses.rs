//! The network addresses that outbound calls may reach.
//!
//! Invariant: the resolver returns only checked addresses, and the client connects to these. A second DNS answer cannot
//! redirect a call (DNS rebinding).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Addresses that a call may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// The public Internet: no loopback, private, link-local or reserved address.
    Public,
    Any,
}

impl Network {
    /// `Any` if private addresses are allowed, otherwise `Public`.
    #[must_use]
    pub const fn allowing_private(is_allowed: bool) -> Self {
        if is_allowed { Self::Any } else { Self::Public }
    }

    fn includes(self, address: IpAddr) -> bool {
        self == Self::Any || is_public(address)
    }

    /// Whether the URL's host is a name or a permitted address. Names are checked when they are resolved.
    #[must_use]
    pub fn includes_literal(self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        literal.map_or(true, |address| self.includes(address))
    }
}

impl Resolve for Network {
    fn resolve(&self, name: Name) -> Resolving {
        let network = *self;
        Box::pin(async move {
            // The caller sets the port.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| network.includes(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NoPermittedAddress.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The resolver found no permitted address.
#[derive(Debug, thiserror::Error)]
#[error("host has no permitted address; set `allow_private = true` to allow private addresses")]
pub(super) struct NoPermittedAddress;

/// Whether an address is a public Internet address.
///
/// # Source
/// IANA's registries of special-purpose addresses (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0 // this network
        || address.is_private()
        || (a == 100 && b & 0xc0 == 64) // carriers' own
        || address.is_loopback()
        || address.is_link_local()
        || (a == 192 && b == 0 && c == 0) // protocols
        || address.is_documentation()
        || (a == 192 && b == 88 && c == 99) // former relays
        || (a == 198 && b & 0xfe == 18) // benchmarks
        || a >= 224) // multicast, reserved, broadcast
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded =
        |high: u16, low: u16| is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match segments {
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low), // IPv4, mapped
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low), // IPv4, translated
        [0x2001, 0x0db8 | 0..=0x01ff, ..] => false,                // documentation, protocols
        [0x2002, high, low, ..] => embedded(high, low),            // IPv4, relayed
        [0x3fff, 0..=0x0fff, ..] => false,                         // documentation
        [first, ..] => first & 0xe000 == 0x2000,                   // all that is given out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_internet_addresses_are_public() {
        for (address, expected) in [
            ("1.1.1.1", true),
            ("0.0.0.0", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("127.0.0.1", false),
            ("127.255.255.255", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("192.0.0.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:1.1.1.1", true),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::101:101", true),
            ("64:ff9b:1::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("2002:101:101::", true),
            ("fc00::1", false),
            ("fd12::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn address_literals_are_checked_in_every_notation() {
        for (url, expected) in [
            ("https://example.com/", true),
            ("https://1.1.1.1/", true),
            ("https://127.0.0.1/", false),
            ("https://2130706433/", false),
            ("https://0x7f.1/", false),
            ("https://017700000001/", false),
            ("https://[::1]/", false),
            ("https://[::ffff:10.0.0.1]/", false),
            ("https://[2606:4700::1111]/", true),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(Network::Public.includes_literal(&url), expected, "{url}");
            assert!(Network::Any.includes_literal(&url), "{url}");
        }
    }

    #[tokio::test]
    async fn local_names_resolve_only_when_private_is_allowed() {
        let resolve = |network: Network| network.resolve("localhost".parse().unwrap());
        let refused = resolve(Network::Public).await.err().expect("it is loopback").to_string();
        assert!(refused.contains("allow_private"), "{refused}");
        assert!(resolve(Network::Any).await.unwrap().all(|address| address.ip().is_loopback()));
    }
}
