//! The size class of a room, and the counts sent last.

use serde::{Deserialize, Serialize};
use stagedoor_proto::Counts;

use crate::time::Monotonic;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct SizeClass {
    pub(in crate::room) is_large: bool,
    /// When the room last became large.
    #[serde(default)]
    pub(in crate::room) large_since: Monotonic,
    pub(in crate::room) sent: Counts,
    pub(in crate::room) sent_at: Monotonic,
}
