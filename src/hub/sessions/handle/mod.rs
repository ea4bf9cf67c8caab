//! A session of this node: its metadata, its state behind a lock, and the operations on it.
//!
//! The lock (`cell`) is held for a few instructions and never across `.await`; nothing is called under it. A change
//! wakes the connection of the session if there is output, on every path. Operations of the connection itself are
//! in [`SessionConnection`].

mod activity;
mod cell;
mod connection;
mod liveness;
mod pongs;
mod wake;

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{
    Disconnect, Error, ErrorCode, Link as WireLink, Postponed, Reply, SessionId, SessionState,
    Timestamp, encode_reply,
};

use super::membership::{MembershipState, Memberships};
use super::permits::SessionPermit;
use crate::hub::app::App;
use crate::hub::errors::StartError;
use crate::hub::session_meta::{AuthContext, Renewal, SessionMeta};
use crate::rate_limit::AmountRate;
use crate::request::RequestId;
use crate::session::{Link, Session, has_headroom};
use crate::store::UserKey;
use crate::time::{Monotonic, Now};
pub use activity::Activity;
use cell::{SessionCell, SessionInner};
pub use connection::SessionConnection;
pub(in crate::hub) use connection::{Refusal, RequestPermit};
pub(super) use liveness::Swept;
pub use wake::Written;

/// How long the senders to a session that reads too slowly have to wait.
const SLOW_RECEIVER_WAIT: Duration = Duration::from_secs(1);

/// A live session, shared by the maps, its connection, its rooms and current operations.
pub struct SessionHandle {
    app: Arc<App>,
    meta: SessionMeta,
    cell: SessionCell,
}

pub(in crate::hub) struct SessionTermination {
    pub(in crate::hub) disconnect: Disconnect,
    pub(in crate::hub) state: SessionState,
    /// The request that ended the session, if one did.
    pub(in crate::hub) cause: Option<RequestId>,
}

impl SessionHandle {
    pub(in crate::hub) fn new(
        app: Arc<App>,
        meta: SessionMeta,
        session: Session,
        auth: AuthContext,
        first_life: Monotonic,
    ) -> Self {
        Self { app, meta, cell: SessionCell::new(session, auth, first_life) }
    }

