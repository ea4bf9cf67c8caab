//! Limits of connections: of those without a session, of starts per address, and of the memory of messages.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::addresses::{Addresses, ConnectionLimitExceeded, ConnectionPermit};
use super::message_share::MessageShare;
use crate::hub::context::Context;
use crate::hub::errors::StartError;
use crate::telemetry::Limit;
use crate::time::Monotonic;

/// Owns the counts per address. The locks of its maps are held for an access; nothing is called under them.
pub struct Connections {
    context: Arc<Context>,
    addresses: Addresses,
    /// Number of connections so far.
    accepted: AtomicU64,
}

impl Connections {
    pub(in crate::hub) fn new(context: Arc<Context>) -> Self {
        Self { context, addresses: Addresses::default(), accepted: AtomicU64::new(0) }
    }

    /// The number of a new connection, which identifies it in the log.
    #[must_use]
    pub fn assign_id(&self) -> u64 {
        self.accepted.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A permit for a connection without a session.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn acquire(&self, address: IpAddr) -> Result<ConnectionPermit, ConnectionLimitExceeded> {
        let permit = self.addresses.acquire(address, &self.context.limits());
        permit.inspect_err(|exceeded| match exceeded {
            ConnectionLimitExceeded::Address(_) => {
                self.context.hit(Limit::PendingConnectionsPerAddress);
            }
            ConnectionLimitExceeded::Total(_) => self.context.hit(Limit::PendingConnections),
        })
    }

    /// A permit for a connection to the server API's own port.
    ///
    /// # Errors
    /// If a limit is reached.
    pub fn acquire_admin(
        &self,
        address: IpAddr,
    ) -> Result<ConnectionPermit, ConnectionLimitExceeded> {
        let permit = self.addresses.acquire_admin(address, &self.context.limits());
        permit.inspect_err(|_| self.context.hit(Limit::AdminConnections))
    }

    /// Counts a start from `address`. Resumes do not count.
    ///
    /// # Errors
    /// The error for the client, if the address started too many sessions.
    pub fn take_start(&self, address: IpAddr) -> Result<(), StartError> {
        let taken = self.addresses.take_start(
            address,
            self.context.clock.monotonic(),
            &self.context.limits(),
        );
        taken.inspect_err(|_| self.context.hit(Limit::StartsPerAddress))
    }

    /// The memory of messages of a new connection.
    #[must_use]
    pub fn message_share(&self, address: IpAddr) -> MessageShare {
        self.addresses.message_share(address, &self.context.limits())
    }

    /// Bytes of all messages that are being received.
    pub(in crate::hub) fn message_bytes(&self) -> usize {
        self.addresses.message_bytes()
    }

    /// Number of connections that have not started a session.
    pub(in crate::hub) fn pending(&self) -> usize {
        self.addresses.pending()
    }

    /// Removes addresses without recent starts.
    pub(in crate::hub) fn sweep(&self, now: Monotonic) {
        self.addresses.sweep(now);
    }
}
