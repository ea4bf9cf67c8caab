//! `[resume]`: how long a session outlives its connection, and the size of its replay buffer.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ranges;
use super::value::{HOUR, KIB, MIB, SECOND};

/// How long a session outlives its connection, and the size of its replay buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Resume {
    /// How long a session can be resumed after its connection was lost.
    #[serde(with = "ranges::BoundedDuration::<SECOND, HOUR>")]
    pub window: Duration,
    /// How long a session can be resumed whose client closed the connection as its page went away; at most `window`.
    #[serde(with = "ranges::BoundedDuration::<SECOND, HOUR>")]
    pub going_away_window: Duration,
    /// Maximum number of frames in a session's replay buffer, sent and unsent.
    #[serde(with = "ranges::BoundedCount::<16, 65_536>")]
    pub ring_frames: usize,
    /// Maximum size of a session's replay buffer, sent and unsent frames together.
    #[serde(with = "ranges::BoundedSize::<{ 64 * KIB }, { 64 * MIB }>")]
    pub ring_bytes: usize,
    /// Maximum memory of all replay buffers of this node. Beyond it, the largest ones are dropped.
    #[serde(with = "ranges::BoundedSize::<MIB, { 1024 * 1024 * MIB }>")]
    pub ring_bytes_total: usize,
}

impl Default for Resume {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            going_away_window: Duration::from_secs(10),
            ring_frames: 1_024,
            ring_bytes: 1024 * 1024,
            ring_bytes_total: 1024 * 1024 * 1024,
        }
    }
}
