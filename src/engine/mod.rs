//! What crosses nodes: the logs of rooms.
//!
//! A room is a log. [`Engine::append`] gives a command its place and its time in one step; every node that has the room
//! applies the same entries in the same order ([`Apply`]), and the node that appended answers its client when its entry
//! comes up. Nothing here knows what a command means, and nobody may assume that a room lives in one process.

mod local;

use std::sync::Weak;

pub use local::Local;

use crate::room::{Entry, RoomCommand, RoomKey};

/// Takes the entries of rooms' logs, those of one room in their order and one at a time.
pub trait Apply: Send + Sync {
    /// The next entry of a room's log. It must not append before it returns.
    fn apply(&self, room: &RoomKey, entry: Entry);
}

/// The logs of rooms.
pub trait Engine: Send + Sync + 'static {
    /// Hands all entries to `apply` from now on; called once, before anything is appended.
    fn subscribe(&self, apply: Weak<dyn Apply>);

    /// Gives `command` its place and its time in a room's log. Its entry reaches every node's [`Apply`], this one's too,
    /// be it before this returns or later. Places grow, and may be skipped.
    fn append(&self, room: &RoomKey, command: RoomCommand);
}
