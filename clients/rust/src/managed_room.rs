//! A room that a session manager keeps joined, over lost connections and new sessions.
//!
//! Each `join` and each `leave` begins an epoch. Work of an earlier epoch neither goes on nor changes the state. One
//! task per joined room waits for the end of the membership and joins again; it ends with its epoch or the manager.
//! Lock order: epoch, then state. Not here: the membership (`room`), and rejoining within one client (`rejoin`).

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use stagedoor_proto::{Action, Command, ErrorCode, InRoom, RoomId, Timestamp, User};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::join_options::JoinOptions;
use crate::observer::Observer;
use crate::phase::Phase;
use crate::random::random;
use crate::{Backoff, MembershipState, RequestError, Room, Session, StartError};

/// A room of a session manager. The manager joins it again after a new session, until [`ManagedRoom::leave`].
///
/// It can be asked for before a session is started. It is left for good when a moderator removes the session, the room
/// ends, the gateway rejects a return, [`stop`](crate::SessionManager::stop) is called, or another user signs in.
/// Streams have to be published again after a new session.
///
/// ```no_run
/// # async fn run(manager: stagedoor_client::SessionManager) -> Result<(), Box<dyn std::error::Error>> {
/// use stagedoor_client::{JoinOptions, ManagedRoomStatus};
///
/// let lobby = manager.room("lobby".parse()?);
/// lobby.join(JoinOptions::new().data("on the phone")).await?;
/// let mut observer = lobby.observe();
/// while let Some(now) = observer.next().await {
///     if let (ManagedRoomStatus::Inside, Some(room)) = (now.status, now.room) {
///         println!("{} here", room.view().counts.participants);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ManagedRoom {
    inner: Arc<Inner>,
}

/// Whether a room of a session manager is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ManagedRoomStatus {
    /// The program does not want to be in the room, or a join was rejected.
    Out,
    /// The manager joins the room, or waits for a session to do that.
    Joining,
    /// The session is in the room; while its connection is lost, it returns by itself.
    Inside,
    /// A moderator removed the session.
    Removed,
    /// The room ended.
    Ended,
}

/// A room of a session manager at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ManagedRoomSnapshot {
    /// Whether the room is joined.
    pub status: ManagedRoomStatus,
    /// The membership, while the session is in the room. After a new session it is another one.
    pub room: Option<Room>,
    /// Why the room was not joined, or not joined again.
    pub error: Option<JoinError>,
}

impl ManagedRoomSnapshot {
    const fn without_room(status: ManagedRoomStatus) -> Self {
        Self { status, room: None, error: None }
    }

    const fn inside(room: Room) -> Self {
        Self { status: ManagedRoomStatus::Inside, room: Some(room), error: None }
    }

    const fn failed(error: JoinError) -> Self {
        Self { status: ManagedRoomStatus::Out, room: None, error: Some(error) }
    }
}

/// Why a room was not joined.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// There is no session.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The source of room tokens failed.
    #[error("the source of room tokens failed: {0}")]
    Token(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The gateway rejected the join, or the session ended first.
    #[error(transparent)]
    Request(Arc<RequestError>),
    /// The room was left during the join.
    #[error("the room was left during the join")]
    Left,
    /// The session ended for good, or the next one is of another user.
    #[error("the session ended; join again in another one")]
    SessionEnded,
}

/// The manager, as its rooms use it.
pub(crate) trait SessionSource: Send + Sync {
    /// The active session, if there is one.
    fn active(&self) -> Option<Session>;
    /// The active session, or one that the loader says how to start.
    fn session(self: Arc<Self>) -> BoxFuture<'static, Result<Session, StartError>>;
    /// Follows what the manager does.
    fn phases(&self) -> watch::Receiver<Phase>;
    /// Changes when the manager is dropped.
    fn alive(&self) -> watch::Receiver<()>;
}

impl ManagedRoom {
    pub(crate) fn new(id: RoomId, manager: Weak<dyn SessionSource>) -> Self {
        let state = ManagedRoomSnapshot::without_room(ManagedRoomStatus::Out);
        let (epoch, state) = (watch::Sender::new(0), watch::Sender::new(state));
        Self { inner: Arc::new(Inner { id, manager, epoch, state }) }
    }

