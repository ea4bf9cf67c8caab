//! The rows of recent starts and checks. A check that they let pass, and that would write nothing, needs neither the
//! store's thread nor a query: most joins follow a start of the same session.
//!
//! Invariants: rows answer only as long as nothing that their check reads was changed. Each call that changes it first
//! counts the change, on the store's thread. Rows are remembered with the count at which they were read, and after
//! their commit. They never reject: what they do not let pass, the store's thread decides.
//! Not here: the decision (`policy`), and the queries (`admit`, `check`).

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stagedoor_proto::{FamilyId, InstanceId, Timestamp};

use crate::store::policy::{self, CheckRows, CheckWrites, CheckedInstance};
use crate::store::{Check, CheckedUser, UserKey};
use crate::sync::Mutex;

/// Counters of changes of users. Those who share one make each other's rows void.
const COUNTERS: usize = 4096;

/// Tables, each with a lock of its own.
const TABLES: usize = 16;

/// Maximum rows that are remembered, of about 130 bytes each. A full table is emptied.
pub(super) const MAX_ENTRIES: usize = 16_384;

/// The rows, shared by the store's thread and the callers of the store.
#[derive(Clone)]
pub(super) struct Recent(Arc<Shared>);

struct Shared {
    /// Changes that may concern any user.
    of_all: AtomicU64,
    /// Changes of single users, by their hash.
    of_users: Box<[AtomicU64]>,
    tables: Box<[Mutex<HashMap<FamilyId, Rows>>]>,
    hasher: RandomState,
}

/// Rows to remember once their transaction is committed.
pub(super) struct Known {
    family: FamilyId,
    rows: Rows,
}

/// What a check reads of a user on one client instance with a valid family: [`CheckRows`] of a user who is neither
/// deleted nor blocked.
struct Rows {
    /// The hash of the user and the instance.
    owner: u64,
    changes: u64,
    /// When they were read, by the caller's clock.
    at: Timestamp,
    is_registered: bool,
    seen: Option<Timestamp>,
    revoked: Option<Timestamp>,
    app_revoked: Option<Timestamp>,
    address: Option<IpAddr>,
    instance_seen: Timestamp,
}

impl Rows {
    fn to_check(&self, family: FamilyId) -> CheckRows {
        CheckRows {
            is_registered: self.is_registered,
            seen: self.seen,
            revoked: self.revoked,
            is_deleted: false,
            instance: Some(CheckedInstance {
                family: Some(family),
                address: self.address,
                seen: self.instance_seen,
            }),
            blocks: Vec::new(),
            app_revoked: self.app_revoked,
        }
    }
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

    /// Rows to remember once they are committed; `None` if no check would pass. Only on the store's thread.
    pub(super) fn known(
        &self,
        user: &UserKey,
        instance: &InstanceId,
        at: Timestamp,
        rows: CheckRows,
    ) -> Option<Known> {
        let CheckRows {
            is_registered,
            seen,
            revoked,
            is_deleted,
            instance: row,
            blocks,
            app_revoked,
        } = rows;
        let CheckedInstance { family, address, seen: instance_seen } = row?;
        if is_deleted || !blocks.is_empty() {
            return None;
        }
        let rows = Rows {
            owner: self.0.owner(user, instance),
            changes: self.0.changes(user),
            at,
            is_registered,
            seen,
            revoked,
            app_revoked,
            address,
            instance_seen,
        };
        Some(Known { family: family?, rows })
    }

    /// Remembers rows whose transaction was committed.
    pub(super) fn remember(&self, Known { family, rows }: Known) {
        let mut table = self.0.table(family).lock();
        if table.len() >= MAX_ENTRIES / TABLES {
            table.clear();
        }
        table.insert(family, rows);
    }

    /// The result of a check that passes and writes nothing. `None`: the store's thread must decide.
    pub(super) fn check(&self, check: &Check) -> Option<CheckedUser> {
        let (owner, changes) =
            (self.0.owner(&check.user, &check.instance), self.0.changes(&check.user));
        let table = self.0.table(check.family).lock();
        // After a step back of the clock, a block that had ended may hold again.
        let is_valid =
            |rows: &&Rows| rows.owner == owner && rows.changes == changes && rows.at <= check.now;
        let rows = table.get(&check.family).filter(is_valid)?.to_check(check.family);
        drop(table);
        match policy::check(check, &rows) {
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

    fn table(&self, family: FamilyId) -> &Mutex<HashMap<FamilyId, Rows>> {
        // The ids of families are random.
        &self.tables[index(family.bits(), TABLES)]
    }
}

fn index(bits: u128, len: usize) -> usize {
    usize::try_from(bits % len as u128).expect("less than a length")
}
