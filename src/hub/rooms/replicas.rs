//! The replicas of rooms on this node, as the engine updates them: entries, logs of other nodes, messages.
//!
//! Shares the rooms with [`super::Rooms`], which is the interface for the rest of the hub.

use std::sync::Arc;

use stagedoor_proto::Push;

use super::effects::Executor;
use super::fan_out::push_to;
use super::registry::RoomRegistry;
use super::sync::send_reset;
use crate::engine::{Checkpoint, Engine, RoomLog, RoomMessage};
use crate::hub::context::Context;
use crate::room::{Entry, Room, RoomKey};

/// The rooms of this node for the engine. Nothing here waits for the engine.
pub(in crate::hub) struct Replicas {
    pub(super) registry: Arc<RoomRegistry>,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) executor: Arc<Executor>,
    pub(super) context: Arc<Context>,
}

impl Replicas {
    /// Applies the next entry of a room's log.
    pub(in crate::hub) fn apply(&self, key: &RoomKey, entry: Entry) {
        if self.executor.apply(key, entry) {
            self.context.run_detached(self.engine.release_interest(key));
        }
    }

    /// The version of a room's last entry; 0 if the room is not on this node.
    pub(in crate::hub) fn applied_version(&self, key: &RoomKey) -> u64 {
        self.registry.find(key).map_or(0, |room| room.lock().room.version())
    }

    /// Loads a room from the log of other nodes, which executed its effects.
    pub(in crate::hub) fn load_log(&self, key: &RoomKey, log: RoomLog) {
        let handle = self.registry.find_or_create(key);
        let mut inner = handle.lock();
        if !log.is_empty() {
            match read(key, log) {
                Ok(room) => inner.room = room,
                Err(error) => {
                    tracing::error!(error, "cannot read room log");
                }
            }
        }
        handle.update_due(&inner, self.context.clock.monotonic());
    }

    /// Stores a checkpoint of a room, which replaces its log.
    pub(in crate::hub) fn store_checkpoint(&self, key: &RoomKey) {
        let Some(handle) = self.registry.find(key) else { return };
        let checkpoint = {
            let inner = handle.lock();
            let state = serde_json::to_vec(&inner.room).expect("a room has a JSON form").into();
            Checkpoint { version: inner.room.version(), state }
        };
        self.context.run_detached(self.engine.store_checkpoint(key, checkpoint));
    }

    /// Delivers a message to the room's sessions on this node.
    pub(in crate::hub) fn deliver(&self, key: &RoomKey, order: u64, message: RoomMessage) {
        let Some(handle) = self.registry.find(key) else { return };
        let RoomMessage { to, mut push } = message;
        if let Push::Signal(signal) = &mut push {
            signal.order = order;
        }
        let mut inner = handle.lock();
        inner.local.record_order(order);
        push_to(&self.context, &handle, &inner, &to, &push);
    }

    /// Sends the local sessions of a room a snapshot, because messages may have been lost.
    pub(in crate::hub) fn reset_sessions(&self, key: &RoomKey) {
        let Some(handle) = self.registry.find(key) else { return };
        let sessions: Vec<_> = handle.lock().sessions.values().cloned().collect();
        for session in sessions {
            send_reset(&self.context, &session, &handle);
        }
    }
}

/// The state after a log, or the error if the log is invalid.
fn read(key: &RoomKey, log: RoomLog) -> Result<Room, String> {
    let mut room = match log.checkpoint {
        Some(checkpoint) => {
            let room: Room =
                serde_json::from_slice(&checkpoint.state).map_err(|error| error.to_string())?;
            room.check_invariants().map_err(ToString::to_string)?;
            room
        }
        None => Room::new(key.room.clone()),
    };
    for entry in log.tail {
        drop(room.apply(entry, false));
    }
    Ok(room)
}
