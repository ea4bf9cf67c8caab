//! `[listen]`: addresses, certificates, trusted proxies and allowed origins.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::network::Network;
use super::tls::{RawTls, Tls};
use super::value;
use super::violation::RuleViolation;

/// Default port of `listen`.
const PORT: u16 = 7080;
/// Default port of `admin_listen`.
const ADMIN_PORT: u16 = 7081;

/// Addresses, certificates, trusted proxies and allowed origins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// Address that clients connect to.
    #[serde(deserialize_with = "value::address")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Address of the server API and of `/metrics`. In development mode `listen` serves them too.
    #[serde(deserialize_with = "admin_address")]
    #[schemars(with = "String")]
    pub admin_listen: Option<SocketAddr>,
    /// TLS certificate of `listen`. Without one the port serves plain HTTP.
    #[schemars(with = "Option<RawTls>")]
    pub tls: Option<Tls>,
    /// TLS certificate of `admin_listen`. Without one the port serves plain HTTP.
    #[schemars(with = "Option<RawTls>")]
    pub admin_tls: Option<Tls>,
    /// Proxies whose forwarding header is trusted: addresses or networks such as `10.0.0.0/8`.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<Network>,
    /// The forwarding header that trusted proxies write. A proxy must replace the client's header or append to it.
    pub forwarded_header: ForwardedHeader,
    /// Origins of pages that may connect, exactly as browsers send them. The first label may be `*`, as in
    /// `https://*.preview.example.com`. Requests without an `Origin` are accepted.
    #[serde(deserialize_with = "value::origins")]
    pub allowed_origins: Vec<String>,
    /// Whether pages with the origin `null` may connect. Development mode only: any site can send it.
    #[serde(skip)]
    pub allow_null_origin: bool,
    /// Names under which `/metrics` and the API's document are served, besides `localhost` and addresses.
    #[serde(deserialize_with = "value::host_names")]
    pub admin_hosts: Vec<String>,
}

/// The header in which a proxy names the address of its client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// Addresses separated by commas.
    #[default]
    XForwardedFor,
    /// As in RFC 7239.
    Forwarded,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            listen: loopback(PORT),
            admin_listen: Some(loopback(ADMIN_PORT)),
            tls: None,
            admin_tls: None,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::default(),
            allowed_origins: Vec::new(),
            allow_null_origin: false,
            admin_hosts: Vec::new(),
        }
    }
}

impl Listen {
    /// Development mode: one port serves everything, and pages loaded from it may connect.
    pub(super) fn dev(listen: Option<SocketAddr>) -> Self {
        let listen = listen.unwrap_or(loopback(PORT));
        Self { listen, admin_listen: None, ..Self::default() }
    }

    /// The address that `listen` and `admin_listen` cannot both listen on.
    #[must_use]
    pub fn shared_address(&self) -> Option<SocketAddr> {
        self.admin_listen.filter(|admin| {
            let is_any_port = admin.port() == 0; // The system picks another one for each.
            let (one, other) = (self.listen.ip().to_canonical(), admin.ip().to_canonical());
            // `[::]` also takes connections to addresses of version 4.
            let covers =
                |all: IpAddr, one: IpAddr| all.is_unspecified() && (all.is_ipv6() || one.is_ipv4());
            let overlap = one == other || covers(one, other) || covers(other, one);
            !is_any_port && admin.port() == self.listen.port() && overlap
        })
    }

    pub(super) fn violation(&self) -> Option<RuleViolation> {
        let admin = self.shared_address()?;
        let found = format!("{admin} where listen is {}", self.listen);
        let violation = RuleViolation::new("admin_listen", found, "another address or port");
        Some(violation.with_inputs(["listen"]))
    }

    /// Whether the forwarding header of `peer` is trusted.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(peer))
    }
}

fn admin_address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    value::address(deserializer).map(Some)
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_that_overlap_share_an_address() {
        for (listen, admin, is_shared) in [
            ("127.0.0.1:1", "127.0.0.1:1", true),
            ("0.0.0.0:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "0.0.0.0:1", true),
            ("[::]:1", "127.0.0.1:1", true),
            ("[::1]:1", "[::]:1", true),
            ("[::ffff:127.0.0.1]:1", "127.0.0.1:1", true),
            ("127.0.0.1:1", "127.0.0.1:2", false),
            ("127.0.0.1:1", "127.0.0.2:1", false),
            ("[::1]:1", "127.0.0.1:1", false),
            ("0.0.0.0:1", "[::1]:1", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ] {
            let (listen, admin) = (listen.parse().unwrap(), admin.parse().unwrap());
            let listen = Listen { listen, admin_listen: Some(admin), ..Listen::default() };
            let found = listen.shared_address();
            assert_eq!(found, is_shared.then_some(admin), "{} and {admin}", listen.listen);
        }
    }
}
