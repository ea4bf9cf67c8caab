//! A room on this node: its state, and the local sessions that are in it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stagedoor_proto::{SessionId, Timestamp};

use super::fan_out::CROWD;
use super::retry::Debts;
use crate::hub::sessions::SessionHandle;
use crate::room::{Audience, Room, RoomKey};
use crate::session::RoomTag;

/// A room on this node.
pub(in crate::hub) struct Place {
    key: RoomKey,
    tag: RoomTag,
    /// When the room waits for time to pass; read by the sweep without the lock.
    due: AtomicU64,
    inside: Mutex<Inside>,
}

/// What the lock of a room guards. It is held while one entry is applied and its effects are handed out.
pub(in crate::hub) struct Inside {
    pub(in crate::hub) room: Room,
    /// Sessions of this node that the room knows. Those that are gone are told to leave in time.
    pub(in crate::hub) sessions: HashMap<SessionId, Arc<SessionHandle>>,
    /// What it decided and the store did not take.
    pub(super) debts: Debts,
}

impl Place {
    pub(super) fn new(key: RoomKey, tag: RoomTag, room: Room) -> Self {
        let due = AtomicU64::new(due_of(&room).as_millis());
        let inside = Mutex::new(Inside { room, sessions: HashMap::new(), debts: Debts::default() });
        Self { key, tag, due, inside }
    }

    pub(in crate::hub) fn key(&self) -> &RoomKey {
        &self.key
    }

    pub(in crate::hub) fn tag(&self) -> RoomTag {
        self.tag
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now.as_millis() >= self.due.load(Ordering::Relaxed)
    }

    /// Whether nothing would be lost with it.
    pub(super) fn is_idle(&self) -> bool {
        let inside = self.lock();
        !inside.room.is_open() && inside.sessions.is_empty()
    }

    /// Notes when the room waits for time to pass.
    pub(super) fn note_due(&self, inside: &Inside) {
        self.due.store(due_of(&inside.room).as_millis(), Ordering::Relaxed);
    }

    pub(in crate::hub) fn lock(&self) -> MutexGuard<'_, Inside> {
        // A panic while the lock was held leaves at worst one room odd; the others must go on.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn due_of(room: &Room) -> Timestamp {
    room.next_due().unwrap_or(Timestamp::MAX)
}

impl Inside {
    /// Whether telling all of them is long work.
    pub(super) fn is_crowded(&self) -> bool {
        self.sessions.len() > CROWD
    }

    /// Calls `tell` with each local session of an audience.
    pub(super) fn each_in(&self, audience: &Audience, mut tell: impl FnMut(&Arc<SessionHandle>)) {
        self.room.each_in(audience, |session| {
            if let Some(session) = self.sessions.get(&session) {
                tell(session);
            }
        });
    }
}
