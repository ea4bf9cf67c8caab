//! The rooms of this node: from a session's command to the room's log, and from the room's effects to sessions.
//!
//! Owns each [`crate::room::Room`] behind a lock of its own (`handle`), with the local sessions that are in it. The way
//! is always the same: a command is appended to the room's log ([`Rooms::append`]), its entry comes back from the
//! engine, the room decides, and `effects` executes what it decided. A session's memberships hold the tags of its rooms
//! alone; they are resolved here. Not here: what a room decides (`room`).

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
mod sync;

use std::sync::Arc;

use stagedoor_proto::{RoomId, Timestamp};

pub(super) use commands::named_room;
pub(super) use handle::RoomHandle;
pub(super) use replicas::Replicas;

use super::access_control::AccessControl;
use super::context::Context;
use super::events::Events;
use super::pending_calls::PendingCalls;
use super::sessions::Sessions;
use crate::engine::{Condition, Engine};
use crate::principal::Principal;
use crate::room::{LocalRoom, NodeEpoch, Room, RoomCommand, RoomKey};
use crate::session::RoomTag;
use deferred::DeferredExecutor;
use denials::DenialCounter;
use effects::Executor;
use registry::RoomRegistry;

/// The rooms of this node. Shared by reference; every method may be called from any task, and from no room's effects.
pub(super) struct Rooms {
    registry: Arc<RoomRegistry>,
    engine: Arc<dyn Engine>,
    executor: Arc<Executor>,
    access: Arc<AccessControl>,
    context: Arc<Context>,
}

impl Rooms {
    /// No rooms, whose logs are in `engine`. It answers `calls`.
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

    /// Gives rooms the time they wait for.
    pub(super) fn sweep(&self, now: Timestamp) {
        for room in self.registry.due(now) {
            // Where several nodes have the room, one of them gives it the time.
            let version = room.lock().room.version();
            self.append_if(room.key(), RoomCommand::Tick, Condition::VersionIs(version));
        }
        if self.engine.is_shared() {
            self.release_idle(now);
        }
        self.executor.denials.flush(&self.context, now);
    }

    /// This node, as entries name it.
    pub(super) fn node(&self) -> NodeEpoch {
        self.engine.node()
    }

    /// How many rooms are here.
    pub(super) fn count(&self) -> usize {
        self.registry.count()
    }

    /// Every room that is here, open or not.
    pub(super) fn all(&self) -> Vec<Arc<RoomHandle>> {
        self.registry.all()
    }

    /// At most `limit` of an app's rooms that are open, or about to be, by name and after `after`.
    pub(super) fn list_after(
        &self,
        app: &str,
        after: Option<&RoomId>,
        limit: usize,
    ) -> Vec<Arc<RoomHandle>> {
        self.registry.list_after(app, after, limit)
    }

    /// The rooms of an app that hold anything of a user, in them or not: a mute, a block, a role.
    pub(super) fn holding(&self, app: &str, user: Principal<'_>) -> Vec<RoomKey> {
        self.registry.holding(app, user)
    }

    /// Adds a room as another process left it, with the tag that its frames have.
    pub(super) fn restore(
        &self,
        key: &RoomKey,
        tag: RoomTag,
        room: Room,
        local: LocalRoom,
    ) -> Arc<RoomHandle> {
        self.registry.restore(key, tag, room, local)
    }

    /// The last tag that was given to a room.
    pub(super) fn last_tag(&self) -> u32 {
        self.registry.last_tag()
    }

    /// Gives none of the tags up to `last`: another process did.
    pub(super) fn skip_tags(&self, last: u32) {
        self.registry.skip_tags(last);
    }
}
