//! A session as its own connection uses it: admission of requests, output, close.
//!
//! Only the connection's task calls these methods, and it checks for output before it waits again. Each call therefore
//! marks the task as running, and a reply to a request wakes no task.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use stagedoor_proto::{
    CloseCode, CommandClass, Disconnect, Error, ErrorCode, RoomId, delay_ms, encode_reply,
};

use super::SessionHandle;
use super::cell::{Locked, SessionInner};
use super::wake::{WakeState, Written};
use crate::hub::sessions::membership::RoomTags;
use crate::session::{AdmissionError, ConnectionLoss, RequestLimits};
use crate::time::Now;

/// A session and the generation of the connection that carries it.
pub struct SessionConnection {
    session: Arc<SessionHandle>,
    generation: u64,
}

/// An admitted request. It is answered exactly once: by its holder, or by the log of a room.
#[must_use = "an admitted request is answered"]
pub(in crate::hub) struct RequestPermit {
    number: u32,
    rooms: RoomTags,
}

/// Why a request was not admitted. The error or the close is already queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Refusal {
    /// Another connection carries the session; input of this one is ignored.
    Superseded,
    /// The rate was exceeded; an error is queued.
    RateLimited,
    /// The rate was exceeded for too long; the connection closes.
    Flooding,
    /// Too many requests are unanswered; the session ended.
    InFlight,
    /// The session's state does not allow the command; an error is queued.
    State,
}

impl RequestPermit {
    pub(in crate::hub) const fn number(&self) -> u32 {
        self.number
    }

    /// The number under which the request is answered.
    pub(in crate::hub) fn into_number(self) -> u32 {
        self.number
    }

    /// The rooms that the request can concern: the one it names, or all rooms of the session.
    pub(in crate::hub) const fn rooms(&self) -> &RoomTags {
        &self.rooms
    }
}

impl SessionConnection {
    pub(in crate::hub) const fn new(session: Arc<SessionHandle>, generation: u64) -> Self {
        Self { session, generation }
    }

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
    fn receive(&self, now: Now) -> Option<Locked<'_>> {
        let mut inner = self.lock()?;
        self.session.cell.activity.record_frame(now.monotonic);
        if std::mem::take(&mut inner.is_awaited) {
            inner.session.confirm_resume();
            inner.record_activity();
        }
        Some(inner)
    }

    /// Notes that a frame came in that is no request.
    pub fn touch(&self, now: Now) {
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
        now: Now,
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

    /// Counts a ping or pong, and removes the frames that a pong confirms. `false` if there were too many; the
    /// connection is then closed.
    pub(in crate::hub) fn note_keepalive(
        &self,
        confirmed: Option<u64>,
        now: Now,
        limits: RequestLimits,
    ) -> bool {
        self.receive(now).is_none_or(|inner| take_keepalive(inner, confirmed, now, limits))
    }

    /// Counts a ping or pong that is no activity. `false` if there were too many; the connection is then closed.
    pub(in crate::hub) fn note_frame_amid_message(&self, now: Now, limits: RequestLimits) -> bool {
        self.lock().is_none_or(|inner| take_keepalive(inner, None, now, limits))
    }

    /// Queues the answer to a ping of the client. `false` if there were too many pings; the connection is then closed.
    ///
    /// A client that does not read its answers is closed as a slow consumer.
    pub(in crate::hub) fn answer_ping(&self, id: u32, now: Now, limits: RequestLimits) -> bool {
        let Some(mut inner) = self.receive(now) else { return true };
        if let Err(wait) = inner.session.handle_keepalive(None, now, limits) {
            inner.session.disconnect(flooding(wait), now);
            return false;
        }
        if !inner.pongs.push(id, now.wall, limits.keepalives.burst()) {
            inner.session.disconnect(Disconnect::new(CloseCode::SlowConsumer), now);
        }
        true
    }

    /// Passes queued frames to `write`, one by one, until it returns `false`.
    ///
    /// A frame without a number is a ping, or the answer to one. When the queue is empty, `waker` is stored and woken
    /// for the next frame.
    pub fn write(&self, waker: &Waker, write: impl FnMut(Option<u64>, &[u8]) -> bool) -> Written {
        self.session.cell.write(self.generation, waker, write)
    }

    /// The close of this connection, if one is pending; otherwise `waker` is stored and woken for it.
    #[must_use]
    pub fn poll_close(&self, waker: &Waker) -> Option<Box<Disconnect>> {
        self.session.cell.poll_close(self.generation, waker)
    }

    /// Closes the connection because of its input, or the lack of it. `false` if it no longer carries the session.
    pub(in crate::hub) fn close(&self, disconnect: Disconnect, now: Now) -> bool {
        let Some(mut inner) = self.lock() else { return false };
        inner.session.disconnect(disconnect, now);
        true
    }

    pub(in crate::hub) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Suspends the session because the connection was lost, unless a newer connection carries it.
    pub(in crate::hub) fn detach(&self, loss: ConnectionLoss, now: Now) {
        if let Some(mut inner) = self.lock() {
            inner.session.handle_lost_connection(self.generation, loss, now);
        }
    }
}

fn take_keepalive(
    mut inner: Locked<'_>,
    confirmed: Option<u64>,
    now: Now,
    limits: RequestLimits,
) -> bool {
    let noted = inner.session.handle_keepalive(confirmed, now, limits);
    if let Err(wait) = noted {
        inner.session.disconnect(flooding(wait), now);
    }
    noted.is_ok()
}

/// Closes a connection that exceeds its rate; the client waits for `wait` before it reconnects.
fn flooding(wait: Duration) -> Disconnect {
    let mut disconnect = Disconnect::new(CloseCode::RateLimited);
    disconnect.retry_after_ms = Some(delay_ms(wait));
    disconnect
}
