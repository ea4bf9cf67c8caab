//! The key of a room.

use std::sync::Arc;

use stagedoor_proto::RoomId;

/// A room of an app.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoomKey {
    pub app: Arc<str>,
    /// Unique within the app.
    pub room: RoomId,
}
