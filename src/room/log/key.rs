//! Which room: its name alone says too little where there are many apps.

use std::sync::Arc;

use stagedoor_proto::RoomId;

/// A room of an app; nothing crosses apps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoomKey {
    /// The app's id.
    pub app: Arc<str>,
    /// The room's id in it.
    pub room: RoomId,
}
