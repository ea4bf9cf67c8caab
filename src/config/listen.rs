//! `[listen]`: where the gateway listens, with which certificates, behind whom, and which pages may connect.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::network::Network;
use super::tls::{RawTls, Tls};
use super::value;

/// The port clients connect to when none is set.
const PORT: u16 = 7080;
/// The port of the server API when none is set.
const ADMIN_PORT: u16 = 7081;

/// Addresses, certificates, proxies and origins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// Where clients connect.
    #[serde(deserialize_with = "value::address")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Where the server API listens; `None` in development mode, where `listen` serves it too.
    #[serde(deserialize_with = "admin_address")]
    #[schemars(with = "String")]
    pub admin_listen: Option<SocketAddr>,
    /// The certificate of `listen`; without one it speaks plain HTTP.
    #[schemars(with = "Option<RawTls>")]
    pub tls: Option<Tls>,
    /// The certificate of `admin_listen`; without one it speaks plain HTTP.
    #[schemars(with = "Option<RawTls>")]
    pub admin_tls: Option<Tls>,
    /// Who may say, in a header, whom they connect for.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<Network>,
    /// The one header they say it in; they must replace or append to what a client sent.
    pub forwarded_header: ForwardedHeader,
    /// The origins whose pages may connect, compared byte for byte.
    #[serde(deserialize_with = "value::origins")]
    pub allowed_origins: Vec<String>,
}

/// The header in which proxies say whom they connect for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    /// The common one: addresses with commas between them.
    #[default]
    XForwardedFor,
    /// The standard one. Source: RFC 7239.
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
        }
    }
}

impl Listen {
    /// One port for all; pages that were loaded from it may connect.
    pub(super) fn dev(listen: Option<SocketAddr>) -> Self {
        let listen = listen.unwrap_or(loopback(PORT));
        let names = [listen.ip().to_string(), "localhost".to_owned()];
        let origin = |name: &String| format!("http://{name}:{}", listen.port());
        let allowed_origins = names.iter().map(origin).collect();
        Self { listen, admin_listen: None, allowed_origins, ..Self::default() }
    }

    /// Whether `peer` may say whom it connects for.
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
