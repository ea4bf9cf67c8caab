//! A room on this node: its state and its local sessions.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use stagedoor_proto::Error;

use super::metrics::count_rejection;
use super::retry::FailedWrites;
use super::session_map::SessionMap;
use super::unwritten::UnwrittenCommands;
use crate::hub::sessions::SessionHandle;
use crate::room::{Audience, LocalRejection, LocalRoom, Room, RoomKey, RoomStub, is_settled};
use crate::session::RoomTag;
use crate::sync::{Mutex, MutexGuard, Rank};
use crate::telemetry::Metrics;
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
    /// Whether the room has had a local session.
    was_occupied: AtomicBool,
    /// Whether the room is open.
    is_open: AtomicBool,
    /// Number of [`RoomPin`]s.
    pins: AtomicU32,
    inner: Mutex<RoomInner>,
}

/// A use of a room that expects it to stay on this node: while it is opened and a command is appended, and until the
/// effects of an entry are executed. Created under the registry's lock of the room, or from another pin.
pub(in crate::hub) struct RoomPin(Arc<RoomHandle>);

impl RoomPin {
    pub(super) fn new(room: &Arc<RoomHandle>) -> Self {
        room.pins.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(room))
    }

    pub(in crate::hub) const fn handle(&self) -> &Arc<RoomHandle> {
        &self.0
    }
}

impl Clone for RoomPin {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Deref for RoomPin {
    type Target = RoomHandle;
    fn deref(&self) -> &RoomHandle {
        &self.0
    }
}

impl Drop for RoomPin {
    fn drop(&mut self) {
        self.0.pins.fetch_sub(1, Ordering::Release);
    }
}

/// The state behind the lock of a room. The lock is held while one entry is applied and its effects are executed.
pub(in crate::hub) struct RoomInner {
    pub(in crate::hub) room: Room,
    /// State of the room that only this node has.
    pub(in crate::hub) local: LocalRoom,
    /// Local sessions of the room. Removed sessions are dropped later.
    pub(in crate::hub) sessions: SessionMap,
    /// Writes that the store rejected.
    pub(super) failed: FailedWrites,
    /// Moderation commands whose changes are not in the store yet.
    pub(super) unwritten: UnwrittenCommands,
}

/// What is left of a room when it is released.
pub(super) struct Remains {
    pub(super) stub: Option<RoomStub>,
    /// The order of the last signal.
    pub(super) order: u64,
}

impl RoomHandle {
    pub(super) fn new(key: RoomKey, tag: RoomTag, room: Room, local: LocalRoom) -> Self {
        let next = room.next_due();
        let due = AtomicU64::new(next.monotonic.as_millis());
        let due_wall = AtomicU64::new(next.wall.as_millis());
        let (sessions, failed) = (SessionMap::default(), FailedWrites::default());
        let unwritten = UnwrittenCommands::default();
        let idle_since = AtomicU64::new(u64::MAX);
        let was_occupied = AtomicBool::new(room.sessions().next().is_some());
        let is_open = AtomicBool::new(room.is_open());
        let pins = AtomicU32::new(0);
        let inner = Mutex::new(Rank::Room, RoomInner { room, local, sessions, failed, unwritten });
        Self { key, tag, due, due_wall, idle_since, was_occupied, is_open, pins, inner }
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

    /// Asks the state of the room that only this node has, and counts a rejection.
    ///
    /// # Errors
    /// The error of the rejection.
    pub(super) fn ask_local<T>(
        &self,
        metrics: &Metrics,
        ask: impl FnOnce(&Room, &mut LocalRoom) -> Result<T, LocalRejection>,
    ) -> Result<T, Error> {
        let RoomInner { room, local, .. } = &mut *self.lock();
        ask(room, local).map_err(|rejection| count_rejection(metrics, rejection))
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
            self.was_occupied.store(true, Ordering::Relaxed);
            u64::MAX
        };
        self.idle_since.store(idle_since, Ordering::Relaxed);
        self.is_open.store(inner.room.is_open(), Ordering::Relaxed);
    }

    pub(super) fn is_idle_since(&self, then: Monotonic) -> bool {
        self.idle_since.load(Ordering::Relaxed) <= then.as_millis()
    }

    /// Whether the room has no local session, but had one, or is not open.
    pub(super) fn is_emptied(&self) -> bool {
        let is_idle = self.idle_since.load(Ordering::Relaxed) < u64::MAX;
        !self.is_open.load(Ordering::Relaxed)
            || is_idle && self.was_occupied.load(Ordering::Relaxed)
    }

    /// What remains of an emptied room that can be released: nothing uses it, and all its writes are in the store.
    pub(super) fn remains(&self, now: Monotonic) -> Option<Remains> {
        let inner = self.lock();
        let is_unused = self.pins.load(Ordering::Acquire) == 0
            && inner.sessions.is_empty()
            && inner.failed.is_empty()
            && is_settled(&inner.room);
        is_unused.then(|| Remains {
            stub: RoomStub::of(&inner.room, now),
            order: inner.local.last_order(),
        })
    }

    /// Whether this node does not need the room: other nodes have it and this one has no session in it, or none has it.
    pub(super) fn is_unneeded(&self) -> bool {
        let inner = self.lock();
        let is_elsewhere = !inner.room.is_open() || inner.room.sessions().next().is_some();
        self.pins.load(Ordering::Acquire) == 0
            && inner.sessions.is_empty()
            && inner.failed.is_empty()
            && is_elsewhere
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
