//! What the gateway said of the session.
//!
//! [`Shared`] is the one copy of it: the session's task writes it, handles read it. Its lock is held for a few
//! instructions and never across an await.

use std::sync::{Mutex, MutexGuard, PoisonError};

use stagedoor_proto::{Action, CloseCode, Error, Push, Reply, Resumed, Started};
use stagedoor_proto::{Secret, SessionId, SessionLimits, SessionState, Timestamp, User};
use tokio::sync::Notify;

use crate::Ending;
use crate::rooms::{Rooms, Subject};
use crate::sequence::Sequence;
use crate::ticket::Ticket;

/// What the gateway said of the session.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) session: SessionId,
    pub(crate) user: Option<User>,
    pub(crate) limits: Option<SessionLimits>,
    pub(crate) state: SessionState,
    /// The version of the newest `session_state`; an older one changes nothing.
    state_version: u64,
    pub(crate) expires_at: Timestamp,
    pub(crate) access_token: Option<Secret>,
    pub(crate) secret: Secret,
    /// The secret before; good until the gateway has heard something on the connection that brought the newer one.
    former_secret: Option<Secret>,
    pub(crate) sequence: Sequence,
    pub(crate) rooms: Rooms,
}

impl Known {
    /// A session that has just started.
    pub(crate) fn started(started: &Started) -> Self {
        Self {
            session: started.session.id,
            user: Some(started.session.user.clone()),
            limits: Some(started.limits),
            state: started.session.state,
            state_version: 0,
            expires_at: started.session.expires_at_ms,
            access_token: Some(started.access_token.clone()),
            secret: started.resume.secret.clone(),
            former_secret: None,
            sequence: Sequence::default(),
            rooms: Rooms::default(),
        }
    }

    /// A session that was resumed by `ticket` alone.
    pub(crate) fn resumed_by_ticket(ticket: &Ticket, resumed: &Resumed) -> Self {
        let mut known = Self {
            session: ticket.session,
            user: None,
            limits: None,
            state: resumed.state,
            state_version: 0,
            expires_at: resumed.expires_at_ms,
            access_token: None,
            secret: ticket.secret.clone(),
            former_secret: None,
            sequence: Sequence::starting_after(ticket.last_seq),
            rooms: Rooms::default(),
        };
        known.apply_resumed(resumed);
        known
    }

    /// What takes the session up again.
    pub(crate) fn ticket(&self) -> Ticket {
        let (session, secret) = (self.session, self.secret.clone());
        Ticket { session, secret, last_seq: self.sequence.last() }
    }

    pub(crate) fn apply_resumed(&mut self, resumed: &Resumed) {
        let former = std::mem::replace(&mut self.secret, resumed.resume.secret.clone());
        self.former_secret = Some(former);
        self.state = resumed.state;
        self.expires_at = resumed.expires_at_ms;
        if let Some(token) = &resumed.access_token {
            self.access_token = Some(token.clone());
        }
    }

    /// Another session takes the place of this one; its rooms are still to be joined.
    pub(crate) fn apply_restarted(&mut self, started: &Started) {
        let rooms = std::mem::take(&mut self.rooms);
        *self = Self { rooms, ..Self::started(started) };
    }

    /// A frame came on the newest connection: the former secret is of no use any more.
    pub(crate) fn settle_secret(&mut self) {
        self.former_secret = None;
    }

    /// Goes back to the secret before the newest, once; `false` when there is none.
    pub(crate) fn try_former_secret(&mut self) -> bool {
        self.former_secret.take().is_some_and(|former| {
            self.secret = former;
            true
        })
    }

    pub(crate) fn apply_push(&mut self, push: &Push) {
        if let Push::SessionState(change) = push {
            if change.version > self.state_version {
                self.state_version = change.version;
                self.state = change.state;
            }
        } else {
            self.rooms.apply_push(push);
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

    fn apply_ending(&mut self, ending: &Ending) {
        self.rooms.lose();
        match ending.action() {
            // Its own end was applied with the reply; a close without one is an end all the same.
            Action::Stop if ending.close_code() == Some(CloseCode::Normal.code()) => {
                self.state = SessionState::NotLoggedIn;
            }
            Action::Stop => self.state = SessionState::Terminated,
            Action::Start | Action::Reauth => self.state = SessionState::NotLoggedIn,
            Action::Retry | Action::Resume => {}
        }
    }
}

/// [`Known`], shared by the session's task and the handles; and how they ask it to detach.
#[derive(Debug)]
pub(crate) struct Shared {
    known: Mutex<Known>,
    detach: Notify,
}

impl Shared {
    pub(crate) fn new(known: Known) -> Self {
        Self { known: Mutex::new(known), detach: Notify::new() }
    }

    /// Each write leaves `Known` whole, so one that panicked elsewhere is no reason to stop.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the task to detach from the session.
    pub(crate) fn detach(&self) {
        self.detach.notify_one();
    }

    /// Waits until the task is to detach. Cancel-safe.
    pub(crate) async fn detached(&self) {
        self.detach.notified().await;
    }

    pub(crate) fn handle_ended(&self, ending: &Ending) {
        self.lock().apply_ending(ending);
    }
}
