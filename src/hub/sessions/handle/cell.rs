//! The lock of a session, and what follows each change under it.
//!
//! Invariant: when the lock is released, the connection's task runs, was woken, will be woken by a fan-out, or has
//! nothing to write. [`Locked`] ensures this when it is dropped, so that no change can skip it. The task is woken after
//! the lock is released. Rank of the lock: `Session`, under which no other is taken.
//!
//! The connection's task takes the lock without a [`Locked`] to write: taking frames from the queue changes no timer,
//! no count and no membership, and the task that would be woken is the one that writes.

use std::ops::{Deref, DerefMut};
use std::task::Waker;

use stagedoor_proto::{Disconnect, encode_ping};
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::pongs::Pongs;
use super::wake::{WakeState, Written};
use crate::hub::session_meta::AuthContext;
use crate::hub::sessions::membership::Memberships;
use crate::hub::sessions::permits::SessionPermit;
use crate::request::RequestId;
use crate::session::{Link, Output, Session};
use crate::sync::{Mutex, MutexGuard, Rank};
use crate::time::{Monotonic, Now};

/// A session's locked state, and the atomics that are read without the lock.
pub(super) struct SessionCell {
    pub(super) activity: Activity,
    inner: Mutex<SessionInner>,
}

/// The state that the lock of a session protects.
pub(super) struct SessionInner {
    pub(super) session: Session,
    /// Released when the session ends.
    pub(super) permit: Option<SessionPermit>,
    pub(super) auth: AuthContext,
    pub(super) renewals: Renewals,
    /// The connection's task.
    pub(super) wake: WakeState,
    /// A ping is queued.
    pub(super) has_ping: bool,
    pub(super) pongs: Pongs,
    pub(super) memberships: Memberships,
    /// The end was recorded in the session history.
    pub(super) is_recorded: bool,
    /// The request that ended the session. Boxed: most sessions have none, and there are many sessions.
    pub(super) ended_by: Option<Box<RequestId>>,
    /// The next frame confirms a resume, or answers a liveness probe.
    pub(super) is_awaited: bool,
    /// Cancelled by the next sign of life; set while a liveness probe waits.
    pub(super) proof: Option<CancellationToken>,
}

/// The order of a session's renewals, by their arrival. The numbers follow the serial number of the first access token.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Renewals {
    /// The last that arrived.
    pub(super) last: u64,
    /// The last that was applied.
    pub(super) applied: u64,
}

impl SessionCell {
    pub(super) fn new(session: Session, auth: AuthContext, first_life: Monotonic) -> Self {
        let activity = Activity::new(first_life, session.next_timeout());
        let inner = SessionInner {
            // The process in which a session ended has recorded it.
            is_recorded: matches!(session.link(), Link::Ended { .. }),
            session,
            permit: None,
            renewals: Renewals { last: auth.serial, applied: auth.serial },
            auth,
            wake: WakeState::default(),
            has_ping: false,
            pongs: Pongs::default(),
            memberships: Memberships::default(),
            ended_by: None,
            is_awaited: false,
            proof: None,
        };
        Self { activity, inner: Mutex::new(Rank::Session, inner) }
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        let inner = self.inner.lock();
        let generation = inner.session.generation();
        let (activity, waker) = (&self.activity, WakeLast(None));
        Locked { inner, activity, generation, is_changed: false, waker }
    }

    /// See [`SessionConnection::write`](super::SessionConnection::write).
    pub(super) fn write(
        &self,
        generation: u64,
        waker: &Waker,
        write: impl FnMut(Option<u64>, &[u8]) -> bool,
    ) -> Written {
        self.inner.lock().write(generation, waker, write)
    }

    /// See [`SessionConnection::poll_close`](super::SessionConnection::poll_close).
    pub(super) fn poll_close(&self, generation: u64, waker: &Waker) -> Option<Box<Disconnect>> {
        self.inner.lock().poll_close(generation, waker)
    }
}

/// A locked session. When it is dropped after a change, counts, timers and the waker are updated.
pub(super) struct Locked<'a> {
    inner: MutexGuard<'a, SessionInner>,
    activity: &'a Activity,
    /// The connection that carried the session when it was locked; a waiting task is that connection's.
    generation: Option<u64>,
    is_changed: bool,
    // After `inner`: fields are dropped in this order, and the lock is free when the task is woken.
    waker: WakeLast,
}

/// Wakes a task as it is dropped.
struct WakeLast(Option<Waker>);

