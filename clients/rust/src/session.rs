//! The handle of a session, and what it knows of itself.
//!
//! [`Shared`] is the one copy of what the gateway said of the session: the connection's task writes it, handles read it.
//! Its lock is held for a few instructions and never across an await.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stagedoor_proto::{
    Command, End, Error, PostponeRenewal, Postponed, Push, Renew, Renewed, Reply,
};
use stagedoor_proto::{RoomId, Secret, SessionId, SessionLimits, SessionState, Timestamp, User};
use tokio::sync::{mpsc, oneshot};

use crate::connection::Order;
use crate::rooms::{Rooms, Shown, Subject};
use crate::sequence::Sequence;
use crate::{Disconnected, FrameCounts, RequestError};

/// What takes a session up again after its connection was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The session.
    pub session: SessionId,
    /// The newest resume secret.
    pub secret: Secret,
    /// The highest frame number received.
    pub last_seq: u64,
}

/// A handle of one session on one connection; clones are the same session.
///
/// When every clone and the [`Events`](crate::Events) are gone, the connection is let go as by [`Session::detach`].
#[derive(Clone, Debug)]
pub struct Session {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
}

impl Session {
    pub(crate) const fn new(shared: Arc<Shared>, orders: mpsc::Sender<Order>) -> Self {
        Self { shared, orders }
    }

    /// Sends `command` and waits for its reply.
    ///
    /// # Errors
    /// [`RequestError::Refused`] with the gateway's error; [`RequestError::Lost`] and [`RequestError::Closed`] when the
    /// connection ends or has ended.
    ///
    /// # Cancel safety
    /// Dropping the future may or may not send the command; its reply is then discarded.
    pub async fn request(&self, command: Command) -> Result<Reply, RequestError> {
        let (reply_to, reply) = oneshot::channel();
        let order = Order::Request(command, reply_to);
        self.orders.send(order).await.map_err(|_| RequestError::Closed)?;
        Ok(reply.await.map_err(|_| RequestError::Lost)??)
    }

    /// Sends `command` and picks what it is answered with.
    pub(crate) async fn ask<T>(
        &self,
        command: Command,
        fit: impl FnOnce(Reply) -> Option<T>,
    ) -> Result<T, RequestError> {
        let name = command.name();
        let reply = self.request(command).await?;
        fit(reply).ok_or(RequestError::Unexpected { command: name })
    }

    /// What is known of a room that was joined on this connection.
    pub(crate) fn shown(&self, room: &RoomId) -> Option<Shown> {
        self.shared.lock().rooms.find(room)
    }

    /// Prolongs the session, with a new auth token or on the gateway's own word.
    ///
    /// # Errors
    /// [`RequestError`]; a refusal leaves the session as it was.
    pub async fn renew(&self, auth_token: Option<Secret>) -> Result<Renewed, RequestError> {
        self.ask(Command::Renew(Renew { auth_token }), |reply| match reply {
            Reply::Renewed(renewed) => Some(renewed),
            _ => None,
        })
        .await
    }

    /// Says that no auth token is to be had now.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn postpone_renewal(&self) -> Result<Postponed, RequestError> {
        self.ask(Command::PostponeRenewal(PostponeRenewal {}), |reply| match reply {
            Reply::Postponed(postponed) => Some(postponed),
            _ => None,
        })
        .await
    }

    /// Ends the session; `revoke` voids its access token too.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn end(&self, revoke: bool) -> Result<(), RequestError> {
        let command = Command::End(End { revoke });
        self.ask(command, |reply| matches!(reply, Reply::Ended {}).then_some(())).await
    }

    /// Lets go of the connection and leaves the session to be resumed within its window.
    ///
    /// Does nothing when the connection has ended; [`Event::Disconnected`](crate::Event::Disconnected) tells when.
    pub async fn detach(&self) {
        let _ = self.orders.send(Order::Detach).await;
    }

    /// The session's id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.shared.lock().session
    }

    /// Whose session it is; `None` when it was resumed from a bare ticket, which does not say.
    #[must_use]
    pub fn user(&self) -> Option<User> {
        self.shared.lock().user.clone()
    }

    /// The bounds the session is held to; `None` when it was resumed from a bare ticket.
    #[must_use]
    pub fn limits(&self) -> Option<SessionLimits> {
        self.shared.lock().limits
    }

    /// Where the session stands, by the newest word of the gateway.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.shared.lock().state
    }

    /// When the access token runs out.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.shared.lock().expires_at
    }

    /// The access token; `None` when the session was resumed from a bare ticket and not renewed since.
    #[must_use]
    pub fn access_token(&self) -> Option<Secret> {
        self.shared.lock().access_token.clone()
    }

    /// What takes this session up again, as of now.
    #[must_use]
    pub fn resume_ticket(&self) -> Ticket {
        let known = self.shared.lock();
        Ticket {
            session: known.session,
            secret: known.secret.clone(),
            last_seq: known.sequence.last(),
        }
    }

    /// The highest frame number received.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.shared.lock().sequence.last()
    }

    /// How many frame numbers came twice or never on this connection.
    #[must_use]
    pub fn frame_counts(&self) -> FrameCounts {
        self.shared.lock().sequence.counts()
    }
}

/// What the gateway said of the session.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) session: SessionId,
    pub(crate) user: Option<User>,
    pub(crate) limits: Option<SessionLimits>,
    pub(crate) state: SessionState,
    /// The version of the newest `session_state`; an older one changes nothing.
    pub(crate) state_version: u64,
    pub(crate) expires_at: Timestamp,
    pub(crate) access_token: Option<Secret>,
    pub(crate) secret: Secret,
    pub(crate) sequence: Sequence,
    pub(crate) rooms: Rooms,
}

impl Known {
    pub(crate) fn apply_push(&mut self, push: &Push) {
        match push {
            Push::SessionState(change) if change.version > self.state_version => {
                self.state_version = change.version;
                self.state = change.state;
            }
            _ => self.rooms.apply_push(push),
        }
    }

    pub(crate) fn apply_reply(&mut self, subject: &Subject, result: &Result<Reply, Error>) {
        if let Ok(reply) = result {
            self.rooms.apply_reply(subject, reply);
        }
        match result {
            Ok(Reply::Renewed(renewed)) => {
                self.access_token = Some(renewed.access_token.clone());
                self.expires_at = renewed.expires_at_ms;
            }
            Ok(Reply::Ended {}) => self.state = SessionState::NotLoggedIn,
            _ => {}
        }
    }
}

/// [`Known`], shared by the connection's task and the handles.
#[derive(Debug)]
pub(crate) struct Shared(Mutex<Known>);

impl Shared {
    pub(crate) const fn new(known: Known) -> Self {
        Self(Mutex::new(known))
    }

    /// Each write leaves `Known` whole, so one that panicked elsewhere is no reason to stop.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn handle_disconnected(&self, end: &Disconnected) {
        use stagedoor_proto::Action;
        let mut known = self.lock();
        known.rooms.lose();
        match end.action() {
            // Its own end was applied with the reply; a close without one is an end all the same.
            Action::Stop if end.close_code == Some(1000) => known.state = SessionState::NotLoggedIn,
            Action::Stop => known.state = SessionState::Terminated,
            Action::Start | Action::Reauth => known.state = SessionState::NotLoggedIn,
            Action::Retry | Action::Resume => {}
        }
    }
}
