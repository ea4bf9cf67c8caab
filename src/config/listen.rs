//! `[listen]`: where the gateway listens, and which pages may connect.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Deserializer};

use super::value;

/// The port clients connect to when none is set.
const PORT: u16 = 7080;
/// The port of the server API when none is set.
const ADMIN_PORT: u16 = 7081;

/// Addresses and origins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// Where clients connect.
    #[serde(deserialize_with = "value::address")]
    pub listen: SocketAddr,
    /// Where the server API listens; `None` in development mode, where `listen` serves it too.
    #[serde(deserialize_with = "admin_address")]
    pub admin_listen: Option<SocketAddr>,
    /// The origins whose pages may connect, compared byte for byte.
    #[serde(deserialize_with = "value::origins")]
    pub allowed_origins: Vec<String>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            listen: loopback(PORT),
            admin_listen: Some(loopback(ADMIN_PORT)),
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
        Self { listen, admin_listen: None, allowed_origins: names.iter().map(origin).collect() }
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