impl Locked<'_> {
    /// Releases the lock without waking the task. If `true`, the caller wakes it with `flush_wake`.
    pub(super) fn release_deferred(mut self) -> bool {
        self.follow();
        self.is_changed = false;
        self.has_to_wake() && self.inner.wake.defer()
    }

    /// Updates what is read without the lock.
    fn follow(&mut self) {
        let SessionInner { session, permit, memberships, .. } = &mut *self.inner;
        if permit.as_mut().is_some_and(|permit| !permit.note(session, memberships.len())) {
            *permit = None;
        }
        self.activity.set_next_timeout(session.next_timeout());
        self.activity.set_room_count(memberships.len());
        self.activity.set_connected(session.generation().is_some());
    }

    /// Whether the task waits although it has work: a frame, a ping, or a close because a newer connection took over.
    fn has_to_wake(&self) -> bool {
        let SessionInner { session, wake, has_ping, pongs, .. } = &*self.inner;
        let is_closed = session.generation() != self.generation;
        match wake {
            WakeState::Running => false,
            WakeState::Blocked(_) => is_closed,
            WakeState::Waiting(_) | WakeState::Deferred(_) => {
                is_closed || *has_ping || !pongs.is_empty() || session.backlog() > 0
            }
        }
    }
}

impl Deref for Locked<'_> {
    type Target = SessionInner;

    fn deref(&self) -> &SessionInner {
        &self.inner
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut SessionInner {
        self.is_changed = true;
        &mut self.inner
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if !self.is_changed {
            return;
        }
        self.follow();
        if self.has_to_wake() {
            self.waker.0 = self.inner.wake.take();
        }
    }
}

