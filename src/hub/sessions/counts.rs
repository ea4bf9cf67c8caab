//! Counts with a maximum in total and for each address: sessions, connections, and bytes of messages are counted alike.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::address::network;

/// Counts by [`network`], and their total.
#[derive(Default)]
pub(super) struct AddressCounts {
    total: AtomicUsize,
    /// An entry's lock is held for one update. An address without a count has no entry.
    by_address: DashMap<IpAddr, usize>,
}

/// The maxima for a count of one address.
#[derive(Clone, Copy)]
pub(in crate::hub) struct Capacity {
    pub(super) total: usize,
    pub(super) per_address: usize,
    /// Of guest names that suspended sessions of one address hold.
    pub(super) names: usize,
}

/// The maximum that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum LimitExceeded {
    Total,
    Address,
    Names,
}

impl Capacity {
    pub(in crate::hub) const UNLIMITED: Self =
        Self { total: usize::MAX, per_address: usize::MAX, names: usize::MAX };
}

impl AddressCounts {
    /// Counts `amount` more. Of an error nothing is counted.
    ///
    /// Racing calls never exceed a maximum together. What exceeds that of its address does not touch the total.
    pub(super) fn add(
        &self,
        address: IpAddr,
        amount: usize,
        capacity: Capacity,
    ) -> Result<(), LimitExceeded> {
        let entry = self.by_address.entry(network(address));
        let of_address = amount
            + match &entry {
                Entry::Occupied(count) => *count.get(),
                Entry::Vacant(_) => 0,
            };
        if of_address > capacity.per_address {
            return Err(LimitExceeded::Address);
        }
        drop(entry.insert(of_address));
        let total = self.total.fetch_add(amount, Ordering::Relaxed) + amount;
        if total > capacity.total {
            self.release(address, amount);
            return Err(LimitExceeded::Total);
        }
        Ok(())
    }

    /// Checks whether one more could be counted.
    pub(super) fn check(&self, address: IpAddr, capacity: Capacity) -> Result<(), LimitExceeded> {
        if self.of(address) >= capacity.per_address {
            Err(LimitExceeded::Address)
        } else if self.total() >= capacity.total {
            Err(LimitExceeded::Total)
        } else {
            Ok(())
        }
    }

    pub(super) fn of(&self, address: IpAddr) -> usize {
        self.by_address.get(&network(address)).map_or(0, |count| *count)
    }

    /// Counts `amount` less.
    pub(super) fn release(&self, address: IpAddr, amount: usize) {
        self.total.fetch_sub(amount, Ordering::Relaxed);
        self.by_address.remove_if_mut(&network(address), |_, count| {
            *count -= amount;
            *count == 0
        });
    }

    pub(super) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }
}
