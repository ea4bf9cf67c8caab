//! What a room decided and the store did not take: it is tried again with the room's next entry.
//!
//! So whoever is told that a verb could not be kept, and sends it again, under the same `ref` or not, is answered well
//! only once it is on disk. Facts are owed by what they are about, and told as they are by then; rows of the audit log as
//! they were. A removal from the whole app is tried again for nobody but who asks for it again: others may have let the
//! user in since. Guarded by the room's lock; what is owed when the room closes is lost, as was logged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::effects::Ending;
use crate::room::{Fact, Room, Subject};
use crate::store::AuditEvent;

/// Rows of the audit log, and removals, that a room owes at most; the oldest go first.
const MAX_OWED: usize = 1_024;

/// What a room owes the store.
#[derive(Default)]
pub(in crate::hub) struct Debts {
    subjects: BTreeSet<Subject>,
    audit: VecDeque<AuditEvent>,
    /// By the place of the verb in the room's log.
    endings: BTreeMap<u64, Ending>,
}

impl Debts {
    /// Takes out what is to be tried again: facts as the room has them, and rows.
    pub(super) fn take(&mut self, room: &Room) -> (Vec<Fact>, Vec<AuditEvent>) {
        let facts = room.facts_of(&std::mem::take(&mut self.subjects));
        (facts, std::mem::take(&mut self.audit).into())
    }

    /// Takes out the removal that the verb of this place was to bring, for it is asked for again.
    pub(super) fn take_ending(&mut self, version: u64) -> Option<Ending> {
        self.endings.remove(&version)
    }

    /// Facts about these were not kept.
    pub(super) fn owe_facts(&mut self, subjects: BTreeSet<Subject>) {
        self.subjects.extend(subjects);
    }

    /// These rows were not kept.
    pub(super) fn owe_audit(&mut self, rows: Vec<AuditEvent>) {
        self.audit.extend(rows);
        let excess = self.audit.len().saturating_sub(MAX_OWED);
        self.audit.drain(..excess);
    }

    /// The removal that the verb of this place was to bring was not kept.
    pub(super) fn owe_ending(&mut self, version: u64, ending: Ending) {
        self.endings.insert(version, ending);
        if self.endings.len() > MAX_OWED {
            self.endings.pop_first();
        }
    }
}
