//! Counts with a maximum in total and for each address: permits of sessions and of connections are counted alike.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;

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

    const fn check(self, total: usize, of_address: usize) -> Result<(), LimitExceeded> {
        if total >= self.total {
            Err(LimitExceeded::Total)
        } else if of_address >= self.per_address {
            Err(LimitExceeded::Address)
        } else {
            Ok(())
        }
    }
}

impl AddressCounts {
    /// Counts one more. The caller releases it once, also after an error.
    ///
    /// Counts first and checks then, so that racing calls never exceed a maximum.
    pub(super) fn add(&self, address: IpAddr, capacity: Capacity) -> Result<(), LimitExceeded> {
        let total = self.total.fetch_add(1, Ordering::Relaxed);
        let of_address = {
            let mut count = self.by_address.entry(network(address)).or_default();
            *count += 1;
            *count - 1
        };
        capacity.check(total, of_address)
    }

    /// Checks whether one more could be counted.
    pub(super) fn check(&self, address: IpAddr, capacity: Capacity) -> Result<(), LimitExceeded> {
        capacity.check(self.total(), self.of(address))
    }

    pub(super) fn of(&self, address: IpAddr) -> usize {
        self.by_address.get(&network(address)).map_or(0, |count| *count)
    }

    pub(super) fn release(&self, address: IpAddr) {
        self.total.fetch_sub(1, Ordering::Relaxed);
        self.by_address.remove_if_mut(&network(address), |_, count| {
            *count -= 1;
            *count == 0
        });
    }

    pub(super) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }
}
