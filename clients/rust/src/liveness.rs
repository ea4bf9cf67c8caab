//! How long a connection may be silent before it counts as lost.
//!
//! Each connection has one timer, which is moved only when it fires: a received frame costs one clock reading.

use std::pin::Pin;
use std::time::Duration;

use stagedoor_proto::Heartbeat;
use tokio::time::{Instant, Sleep, sleep_until};

/// Detects that nothing was received for too long.
pub(crate) struct LivenessTimer {
    timeout: Duration,
    last_received: Instant,
    timer: Pin<Box<Sleep>>,
}

impl LivenessTimer {
    pub(crate) fn new(timeout: Duration) -> Self {
        let last_received = Instant::now();
        Self { timeout, last_received, timer: Box::pin(sleep_until(last_received + timeout)) }
    }

    pub(crate) fn record_frame(&mut self) {
        self.last_received = Instant::now();
    }

    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Waits until nothing was received for the whole timeout.
    ///
    /// # Cancel safety
    /// Cancel-safe: the time of the last frame is not part of the timer.
    pub(crate) async fn elapsed(&mut self) {
        loop {
            self.timer.as_mut().await;
            let due = self.last_received + self.timeout;
            if due <= Instant::now() {
                return;
            }
            self.timer.as_mut().reset(due);
        }
    }
}

/// The longest silence that an announced heartbeat allows, in a room or not.
///
/// The gateway pings a client that sent nothing for the interval, and answers everything else: so a frame arrives at
/// least once per interval. The longer of the two pairs applies always, so in a room a loss is detected a little later.
pub(crate) fn liveness_timeout(heartbeat: Option<&Heartbeat>) -> Duration {
    heartbeat.map_or(DEFAULT_LIVENESS_TIMEOUT, |heartbeat| {
        let out = heartbeat.interval_ms.saturating_add(heartbeat.timeout_ms);
        let inside = heartbeat.room_interval_ms.saturating_add(heartbeat.room_timeout_ms);
        Duration::from_millis(out.max(inside)).clamp(MIN_LIVENESS_TIMEOUT, MAX_LIVENESS_TIMEOUT)
    })
}

/// The defaults of the protocol, 25 s and 10 s, for a session resumed from a ticket alone, which has no heartbeat.
const DEFAULT_LIVENESS_TIMEOUT: Duration = Duration::from_secs(35);
/// The minimum, so that a scheduling delay does not count as a lost connection.
const MIN_LIVENESS_TIMEOUT: Duration = Duration::from_millis(100);
/// Bounds numbers of the peer before clock arithmetic.
const MAX_LIVENESS_TIMEOUT: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    fn heartbeat(interval_ms: u64, timeout_ms: u64, room: u64) -> Heartbeat {
        Heartbeat { interval_ms, timeout_ms, room_interval_ms: room, room_timeout_ms: 0 }
    }

    #[test]
    fn patience_is_the_longer_pair_within_bounds() {
        for (case, heartbeat, expected) in [
            ("none", None, DEFAULT_LIVENESS_TIMEOUT),
            ("outside a room", Some(heartbeat(2_000, 500, 1_000)), Duration::from_millis(2_500)),
            ("in a room", Some(heartbeat(2_000, 500, 9_000)), Duration::from_secs(9)),
            ("absurd", Some(heartbeat(u64::MAX, u64::MAX, 0)), MAX_LIVENESS_TIMEOUT),
            ("nothing", Some(heartbeat(0, 0, 0)), MIN_LIVENESS_TIMEOUT),
        ] {
            assert_eq!(liveness_timeout(heartbeat.as_ref()), expected, "{case}");
        }
    }
}