impl Drop for WakeLast {
    fn drop(&mut self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

impl SessionInner {
    pub(super) fn is_served_by(&self, generation: u64) -> bool {
        self.session.generation() == Some(generation)
    }

    fn write(
        &mut self,
        generation: u64,
        waker: &Waker,
        mut write: impl FnMut(Option<u64>, &[u8]) -> bool,
    ) -> Written {
        // Not for an older connection: the newer one may be waiting, and for this ping.
        if self.is_served_by(generation) {
            self.wake = WakeState::Running;
            if std::mem::take(&mut self.has_ping) && !write(None, encode_ping()) {
                return Written::More;
            }
            if !self.pongs.write(|body| write(None, body)) {
                return Written::More;
            }
        }
        loop {
            match self.session.poll_output(generation) {
                Output::Frame(seq, body) => {
                    if !write(Some(seq), body) {
                        return Written::More;
                    }
                }
                Output::Idle => {
                    self.wake = WakeState::Waiting(waker.clone());
                    return Written::All;
                }
                Output::Close(disconnect) => return Written::Close(disconnect),
            }
        }
    }

    fn poll_close(&mut self, generation: u64, waker: &Waker) -> Option<Box<Disconnect>> {
        let close = self.session.poll_close(generation);
        if close.is_none() {
            self.wake = WakeState::Blocked(waker.clone());
        }
        close
    }

    /// Ends or suspends the session, as the code says. A session that has ended is not changed.
    pub(super) fn disconnect(
        &mut self,
        disconnect: Disconnect,
        request: Option<&RequestId>,
        now: Now,
    ) {
        let had_ended = self.has_ended();
        self.session.disconnect(disconnect, now);
        if !had_ended && self.has_ended() {
            self.ended_by = request.cloned().map(Box::new);
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.session.link(), Link::Ended { .. })
    }

    /// Completes the pending liveness probe, if there is one.
    pub(super) fn record_activity(&mut self) {
        if let Some(proof) = self.proof.take() {
            proof.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::task::{ArcWake, waker};
    use proptest::prelude::*;
    use stagedoor_proto::{CloseCode, Timestamp};

    use super::*;
    use crate::auth::CredentialSource;
    use crate::grant::Grant;
    use crate::rate_limit::Rate;
    use crate::session::{
        Establishing, ExpirySettings, ReplayMemory, ResumeClaim, RingLimits, SecretHash,
        SessionSettings,
    };

    const NOW: Now = Now::aligned(Timestamp::from_secs(1_000_000));

    #[derive(Default)]
    struct CountedWakes(AtomicUsize);

    impl ArcWake for CountedWakes {
        fn wake_by_ref(this: &Arc<Self>) {
            this.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A session with a connection whose task behaves like that of `transport`.
    struct Fixture {
        cell: SessionCell,
        wakes: Arc<CountedWakes>,
        generation: u64,
        deferred: bool,
    }

    impl Fixture {
        fn new() -> Self {
            let settings = SessionSettings {
                ring: RingLimits { frames: 8, bytes: 1_000 },
                memory: ReplayMemory::default(),
                window: Duration::from_secs(30),
                going_away_window: Duration::from_secs(10),
                expiry: ExpirySettings {
                    grace: Duration::from_mins(10),
                    renewal_postponement: Duration::from_mins(10),
                },
            };
            let (establishing, _) = Establishing::begin();
            let expires = NOW.wall + Duration::from_hours(1);
            let session = establishing.session(1, secret(1), expires, NOW, Arc::new(settings));
            let auth = AuthContext {
                grant: Arc::new(Grant::default()),
                source: CredentialSource::Guest,
                version: 0,
                authenticated_at: NOW.wall,
                token_issued: None,
                serial: 1,
            };
            let cell = SessionCell::new(session, auth, NOW.monotonic);
            Self { cell, wakes: Arc::default(), generation: 1, deferred: false }
        }

        fn push(&self) {
            self.cell.lock().session.push(b"{}".as_slice().into(), NOW);
        }

        /// Lets the connection of some generations ago write up to `frames` frames, then wait if there are no more.
        fn write(&self, generations_ago: u64, mut frames: usize) {
            let waker = waker(Arc::clone(&self.wakes));
            let generation = self.generation - generations_ago.min(self.generation - 1);
            let _ = self.cell.write(generation, &waker, |_, _| {
                frames = frames.saturating_sub(1);
                frames > 0
            });
        }

        fn step(&mut self, step: Step) {
            match step {
                Step::Push => self.push(),
                Step::PushDeferred => {
                    let mut inner = self.cell.lock();
                    inner.session.push(b"{}".as_slice().into(), NOW);
                    self.deferred |= inner.release_deferred();
                }
                Step::Flush => {
                    self.deferred = false;
                    drop(self.cell.lock().wake.take_deferred());
                }
                Step::Ping => self.cell.lock().has_ping = true,
                Step::Pong => {
                    self.cell.lock().pongs.push(7, NOW.wall, 8);
                }
                Step::Disconnect => {
                    self.cell.lock().disconnect(Disconnect::new(CloseCode::Moved), None, NOW);
                }
                Step::Resume => {
                    let next = self.generation + 1;
                    let rate = Rate::per_second(10_000, 10_000);
                    let shown = secret(self.generation);
                    let claim = ResumeClaim { shown, last_seq: 1, rate, resets: rate };
                    let mut inner = self.cell.lock();
                    let resumed = claim.resume(&mut inner.session, next, secret(next), NOW);
                    if resumed.is_ok() {
                        self.generation = next;
                    }
                }
                Step::Write { generations_ago, frames } => self.write(generations_ago, frames),
                Step::Block => {
                    let waker = waker(Arc::clone(&self.wakes));
                    drop(self.cell.poll_close(self.generation, &waker));
                }
            }
        }

        fn check(&self) {
            let inner = self.cell.lock();
            let has_output =
                inner.has_ping || !inner.pongs.is_empty() || inner.session.backlog() > 0;
            match &inner.wake {
                WakeState::Running => {}
                WakeState::Waiting(_) => {
                    assert!(!has_output, "a frame waits for a task that waits for it");
                    assert!(inner.session.generation().is_some(), "a closed one waits");
                }
                WakeState::Blocked(_) => assert!(inner.session.generation().is_some()),
                WakeState::Deferred(_) => assert!(self.deferred, "no fan-out will wake it"),
            }
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Push,
        PushDeferred,
        Flush,
        Ping,
        Pong,
        Disconnect,
        Resume,
        Write { generations_ago: u64, frames: usize },
        Block,
    }

    fn secret(number: u64) -> SecretHash {
        SecretHash::of(&number.to_string())
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => Just(Step::Push),
            2 => Just(Step::PushDeferred),
            1 => Just(Step::Flush),
            1 => Just(Step::Ping),
            1 => Just(Step::Pong),
            1 => Just(Step::Disconnect),
            2 => Just(Step::Resume),
            4 => (0..2_u64, 1..6_usize).prop_map(|(generations_ago, frames)| {
                Step::Write { generations_ago, frames }
            }),
            1 => Just(Step::Block),
        ];
        prop::collection::vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn no_order_of_changes_loses_a_wake_up(steps in steps()) {
            let mut fixture = Fixture::new();
            for step in steps {
                fixture.step(step);
                fixture.check();
            }
        }
    }

    #[test]
    fn waiting_task_is_woken_once_and_only_for_output() {
        let fixture = Fixture::new();
        let wakes = || fixture.wakes.0.load(Ordering::Relaxed);
        fixture.write(0, 5);
        fixture.cell.lock().session.confirm_resume();
        assert_eq!(wakes(), 0, "nothing is to be written");
        fixture.push();
        fixture.push();
        assert_eq!(wakes(), 1, "it was woken already");
        fixture.write(0, 5);
        fixture.cell.lock().has_ping = true;
        assert_eq!(wakes(), 2);
    }

    #[test]
    fn blocked_task_is_woken_for_a_close_alone() {
        let mut fixture = Fixture::new();
        let wakes = |fixture: &Fixture| fixture.wakes.0.load(Ordering::Relaxed);
        fixture.step(Step::Block);
        fixture.push();
        assert_eq!(wakes(&fixture), 0, "its socket takes nothing");
        fixture.step(Step::Disconnect);
        assert_eq!(wakes(&fixture), 1);
    }
}
