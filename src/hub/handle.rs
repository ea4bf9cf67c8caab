//! A session and what surrounds it: whose it is, when it last showed life, and who is to be woken for it.
//!
//! The [`Session`] is behind a lock that is held for a few instructions and never across `.await`. Two atomics beside it
//! let the sweep pass over a session that has nothing to do without taking that lock.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use stagedoor_proto::{
    ClientInfo, Disconnect, FamilyId, InstanceId, Link as WireLink, RoomId, SessionId,
    SessionState, Timestamp, encode_ping,
};
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::membership::{Memberships, Standing, Untold};
use super::registry::Seat;
use super::rooms::Place;
use super::writer::Writer;
use crate::grant::Grant;
use crate::session::{Bucket, Link, Output, Rate, RoomTag, Session, SessionSettings};
use crate::store::UserKey;

/// From where somebody comes, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Their address.
    pub address: IpAddr,
    /// Their `User-Agent`.
    pub user_agent: Option<Box<str>>,
}

/// What a session is from its start to its end.
pub(super) struct Identity {
    pub(super) id: SessionId,
    pub(super) app: Arc<App>,
    pub(super) user: UserKey,
    pub(super) instance: InstanceId,
    pub(super) guest: bool,
    pub(super) family: FamilyId,
    pub(super) client: Option<Box<ClientInfo>>,
    pub(super) arrival: Arrival,
    pub(super) started: Timestamp,
}

/// By what a session lives; renewals change it.
#[derive(Clone, Debug)]
pub(super) struct Credit {
    pub(super) grant: Arc<Grant>,
    /// When the user was last fully authenticated.
    pub(super) auth: Timestamp,
}

/// A live session, shared by the maps, its connection and whoever acts on it.
pub struct SessionHandle {
    identity: Identity,
    /// When a frame last came in, in milliseconds since the epoch.
    activity: AtomicU64,
    /// When [`Session::handle_time`] has something to do.
    due: AtomicU64,
    /// How many rooms it is in: who is in one is pinged more often.
    room_count: AtomicUsize,
    inner: Mutex<Inner>,
}

struct Inner {
    session: Session,
    /// Given up as the session ends.
    seat: Option<Seat>,
    credit: Credit,
    /// The connection's task.
    writer: Writer,
    /// When the last ping was asked for.
    pinged: Timestamp,
    /// A ping waits to be written.
    ping: bool,
    memberships: Memberships,
    /// Its end was noted for operators.
    is_noted: bool,
    joins: Bucket,
    /// Somebody waits for the next frame: a former resume secret is to die, or a sign of life was asked for.
    is_awaited: bool,
    /// Cancelled by the next sign of life, while somebody waits for one.
    proof: Option<CancellationToken>,
}

/// What [`SessionHandle::write`] came to.
#[derive(Debug)]
pub enum Written {
    /// There is more; the batch is full.
    More,
    /// All of it. The task will be woken when there is more.
    All,
    /// All of it; the connection is to close with this.
    Parted(Box<Disconnect>),
}

impl SessionHandle {
    pub(super) fn new(
        identity: Identity,
        session: Session,
        credit: Credit,
        first_life: Timestamp,
    ) -> Self {
        Self {
            identity,
            activity: AtomicU64::new(first_life.as_millis()),
            due: AtomicU64::new(session.due().as_millis()),
            room_count: AtomicUsize::new(0),
            inner: Mutex::new(Inner {
                // One that another process saw end was noted there.
                is_noted: matches!(session.link(), Link::Ended { .. }),
                session,
                seat: None,
                credit,
                writer: Writer::default(),
                pinged: Timestamp::default(),
                ping: false,
                memberships: Memberships::default(),
                joins: Bucket::default(),
                is_awaited: false,
                proof: None,
            }),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.identity.id
    }

    /// The app it belongs to.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.identity.app
    }

    /// Whose it is.
    #[must_use]
    pub fn user(&self) -> &UserKey {
        &self.identity.user
    }

    /// The client instance it belongs to.
    #[must_use]
    pub fn instance(&self) -> &InstanceId {
        &self.identity.instance
    }