    #[must_use]
    pub const fn meta(&self) -> &SessionMeta {
        &self.meta
    }

    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.meta.id
    }

    /// The request id of its request with this number.
    pub(in crate::hub) const fn request_id(&self, number: u32) -> RequestId {
        RequestId::Session { session: self.id(), number }
    }

    #[must_use]
    pub const fn app(&self) -> &Arc<App> {
        &self.app
    }

    #[must_use]
    pub const fn user(&self) -> &UserKey {
        &self.meta.user
    }

    /// State that is read without the lock.
    #[must_use]
    pub const fn activity(&self) -> &Activity {
        &self.cell.activity
    }

    /// Why a client with the right secret cannot resume the session: it ended. Known for a limited time.
    pub(in crate::hub) fn resume_error(&self, now: Now) -> StartError {
        let ending = self.inspect(|session| session.remembered_ending(now).cloned());
        ending.map_or_else(StartError::resume_denied, StartError::ended)
    }

    #[must_use]
    pub fn status(&self) -> (SessionState, bool, Timestamp) {
        self.inspect(|session| (session.state(), session.generation().is_some(), session.expires()))
    }

    /// Whether the session has ended and is only retained for late resumes.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.cell.lock().has_ended()
    }

    /// Reads the session under its lock.
    pub(in crate::hub) fn inspect<R>(&self, look: impl FnOnce(&Session) -> R) -> R {
        look(&self.cell.lock().session)
    }

    /// Changes the session, and wakes its connection if there is output.
    pub(in crate::hub) fn update<R>(&self, change: impl FnOnce(&mut Session) -> R) -> R {
        change(&mut self.cell.lock().session)
    }

    /// Like [`SessionHandle::update`], for a fan-out to many sessions: if it returns `true`, the fan-out must call
    /// [`SessionHandle::flush_wake`] later.
    #[must_use]
    pub(in crate::hub) fn update_deferred(
        &self,
        change: impl FnOnce(&mut Session, &mut Memberships),
    ) -> bool {
        let mut inner = self.cell.lock();
        let SessionInner { session, memberships, .. } = &mut *inner;
        change(session, memberships);
        inner.release_deferred()
    }

    /// Wakes the connection after a deferred update, unless it was woken since.
    pub(in crate::hub) fn flush_wake(&self) {
        let waker = self.cell.lock().wake.take_deferred();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Replies to the request with this number.
    pub(in crate::hub) fn reply(&self, number: u32, result: &Result<Reply, Error>, now: Now) {
        let body = encode_reply(number, result).into();
        self.update(|session| session.reply(number, body, now));
    }

    /// Ends or suspends the session, depending on the code. `request` is the cause, if there is one. An ended session
    /// does not change.
    pub(in crate::hub) fn disconnect(
        &self,
        disconnect: Disconnect,
        request: Option<&RequestId>,
        now: Now,
    ) {
        self.cell.lock().disconnect(disconnect, request, now);
    }

    pub(in crate::hub) fn auth(&self) -> AuthContext {
        self.cell.lock().auth.clone()
    }

    /// Goes by other credentials, which expire at `expires`, and answers the request for that, if there is one.
    ///
    /// The connection is not woken: the caller updates the rooms first, then calls [`SessionHandle::flush_wake`] if
    /// this returns true. So the client learns of its renewal when it is in effect.
    ///
    /// # Errors
    /// `superseded`: a renewal that arrived later was applied. `not_allowed_now`: the session has ended.
    pub(in crate::hub) fn renew(
        &self,
        number: u64,
        renewal: Renewal,
        reply: Option<(u32, &Result<Reply, Error>)>,
        now: Now,
    ) -> Result<bool, Error> {
        let mut inner = self.cell.lock();
        if number <= inner.renewals.applied {
            let message = "a renewal that was sent later has been applied";
            return Err(Error::new(ErrorCode::Superseded, message));
        }
        if inner.has_ended() {
            return Err(Error::new(ErrorCode::NotAllowedNow, "the session has ended"));
        }
        inner.renewals.applied = number;
        let Renewal { grant, source, authenticated_at, token_issued, expires, issued: _, serial } =
            renewal;
        let version = inner.auth.version + u64::from(inner.auth.grant != grant);
        inner.auth = AuthContext { grant, source, version, authenticated_at, token_issued, serial };
        if let Some((request, reply)) = reply {
            inner.session.reply(request, encode_reply(request, reply).into(), now);
        }
        inner.session.renew(expires, now);
        Ok(inner.release_deferred())
    }

    /// Changes the memberships of the session, given its current state.
    pub(in crate::hub) fn update_memberships<R>(
        &self,
        change: impl FnOnce(&mut Memberships, &MembershipState<'_>) -> R,
    ) -> R {
        let mut inner = self.cell.lock();
        let SessionInner { session, memberships, auth, ended_by, .. } = &mut *inner;
        change(memberships, &membership_state(session, auth.version, ended_by.as_deref()))
    }

    /// Attaches the permit, which the session holds until it ends.
    pub(in crate::hub::sessions) fn attach_permit(&self, mut permit: SessionPermit) {
        let mut inner = self.cell.lock();
        let rooms = inner.memberships.len();
        inner.permit = permit.note(&inner.session, rooms).then_some(permit);
    }

    pub(in crate::hub::sessions) fn release_permit(&self) {
        self.cell.lock().permit = None;
    }

    /// Takes how the session ended; returned once.
    pub(in crate::hub) fn take_termination(&self) -> Option<SessionTermination> {
        let mut inner = self.cell.lock();
        if inner.is_recorded || !inner.has_ended() {
            return None;
        }
        inner.is_recorded = true;
        let Link::Ended { ending, .. } = inner.session.link() else { return None };
        Some(SessionTermination {
            disconnect: (**ending).clone(),
            state: inner.session.state(),
            cause: inner.ended_by.as_deref().cloned(),
        })
    }
}

/// Counts bytes that another session is about to send to `receiver` alone. Beyond its rate, or while it reads too
/// slowly, the sender has to wait, so that the receiver is not closed for what others send.
///
/// # Errors
/// How long the sender has to wait.
pub(in crate::hub) fn take_relayed(
    receiver: &SessionHandle,
    rate: AmountRate,
    bytes: usize,
    now: Monotonic,
) -> Result<(), Duration> {
    let mut inner = receiver.cell.lock();
    if !has_headroom(&inner.session, bytes) {
        return Err(SLOW_RECEIVER_WAIT);
    }
    inner.memberships.take_relayed(rate, bytes as u64, now)
}

/// Postpones the renewal, at most until the maximum session age, and replies to the request for that.
pub(in crate::hub) fn postpone_renewal(session: &SessionHandle, request: u32, now: Now) {
    let settings = session.app.auth();
    let mut inner = session.cell.lock();
    let until = settings.max_age(inner.auth.authenticated_at);
    let next_prompt_ms = inner.session.postpone(until, now);
    let postponed = Ok(Reply::Postponed(Postponed { next_prompt_ms }));
    inner.session.reply(request, encode_reply(request, &postponed).into(), now);
}

/// The number of a renewal that arrives now.
pub(in crate::hub) fn begin_renewal(session: &SessionHandle) -> u64 {
    let mut inner = session.cell.lock();
    inner.renewals.last += 1;
    inner.renewals.last
}

/// The status of a session for its rooms.
fn membership_state<'a>(
    session: &'a Session,
    grant: u64,
    ended_by: Option<&'a RequestId>,
) -> MembershipState<'a> {
    let state = session.state();
    match session.link() {
        Link::Live { .. } => MembershipState::Present { link: WireLink::Live, state, grant },
        Link::Suspended => MembershipState::Present { link: WireLink::Suspended, state, grant },
        Link::Ended { ending } => MembershipState::Ended { ending, cause: ended_by },
    }
}