    /// The id of the room.
    #[must_use]
    pub fn id(&self) -> &RoomId {
        &self.inner.id
    }

    /// Joins the room and keeps it joined. Without a session the manager asks its loader for one.
    ///
    /// Returns the membership of a room that is joined already: leave it to join with other options. Concurrent calls
    /// have the result of the newest one.
    ///
    /// # Errors
    /// [`JoinError`]; the room is not joined later then.
    ///
    /// # Cancel safety
    /// After the future is dropped the room is not kept joined; [`ManagedRoom::leave`] leaves it if it was joined.
    pub async fn join(&self, options: JoinOptions) -> Result<Room, JoinError> {
        let attempt = match Attempt::begin(&self.inner) {
            Ok(attempt) => attempt,
            Err(room) => return Ok(room),
        };
        let mut epochs = self.inner.epoch.subscribe();
        let joined = tokio::select! {
            biased;
            _ = epochs.wait_for(|epoch| *epoch != attempt.epoch) => {
                return self.inner.newest_result().await;
            }
            joined = self.inner.join_first(&options) => joined,
        };
        match joined {
            Ok(room) => {
                let is_newest = attempt.succeed(&room, options);
                if is_newest { Ok(room) } else { self.inner.newest_result().await }
            }
            Err(error) => {
                attempt.fail(&error);
                Err(error)
            }
        }
    }

    /// Leaves the room.
    ///
    /// # Errors
    /// [`RequestError`], if the session may still be in the room.
    pub async fn leave(&self) -> Result<(), RequestError> {
        self.stop();
        let Some(session) = self.inner.manager.upgrade().and_then(|manager| manager.active())
        else {
            return Ok(());
        };
        // A join in flight was sent before, so this leaves the room in each case.
        match session.request(Command::Leave(InRoom { room: self.inner.id.clone() })).await {
            Err(RequestError::Refused(error)) if error.code == ErrorCode::NotInRoom => Ok(()),
            // The session is lost, and with it the membership.
            Err(RequestError::Interrupted | RequestError::Lost | RequestError::Closed) => Ok(()),
            left => left.map(drop),
        }
    }

    /// The membership, while the session is in the room.
    #[must_use]
    pub fn room(&self) -> Option<Room> {
        self.state().room
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> ManagedRoomSnapshot {
        self.inner.state.borrow().clone()
    }

    /// Observes the state. The observer agrees with [`ManagedRoom::state`].
    #[must_use]
    pub fn observe(&self) -> Observer<ManagedRoomSnapshot> {
        Observer::new(self.inner.state.subscribe())
    }

    /// Does not join the room again.
    pub(crate) fn stop(&self) {
        self.inner.epoch.send_modify(|epoch| {
            *epoch += 1;
            let out = ManagedRoomSnapshot::without_room(ManagedRoomStatus::Out);
            self.inner.state.send_replace(out);
        });
    }
}

#[derive(Debug)]
struct Inner {
    id: RoomId,
    manager: Weak<dyn SessionSource>,
    /// Grows with each `join` and `leave`.
    epoch: watch::Sender<u64>,
    state: watch::Sender<ManagedRoomSnapshot>,
}

impl Inner {
    /// Changes the state, unless another epoch has begun.
    fn publish(&self, epoch: u64, snapshot: ManagedRoomSnapshot) -> bool {
        let current = self.epoch.borrow();
        let is_current = *current == epoch;
        if is_current {
            self.state.send_replace(snapshot);
        }
        is_current
    }

    /// The result of a join that another call began.
    async fn newest_result(&self) -> Result<Room, JoinError> {
        let mut states = self.state.subscribe();
        let is_settled = |now: &ManagedRoomSnapshot| now.status != ManagedRoomStatus::Joining;
        let settled = states.wait_for(is_settled).await.map(|now| now.clone());
        let settled = settled.map_err(|_| JoinError::Left)?;
        settled.room.ok_or(settled.error.unwrap_or(JoinError::Left))
    }