    /// Whether its user's name is only borrowed.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        self.identity.guest
    }

    /// The family of its access token.
    #[must_use]
    pub fn family(&self) -> FamilyId {
        self.identity.family
    }

    /// What software it is.
    #[must_use]
    pub fn client(&self) -> Option<&ClientInfo> {
        self.identity.client.as_deref()
    }

    /// From where it started.
    #[must_use]
    pub fn arrival(&self) -> &Arrival {
        &self.identity.arrival
    }

    /// When it started.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.identity.started
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
        matches!(self.lock().session.link(), Link::Ended { .. })
    }

    /// How it ended, and in which state; told once.
    pub(super) fn take_ending(&self) -> Option<(Disconnect, SessionState)> {
        let mut inner = self.lock();
        let Link::Ended { ending, .. } = inner.session.link() else { return None };
        let ending = (!inner.is_noted).then(|| ((**ending).clone(), inner.session.state()));
        inner.is_noted = true;
        ending
    }

    /// Whether a connection carries it.
    pub(super) fn is_connected(&self) -> bool {
        matches!(self.lock().session.link(), Link::Live { .. })
    }

    /// Counts among the sessions of the node until it ends.
    pub(super) fn hold(&self, mut seat: Seat) {
        let mut inner = self.lock();
        inner.seat = seat.note(&inner.session).then_some(seat);
    }

    /// How many frames wait to be written.
    pub(super) fn backlog(&self) -> usize {
        self.lock().session.backlog()
    }

    /// Counts no more.
    pub(super) fn give_way(&self) {
        self.lock().seat = None;
    }

    pub(super) fn credit(&self) -> Credit {
        self.lock().credit.clone()
    }

    pub(super) fn set_credit(&self, credit: Credit) {
        self.lock().credit = credit;
    }

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
    pub(super) fn take_up<T, E>(
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
        let waker = inner.writer.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(taken)
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
        let waker = inner.writer.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    /// Changes the session from elsewhere; `true` when its connection is to be woken for that by
    /// [`SessionHandle::wake_owed`].
    pub(super) fn tell_owing(&self, change: impl FnOnce(&mut Session)) -> bool {
        let mut inner = self.lock();
        change(&mut inner.session);
        self.note_due(&mut inner);
        inner.writer.owe()
    }

    /// Wakes the connection as promised, unless that was done since.
    pub(super) fn wake_owed(&self) {
        let waker = self.lock().writer.take_owed();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Hands what waits for the connection of `generation` to `write`, frame by frame, until that answers `false`.
    ///
    /// A frame without a number is a ping. When all is written, `waker` is kept for the next frame.
    pub fn write(
        &self,
        generation: u64,
        waker: &Waker,
        mut write: impl FnMut(Option<u64>, &[u8]) -> bool,
    ) -> Written {
        let mut inner = self.lock();
        if std::mem::take(&mut inner.ping) && !write(None, encode_ping()) {
            return Written::More;
        }
        loop {
            match inner.session.poll_output(generation) {
                Output::Frame(seq, body) => {
                    if !write(Some(seq), body) {
                        return Written::More;
                    }
                }
                Output::Idle => {
                    inner.writer.wait(waker);
                    return Written::All;
                }
                Output::Part(disconnect) => return Written::Parted(disconnect),
            }
        }
    }

    /// What the connection of `generation` is parted from with, if it is; otherwise `waker` is kept for that.
    pub fn parted(&self, generation: u64, waker: &Waker) -> Option<Box<Disconnect>> {
        let mut inner = self.lock();
        let parted = inner.session.parted(generation);
        if parted.is_none() {
            inner.writer.wait(waker);
        }
        parted
    }

    /// Whether [`SessionHandle::sweep`] has something to do; takes no lock.
    pub(super) fn is_due(&self, now: Timestamp, interval: Duration) -> bool {
        now.as_millis() >= self.due.load(Ordering::Relaxed)
            || now.saturating_since(self.last_activity()) >= interval
    }

    /// Does what time brought: expiries, pings, lost connections. `true` when the session may be forgotten.
    pub(super) fn sweep(
        &self,
        now: Timestamp,
        interval: Duration,
        timeout: Duration,
        settings: &SessionSettings,
    ) -> Swept {
        let mut swept = Swept::Kept;
        let mut inner = self.lock();
        let silent = now.saturating_since(self.last_activity());
        let had_ended = matches!(inner.session.link(), Link::Ended { .. });
        if inner.session.handle_time(now, settings) {
            swept = Swept::Forgotten;
        }
        if matches!(inner.session.link(), Link::Live { .. }) {
            if silent >= interval + timeout {
                let lost = Disconnect::new(stagedoor_proto::CloseCode::HeartbeatLost);
                inner.session.part(lost, now, settings);
            } else if silent >= interval && inner.pinged <= self.last_activity() {
                inner.pinged = now;
                inner.ping = true;
            }
        }
        if !had_ended && matches!(inner.session.link(), Link::Ended { .. }) {
            swept = Swept::Ended;
        }
        self.note_due(&mut inner);
        if let Some(waker) = inner.writer.take() {
            drop(inner);
            waker.wake();
        }
        swept
    }

    /// Asks for a sign of life; it cancels the returned token.
    pub(super) fn ask_for_life(&self, now: Timestamp) -> CancellationToken {
        let mut inner = self.lock();
        inner.ping = true;
        inner.pinged = now;
        let proof = inner.proof.get_or_insert_default().clone();
        inner.is_awaited = true;
        let waker = inner.writer.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
        proof
    }

    /// Counts a join.
    pub(super) fn take_join(&self, rate: Rate, now: Timestamp) -> Result<(), Duration> {
        self.lock().joins.take(rate, now)
    }

    /// The room of this id, if the session is in it.
    pub(super) fn room(&self, room: &RoomId) -> Option<Arc<Place>> {
        self.lock().memberships.find(room)
    }

    /// The rooms it is in.
    pub(super) fn rooms(&self) -> Vec<Arc<Place>> {
        self.lock().memberships.all()
    }

    /// How many rooms it is in.
    pub(super) fn room_count(&self) -> usize {
        self.room_count.load(Ordering::Relaxed)
    }

    /// It is in a room now, which believes it connected and established; `false` when it is otherwise.
    pub(super) fn enter(&self, place: &Arc<Place>) -> bool {
        let mut inner = self.lock();
        inner.memberships.enter(place, WireLink::Live, SessionState::Established);
        self.room_count.store(inner.memberships.len(), Ordering::Relaxed);
        !inner.memberships.has_untold(&standing_of(&inner.session))
    }

    /// It was in a room before the gateway was started anew, which knows it like this.
    pub(super) fn re_enter(&self, place: &Arc<Place>, link: WireLink, state: SessionState) {
        let mut inner = self.lock();
        inner.memberships.enter(place, link, state);
        self.room_count.store(inner.memberships.len(), Ordering::Relaxed);
    }

    /// It is no longer in a room.
    pub(super) fn leave(&self, room: RoomTag) {
        let mut inner = self.lock();
        inner.memberships.leave(room);
        self.room_count.store(inner.memberships.len(), Ordering::Relaxed);
    }

    /// As [`SessionHandle::leave`] and [`SessionHandle::tell_owing`], in one step.
    pub(super) fn leave_owing(&self, room: RoomTag, change: impl FnOnce(&mut Session)) -> bool {
        let mut inner = self.lock();
        inner.memberships.leave(room);
        self.room_count.store(inner.memberships.len(), Ordering::Relaxed);
        change(&mut inner.session);
        self.note_due(&mut inner);
        inner.writer.owe()
    }

    /// The next thing that one of its rooms does not know of it; [`SessionHandle::end_telling`] follows.
    pub(super) fn begin_telling(&self) -> Option<(Arc<Place>, Untold)> {
        let mut inner = self.lock();
        let Inner { memberships, session, .. } = &mut *inner;
        let told = memberships.begin_telling(&standing_of(session));
        self.room_count.store(memberships.len(), Ordering::Relaxed);
        told
    }

    pub(super) fn end_telling(&self) {
        self.lock().memberships.end_telling();
    }

    /// Whether it is connected and has to be told its rooms anew; then it counts as told.
    pub(super) fn catch_up(&self) -> bool {
        let mut inner = self.lock();
        let is_there = matches!(
            standing_of(&inner.session),
            Standing::Here { link: WireLink::Live, state: SessionState::Established }
        );
        is_there && inner.session.catch_up()
    }

    /// Follows each change of the session.
    fn note_due(&self, inner: &mut Inner) {
        if inner.seat.as_mut().is_some_and(|seat| !seat.note(&inner.session)) {
            inner.seat = None;
        }
        self.due.store(inner.session.due().as_millis(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held leaves at worst one session odd; the others must go on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Tells those who asked for a sign of life.
    fn prove_life(&mut self) {
        if let Some(proof) = self.proof.take() {
            proof.cancel();
        }
    }
}

/// How a session is, as its rooms know it.
fn standing_of(session: &Session) -> Standing<'_> {
    let state = session.state();
    match session.link() {
        Link::Live { .. } => Standing::Here { link: WireLink::Live, state },
        Link::Suspended { .. } => Standing::Here { link: WireLink::Suspended, state },
        Link::Ended { ending, .. } => Standing::Ended(ending),
    }
}

/// What the sweep found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swept {
    /// It goes on.
    Kept,
    /// It has just ended: it holds its instance no more.
    Ended,
    /// Nobody will ask for it any more.
    Forgotten,
}
