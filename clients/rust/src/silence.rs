//! How long a connection may be silent before it counts as lost.
//!
//! One timer a connection, moved only when it fires: a frame received costs one clock reading.

use std::pin::Pin;
use std::time::Duration;

use stagedoor_proto::Heartbeat;
use tokio::time::{Instant, Sleep, sleep_until};

/// Notices that nothing was heard for too long.
pub(crate) struct Silence {
    patience: Duration,
    heard: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Silence {
    pub(crate) fn new(patience: Duration) -> Self {
        let heard = Instant::now();
        Self { patience, heard, timer: Box::pin(sleep_until(heard + patience)) }
    }

    pub(crate) fn heard(&mut self) {
        self.heard = Instant::now();
    }

    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    /// Waits until nothing was heard for the whole patience.
    ///
    /// # Cancel safety
    /// Safe: what was heard is kept apart from the timer.
    pub(crate) async fn passed(&mut self) {
        loop {
            self.timer.as_mut().await;
            let due = self.heard + self.patience;
            if due <= Instant::now() {
                return;
            }
            self.timer.as_mut().reset(due);
        }
    }
}

/// The longest silence an announced heartbeat allows, in a room or not.
///
/// The gateway pings when nothing came in for the interval, and everything sent to it is answered: so something comes
/// at least once an interval. The longer of the two pairs holds always; a connection is lost a little later in a room.
pub(crate) fn patience(heartbeat: Option<&Heartbeat>) -> Duration {
    heartbeat.map_or(DEFAULT_PATIENCE, |beat| {
        let out = beat.interval_ms.saturating_add(beat.timeout_ms);
        let inside = beat.room_interval_ms.saturating_add(beat.room_timeout_ms);
        Duration::from_millis(out.max(inside)).clamp(MIN_PATIENCE, MAX_PATIENCE)
    })
}

/// The protocol's defaults: 25 s and 10 s. For a session resumed from a bare ticket, which announces none.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(35);
/// A gateway that announces less would be lost to any scheduling delay.
const MIN_PATIENCE: Duration = Duration::from_millis(100);
/// Keeps a peer's absurd number away from clock arithmetic.
const MAX_PATIENCE: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(interval_ms: u64, timeout_ms: u64, room: u64) -> Heartbeat {
        Heartbeat { interval_ms, timeout_ms, room_interval_ms: room, room_timeout_ms: 0 }
    }

    #[test]
    fn patience_is_the_longer_pair_within_bounds() {
        for (case, heartbeat, expected) in [
            ("none", None, DEFAULT_PATIENCE),
            ("outside a room", Some(beat(2_000, 500, 1_000)), Duration::from_millis(2_500)),
            ("in a room", Some(beat(2_000, 500, 9_000)), Duration::from_secs(9)),
            ("absurd", Some(beat(u64::MAX, u64::MAX, 0)), MAX_PATIENCE),
            ("nothing", Some(beat(0, 0, 0)), MIN_PATIENCE),
        ] {
            assert_eq!(patience(heartbeat.as_ref()), expected, "{case}");
        }
    }
}
