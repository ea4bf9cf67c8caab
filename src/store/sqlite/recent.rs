//! The rows of recent starts and checks. A check that they let pass, and that would write nothing, needs neither the
//! store's thread nor a query: most joins follow a start of the same session.
//!
//! Invariants: rows answer only as long as nothing that their check reads was changed. Each call that changes it first
//! counts the change, on the store's thread. Rows are remembered with the count at which they were read, and after
//! their commit. They never reject: what they do not let pass, the store's thread decides.
//! Not here: the decision (`policy`), and the queries (`admit`).

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stagedoor_proto::{FamilyId, InstanceId, Timestamp};

use crate::store::policy::{self, CheckRows, CheckWrites};
use crate::store::{Check, CheckedUser, UserKey};
use crate::sync::Mutex;

/// Counters of changes of users. Those who share one make each other's rows void.
const COUNTERS: usize = 4096;

/// Tables, each with a lock of its own.
const TABLES: usize = 16;

/// Maximum rows that are remembered, of about 250 bytes each. A full table is emptied.
pub(super) const MAX_ENTRIES: usize = 4096;

/// The rows, shared by the store's thread and the callers of the store.
#[derive(Clone)]
pub(super) struct Recent(Arc<Shared>);

struct Shared {
    /// Changes that may concern any user.
    of_all: AtomicU64,
    /// Changes of single users, by their hash.
    of_users: Box<[AtomicU64]>,
    tables: Box<[Mutex<HashMap<FamilyId, Known>>]>,
    hasher: RandomState,
}

/// The rows of a user on one client instance, as a check reads them.
pub(super) struct Known {
    family: FamilyId,
    /// The hash of the user and the instance.
    owner: u64,
    changes: u64,
    /// When they were read, by the caller's clock.
    at: Timestamp,
    rows: CheckRows,
}

impl Default for Recent {
    fn default() -> Self {
        Self(Arc::new(Shared {
            of_all: AtomicU64::default(),
            of_users: std::iter::repeat_with(AtomicU64::default).take(COUNTERS).collect(),
            tables: std::iter::repeat_with(Mutex::default).take(TABLES).collect(),
            hasher: RandomState::new(),
        }))
    }
}

impl Recent {
    /// Counts a change that may concern any user. Only on the store's thread, before the change.
    pub(super) fn count_change(&self) {
        self.0.of_all.fetch_add(1, Ordering::Release);
    }

    /// Counts a change of a user and its instances. Only on the store's thread, before the change.
    pub(super) fn count_change_of(&self, user: &UserKey) {
        self.0.counter(user).fetch_add(1, Ordering::Release);
    }

    /// Rows to remember once they are committed; `None` if the instance has no valid family. Only on the store's
    /// thread.
    pub(super) fn known(
        &self,
        user: &UserKey,
        instance: &InstanceId,
        at: Timestamp,
        rows: CheckRows,
    ) -> Option<Known> {
        let family = rows.instance.as_ref()?.family?;
        let (owner, changes) = (self.0.owner(user, instance), self.0.changes(user));
        Some(Known { family, owner, changes, at, rows })
    }

    /// Remembers rows whose transaction was committed.
    pub(super) fn remember(&self, known: Known) {
        let mut table = self.0.table(known.family).lock();
        if table.len() >= MAX_ENTRIES / TABLES {
            table.clear();
        }
        table.insert(known.family, known);
    }

    /// The result of a check that passes and writes nothing. `None`: the store's thread must decide.
    pub(super) fn check(&self, check: &Check) -> Option<CheckedUser> {
        let (owner, changes) =
            (self.0.owner(&check.user, &check.instance), self.0.changes(&check.user));
        let table = self.0.table(check.family).lock();
        // After a step back of the clock, a block that had ended may hold again.
        let is_valid = |known: &&Known| {
            known.owner == owner && known.changes == changes && known.at <= check.now
        };
        let known = table.get(&check.family).filter(is_valid)?;
        match policy::check(check, &known.rows) {
            Ok(CheckWrites { checked, user: None, instance: None }) => Some(checked),
            Ok(_) | Err(_) => None,
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.tables.iter().map(|table| table.lock().len()).sum()
    }
}

impl Shared {
    /// The changes that concern a user. Both counters only increase: equal sums mean that neither changed.
    fn changes(&self, user: &UserKey) -> u64 {
        let of_all = self.of_all.load(Ordering::Acquire);
        of_all.wrapping_add(self.counter(user).load(Ordering::Acquire))
    }

    fn counter(&self, user: &UserKey) -> &AtomicU64 {
        &self.of_users[index(self.hasher.hash_one(user).into(), COUNTERS)]
    }

    fn owner(&self, user: &UserKey, instance: &InstanceId) -> u64 {
        self.hasher.hash_one((user, instance))
    }

    fn table(&self, family: FamilyId) -> &Mutex<HashMap<FamilyId, Known>> {
        // The ids of families are random.
        &self.tables[index(family.bits(), TABLES)]
    }
}

fn index(bits: u128, len: usize) -> usize {
    usize::try_from(bits % len as u128).expect("less than a length")
}
