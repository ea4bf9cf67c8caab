//! The state of the session as the gateway reported it.
//!
//! [`Shared`] has the only copy: the task of the session writes it, handles read it. Its lock is held for a few
//! instructions and never across an await.

use std::sync::{Mutex, MutexGuard, PoisonError};

use stagedoor_proto::{Action, CloseCode, Error, Push, Reply, Resumed, Started};
use stagedoor_proto::{Secret, SessionId, SessionLimits, SessionState, Timestamp, User};
use tokio::sync::{Notify, watch};

use crate::Ending;
use crate::connection_state::{ConnectionSnapshot, ManagerCells};
use crate::observer::SessionSnapshot;
use crate::rooms::{RequestContext, Rooms};
use crate::sequence::Sequence;
use crate::ticket::Ticket;

/// The state of the session as the gateway reported it.
#[derive(Debug)]
pub(crate) struct SessionRecord {
    pub(crate) session: SessionId,
    pub(crate) user: Option<User>,
    pub(crate) limits: Option<SessionLimits>,
    pub(crate) state: SessionState,
    /// The version of the newest `session_state`; older ones are ignored.
    state_version: u64,
    pub(crate) expires_at: Timestamp,
    pub(crate) access_token: Option<Secret>,
    /// The granted scopes.
    pub(crate) scopes: Vec<String>,
    pub(crate) secret: Secret,
    /// The previous secret; valid until the gateway receives a frame on the connection with the newer one.
    former_secret: Option<Secret>,
    pub(crate) sequence: Sequence,
    pub(crate) rooms: Rooms,
    /// Whether the gateway confirmed that this client ended the session.
    is_ended: bool,
    /// Why the client ended.
    ending: Option<Ending>,
}

impl SessionRecord {
    /// The state of a new session.
    pub(crate) fn started(started: &Started) -> Self {
        Self {
            session: started.session.id,
            user: Some(started.session.user.clone()),
            limits: Some(started.limits),
            state: started.session.state,
            state_version: 0,
            expires_at: started.session.expires_at_ms,
            access_token: Some(started.access_token.clone()),
            scopes: started.scopes.clone(),
            secret: started.resume.secret.clone(),
            former_secret: None,
            sequence: Sequence::default(),
            rooms: Rooms::default(),
            is_ended: false,
            ending: None,
        }
    }

    /// The state of a session that was resumed from `ticket` alone.
    pub(crate) fn resumed_by_ticket(ticket: &Ticket, resumed: &Resumed) -> Self {
        let mut record = Self {
            session: ticket.session,
            user: None,
            limits: None,
            state: resumed.state,
            state_version: 0,
            expires_at: resumed.expires_at_ms,
            access_token: None,
            scopes: Vec::new(),
            secret: ticket.secret.clone(),
            former_secret: None,
            sequence: Sequence::starting_after(ticket.last_seq),
            rooms: Rooms::default(),
            is_ended: false,
            ending: None,
        };
        record.apply_resumed(resumed);
        record
    }

    /// The state for observers.
    fn snapshot(&self) -> SessionSnapshot {
        let (state, session, ending) = (self.state, Some(self.session), self.ending.clone());
        SessionSnapshot { state, session, ending }
    }

    fn is_shown_by(&self, snapshot: &SessionSnapshot) -> bool {
        let SessionSnapshot { state, session, ending } = snapshot;
        *state == self.state && *session == Some(self.session) && *ending == self.ending
    }

    /// Whether the session ended and this client starts no other one.
    pub(crate) const fn is_over(&self) -> bool {
        let has_no_user =
            matches!(self.state, SessionState::NotLoggedIn | SessionState::Terminated);
        self.is_ended || (self.has_client_ended() && has_no_user)
    }

    /// Whether this client ended the session, which is not resumed or started again then.
    pub(crate) const fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Whether the client has ended, and its task writes nothing any more.
    pub(crate) const fn has_client_ended(&self) -> bool {
        self.ending.is_some()
    }

    /// The arguments of the next `resume`.
    pub(crate) fn ticket(&self) -> Ticket {
        let (session, secret) = (self.session, self.secret.clone());
        Ticket { session, secret, last_seq: self.sequence.last() }
    }

    pub(crate) fn apply_resumed(&mut self, resumed: &Resumed) {
        let former = std::mem::replace(&mut self.secret, resumed.resume.secret.clone());
        self.former_secret = Some(former);
        self.state = resumed.state;
        self.expires_at = resumed.expires_at_ms;
        self.scopes.clone_from(&resumed.scopes);
        if let Some(token) = &resumed.access_token {
            self.access_token = Some(token.clone());
        }
    }

    /// Replaces the session with a new one, whose rooms are not joined yet.
    pub(crate) fn apply_restarted(&mut self, started: &Started) {
        let rooms = std::mem::take(&mut self.rooms);
        *self = Self { rooms, ..Self::started(started) };
    }

