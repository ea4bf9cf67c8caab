//! Signs of life: who shows them, who waits for them, and what the lack of them brings.

use std::sync::atomic::Ordering;
use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{SessionHandle, SessionInner, wake};
use crate::session::{Link, Session, SessionSettings};

/// What the sweep found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Swept {
    /// It goes on.
    Kept,
    /// It has just ended: it holds its instance no more.
    Ended,
    /// Nobody will ask for it any more.
    Forgotten,
}

impl SessionHandle {
    /// Notes that a frame came in at `now` on the connection of `generation`; `false` when that does not carry the session
    /// any more, and its late input means nothing.
    pub fn note_activity(&self, generation: u64, now: Timestamp) -> bool {
        let mut inner = self.lock();
        if !inner.session.is_served_by(generation) {
            return false;
        }
        self.activity.store(now.as_millis(), Ordering::Relaxed);
        if std::mem::take(&mut inner.is_awaited) {
            inner.session.handle_life();
            inner.prove_life();
        }
        true
    }

    /// Lets `resume` take the session up; a client that is back proves life, and one that is refused does not.
    ///
    /// The former resume secret lives on until a frame came in on the new connection: the reply with the new secret may be
    /// lost as the one before.
    pub(in crate::hub) fn take_up<T, E>(
        &self,
        now: Timestamp,
        resume: impl FnOnce(&mut Session) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut inner = self.lock();
        let taken = resume(&mut inner.session)?;
        // Under the lock, so that the sweep does not take the new connection for the lost one.
        self.activity.store(now.as_millis(), Ordering::Relaxed);
        inner.is_awaited = true;
        inner.prove_life();
        self.note_due(&mut inner);
        wake(inner);
        Ok(taken)
    }

    /// Whether [`SessionHandle::sweep`] has something to do; takes no lock.
    pub(in crate::hub) fn is_due(&self, now: Timestamp, interval: Duration) -> bool {
        now.as_millis() >= self.due.load(Ordering::Relaxed)
            || now.saturating_since(self.last_activity()) >= interval
            || now.saturating_since(self.last_ping()) >= interval
    }

    /// Does what time brought: expiries, pings, lost connections. `true` when the session may be forgotten.
    pub(in crate::hub) fn sweep(
        &self,
        now: Timestamp,
        interval: Duration,
        timeout: Duration,
        settings: &SessionSettings,
    ) -> Swept {
        let mut swept = Swept::Kept;
        let mut inner = self.lock();
        let silent = now.saturating_since(self.last_activity());
        // Who sends all the time is never silent, and would keep a ring full of what it was sent long ago.
        let unasked = now.saturating_since(self.last_ping());
        let had_ended = matches!(inner.session.link(), Link::Ended { .. });
        if inner.session.handle_time(now, settings) {
            swept = Swept::Forgotten;
        }
        if matches!(inner.session.link(), Link::Live { .. }) {
            if silent >= interval + timeout {
                let lost = Disconnect::new(CloseCode::HeartbeatLost);
                inner.session.part(lost, now, settings);
            } else if (silent >= interval && self.last_ping() <= self.last_activity())
                || (unasked >= interval && inner.session.has_unconfirmed())
            {
                self.ping(&mut inner, now);
            }
        }
        if !had_ended && matches!(inner.session.link(), Link::Ended { .. }) {
            swept = Swept::Ended;
        }
        self.note_due(&mut inner);
        wake(inner);
        swept
    }

    /// Asks for a sign of life; it cancels the returned token.
    pub(in crate::hub) fn ask_for_life(&self, now: Timestamp) -> CancellationToken {
        let mut inner = self.lock();
        self.ping(&mut inner, now);
        let proof = inner.proof.get_or_insert_default().clone();
        inner.is_awaited = true;
        wake(inner);
        proof
    }

    /// Asks for a ping, which its connection writes next.
    fn ping(&self, inner: &mut SessionInner, now: Timestamp) {
        inner.ping = true;
        self.pinged.store(now.as_millis(), Ordering::Relaxed);
    }

    fn last_ping(&self) -> Timestamp {
        Timestamp::from_millis(self.pinged.load(Ordering::Relaxed))
    }
}

impl SessionInner {
    /// Tells those who asked for a sign of life.
    fn prove_life(&mut self) {
        if let Some(proof) = self.proof.take() {
            proof.cancel();
        }
    }
}
