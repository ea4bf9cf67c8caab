//! Liveness of sessions: received frames, probes, and lost connections.

use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect};
use tokio_util::sync::CancellationToken;

use super::SessionHandle;
use super::pongs::Pongs;
use crate::session::Session;
use crate::time::Now;

/// The result of the sweep of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Swept {
    /// The session is live or suspended.
    Kept,
    /// The session has just ended.
    Ended,
    /// The session can be removed.
    Forgotten,
}

impl SessionHandle {
    /// Runs `resume`, which moves the session to another connection. A successful resume counts as activity, a rejected
    /// one does not.
    ///
    /// The previous resume secret stays valid until a frame arrives on the new connection, because the reply with the
    /// new secret may be lost too.
    pub(in crate::hub) fn resume<T, E>(
        &self,
        now: Now,
        resume: impl FnOnce(&mut Session) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut inner = self.cell.lock();
        let resumed = resume(&mut inner.session)?;
        // Under the lock, so that the sweep does not mistake the new connection for the lost one.
        self.cell.activity.record_frame(now.monotonic);
        // The answers were for the former connection.
        inner.pongs = Pongs::default();
        inner.is_awaited = true;
        inner.record_activity();
        Ok(resumed)
    }

    /// Handles due timers: expiries, pings, lost connections.
    pub(in crate::hub) fn sweep(&self, now: Now, interval: Duration, timeout: Duration) -> Swept {
        let mut inner = self.cell.lock();
        let activity = &self.cell.activity;
        let silent = now.monotonic.saturating_since(activity.last_frame());
        // A client that always sends is never silent: without pings its ring would stay full of received frames.
        let unasked = now.monotonic.saturating_since(activity.last_ping());
        let had_ended = inner.has_ended();
        let is_forgotten = inner.session.handle_timeout(now);
        if inner.session.generation().is_some() {
            if silent >= interval + timeout {
                inner.session.disconnect(Disconnect::new(CloseCode::HeartbeatLost), now);
            } else if (silent >= interval && activity.last_ping() <= activity.last_frame())
                || (unasked >= interval && inner.session.has_unacknowledged())
            {
                inner.has_ping = true;
                activity.record_ping(now.monotonic);
            }
        }
        match (is_forgotten, had_ended, inner.has_ended()) {
            (_, false, true) => Swept::Ended,
            (true, ..) => Swept::Forgotten,
            (false, ..) => Swept::Kept,
        }
    }

    /// Requests a ping. The returned token is cancelled by the next frame of the client.
    pub(in crate::hub) fn probe_liveness(&self, now: Now) -> CancellationToken {
        let mut inner = self.cell.lock();
        inner.has_ping = true;
        self.cell.activity.record_ping(now.monotonic);
        inner.is_awaited = true;
        inner.proof.get_or_insert_default().clone()
    }
}
