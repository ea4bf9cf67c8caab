//! Limits per address: starts, connections without a session, including HTTP, and memory of messages. Connections to
//! the server API's own port are counted separately, so that neither kind uses up the other's permits.
//! Source: `docs/protocol.md`, "Limits".

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use stagedoor_proto::CloseCode;

use super::counts::{AddressCounts, Capacity, LimitExceeded};
use super::message_share::MessageShare;
use crate::address::network;
use crate::config::Limits;
use crate::hub::errors::StartError;
use crate::rate_limit::{Rate, RateLimiter};
use crate::time::Monotonic;

/// How long a peer without a permit waits before a retry.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Counts per address. The limits are arguments, because a reload may change them.
#[derive(Default)]
pub(super) struct Addresses {
    starts: DashMap<IpAddr, RateLimiter>,
    pending: Arc<PendingConnections>,
    admin: Arc<PendingConnections>,
    /// Bytes of messages that are being received.
    messages: Arc<AddressCounts>,
}

/// Connections that have not started a session.
#[derive(Default)]
struct PendingConnections(AddressCounts);

/// The permit of one connection without a session; dropping it releases it.
pub struct ConnectionPermit {
    connections: Arc<PendingConnections>,
    address: IpAddr,
}

/// Why a connection gets no permit, with the time to wait before a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionLimitExceeded {
    /// The limit per address is reached: HTTP 429.
    Address(Duration),
    /// The limit of all addresses together is reached: HTTP 503.
    Total(Duration),
}

impl Addresses {
    /// Counts a start.
    pub(super) fn take_start(
        &self,
        address: IpAddr,
        now: Monotonic,
        limits: &Limits,
    ) -> Result<(), StartError> {
        if is_exempt(address, limits) {
            return Ok(());
        }
        let per_second = limits.starts_per_s_per_address;
        let rate = Rate::per_second(per_second, per_second);
        let taken = self.starts.entry(network(address)).or_default().take(rate, now);
        taken.map_err(|wait| {
            StartError::new(CloseCode::RateLimited, "too many starts from this address")
                .retry_after(wait)
        })
    }

    /// A permit for one more connection of a client.
    pub(super) fn acquire(
        &self,
        address: IpAddr,
        limits: &Limits,
    ) -> Result<ConnectionPermit, ConnectionLimitExceeded> {
        let exempt = is_exempt(address, limits);
        let per_address = if exempt { usize::MAX } else { limits.pending_connections_per_address };
        let total = limits.pending_connections;
        self.pending.acquire(address, Capacity { total, per_address, ..Capacity::UNLIMITED })
    }

    /// A permit for one more connection to the server API's own port; one backend may have them all.
    pub(super) fn acquire_admin(
        &self,
        address: IpAddr,
        limits: &Limits,
    ) -> Result<ConnectionPermit, ConnectionLimitExceeded> {
        let total = limits.admin_connections;
        self.admin.acquire(address, Capacity { total, ..Capacity::UNLIMITED })
    }

    /// The memory of messages of a new connection.
    pub(super) fn message_share(&self, address: IpAddr, limits: &Limits) -> MessageShare {
        let exempt = is_exempt(address, limits);
        MessageShare::new(Arc::clone(&self.messages), address, exempt, limits)
    }

    /// Bytes of all messages that are being received.
    pub(super) fn message_bytes(&self) -> usize {
        self.messages.total()
    }

    /// Removes addresses without recent starts.
    pub(super) fn sweep(&self, now: Monotonic) {
        self.starts.retain(|_, limiter| !limiter.is_idle(now));
    }

    /// Number of connections that have not started a session.
    pub(super) fn pending(&self) -> usize {
        self.pending.0.total()
    }
}

impl PendingConnections {
    fn acquire(
        self: &Arc<Self>,
        address: IpAddr,
        capacity: Capacity,
    ) -> Result<ConnectionPermit, ConnectionLimitExceeded> {
        match self.0.add(address, 1, capacity) {
            Ok(()) => Ok(ConnectionPermit { connections: Arc::clone(self), address }),
            Err(LimitExceeded::Address | LimitExceeded::Names) => {
                Err(ConnectionLimitExceeded::Address(RETRY_AFTER))
            }
            Err(LimitExceeded::Total) => Err(ConnectionLimitExceeded::Total(RETRY_AFTER)),
        }
    }
}

pub(super) fn is_exempt(address: IpAddr, limits: &Limits) -> bool {
    limits.exempt_loopback && address.is_loopback()
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.connections.0.release(self.address, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_bounded_and_released() {
        let limits = Limits {
            pending_connections_per_address: 2,
            pending_connections: 3,
            ..Limits::default()
        };
        let addresses = Addresses::default();
        let [one, two] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let first = addresses.acquire(one, &limits).unwrap_or_else(|_| panic!("the first"));
        let _second = addresses.acquire(one, &limits).unwrap_or_else(|_| panic!("the second"));
        assert!(matches!(
            addresses.acquire(one, &limits),
            Err(ConnectionLimitExceeded::Address(_))
        ));
        let _third = addresses.acquire(two, &limits).unwrap_or_else(|_| panic!("another address"));
        assert!(matches!(addresses.acquire(two, &limits), Err(ConnectionLimitExceeded::Total(_))));
        drop(first);
        assert!(addresses.acquire(one, &limits).is_ok());
        assert_eq!(addresses.pending(), 2, "a permit is released once");
    }

    #[test]
    fn admin_port_has_separate_permits() {
        let limits = Limits {
            pending_connections_per_address: 1,
            pending_connections: 1,
            admin_connections: 2,
            ..Limits::default()
        };
        let addresses = Addresses::default();
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let _client = addresses.acquire(one, &limits).unwrap_or_else(|_| panic!("a client"));
        let first = addresses.acquire_admin(one, &limits).unwrap_or_else(|_| panic!("the first"));
        let _second =
            addresses.acquire_admin(one, &limits).unwrap_or_else(|_| panic!("the second"));
        assert!(matches!(
            addresses.acquire_admin(one, &limits),
            Err(ConnectionLimitExceeded::Total(_))
        ));
        assert_eq!(addresses.pending(), 1, "pending connections are counted separately");
        drop(first);
        assert!(addresses.acquire_admin(one, &limits).is_ok());
    }

    #[test]
    fn starts_are_counted_by_v6_network_and_resumes_nowhere() {
        let addresses = Addresses::default();
        let limits = Limits { starts_per_s_per_address: 2, ..Limits::default() };
        let now = Monotonic::from_millis(1_000_000);
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(addresses.take_start(at("2001:db8::1"), now, &limits).is_ok());
        assert!(addresses.take_start(at("2001:db8::2"), now, &limits).is_ok());
        let refused =
            addresses.take_start(at("2001:db8::3"), now, &limits).expect_err("the third of a /64");
        assert_eq!(refused.disconnect.code, CloseCode::RateLimited);
        assert!(refused.disconnect.retry_after_ms.is_some());
        assert!(addresses.take_start(at("2001:db8:0:1::1"), now, &limits).is_ok(), "another /64");
        addresses.sweep(now + Duration::from_secs(10));
        assert!(addresses.starts.is_empty());
    }
}
