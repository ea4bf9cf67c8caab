//! A room on this node: its state and its local sessions.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stagedoor_proto::SessionId;

use super::retry::FailedWrites;
use crate::hub::sessions::SessionHandle;
use crate::room::{Audience, LocalRoom, Room, RoomKey};
use crate::session::RoomTag;
use crate::sync::{Mutex, MutexGuard, Rank};
use crate::time::{Monotonic, Now};

/// A room with more local sessions is large: sending to all of them takes long.
const LARGE_ROOM_THRESHOLD: usize = 1_024;

/// A room on this node. Lock order: partition of the log, room, session; never two rooms at a time.
pub(in crate::hub) struct RoomHandle {
    key: RoomKey,
    tag: RoomTag,
    /// When the next timer of the room is due, on each clock. The sweep reads it without the lock.
    due: AtomicU64,
    due_wall: AtomicU64,
    /// Since when the room has no local session; `u64::MAX` while it has one.
    idle_since: AtomicU64,
    inner: Mutex<RoomInner>,
}

/// The state behind the lock of a room. The lock is held while one entry is applied and its effects are executed.
pub(in crate::hub) struct RoomInner {
    pub(in crate::hub) room: Room,
    /// State of the room that only this node has.
    pub(in crate::hub) local: LocalRoom,
    /// Local sessions of the room. Removed sessions are dropped later.
    pub(in crate::hub) sessions: HashMap<SessionId, Arc<SessionHandle>>,
    /// Writes that the store rejected.
    pub(super) failed: FailedWrites,
}

impl RoomHandle {
    pub(super) fn new(key: RoomKey, tag: RoomTag, room: Room, local: LocalRoom) -> Self {
        let next = room.next_due();
        let due = AtomicU64::new(next.monotonic.as_millis());
        let due_wall = AtomicU64::new(next.wall.as_millis());
        let (sessions, failed) = (HashMap::new(), FailedWrites::default());
        let idle_since = AtomicU64::new(u64::MAX);
        let inner = Mutex::new(Rank::Room, RoomInner { room, local, sessions, failed });
        Self { key, tag, due, due_wall, idle_since, inner }
    }

    pub(in crate::hub) const fn key(&self) -> &RoomKey {
        &self.key
    }

    pub(in crate::hub) const fn tag(&self) -> RoomTag {
        self.tag
    }

    pub(super) fn is_due(&self, now: Now) -> bool {
        now.monotonic.as_millis() >= self.due.load(Ordering::Relaxed)
            || now.wall.as_millis() >= self.due_wall.load(Ordering::Relaxed)
    }

    /// Whether the room can be removed without loss of state.
    pub(super) fn is_idle(&self) -> bool {
        let inner = self.lock();
        !inner.room.is_open() && inner.sessions.is_empty()
    }

    /// Updates the next timer and the idle time of the room; call it after each change.
    pub(in crate::hub) fn update_due(&self, inner: &RoomInner, now: Monotonic) {
        let next = inner.room.next_due();
        self.due.store(next.monotonic.as_millis(), Ordering::Relaxed);
        self.due_wall.store(next.wall.as_millis(), Ordering::Relaxed);
        let idle_since = if inner.sessions.is_empty() {
            self.idle_since.load(Ordering::Relaxed).min(now.as_millis())
        } else {
            u64::MAX
        };
        self.idle_since.store(idle_since, Ordering::Relaxed);
    }

    pub(super) fn is_idle_since(&self, then: Monotonic) -> bool {
        self.idle_since.load(Ordering::Relaxed) <= then.as_millis()
    }

    /// Whether this node does not need the room: other nodes have it and this one has no session in it, or none has it.
    pub(super) fn is_unneeded(&self) -> bool {
        let inner = self.lock();
        let is_elsewhere = !inner.room.is_open() || inner.room.sessions().next().is_some();
        inner.sessions.is_empty() && inner.failed.is_empty() && is_elsewhere
    }

    /// Whether the room was ended, and neither joined nor created since.
    pub(in crate::hub) fn has_ended(&self) -> bool {
        self.lock().room.summary().has_ended
    }

    /// Whether writes of the room failed and were not repeated yet.
    pub(in crate::hub) fn has_failed_writes(&self) -> bool {
        !self.lock().failed.is_empty()
    }

    pub(in crate::hub) fn lock(&self) -> MutexGuard<'_, RoomInner> {
        self.inner.lock()
    }
}

impl RoomInner {
    /// Whether sending to all its local sessions takes long.
    pub(super) fn is_large(&self) -> bool {
        self.sessions.len() > LARGE_ROOM_THRESHOLD
    }

    /// Calls `visit` with each local session of an audience.
    pub(super) fn for_each_session(
        &self,
        audience: &Audience,
        mut visit: impl FnMut(&Arc<SessionHandle>),
    ) {
        self.room.for_each_session(audience, |session| {
            if let Some(session) = self.sessions.get(&session) {
                visit(session);
            }
        });
    }
}