    /// A frame arrived on the newest connection, so the previous secret is invalid.
    pub(crate) fn settle_secret(&mut self) {
        self.former_secret = None;
    }

    /// Returns to the previous secret, once; `false` if there is none.
    pub(crate) fn use_previous_secret(&mut self) -> bool {
        self.former_secret.take().is_some_and(|former| {
            self.secret = former;
            true
        })
    }

    /// Applies a push. One that is `older` than the reply to `start` or `resume` does not change the state, which that
    /// reply has; nor does the announcement that the session is being established.
    pub(crate) fn apply_push(&mut self, push: &Push, older: bool) {
        if let Push::SessionState(change) = push {
            if change.version > self.state_version {
                self.state_version = change.version;
                if !older && change.state != SessionState::Establishing {
                    self.state = change.state;
                }
            }
        } else {
            self.rooms.apply_push(push);
        }
    }

    pub(crate) fn apply_reply(&mut self, subject: &RequestContext, result: &Result<Reply, Error>) {
        if let Ok(reply) = result {
            self.rooms.apply_reply(subject, reply);
        }
        match result {
            Ok(Reply::Renewed(renewed)) => {
                self.access_token = Some(renewed.access_token.clone());
                self.expires_at = renewed.expires_at_ms;
                self.scopes.clone_from(&renewed.scopes);
            }
            Ok(Reply::Ended {}) => {
                self.is_ended = true;
                self.state = SessionState::NotLoggedIn;
            }
            _ => {}
        }
    }

    fn apply_ending(&mut self, ending: &Ending) {
        self.rooms.mark_lost();
        self.ending = Some(ending.clone());
        match ending.action() {
            // The reply to `end` already applied the end; a close without that reply ends the session too.
            Action::Stop if ending.close_code() == Some(CloseCode::Normal.code()) => {
                self.state = SessionState::NotLoggedIn;
            }
            Action::Stop => self.state = SessionState::Terminated,
            Action::Start | Action::Reauth => self.state = SessionState::NotLoggedIn,
            Action::Retry | Action::Resume => {}
        }
    }
}

/// [`SessionRecord`], shared by the task of the session and the handles, and the signal to detach.
#[derive(Debug)]
pub(crate) struct Shared {
    record: Mutex<SessionRecord>,
    detach: Notify,
    /// What observers of the session read.
    state: watch::Sender<SessionSnapshot>,
    connection: watch::Sender<ConnectionSnapshot>,
    /// What observers of its manager read.
    manager: Option<ManagerCells>,
}

impl Shared {
    pub(crate) fn new(record: SessionRecord, manager: Option<ManagerCells>) -> Self {
        let (state, _) = watch::channel(record.snapshot());
        let (connection, _) = watch::channel(ConnectionSnapshot::LIVE);
        let detach = Notify::new();
        let shared = Self { record: Mutex::new(record), detach, state, connection, manager };
        shared.update(|_| ());
        shared.update_connection(|_| ());
        shared
    }

    /// Each write leaves `SessionRecord` consistent, so a poisoned lock is ignored.
    pub(crate) fn lock(&self) -> MutexGuard<'_, SessionRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what may concern the state. Observers see the new state before the lock is released, and so in order.
    pub(crate) fn update<R>(&self, change: impl FnOnce(&mut SessionRecord) -> R) -> R {
        let mut record = self.lock();
        let result = change(&mut record);
        let managers = self.manager.as_ref().map(|cells| &cells.state);
        for cell in [Some(&self.state), managers].into_iter().flatten() {
            cell.send_if_modified(|known| {
                let is_new = !record.is_shown_by(known);
                if is_new {
                    *known = record.snapshot();
                }
                is_new
            });
        }
        result
    }

    /// Follows the state of the session.
    pub(crate) fn observe(&self) -> watch::Receiver<SessionSnapshot> {
        self.state.subscribe()
    }

    /// Changes what observers see of the connection. Only the task of the session does that.
    pub(crate) fn update_connection(&self, change: impl FnOnce(&mut ConnectionSnapshot)) {
        let mut now = self.connection.borrow().clone();
        change(&mut now);
        let managers = self.manager.as_ref().map(|cells| &cells.connection);
        for cell in [Some(&self.connection), managers].into_iter().flatten() {
            cell.send_if_modified(|known| {
                let is_new = *known != now;
                if is_new {
                    known.clone_from(&now);
                }
                is_new
            });
        }
    }

    /// Follows the connection of the session.
    pub(crate) fn observe_connection(&self) -> watch::Receiver<ConnectionSnapshot> {
        self.connection.subscribe()
    }

    /// Asks the task to detach from the session.
    pub(crate) fn detach(&self) {
        self.detach.notify_one();
    }

    /// Waits for the signal to detach. Cancel-safe.
    pub(crate) async fn detached(&self) {
        self.detach.notified().await;
    }

    pub(crate) fn handle_ended(&self, ending: &Ending) {
        self.update_connection(|connection| connection.ended(ending));
        self.update(|record| record.apply_ending(ending));
    }
}
