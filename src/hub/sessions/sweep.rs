//! The sweep of sessions: pings, lost connections, expiries, windows. Sessions have no runtime timers.

use std::time::Duration;

use super::Sessions;
use super::handle::{SessionHandle, Swept};
use crate::session::ClockStep;
use crate::time::Now;

impl Sessions {
    /// Handles the due timers of each session, and queues ended sessions for the store.
    ///
    /// `has_stepped`: the wall clock has, since the last sweep; the expiry of every session is evaluated again.
    pub(in crate::hub) fn sweep(&self, now: Now, has_stepped: bool) {
        if has_stepped {
            for session in self.registry.select(|_| true) {
                session.update(|session| ClockStep(now).apply(session));
                self.notify(&session);
            }
        }
        let is_due = |session: &SessionHandle| {
            session.activity().is_due(now.monotonic, self.liveness(session).0)
        };
        for session in self.registry.select(is_due) {
            let (interval, timeout) = self.liveness(&session);
            match session.sweep(now, interval, timeout) {
                Swept::Kept => {}
                Swept::Ended => self.release(&session),
                Swept::Forgotten => self.registry.remove(session.id()),
            }
            self.notify(&session);
        }
    }

    /// The silence after which a session is pinged, and the further silence after which its connection counts as lost.
    fn liveness(&self, session: &SessionHandle) -> (Duration, Duration) {
        let keepalive = &self.context.keepalive;
        if session.activity().room_count() > 0 {
            (keepalive.room_interval, keepalive.room_timeout)
        } else {
            (keepalive.interval, keepalive.timeout)
        }
    }
}
