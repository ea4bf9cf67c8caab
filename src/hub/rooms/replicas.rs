//! A node's copies of rooms' state, as the engine changes them: entries, logs of other nodes, messages.
//!
//! Shares the rooms with [`super::Rooms`], which is what everybody else asks.

use std::sync::Arc;

use stagedoor_proto::Push;

use super::effects::Executor;
use super::fan_out::push_to;
use super::registry::RoomRegistry;
use super::sync::send_reset;
use crate::engine::{Checkpoint, Engine, RoomLog, RoomMessage};
use crate::hub::context::Context;
use crate::room::{Entry, Room, RoomKey};

/// The rooms of this node for the engine. Nothing here waits for it.
pub(in crate::hub) struct Replicas {
    pub(super) registry: Arc<RoomRegistry>,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) executor: Arc<Executor>,
    pub(super) context: Arc<Context>,
}

impl Replicas {
    /// The next entry of a room's log.
    pub(in crate::hub) fn apply(&self, key: &RoomKey, entry: Entry) {
        if self.executor.apply(key, entry) {
            self.context.run_detached(self.engine.release_interest(key));
        }
    }

    /// The version of a room's last entry; 0 when it is not here.
    pub(in crate::hub) fn applied_version(&self, key: &RoomKey) -> u64 {
        self.registry.find(key).map_or(0, |room| room.lock().room.version())
    }

    /// Loads what other nodes made of a room. Its effects were executed there.
    pub(in crate::hub) fn load_log(&self, key: &RoomKey, log: RoomLog) {
        let handle = self.registry.find_or_create(key);
        let mut inner = handle.lock();
        if !log.is_empty() {
            match read(key, log) {
                Ok(room) => inner.room = room,
                Err(error) => {
                    tracing::error!(error, "a room's log cannot be read");
                }
            }
        }
        handle.update_due(&inner, self.context.clock.wall());
    }

    /// Stores a room's state in place of its log.
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

    /// Has this node's sessions in a room get a snapshot: messages of it may have been lost.
    pub(in crate::hub) fn reset_sessions(&self, key: &RoomKey) {
        let Some(handle) = self.registry.find(key) else { return };
        let sessions: Vec<_> = handle.lock().sessions.values().cloned().collect();
        for session in sessions {
            send_reset(&self.context, &session, &handle);
        }
    }
}

/// The state that a log comes to; what is wrong with it, where it makes no sense.
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
