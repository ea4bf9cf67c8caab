//! Where the load goes: a loopback address, and from which source addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};

/// A server on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The `Host` to ask for.
    pub(crate) host: String,
    /// The path to ask for.
    pub(crate) path: String,
}

impl Target {
    /// Reads the URL of a gateway and refuses what is not on this machine.
    pub(crate) fn parse(url: &str) -> anyhow::Result<Self> {
        Self::of_scheme("ws", url)
    }

    /// The same of the URL of a server API.
    pub(crate) fn parse_http(url: &str) -> anyhow::Result<Self> {
        Self::of_scheme("http", url)
    }

    fn of_scheme(scheme: &str, url: &str) -> anyhow::Result<Self> {
        let rest = url.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
        let Some(rest) = rest else {
            bail!("`{url}`: expected {scheme}://HOST:PORT/PATH");
        };
        let (host, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, "/"),
        };
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        ensure!(plain(host) && plain(path), "`{url}`: a URL is printable ASCII");
        let port_at = host.rfind(':').filter(|at| !host[*at..].contains(']'));
        let full = if port_at.is_some() { host.to_owned() } else { format!("{host}:80") };
        let found: Vec<SocketAddr> = full
            .to_socket_addrs()
            .with_context(|| format!("`{url}`: cannot find {host}"))?
            .collect();
        let remote = found.iter().find(|address| !address.ip().is_loopback());
        if let Some(remote) = remote {
            bail!("`{url}` leads to {}: load goes to loopback addresses only", remote.ip());
        }
        let address = found.iter().find(|address| address.is_ipv4()).or(found.first());
        let address = *address.with_context(|| format!("`{url}`: {host} has no address"))?;
        Ok(Self { address, host: host.to_owned(), path: path.to_owned() })
    }

    /// The URL of this target.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}{}", self.host, self.path)
    }

    /// From which address session `index` of a run comes; `None` leaves it to the system.
    ///
    /// A block of addresses a run, so that ports still in `TIME_WAIT` are no run's business but their own, and within
    /// it by turns, so that no address has many pending connections.
    pub(crate) fn source(&self, run: u32, index: u32, sources: u32) -> Option<IpAddr> {
        match self.address {
            SocketAddr::V6(_) => None,
            SocketAddr::V4(_) => {
                let [high, low, ..] = (index % sources.max(1)).to_le_bytes();
                let run = u8::try_from(run % RUN_BLOCKS).expect("less than 100");
                Some(Ipv4Addr::new(127, FIRST_BLOCK + run, low, high.saturating_add(1)).into())
            }
        }
    }
}

/// How many source addresses a run of `sessions`, `parallel` at a time, is spread over.
pub(crate) fn sources(sessions: u32, parallel: u32) -> u32 {
    sessions.div_ceil(SESSIONS_PER_SOURCE).max(parallel.div_ceil(PARALLEL_PER_SOURCE))
}

/// A tenth of the ports an address usually has.
const SESSIONS_PER_SOURCE: u32 = 2_000;
/// Half the unauthenticated connections a gateway allows an address by default.
const PARALLEL_PER_SOURCE: u32 = 50;
/// 127.10.0.0 and on: away from what else listens on 127.0.0.1.
const FIRST_BLOCK: u8 = 10;
const RUN_BLOCKS: u32 = 100;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn only_loopback_addresses_are_targets() {
        for (url, address) in [
            ("ws://127.0.0.1:7080/v1/connect", "127.0.0.1:7080"),
            ("ws://127.9.0.1", "127.9.0.1:80"),
            ("ws://[::1]:70/x", "[::1]:70"),
        ] {
            assert_eq!(Target::parse(url).unwrap().address.to_string(), address);
        }
        for url in [
            "ws://10.0.0.1:7080/",
            "ws://0.0.0.0:7080/",
            "wss://127.0.0.1/",
            "ws://127.0.0.1:7080/a b",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
        let api = Target::parse_http("http://127.0.0.1:7081").unwrap();
        assert_eq!(api.address.to_string(), "127.0.0.1:7081");
        for url in ["ws://127.0.0.1:7081", "http://10.0.0.1:7081", "https://127.0.0.1:7081"] {
            assert!(Target::parse_http(url).is_err(), "{url}");
        }
    }

    #[test]
    fn sources_are_loopback_and_as_many_as_asked_for() {
        let target = Target::parse("ws://127.0.0.1:1/").unwrap();
        let sources = sources(200_000, 4_096);
        let seen: HashSet<IpAddr> =
            (0..1_000).filter_map(|index| target.source(3, index, sources)).collect();
        assert_eq!(seen.len(), usize::try_from(sources).unwrap());
        assert!(seen.iter().all(IpAddr::is_loopback));
        assert_ne!(target.source(0, 0, 1), target.source(1, 0, 1));
    }
}
