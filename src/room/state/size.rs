//! Whether a room is large, and which numbers of it were sent last.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Counts, Timestamp};

/// The size class of a room.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct SizeClass {
    pub(in crate::room) is_large: bool,
    /// The numbers that were sent last.
    pub(in crate::room) sent: Counts,
    /// When they were.
    pub(in crate::room) sent_at: Timestamp,
}
