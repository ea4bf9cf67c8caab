//! The one sweep: pings, lost connections, expiries, windows. No session has a timer of its own.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::Timestamp;

use super::handle::{SessionHandle, Swept};
use crate::hub::Hub;

/// How often every session is looked at; what is due waits for it at most that long.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);

impl Hub {
    /// Sweeps until the gateway stops.
    pub async fn run_sweep(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(self.sweep_interval());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.lifecycle.stopping() => return self.keep_history(),
                _ = ticks.tick() => self.sweep(self.clock.now()),
            }
        }
    }

    /// As short as the shortest configured wait needs it.
    fn sweep_interval(&self) -> Duration {
        SWEEP_INTERVAL.min(self.keepalive.room_timeout / 4).min(self.session.window / 4)
    }

    fn sweep(&self, now: Timestamp) {
        self.addresses.sweep(now);
        for session in self.registry.select(|session| session.is_due(now, self.patience(session).0))
        {
            let (interval, timeout) = self.patience(&session);
            match session.sweep(now, interval, timeout, &self.session) {
                Swept::Kept => {}
                Swept::Ended => self.release(&session),
                Swept::Forgotten => self.registry.remove(session.id()),
            }
            self.settle(&session);
        }
        self.sweep_rooms(now);
        self.keep_denials(now);
        self.keep_history();
    }

    /// After how much silence a session is pinged, and how much more of it loses its connection.
    fn patience(&self, session: &SessionHandle) -> (Duration, Duration) {
        if session.room_count() > 0 {
            (self.keepalive.room_interval, self.keepalive.room_timeout)
        } else {
            (self.keepalive.interval, self.keepalive.timeout)
        }
    }
}
