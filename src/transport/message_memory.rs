//! The memory of messages that are being received: of all connections, and of each address.

use std::net::IpAddr;
use std::sync::Arc;

use dashmap::DashMap;

use crate::address::network;
use crate::telemetry::Metrics;

/// The part of all memory that one address may hold: a quarter. Otherwise a client could use up that of all others with
/// messages that it begins and never ends, which costs it a few bytes each.
const ADDRESS_PART: u64 = 4;

/// Counts the bytes of messages that a node is receiving.
pub struct MessageMemory {
    /// Counts the bytes of all messages, in `incomplete_messages`.
    metrics: Arc<Metrics>,
    /// By [`network`]. An entry's lock is held for one update. An address without a message has no entry.
    by_address: DashMap<IpAddr, u64>,
}

/// The bytes of the message that one connection is receiving. Dropping it releases them.
pub struct MessageShare {
    memory: Arc<MessageMemory>,
    /// The network whose part they are of; `None`: only the total is limited.
    address: Option<IpAddr>,
    bytes: u64,
}

impl MessageMemory {
    /// The memory of a node, without messages.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, by_address: DashMap::new() }
    }

    /// Returns the bytes of all messages, and those of the address.
    fn add(&self, address: Option<IpAddr>, bytes: u64) -> (u64, u64) {
        let added = bytes.cast_signed();
        let total = self.metrics.incomplete_messages.inc_by(added).saturating_add(added);
        let of_address = address.map_or(0, |address| {
            let mut count = self.by_address.entry(address).or_default();
            *count += bytes;
            *count
        });
        (total.cast_unsigned(), of_address)
    }

    fn release(&self, address: Option<IpAddr>, bytes: u64) {
        self.metrics.incomplete_messages.dec_by(bytes.cast_signed());
        if let Some(address) = address {
            self.by_address.remove_if_mut(&address, |_, count| {
                *count -= bytes;
                *count == 0
            });
        }
    }
}

impl MessageShare {
    /// The share of a connection, without a message. `address`: of its client, unless none of its limits apply.
    #[must_use]
    pub fn new(memory: Arc<MessageMemory>, address: Option<IpAddr>) -> Self {
        Self { memory, address: address.map(network), bytes: 0 }
    }

    /// Sets the share to `bytes`, unless all connections would hold more than `max_total`, or those of the address more
    /// than its part. One message of up to `max_message` bytes is within that part in any case.
    pub(super) fn set(&mut self, bytes: u64, max_message: u64, max_total: u64) -> bool {
        if bytes <= self.bytes {
            if bytes < self.bytes {
                self.memory.release(self.address, self.bytes - bytes);
                self.bytes = bytes;
            }
            return true;
        }
        // Counted first and checked then, so that racing connections never exceed a maximum.
        let more = bytes - self.bytes;
        let (total, of_address) = self.memory.add(self.address, more);
        let max_of_address = (max_total / ADDRESS_PART).max(max_message);
        let is_within = total <= max_total && of_address <= max_of_address;
        if is_within {
            self.bytes = bytes;
        } else {
            self.memory.release(self.address, more);
        }
        is_within
    }
}

impl Drop for MessageShare {
    fn drop(&mut self) {
        self.memory.release(self.address, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_MESSAGE: u64 = 300;
    const MAX_TOTAL: u64 = 1_000;

    fn memory() -> Arc<MessageMemory> {
        Arc::new(MessageMemory::new(Arc::new(Metrics::new())))
    }

    fn share(memory: &Arc<MessageMemory>, address: &str) -> MessageShare {
        MessageShare::new(Arc::clone(memory), Some(address.parse().unwrap()))
    }

    fn set(share: &mut MessageShare, bytes: u64) -> bool {
        share.set(bytes, MAX_MESSAGE, MAX_TOTAL)
    }

    #[test]
    fn an_address_holds_one_message_or_a_quarter() {
        let memory = memory();
        let [mut one, mut two] = ["2001:db8::1", "2001:db8::2"].map(|text| share(&memory, text));
        assert!(set(&mut one, MAX_MESSAGE), "more than a quarter, but one message");
        assert!(!set(&mut two, 1), "another connection of the same network");
        assert!(set(&mut share(&memory, "192.0.2.1"), MAX_MESSAGE), "another address");
        assert!(set(&mut one, 100));
        assert!(set(&mut two, 200));
        assert!(!set(&mut two, 201), "they may grow to the same maximum");
        drop(one);
        assert!(set(&mut two, MAX_MESSAGE));
    }

    #[test]
    fn all_addresses_share_a_total() {
        let memory = memory();
        let addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
        let mut shares = addresses.map(|text| share(&memory, text));
        let [a, b, c, d] = &mut shares;
        assert!([a, b, c].into_iter().all(|share| set(share, MAX_MESSAGE)));
        assert!(!set(d, 101));
        assert!(set(d, 100));
        let mut exempt = MessageShare::new(Arc::clone(&memory), None);
        assert!(!set(&mut exempt, 1), "the total holds for every address");
        assert_eq!(
            memory.metrics.incomplete_messages.get(),
            1_000,
            "a refused message is not held"
        );
        drop(shares);
        assert!(set(&mut exempt, MAX_TOTAL), "no part is its maximum");
        drop(exempt);
        assert_eq!(memory.metrics.incomplete_messages.get(), 0);
        assert!(memory.by_address.is_empty());
    }
}
