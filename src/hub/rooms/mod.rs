//! The rooms of this node: appends commands to rooms' logs, and executes the effects of rooms on sessions.
//!
//! Owns each [`crate::room::Room`] with its local sessions behind a separate lock (`handle`). A command
//! is appended to the room's log ([`Rooms::append`]), its entry comes back from the
//! engine, the room decides, and `effects` executes the decision. A session only has the tags of its rooms, which are
//! resolved here. Not here: the decisions of a room (`room`).

mod append;
mod commands;
mod deferred;
mod denials;
mod effects;
mod fan_out;
mod handle;
mod interest;
mod join;
mod metrics;
mod open;
mod registry;
mod replicas;
mod retry;
mod session_map;
mod slots;
mod stubs;
mod sync;
mod unwritten;

use std::sync::Arc;

use stagedoor_proto::RoomId;

pub(super) use commands::named_room;
pub(super) use handle::RoomHandle;
pub(super) use open::{Opener, recreate};
pub(super) use replicas::Replicas;

use super::access_control::AccessControl;
use super::context::Context;
use super::events::Events;
use super::pending_calls::PendingCalls;
use super::sessions::Sessions;
use crate::engine::{Condition, Engine};
use crate::principal::Principal;
use crate::room::{LocalRoom, NodeEpoch, Room, RoomCommand, RoomKey, RoomStub};
use crate::session::RoomTag;
use crate::sync::Mutex;
use crate::telemetry::Limit;
use crate::time::{Monotonic, Now};
use deferred::DeferredExecutor;
use denials::DenialCounter;
use effects::Executor;
use registry::RoomRegistry;

/// The rooms of this node. Shared by reference. Methods may be called from any task, but not while effects execute.
pub(super) struct Rooms {
    registry: Arc<RoomRegistry>,
    engine: Arc<dyn Engine>,
    executor: Arc<Executor>,
    access: Arc<AccessControl>,
    context: Arc<Context>,
}

impl Rooms {
    /// An empty map of rooms with logs in `engine`. It replies to `calls`.
    pub(super) fn new(
        context: Arc<Context>,
        events: Arc<Events>,
        sessions: Arc<Sessions>,
        access: Arc<AccessControl>,
        calls: Arc<PendingCalls>,
        engine: Arc<dyn Engine>,
    ) -> Self {
        let registry = Arc::new(RoomRegistry::default());
        let deferred = Arc::new(DeferredExecutor {
            context: Arc::clone(&context),
            sessions,
            access: Arc::clone(&access),
            calls,
            failing: Mutex::default(),
        });
        let executor = Arc::new(Executor {
            node: engine.node(),
            context: Arc::clone(&context),
            events,
            registry: Arc::clone(&registry),
            denials: DenialCounter::default(),
            deferred,
        });
        Self { registry, engine, executor, access, context }
    }

    /// Appends a tick to rooms with due timers.
    pub(super) fn sweep(&self, now: Now) {
        for room in self.registry.due(now) {
            // If several nodes have the room, one of them appends the tick.
            let version = room.lock().room.version();
            self.append_if(room.key(), RoomCommand::Tick, Condition::VersionIs(version));
        }
        if self.engine.is_shared() {
            self.release_idle(now.monotonic);
        } else {
            self.release_emptied(now.monotonic);
        }
        self.executor.retry_writes(now);
        self.executor.denials.flush(&self.context, now.wall);
    }

    /// Releases emptied rooms. What they have to remember becomes their stub.
    fn release_emptied(&self, now: Monotonic) {
        let max_stubs = self.context.limits().room_stubs;
        for key in self.registry.emptied() {
            for _ in 0..self.registry.release(&key, now, max_stubs) {
                self.context.hit(Limit::RoomStubs);
            }
        }
        self.registry.stubs().sweep(now);
    }

    /// This node's id in entries.
    pub(super) fn node(&self) -> NodeEpoch {
        self.engine.node()
    }

    pub(super) fn count(&self) -> usize {
        self.registry.count()
    }

    /// All rooms on this node, open or not.
    pub(super) fn all(&self) -> Vec<Arc<RoomHandle>> {
        self.registry.all()
    }

    /// At most `limit` of an app's open or opening rooms, by name and after `after`.
    pub(super) fn list_after(
        &self,
        app: &str,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Vec<Arc<RoomHandle>> {
        self.registry.list_after(app, after, limit)
    }

    /// The rooms of an app with state of a user: a membership, a mute, a block or a role.
    pub(super) fn holding(&self, app: &str, user: Principal<'_>) -> Vec<RoomKey> {
        self.registry.holding(app, user)
    }

    /// Adds a room of the previous process, with the tag of its frames.
    pub(super) fn restore(
        &self,
        key: &RoomKey,
        tag: RoomTag,
        room: Room,
        local: LocalRoom,
    ) -> Arc<RoomHandle> {
        self.registry.restore(key, tag, room, local)
    }

    /// The highest tag of a room.
    pub(super) fn last_tag(&self) -> u32 {
        self.registry.last_tag()
    }

    /// Reserves the tags up to `last`, which the previous process used.
    pub(super) fn skip_tags(&self, last: u32) {
        self.registry.skip_tags(last);
    }
}

/// Number of emptied rooms that are remembered.
pub(super) fn stub_count(rooms: &Rooms) -> usize {
    rooms.registry.stubs().count()
}

/// The stubs of emptied rooms.
pub(super) fn stubs(rooms: &Rooms) -> Vec<(RoomKey, RoomStub)> {
    rooms.registry.stubs().all()
}

/// Adds the stub of a room that emptied in the previous process.
pub(super) fn restore_stub(rooms: &Rooms, key: &RoomKey, room: &Room, now: Monotonic) {
    if let Some(stub) = RoomStub::of(room, now) {
        rooms.registry.stubs().insert(key, stub, rooms.context.limits().room_stubs);
    }
}
