//! What a connection's task does with the session that it carries.
//!
//! Each call here is made by the connection's own task, which looks for output before it waits again. So each marks the
//! task as running, and a reply to a request wakes nobody.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use stagedoor_proto::{
    CloseCode, CommandClass, Disconnect, Error, ErrorCode, RoomId, Timestamp, encode_reply,
};

use super::SessionHandle;
use super::cell::{Locked, SessionInner};
use super::wake::{WakeState, Written};
use crate::hub::sessions::membership::RoomTags;
use crate::session::{AdmissionError, RequestLimits};

/// A session, as the connection of one generation carries it.
pub struct SessionConnection {
    session: Arc<SessionHandle>,
    generation: u64,
}

/// A request that was admitted. It is answered once: by its holder, or by the log of a room.
#[must_use = "an admitted request is answered"]
pub(in crate::hub) struct RequestPermit {
    number: u32,
    rooms: RoomTags,
}

/// Why a request was not admitted. What its client is told of that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Refusal {
    /// Another connection carries the session: late input means nothing.
    Superseded,
    /// Too fast; answered with an error.
    RateLimited,
    /// Too fast for too long; the connection closes.
    Flooding,
    /// Too many wait for their reply; the session ended.
    InFlight,
    /// The session's state allows no such command; answered with an error.
    State,
}

impl RequestPermit {
    /// The number of the request.
    pub(in crate::hub) const fn number(&self) -> u32 {
        self.number
    }

    /// The number of the request, to answer it.
    pub(in crate::hub) fn into_number(self) -> u32 {
        self.number
    }

    /// The rooms that the request may be about: the one it names, or all that the session is in.
    pub(in crate::hub) const fn rooms(&self) -> &RoomTags {
        &self.rooms
    }
}

impl SessionConnection {
    pub(in crate::hub) const fn new(session: Arc<SessionHandle>, generation: u64) -> Self {
        Self { session, generation }
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Arc<SessionHandle> {
        &self.session
    }

    /// The lock of the session, for its own connection's task; `None` when that carries the session no more.
    fn lock(&self) -> Option<Locked<'_>> {
        let mut inner = self.session.cell.lock();
        if !inner.is_served_by(self.generation) {
            return None;
        }
        inner.wake = WakeState::Running;
        Some(inner)
    }

    /// As [`SessionConnection::lock`], when a frame came in.
    fn receive(&self, now: Timestamp) -> Option<Locked<'_>> {
        let mut inner = self.lock()?;
        self.session.cell.activity.record_frame(now);
        if std::mem::take(&mut inner.is_awaited) {
            inner.session.confirm_resume();
            inner.record_activity();
        }
        Some(inner)
    }

    /// Notes that a frame came in that is no request.
    pub fn touch(&self, now: Timestamp) {
        drop(self.receive(now));
    }

    /// Admits a request: its connection is the newest, and rate, number in flight and state allow it.
    ///
    /// `room` is the one that the request names.
    pub(in crate::hub) fn admit(
        &self,
        number: u32,
        class: CommandClass,
        room: Option<&RoomId>,
        now: Timestamp,
        limits: RequestLimits,
    ) -> Result<RequestPermit, Refusal> {
        let Some(mut inner) = self.receive(now) else { return Err(Refusal::Superseded) };
        let SessionInner { session, memberships, .. } = &mut *inner;
        match session.admit(number, class, now, limits) {
            Ok(()) => Ok(RequestPermit { number, rooms: memberships.tags_of(room) }),
            Err(AdmissionError::RateLimited(wait)) => {
                let message = "too many commands; retry later";
                let error = Error::new(ErrorCode::RateLimited, message).retry_after(wait);
                // Not its end: an older request of this number may still wait for its own reply.
                session.push(encode_reply(number, &Err(error)).into(), now);
                Err(Refusal::RateLimited)
            }
            Err(AdmissionError::Flooding(wait)) => {
                session.disconnect(flooding(wait), now);
                Err(Refusal::Flooding)
            }
            Err(AdmissionError::InFlight) => {
                let many = Disconnect::new(CloseCode::TooManyRequestsInFlight);
                inner.disconnect(many, Some(&self.session.request_id(number)), now);
                Err(Refusal::InFlight)
            }
            Err(AdmissionError::State(code)) => {
                let error = Error::new(code, "the access token has expired; renew first");
                session.reply(number, encode_reply(number, &Err(error)).into(), now);
                Err(Refusal::State)
            }
        }
    }

    /// Notes which frames the client has; `false` when it says so too often, and the connection closes.
    pub(in crate::hub) fn confirm(&self, seq: u64, now: Timestamp, limits: RequestLimits) -> bool {
        let Some(mut inner) = self.receive(now) else { return true };
        let confirmed = inner.session.handle_pong(seq, now, limits);
        if let Err(wait) = confirmed {
            inner.session.disconnect(flooding(wait), now);
        }
        confirmed.is_ok()
    }

    /// Hands what waits for this connection to `write`, frame by frame, until that answers `false`.
    ///
    /// A frame without a number is a ping. When all is written, `waker` is called for the next frame.
    pub fn write(&self, waker: &Waker, write: impl FnMut(Option<u64>, &[u8]) -> bool) -> Written {
        self.session.cell.write(self.generation, waker, write)
    }

    /// What the connection is to close with, if it is; otherwise `waker` is called for that.
    #[must_use]
    pub fn poll_close(&self, waker: &Waker) -> Option<Box<Disconnect>> {
        self.session.cell.poll_close(self.generation, waker)
    }

    /// Closes the connection by what came in on it, or did not; `false` when it carries the session no more.
    pub(in crate::hub) fn close(&self, disconnect: Disconnect, now: Timestamp) -> bool {
        let Some(mut inner) = self.lock() else { return false };
        inner.session.disconnect(disconnect, now);
        true
    }

    /// Its generation.
    pub(in crate::hub) const fn generation(&self) -> u64 {
        self.generation
    }

    /// The connection was lost; the session waits for its client, unless a newer one carries it.
    pub(in crate::hub) fn detach(&self, now: Timestamp) {
        if let Some(mut inner) = self.lock() {
            inner.session.handle_lost_connection(self.generation, now);
        }
    }
}

/// What tells a client to stay away for `wait`.
fn flooding(wait: Duration) -> Disconnect {
    let mut disconnect = Disconnect::new(CloseCode::RateLimited);
    disconnect.retry_after_ms = u64::try_from(wait.as_millis()).ok();
    disconnect
}
