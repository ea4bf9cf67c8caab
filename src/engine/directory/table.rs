//! The rows of all users in one process. Each partition has a lock that is held for one step.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use stagedoor_proto::SessionId;

use super::rows::UserRows;
use super::{Claim, Claimed, DirectoryKey, Move, Moved, Prepare, Prepared, Restore, SessionRow};
use crate::clock::Clock;
use crate::room::NodeEpoch;
use crate::sync::{Mutex, Rank};

/// Number of partitions, each with a lock.
const PARTITIONS: usize = 256;
/// Number of partitions that one call of [`Table::remove_idle`] visits.
const PARTITIONS_PER_CLEANING: usize = 8;

/// The directory of an engine in one process.
pub(in crate::engine) struct Table {
    partitions: Box<[Mutex<HashMap<DirectoryKey, UserRows>>]>,
    /// The last fence of any user. Fences are never reused, even for a user whose rows were removed in the
    /// meantime.
    fences: AtomicU64,
    /// The next partition to clean.
    next_cleaned: AtomicUsize,
    clock: Clock,
}

impl Table {
    pub(in crate::engine) fn new(clock: Clock) -> Self {
        let partitions =
            (0..PARTITIONS).map(|_| Mutex::new(Rank::Directory, HashMap::new())).collect();
        let (fences, next_cleaned) = (AtomicU64::new(0), AtomicUsize::new(0));
        Self { partitions, fences, next_cleaned, clock }
    }

    pub(in crate::engine) fn prepare(&self, prepare: &Prepare) -> Prepared {
        self.rows_or_new(prepare.user, |rows, now| rows.prepare(prepare, now))
    }

    pub(in crate::engine) fn claim(&self, claim: Claim, node: NodeEpoch) -> Claimed {
        self.rows_of(claim.key, |rows, now| rows.claim(claim, node, now)).unwrap_or(Claimed::Fenced)
    }

    pub(in crate::engine) fn fence(&self, user: DirectoryKey) -> Vec<SessionRow> {
        let fence = self.next_fence();
        self.rows_of(user, |rows, _| rows.fence(fence)).unwrap_or_default()
    }

    pub(in crate::engine) fn rows(&self, user: DirectoryKey) -> Vec<SessionRow> {
        self.rows_of(user, |rows, _| rows.shown()).unwrap_or_default()
    }

    pub(in crate::engine) fn release(
        &self,
        user: DirectoryKey,
        session: SessionId,
        node: NodeEpoch,
    ) -> bool {
        self.rows_of(user, |rows, now| rows.release(session, node, now)).unwrap_or(false)
    }

    pub(in crate::engine) fn suspend(
        &self,
        user: DirectoryKey,
        session: SessionId,
        generation: u64,
        node: NodeEpoch,
    ) -> bool {
        self.rows_of(user, |rows, _| rows.suspend(session, generation, node)).unwrap_or(false)
    }

    pub(in crate::engine) fn move_here(&self, to: &Move, node: NodeEpoch) -> Moved {
        self.rows_of(to.user, |rows, now| rows.move_here(to, node, now)).unwrap_or(Moved::Denied)
    }

    pub(in crate::engine) fn restore(&self, rows: Vec<Restore>, node: NodeEpoch) {
        for row in rows {
            let key = DirectoryKey::of(&row.user);
            self.rows_or_new(key, |rows, _| rows.restore(row, node));
        }
    }

    /// Removes users without rows, in some of the partitions.
    pub(in crate::engine) fn remove_idle(&self) {
        let now = self.clock.micros();
        let first = self.next_cleaned.fetch_add(PARTITIONS_PER_CLEANING, Ordering::Relaxed);
        for index in first..first.wrapping_add(PARTITIONS_PER_CLEANING) {
            let mut users = self.partitions[index % PARTITIONS].lock();
            users.retain(|_, rows| !rows.is_idle(now));
        }
    }

    fn next_fence(&self) -> u64 {
        self.fences.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn rows_of<T>(
        &self,
        key: DirectoryKey,
        step: impl FnOnce(&mut UserRows, u64) -> T,
    ) -> Option<T> {
        let now = self.clock.micros();
        let mut users = self.partitions[key.partition(PARTITIONS)].lock();
        users.get_mut(&key).map(|rows| step(rows, now))
    }

    fn rows_or_new<T>(&self, key: DirectoryKey, step: impl FnOnce(&mut UserRows, u64) -> T) -> T {
        let now = self.clock.micros();
        let mut users = self.partitions[key.partition(PARTITIONS)].lock();
        let rows = users.entry(key).or_insert_with(|| UserRows::new(self.next_fence()));
        step(rows, now)
    }
}
