//! Signs of life: who shows them, who waits for them, and what the lack of them brings.

use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect, Timestamp};
use tokio_util::sync::CancellationToken;

use super::SessionHandle;
use crate::session::Session;

/// What the sweep found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Swept {
    /// It goes on.
    Kept,
    /// It has just ended: it is active no more.
    Ended,
    /// It need not be remembered any longer.
    Forgotten,
}

impl SessionHandle {
    /// Lets `resume` move the session to another connection; a client that is back proves life, and one that is refused
    /// does not.
    ///
    /// The former resume secret lives on until a frame came in on the new connection: the reply with the new secret may be
    /// lost as the one before.
    pub(in crate::hub) fn resume<T, E>(
        &self,
        now: Timestamp,
        resume: impl FnOnce(&mut Session) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut inner = self.cell.lock();
        let resumed = resume(&mut inner.session)?;
        // Under the lock, so that the sweep does not take the new connection for the lost one.
        self.cell.activity.record_frame(now);
        inner.is_awaited = true;
        inner.prove_life();
        Ok(resumed)
    }

    /// Does what is due: expiries, pings, lost connections.
    pub(in crate::hub) fn sweep(
        &self,
        now: Timestamp,
        interval: Duration,
        timeout: Duration,
    ) -> Swept {
        let mut inner = self.cell.lock();
        let activity = &self.cell.activity;
        let silent = now.saturating_since(activity.last_frame());
        // Who sends all the time is never silent, and would keep a ring full of what it was sent long ago.
        let unasked = now.saturating_since(activity.last_ping());
        let had_ended = inner.has_ended();
        let is_forgotten = inner.session.handle_timeout(now);
        if inner.session.generation().is_some() {
            if silent >= interval + timeout {
                inner.session.disconnect(Disconnect::new(CloseCode::HeartbeatLost), now);
            } else if (silent >= interval && activity.last_ping() <= activity.last_frame())
                || (unasked >= interval && inner.session.has_unconfirmed())
            {
                inner.has_ping = true;
                activity.record_ping(now);
            }
        }
        match (is_forgotten, had_ended, inner.has_ended()) {
            (_, false, true) => Swept::Ended,
            (true, ..) => Swept::Forgotten,
            (false, ..) => Swept::Kept,
        }
    }

    /// Asks for a sign of life, by a ping; it cancels the returned token.
    pub(in crate::hub) fn probe_liveness(&self, now: Timestamp) -> CancellationToken {
        let mut inner = self.cell.lock();
        inner.has_ping = true;
        self.cell.activity.record_ping(now);
        inner.is_awaited = true;
        inner.proof.get_or_insert_default().clone()
    }
}
