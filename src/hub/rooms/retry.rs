//! Retries of failed writes of a room, with the room's next entry or after some seconds.
//!
//! A moderator who repeats a command that could not be persisted, with the same `ref`, gets a successful reply only
//! once it is on disk. Failed changes are queued by key and written with their current value;
//! audit rows are written unchanged. A failed block or unblock from the app is retried only when its command is
//! repeated, because the user may have been unblocked or blocked since. Guarded by the room's lock. Failed writes are
//! lost when the room closes, which was logged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stagedoor_proto::Username;

use crate::room::{DurableChange, DurableKey, RemovedUser, Room};
use crate::store::AuditEvent;

/// Maximum number of failed audit rows, and of failed removals, per room; the oldest are dropped first.
const MAX_FAILED_WRITES: usize = 1_024;

/// The failed writes of a room.
#[derive(Default)]
pub(in crate::hub) struct FailedWrites {
    subjects: BTreeSet<DurableKey>,
    audit: VecDeque<AuditEvent>,
    /// The versions of the commands that are durable once these changes are written.
    commands: BTreeSet<u64>,
    /// By the version of the command in the room's log.
    blocks: BTreeMap<u64, BlockChange>,
}

/// A change of a user's block from the app, by a moderator.
#[derive(Clone)]
pub(super) enum BlockChange {
    Block(RemovedUser),
    Unblock(Username),
}

impl FailedWrites {
    pub(super) fn is_empty(&self) -> bool {
        self.subjects.is_empty()
            && self.audit.is_empty()
            && self.commands.is_empty()
            && self.blocks.is_empty()
    }

    /// Takes the failed writes for a retry: changes with their current value, audit rows, and commands.
    pub(super) fn take(
        &mut self,
        room: &Room,
    ) -> (Vec<DurableChange>, Vec<AuditEvent>, BTreeSet<u64>) {
        let changes = room.durable_changes(&std::mem::take(&mut self.subjects));
        (changes, std::mem::take(&mut self.audit).into(), std::mem::take(&mut self.commands))
    }

    /// Whether the block or unblock of the command with this version failed.
    pub(super) fn has_block(&self, version: u64) -> bool {
        self.blocks.contains_key(&version)
    }

    /// Takes the failed block or unblock of the command with this version, because the command was repeated.
    pub(super) fn take_block(&mut self, version: u64) -> Option<BlockChange> {
        self.blocks.remove(&version)
    }

    /// Queues changes for a retry.
    pub(super) fn queue_facts(&mut self, subjects: BTreeSet<DurableKey>) {
        self.subjects.extend(subjects);
    }

    /// Queues commands whose changes are not written.
    pub(super) fn queue_commands(&mut self, commands: BTreeSet<u64>) {
        self.commands.extend(commands);
        while self.commands.len() > MAX_FAILED_WRITES {
            self.commands.pop_first();
        }
    }

    /// Queues audit rows for a retry.
    pub(super) fn queue_audit(&mut self, rows: Vec<AuditEvent>) {
        self.audit.extend(rows);
        let excess = self.audit.len().saturating_sub(MAX_FAILED_WRITES);
        self.audit.drain(..excess);
    }

    /// Queues the block or unblock of the command with this version for a retry.
    pub(super) fn queue_block(&mut self, version: u64, change: BlockChange) {
        self.blocks.insert(version, change);
        if self.blocks.len() > MAX_FAILED_WRITES {
            self.blocks.pop_first();
        }
    }
}