    async fn join_first(&self, options: &JoinOptions) -> Result<Room, JoinError> {
        let manager = self.manager.upgrade().ok_or(StartError::NoActiveSession)?;
        // The join may wait for a connection, and the program may drop the manager meanwhile.
        let session = manager.session().await?;
        self.join_in(&session, options).await
    }

    async fn join_in(&self, session: &Session, options: &JoinOptions) -> Result<Room, JoinError> {
        let token =
            options.next_token().await.map_err(|error| JoinError::Token(Arc::from(error)))?;
        let joined = session.join(self.id.clone(), token, options.data.clone()).await;
        joined.map_err(|error| JoinError::Request(Arc::new(error)))
    }

    /// Keeps the room joined in this epoch.
    async fn keep(&self, epoch: u64, mut room: Room, options: JoinOptions) {
        loop {
            let last = match self.membership_end(&room, &options).await {
                MembershipState::Removed => ManagedRoomStatus::Removed,
                MembershipState::Ended => ManagedRoomStatus::Ended,
                MembershipState::Left => ManagedRoomStatus::Out,
                MembershipState::Inside | MembershipState::Lost => ManagedRoomStatus::Joining,
            };
            if !self.publish(epoch, ManagedRoomSnapshot::without_room(last))
                || last != ManagedRoomStatus::Joining
            {
                return;
            }
            match self.rejoin(&room, &options).await {
                Ok(rejoined) => room = rejoined,
                Err(error) => {
                    self.publish(epoch, ManagedRoomSnapshot::failed(error));
                    return;
                }
            }
            if !self.publish(epoch, ManagedRoomSnapshot::inside(room.clone())) {
                return;
            }
        }
    }

    /// Waits for the end of a membership. Joins again with a new token before the former one expires.
    async fn membership_end(&self, room: &Room, options: &JoinOptions) -> MembershipState {
        let (mut views, mut ends) = (room.observe(), room.observe());
        let ended = async {
            let ended = ends.wait_for(|view| view.membership != MembershipState::Inside).await;
            ended.map_or(MembershipState::Lost, |view| view.membership)
        };
        let renewals = async {
            let mut renewed = None;
            while options.has_source() {
                let is_due = |expiry: Option<Timestamp>| expiry != renewed && expiry.is_some();
                let Some(view) = views.wait_for(|view| is_due(view.token_expires_at)).await else {
                    break;
                };
                renewed = view.token_expires_at;
                // After a failure the membership goes on until the token expires, and is then joined again.
                let _ = self.join_in(room.session(), options).await;
            }
            std::future::pending().await
        };
        tokio::select! {
            ended = ended => ended,
            never = renewals => never,
        }
    }

    /// Joins the room in the session that the manager has, or in the next one.
    async fn rejoin(&self, former: &Room, options: &JoinOptions) -> Result<Room, JoinError> {
        let user = former.session().user();
        let (mut backoff, mut rejected_tokens) = (Backoff::default(), 0);
        loop {
            let session = self.next_session(user.as_ref()).await?;
            let error = match self.join_in(&session, options).await {
                Ok(room) => return Ok(room),
                Err(error) => error,
            };
            let hint = match &error {
                JoinError::Token(_) => None,
                JoinError::Request(request) => match &**request {
                    RequestError::Refused(error) if error.code.is_temporary() => {
                        error.retry_after_ms.map(Duration::from_millis)
                    }
                    RequestError::Refused(error)
                        if options.has_source()
                            && TOKEN_CODES.contains(&error.code)
                            && rejected_tokens < MAX_REJECTED_TOKENS =>
                    {
                        rejected_tokens += 1;
                        error.retry_after_ms.map(Duration::from_millis)
                    }
                    // Another session follows, or none.
                    RequestError::Interrupted | RequestError::Lost | RequestError::Closed => None,
                    RequestError::Refused(_) | RequestError::Unexpected { .. } => {
                        return Err(error);
                    }
                },
                JoinError::Start(_) | JoinError::Left | JoinError::SessionEnded => {
                    return Err(error);
                }
            };
            sleep(backoff.after(hint, u64::from_le_bytes(random()))).await;
        }
    }

