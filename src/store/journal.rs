//! What is written in the same transaction as a change: rows of the audit log, and messages for the app's endpoints.

use stagedoor_proto::Timestamp;

use super::audit::AuditEvent;
use super::outbox::NewMessage;
use crate::room::{DurableChange, RoomKey};

/// Messages to be put into an app's outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessages {
    /// The messages, in the order of their events.
    pub messages: Vec<NewMessage>,
    /// How many the app may have; beyond, the oldest go, dead letters first.
    pub max: u64,
    /// From when on they are due.
    pub now: Timestamp,
}

/// What goes with a change of one user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// A row of the app's audit log.
    pub audit: Option<AuditEvent>,
    /// Messages for the app's endpoints.
    pub messages: Option<NewMessages>,
}

impl From<Option<AuditEvent>> for Journal {
    fn from(audit: Option<AuditEvent>) -> Self {
        Self { audit, messages: None }
    }
}

/// What an entry of a room's log leaves in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomWrite {
    /// The room.
    pub room: RoomKey,
    /// The version of the entry, by which a store with several writers keeps the later of two facts. The embedded store
    /// has one writer, which makes its calls in the order of the log, and does not compare.
    pub version: u64,
    /// What changed, in its order.
    pub changes: Vec<DurableChange>,
    /// Rows of the app's audit log.
    pub audit: Vec<AuditEvent>,
    /// Messages for the app's endpoints.
    pub messages: Option<NewMessages>,
}

impl RoomWrite {
    /// Nothing yet.
    #[must_use]
    pub const fn new(room: RoomKey, version: u64) -> Self {
        Self { room, version, changes: Vec::new(), audit: Vec::new(), messages: None }
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.audit.is_empty() && self.messages.is_none()
    }
}
