//! What a room decided and the store did not take: it is tried again with the room's next entry.
//!
//! So a moderator who is told that a command could not be persisted, and sends it again, under the same `ref` or not,
//! gets a good answer only once it is on disk. Changes are remembered by their key, and written as they are by then;
//! rows of the audit log as they were. A removal from the whole app is tried again only for the command that asks for it
//! again: the user may have been unblocked since. Guarded by the room's lock; lost when the room closes, as was logged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stagedoor_proto::{Reason, Timestamp, Username};

use crate::request::RequestId;
use crate::room::{Fact, Room, Subject};
use crate::store::AuditEvent;

/// How many rows of the audit log, and how many removals, a room remembers; the oldest are dropped first.
const MAX_REMEMBERED: usize = 1_024;

/// A user all of whose sessions are to end.
#[derive(Clone)]
pub(super) struct SessionTermination {
    pub(super) username: Username,
    /// Until when the user is blocked from the app, if at all.
    pub(super) until: Option<Timestamp>,
    pub(super) reason: Option<Reason>,
    pub(super) request: Option<RequestId>,
}

/// The writes of a room that failed.
#[derive(Default)]
pub(in crate::hub) struct FailedWrites {
    subjects: BTreeSet<Subject>,
    audit: VecDeque<AuditEvent>,
    /// By the version of the command in the room's log.
    terminations: BTreeMap<u64, SessionTermination>,
}

impl FailedWrites {
    /// Takes out what is to be tried again: changes as the room has them now, and rows.
    pub(super) fn take(&mut self, room: &Room) -> (Vec<Fact>, Vec<AuditEvent>) {
        let facts = room.facts_of(&std::mem::take(&mut self.subjects));
        (facts, std::mem::take(&mut self.audit).into())
    }

    /// Takes out the removal of the command of this version, for it is asked for again.
    pub(super) fn take_termination(&mut self, version: u64) -> Option<SessionTermination> {
        self.terminations.remove(&version)
    }

    /// Changes of these were not persisted.
    pub(super) fn queue_facts(&mut self, subjects: BTreeSet<Subject>) {
        self.subjects.extend(subjects);
    }

    /// These rows were not persisted.
    pub(super) fn queue_audit(&mut self, rows: Vec<AuditEvent>) {
        self.audit.extend(rows);
        let excess = self.audit.len().saturating_sub(MAX_REMEMBERED);
        self.audit.drain(..excess);
    }

    /// The removal of the command of this version was not persisted.
    pub(super) fn queue_termination(&mut self, version: u64, termination: SessionTermination) {
        self.terminations.insert(version, termination);
        if self.terminations.len() > MAX_REMEMBERED {
            self.terminations.pop_first();
        }
    }
}
