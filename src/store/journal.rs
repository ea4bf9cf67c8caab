//! What is written in the transaction of a change: audit rows and webhook messages.

use stagedoor_proto::Timestamp;

use super::audit::AuditEvent;
use super::outbox::NewMessage;
use crate::room::{DurableChange, RoomKey};

/// Messages to add to an app's outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessages {
    /// In the order of their events.
    pub messages: Vec<NewMessage>,
    /// The app's maximum. Beyond it messages are evicted, as [`super::Outbox::put_messages`] says.
    pub max: u64,
    /// When they become due.
    pub now: Timestamp,
}

/// What is written with a change of one user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    pub audit: Option<AuditEvent>,
    pub messages: Option<NewMessages>,
}

impl From<Option<AuditEvent>> for Journal {
    fn from(audit: Option<AuditEvent>) -> Self {
        Self { audit, messages: None }
    }
}

/// What a room's log entry writes to the store.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomWrite {
    pub room: RoomKey,
    /// The version of the entry. A store with several writers keeps the newer of two changes by it. The embedded store
    /// has one writer, gets its calls in log order, and ignores it.
    pub version: u64,
    /// In log order.
    pub changes: Vec<DurableChange>,
    pub audit: Vec<AuditEvent>,
    pub messages: Option<NewMessages>,
}

impl RoomWrite {
    /// An empty write.
    #[must_use]
    pub const fn new(room: RoomKey, version: u64) -> Self {
        Self { room, version, changes: Vec::new(), audit: Vec::new(), messages: None }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.audit.is_empty() && self.messages.is_none()
    }
}
