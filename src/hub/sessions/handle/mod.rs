//! A session and what surrounds it: what it is, when it last showed life, and its connection's task to wake.
//!
//! The [`Session`] is behind a lock that is held for a few instructions and never across `.await`; nothing is called
//! under it. The atomics beside it let the sweep pass over a session that has nothing to do without taking that lock.
//! The modules below hold what is done with a session: its output, its life, its rooms.

mod life;
mod memberships;
mod output;
mod writer;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stagedoor_proto::{
    ClientInfo, Disconnect, FamilyId, InstanceId, SessionId, SessionState, Timestamp,
};
use tokio_util::sync::CancellationToken;

use super::membership::Memberships;
use super::permits::SessionPermit;
use crate::hub::app::App;
use crate::hub::errors::StartError;
use crate::hub::session_meta::{AuthContext, PeerInfo, SessionMeta};
use crate::rate_limit::RateLimiter;
use crate::request::RequestId;
use crate::session::{Link, Session, SessionSettings};
use crate::store::UserKey;
pub(super) use life::Swept;
pub use output::Written;
use writer::Writer;

/// A live session, shared by the maps, its connection, its rooms and whoever acts on it.
pub struct SessionHandle {
    meta: SessionMeta,
    /// When a frame last came in, in milliseconds since the epoch.
    activity: AtomicU64,
    /// When the last ping was asked for, in milliseconds since the epoch.
    pinged: AtomicU64,
    /// When [`Session::handle_time`] has something to do.
    due: AtomicU64,
    /// How many rooms it is in: who is in one is pinged more often.
    room_count: AtomicUsize,
    /// The generation by which it holds its client instance in the directory; 0: it does not.
    held_by: AtomicU64,
    inner: Mutex<SessionInner>,
}

struct SessionInner {
    session: Session,
    /// Released as the session ends.
    permit: Option<SessionPermit>,
    auth: AuthContext,
    /// The connection's task.
    writer: Writer,
    /// A ping waits to be written.
    ping: bool,
    memberships: Memberships,
    /// Its end was recorded for operators.
    is_recorded: bool,
    /// The request that ended it, where one did. Boxed: most sessions have none, and there are many.
    ended_by: Option<Box<RequestId>>,
    joins: RateLimiter,
    /// The next frame matters: a former resume secret is to die, or a sign of life was asked for.
    is_awaited: bool,
    /// Cancelled by the next sign of life, while somebody waits for one.
    proof: Option<CancellationToken>,
}

impl SessionHandle {
    pub(in crate::hub) fn new(
        meta: SessionMeta,
        session: Session,
        auth: AuthContext,
        first_life: Timestamp,
    ) -> Self {
        Self {
            meta,
            activity: AtomicU64::new(first_life.as_millis()),
            pinged: AtomicU64::new(first_life.as_millis()),
            due: AtomicU64::new(session.due().as_millis()),
            room_count: AtomicUsize::new(0),
            held_by: AtomicU64::new(0),
            inner: Mutex::new(SessionInner {
                // One that another process saw end was recorded there.
                is_recorded: matches!(session.link(), Link::Ended { .. }),
                ended_by: None,
                session,
                permit: None,
                auth,
                writer: Writer::default(),
                ping: false,
                memberships: Memberships::default(),
                joins: RateLimiter::default(),
                is_awaited: false,
                proof: None,
            }),
        }
    }

    /// What never changes about it.
    pub(in crate::hub) const fn meta(&self) -> &SessionMeta {
        &self.meta
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.meta.id
    }

    /// The id of its request of this number.
    pub(in crate::hub) fn request(&self, number: u32) -> RequestId {
        RequestId::Session { session: self.id(), number }
    }

