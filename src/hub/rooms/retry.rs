//! What a room decided and the store did not take: it is tried again with the room's next entry.
//!
//! So a moderator who is told that a command could not be persisted, and sends it again, under the same `ref` or not,
//! gets a good answer only once it is on disk. Changes are remembered by their key, and written as they are by then;
//! rows of the audit log as they were. A removal from the whole app is tried again only for the command that asks for it
//! again: the user may have been unblocked since. Guarded by the room's lock; lost when the room closes, as was logged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::room::{DurableChange, DurableKey, RemovedUser, Room};
use crate::store::AuditEvent;

/// How many rows of the audit log, and how many removals, a room remembers; the oldest are dropped first.
const MAX_REMEMBERED: usize = 1_024;

/// The writes of a room that failed.
#[derive(Default)]
pub(in crate::hub) struct FailedWrites {
    subjects: BTreeSet<DurableKey>,
    audit: VecDeque<AuditEvent>,
    /// By the version of the command in the room's log.
    blocks: BTreeMap<u64, RemovedUser>,
}

impl FailedWrites {
    pub(super) fn is_empty(&self) -> bool {
        self.subjects.is_empty() && self.audit.is_empty() && self.blocks.is_empty()
    }

    /// Takes out what is to be tried again: changes as the room has them now, and rows.
    pub(super) fn take(&mut self, room: &Room) -> (Vec<DurableChange>, Vec<AuditEvent>) {
        let changes = room.durable_changes(&std::mem::take(&mut self.subjects));
        (changes, std::mem::take(&mut self.audit).into())
    }

    /// Takes out the block of the command of this version, for it is asked for again.
    pub(super) fn take_block(&mut self, version: u64) -> Option<RemovedUser> {
        self.blocks.remove(&version)
    }

    /// Changes of these were not persisted.
    pub(super) fn queue_facts(&mut self, subjects: BTreeSet<DurableKey>) {
        self.subjects.extend(subjects);
    }

    /// These rows were not persisted.
    pub(super) fn queue_audit(&mut self, rows: Vec<AuditEvent>) {
        self.audit.extend(rows);
        let excess = self.audit.len().saturating_sub(MAX_REMEMBERED);
        self.audit.drain(..excess);
    }

    /// The block from the app of the command of this version was not persisted.
    pub(super) fn queue_block(&mut self, version: u64, user: RemovedUser) {
        self.blocks.insert(version, user);
        if self.blocks.len() > MAX_REMEMBERED {
            self.blocks.pop_first();
        }
    }
}
