//! `[resume]`: how long, and with how much, a session outlives its connection.

use std::time::Duration;

use serde::Deserialize;

use super::value::{self, HOUR, KIB, MIB, SECOND};

/// How long, and with how much, a session outlives its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resume {
    /// How long after a lost connection a session may be resumed.
    #[serde(deserialize_with = "value::duration::<SECOND, HOUR, _>")]
    pub window: Duration,
    /// Frames the ring of a session holds, sent and unsent.
    #[serde(deserialize_with = "value::count::<16, 65_536, _, _>")]
    pub ring_frames: usize,
    /// Bytes the ring of a session holds, sent and unsent.
    #[serde(deserialize_with = "value::size::<{ 64 * KIB }, { 64 * MIB }, _>")]
    pub ring_bytes: usize,
}

impl Default for Resume {
    fn default() -> Self {
        Self { window: Duration::from_secs(30), ring_frames: 1_024, ring_bytes: 1024 * 1024 }
    }
}
