//! Memory of messages that are being received, by connection.

use std::net::IpAddr;
use std::sync::Arc;

use super::counts::{AddressCounts, Capacity};
use crate::config::Limits;

/// One address may hold one part of this many. Without it, one client could hold all memory with unfinished messages,
/// of which it sends a few bytes each.
const ADDRESS_PARTS: usize = 4;

/// The memory of the message that one connection is receiving. Dropping it releases the memory.
pub struct MessageShare {
    counts: Arc<AddressCounts>,
    address: IpAddr,
    /// Counted so far.
    bytes: usize,
    capacity: Capacity,
}

impl MessageShare {
    /// A share of its own, for tests of what holds it.
    #[cfg(test)]
    #[must_use]
    pub fn alone() -> Self {
        let address = std::net::Ipv4Addr::LOCALHOST.into();
        Self::new(Arc::default(), address, true, &Limits::default())
    }

    /// The share of a connection without a message. Of an exempt address only the total is limited.
    pub(super) fn new(
        counts: Arc<AddressCounts>,
        address: IpAddr,
        is_exempt: bool,
        limits: &Limits,
    ) -> Self {
        let total = limits.messages_in_bytes_total;
        let max_message = limits.message_in_bytes + limits.auth_params_bytes;
        // One message is within it in any case.
        let part = (total / ADDRESS_PARTS).max(max_message);
        let per_address = if is_exempt { usize::MAX } else { part };
        let capacity = Capacity { total, per_address, ..Capacity::UNLIMITED };
        Self { counts, address, bytes: 0, capacity }
    }

    /// Reserves memory for a message of `bytes` instead of what was reserved before; `false` if there is not enough, of
    /// all connections or of those of the address.
    pub fn reserve(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes {
            if self.counts.add(self.address, bytes - self.bytes, self.capacity).is_err() {
                return false;
            }
        } else if bytes < self.bytes {
            self.counts.release(self.address, self.bytes - bytes);
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for MessageShare {
    fn drop(&mut self) {
        self.reserve(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(counts: &Arc<AddressCounts>, address: &str) -> MessageShare {
        let limits = Limits {
            message_in_bytes: 200,
            auth_params_bytes: 100,
            messages_in_bytes_total: 1_000,
            ..Limits::default()
        };
        let address: IpAddr = address.parse().unwrap();
        MessageShare::new(Arc::clone(counts), address, address.is_loopback(), &limits)
    }

    #[test]
    fn an_address_holds_one_message_or_a_quarter() {
        let counts = Arc::default();
        let [mut one, mut two] = ["2001:db8::1", "2001:db8::2"].map(|text| share(&counts, text));
        assert!(one.reserve(300), "more than a quarter, but one message");
        assert!(!two.reserve(1), "another connection of the same network");
        assert!(share(&counts, "192.0.2.1").reserve(300), "another address");
        assert!(one.reserve(100));
        assert!(two.reserve(200));
        assert!(!two.reserve(201), "a message that grows");
        drop(one);
        assert!(two.reserve(300));
    }

    #[test]
    fn all_addresses_share_a_total() {
        let counts = Arc::default();
        let addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
        let mut shares = addresses.map(|text| share(&counts, text));
        assert!(shares[..3].iter_mut().all(|share| share.reserve(300)));
        assert!(!shares[3].reserve(101));
        assert!(shares[3].reserve(100));
        let mut exempt = share(&counts, "127.0.0.1");
        assert!(!exempt.reserve(1), "the total holds for every address");
        assert_eq!(counts.total(), 1_000, "a rejected message is not counted");
        drop(shares);
        assert!(exempt.reserve(1_000), "an exempt address may hold the total");
        drop(exempt);
        assert_eq!(counts.total(), 0);
    }
}
