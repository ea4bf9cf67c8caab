//! `[keepalive]`: when a silent connection is pinged, and when it is considered lost.
//!
//! Invariant: a timeout is shorter than its interval, so that at most one ping is outstanding.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stagedoor_proto::Heartbeat;

use super::ranges;
use super::value::{self, HOUR, SECOND};

/// Ping intervals, and how long a silent connection is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawKeepalive", into = "RawKeepalive")]
pub struct Keepalive {
    /// Silence after which a ping is sent.
    pub interval: Duration,
    /// Silence after the interval, after which the connection is lost.
    pub timeout: Duration,
    /// As `interval`, while the session is in a room.
    pub room_interval: Duration,
    /// As `timeout`, while the session is in a room.
    pub room_timeout: Duration,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct RawKeepalive {
    /// Silence after which the gateway pings a client.
    #[serde(with = "ranges::BoundedDuration::<SECOND, HOUR>")]
    interval: Duration,
    /// Further silence after which the connection is lost. Must be shorter than `interval`.
    #[serde(with = "ranges::BoundedDuration::<SECOND, HOUR>")]
    timeout: Duration,
    /// As `interval`, while the session is in a room.
    #[serde(with = "ranges::BoundedDuration::<SECOND, HOUR>")]
    room_interval: Duration,
    /// As `timeout`, while the session is in a room. Must be shorter than `room_interval`.
    #[serde(with = "ranges::BoundedDuration::<SECOND, HOUR>")]
    room_timeout: Duration,
}

/// A timeout that is not shorter than its interval.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{timeout_key} = {} with {interval_key} = {}, expected a timeout shorter than its interval",
    value::format_duration(*.timeout), value::format_duration(*.interval)
)]
struct InvalidKeepalive {
    interval_key: &'static str,
    interval: Duration,
    timeout_key: &'static str,
    timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(25),
            timeout: Duration::from_secs(10),
            room_interval: Duration::from_secs(10),
            room_timeout: Duration::from_secs(5),
        }
    }
}

impl Default for RawKeepalive {
    fn default() -> Self {
        Keepalive::default().into()
    }
}

impl From<Keepalive> for RawKeepalive {
    fn from(keepalive: Keepalive) -> Self {
        let Keepalive { interval, timeout, room_interval, room_timeout } = keepalive;
        Self { interval, timeout, room_interval, room_timeout }
    }
}

impl TryFrom<RawKeepalive> for Keepalive {
    type Error = InvalidKeepalive;
    fn try_from(raw: RawKeepalive) -> Result<Self, InvalidKeepalive> {
        let RawKeepalive { interval, timeout, room_interval, room_timeout } = raw;
        let pairs = [
            ("interval", interval, "timeout", timeout),
            ("room_interval", room_interval, "room_timeout", room_timeout),
        ];
        for (interval_key, interval, timeout_key, timeout) in pairs {
            if timeout >= interval {
                return Err(InvalidKeepalive { interval_key, interval, timeout_key, timeout });
            }
        }
        Ok(Self { interval, timeout, room_interval, room_timeout })
    }
}

impl Keepalive {
    /// The intervals that are sent to a session.
    #[must_use]
    pub fn announced(&self) -> Heartbeat {
        Heartbeat {
            interval_ms: value::as_millis(self.interval),
            timeout_ms: value::as_millis(self.timeout),
            room_interval_ms: value::as_millis(self.room_interval),
            room_timeout_ms: value::as_millis(self.room_timeout),
        }
    }
}