    /// The active session, or the next one, if it is of this user.
    async fn next_session(&self, user: Option<&User>) -> Result<Session, JoinError> {
        let manager = self.manager.upgrade().ok_or(JoinError::SessionEnded)?;
        let mut phases = manager.phases();
        drop(manager);
        loop {
            let phase = phases.borrow_and_update().clone();
            if let Some(session) = phase.active() {
                let next = session.user();
                let is_other =
                    user.zip(next.as_ref()).is_some_and(|(a, b)| a.username != b.username);
                return if is_other { Err(JoinError::SessionEnded) } else { Ok(session) };
            }
            let ended = async {
                match phase {
                    Phase::Active(session) => {
                        let mut observer = session.observe();
                        let last = observer.wait_for(|now| now.ending.is_some()).await;
                        let ending = last.and_then(|last| last.ending);
                        if ending.is_some_and(|ending| ending.action() == Action::Stop) {
                            return;
                        }
                    }
                    Phase::Idle | Phase::Starting { .. } => {}
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                changed = phases.changed() => changed.map_err(|_| JoinError::SessionEnded)?,
                () = ended => return Err(JoinError::SessionEnded),
            }
        }
    }
}

/// A join in progress. Dropped before its end, it leaves the room out.
struct Attempt<'a> {
    inner: &'a Arc<Inner>,
    epoch: u64,
}

impl<'a> Attempt<'a> {
    /// Begins a join; `Err` with the membership of a joined room.
    fn begin(inner: &'a Arc<Inner>) -> Result<Self, Room> {
        let mut begun = Ok(0);
        inner.epoch.send_if_modified(|epoch| {
            let room = inner.state.borrow().room.clone();
            let room = room.filter(|room| room.view().membership == MembershipState::Inside);
            if let Some(room) = room {
                begun = Err(room);
                return false;
            }
            *epoch += 1;
            begun = Ok(*epoch);
            let joining = ManagedRoomSnapshot::without_room(ManagedRoomStatus::Joining);
            inner.state.send_replace(joining);
            true
        });
        begun.map(|epoch| Self { inner, epoch })
    }

    /// The room is joined: a task keeps it joined. `false` if another epoch has begun.
    fn succeed(self, room: &Room, options: JoinOptions) -> bool {
        let epoch = self.epoch;
        let is_current = self.inner.publish(epoch, ManagedRoomSnapshot::inside(room.clone()));
        let alive = self.inner.manager.upgrade().map(|manager| manager.alive());
        if let (true, Some(mut alive)) = (is_current, alive) {
            let (inner, room) = (Arc::clone(self.inner), room.clone());
            // The task ends with its epoch, with the membership, or with the manager.
            tokio::spawn(async move {
                let mut epochs = inner.epoch.subscribe();
                tokio::select! {
                    _ = epochs.wait_for(|current| *current != epoch) => {}
                    _ = alive.changed() => {
                        inner.publish(epoch, ManagedRoomSnapshot::failed(JoinError::SessionEnded));
                    }
                    () = inner.keep(epoch, room, options) => {}
                }
            });
        }
        std::mem::forget(self);
        is_current
    }

    fn fail(self, error: &JoinError) {
        self.inner.publish(self.epoch, ManagedRoomSnapshot::failed(error.clone()));
        std::mem::forget(self);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let out = ManagedRoomSnapshot::without_room(ManagedRoomStatus::Out);
        self.inner.publish(self.epoch, out);
    }
}

/// After these a new room token may be accepted.
const TOKEN_CODES: [ErrorCode; 5] = [
    ErrorCode::RoomEnded,
    ErrorCode::TokenExpired,
    ErrorCode::TokenInvalid,
    ErrorCode::TokenRevoked,
    ErrorCode::TokenUsed,
];
/// How many new tokens a return asks for.
const MAX_REJECTED_TOKENS: u32 = 3;