    /// The app it belongs to.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.meta.app
    }

    /// Whose it is.
    #[must_use]
    pub fn user(&self) -> &UserKey {
        &self.meta.user
    }

    /// The client instance it belongs to.
    #[must_use]
    pub fn instance(&self) -> &InstanceId {
        &self.meta.instance
    }

    /// Whether its user's name is only borrowed.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        self.meta.guest
    }

    /// The family of its access token.
    #[must_use]
    pub fn family(&self) -> FamilyId {
        self.meta.family
    }

    /// What software it is.
    #[must_use]
    pub fn client(&self) -> Option<&ClientInfo> {
        self.meta.client.as_deref()
    }

    /// The connection it was started on.
    #[must_use]
    pub fn peer(&self) -> &PeerInfo {
        &self.meta.peer
    }

    /// When it started.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.meta.started
    }

    /// When something last came in.
    #[must_use]
    pub fn last_activity(&self) -> Timestamp {
        Timestamp::from_millis(self.activity.load(Ordering::Relaxed))
    }

    /// Its state, whether it is connected, and when its token runs out.
    #[must_use]
    pub fn status(&self) -> (SessionState, bool, Timestamp) {
        let inner = self.lock();
        let connected = matches!(inner.session.link(), Link::Live { .. });
        (inner.session.state(), connected, inner.session.expires())
    }

    /// Whether it has ended, and is only remembered.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.lock().has_ended()
    }

    /// How it ended, and in which state; told once.
    pub(in crate::hub) fn take_termination(&self) -> Option<(Disconnect, SessionState)> {
        let mut inner = self.lock();
        let Link::Ended { ending, .. } = inner.session.link() else { return None };
        let ending = (!inner.is_recorded).then(|| ((**ending).clone(), inner.session.state()));
        inner.is_recorded = true;
        ending
    }

    /// Which request ended it, where one did.
    pub(in crate::hub) fn ended_by(&self) -> Option<RequestId> {
        self.lock().ended_by.as_deref().cloned()
    }

    /// Parts from it because of a request, or of none, and wakes its connection. One that ended before stays as it ended.
    pub(in crate::hub) fn part(
        &self,
        disconnect: Disconnect,
        request: Option<&RequestId>,
        now: Timestamp,
        settings: &SessionSettings,
    ) {
        let mut inner = self.lock();
        let had_ended = inner.has_ended();
        inner.session.part(disconnect, now, settings);
        if !had_ended && inner.has_ended() {
            inner.ended_by = request.cloned().map(Box::new);
        }
        self.note_due(&mut inner);
        wake(inner);
    }

    /// Whether a connection carries it.
    pub(in crate::hub) fn is_connected(&self) -> bool {
        matches!(self.lock().session.link(), Link::Live { .. })
    }

    /// Counts among the sessions of the node until it ends.
    pub(in crate::hub::sessions) fn attach_permit(&self, mut permit: SessionPermit) {
        let mut inner = self.lock();
        inner.permit = permit.note(&inner.session).then_some(permit);
    }

    /// Counts no more.
    pub(in crate::hub::sessions) fn release_permit(&self) {
        self.lock().permit = None;
    }

    /// By which generation it holds its client instance, if it does.
    pub(in crate::hub) fn held_by(&self) -> Option<u64> {
        Some(self.held_by.load(Ordering::Acquire)).filter(|generation| *generation > 0)
    }

    /// It holds its client instance by this generation; `None`: no more.
    pub(in crate::hub) fn set_held_by(&self, generation: Option<u64>) {
        self.held_by.store(generation.unwrap_or(0), Ordering::Release);
    }

    /// How many frames wait to be written.
    pub(in crate::hub) fn backlog(&self) -> usize {
        self.lock().session.backlog()
    }

    pub(in crate::hub) fn auth(&self) -> AuthContext {
        self.lock().auth.clone()
    }

    pub(in crate::hub) fn set_auth(&self, auth: AuthContext) {
        self.lock().auth = auth;
    }

    /// Why a client that proved it cannot resume it: it has ended, which is told for a while.
    pub(in crate::hub) fn resume_error(&self, now: Timestamp) -> StartError {
        match self.lock().session.link() {
            Link::Ended { ending, until } if now < *until => StartError::ended((**ending).clone()),
            Link::Ended { .. } | Link::Live { .. } | Link::Suspended { .. } => {
                StartError::resume_denied()
            }
        }
    }

    /// Changes the session from its own connection's task, which looks for something to write next anyway, or where
    /// nothing comes to be written.
    pub fn change<R>(&self, change: impl FnOnce(&mut Session) -> R) -> R {
        let mut inner = self.lock();
        let result = change(&mut inner.session);
        self.note_due(&mut inner);
        result
    }

    /// Changes the session from elsewhere, and wakes its connection.
    pub fn tell<R>(&self, change: impl FnOnce(&mut Session) -> R) -> R {
        let mut inner = self.lock();
        let result = change(&mut inner.session);
        self.note_due(&mut inner);
        wake(inner);
        result
    }

    /// Follows each change of the session.
    fn note_due(&self, inner: &mut SessionInner) {
        if inner.permit.as_mut().is_some_and(|permit| !permit.note(&inner.session)) {
            inner.permit = None;
        }
        self.due.store(inner.session.due().as_millis(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, SessionInner> {
        // A panic while the lock was held leaves at worst one session odd; the others must go on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionInner {
    fn has_ended(&self) -> bool {
        matches!(self.session.link(), Link::Ended { .. })
    }
}

/// Wakes the connection, if it waits, once the lock is released.
fn wake(mut inner: MutexGuard<'_, SessionInner>) {
    let waker = inner.writer.take();
    drop(inner);
    if let Some(waker) = waker {
        waker.wake();
    }
}
