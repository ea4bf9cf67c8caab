//! The live sessions of this node.
//!
//! Owns the map of sessions by id, and the history of ended ones. The engine's directory knows which session holds a
//! client instance. Each session has a separate lock, held for a few instructions, never two at a
//! time. Invariant: at most one session holds a client instance, and a late end of an older session never
//! removes a newer one. It does not know rooms: dependents of a session are notified of its changes through
//! [`SessionObserver`].

mod addresses;
mod connections;
mod counts;
mod drain;
mod handle;
mod history;
mod membership;
mod message_share;
mod permits;
mod registry;
mod replay_memory;
mod sweep;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock, Weak};

use stagedoor_proto::{CloseCode, Disconnect, Ref, SessionId, Timestamp};

pub use addresses::{ConnectionLimitExceeded, ConnectionPermit};
pub use connections::Connections;
pub(super) use counts::{Capacity, LimitExceeded};
pub use handle::{Activity, SessionConnection, SessionHandle, Written};
pub(super) use handle::{
    Refusal, RequestPermit, SessionTermination, begin_renewal, postpone_renewal, take_relayed,
};
pub(super) use membership::{Memberships, PendingUpdate, RoomTags};
pub use message_share::MessageShare;
pub(super) use replay_memory::limit_replay_memory;

use super::context::Context;
use super::errors::CallError;
use super::events::Events;
use crate::engine::{DirectoryKey, Engine, EngineError, Restore};
use crate::request::RequestId;
use crate::session::ConnectionLoss;
use crate::store::{EndedSession, UserKey};
use history::SessionHistory;
use registry::Registry;

/// Observes changes of link, state and end of sessions.
pub(super) trait SessionObserver: Send + Sync {
    /// Updates dependents of a session. Called without any lock, from any task.
    fn session_changed(&self, session: &Arc<SessionHandle>);
}

/// The live sessions of this node. Shared by reference; methods may be called from any task.
pub struct Sessions {
    registry: Registry,
    history: SessionHistory,
    /// Set once, before the first session.
    observer: OnceLock<Weak<dyn SessionObserver>>,
    context: Arc<Context>,
    events: Arc<Events>,
    engine: Arc<dyn Engine>,
}

impl Sessions {
    pub(super) fn new(context: Arc<Context>, events: Arc<Events>, engine: Arc<dyn Engine>) -> Self {
        Self {
            registry: Registry::new(Arc::clone(&context.metrics)),
            history: SessionHistory::default(),
            observer: OnceLock::new(),
            context,
            events,
            engine,
        }
    }

    /// Sets the observer; called once, before the first session.
    pub(super) fn subscribe(&self, observer: Weak<dyn SessionObserver>) {
        assert!(self.observer.set(observer).is_ok(), "sessions have one observer");
    }

    /// Number of sessions that have not ended.
    #[must_use]
    pub fn count(&self) -> usize {
        self.registry.count()
    }

    /// A session of an app that is live or ended recently.
    #[must_use]
    pub fn find_in(&self, app: &str, id: SessionId) -> Option<Arc<SessionHandle>> {
        self.registry.find(id).filter(|session| *session.user().app == *app)
    }

    /// # Errors
    /// If the engine does not answer.
    pub async fn of_user(&self, user: &UserKey) -> Result<Vec<Arc<SessionHandle>>, CallError> {
        let rows = self.engine.rows(DirectoryKey::of(user)).await?;
        Ok(rows.iter().filter_map(|row| self.find(row.session)).collect())
    }

    #[must_use]
    pub fn list(&self, app: &str) -> Vec<Arc<SessionHandle>> {
        self.list_after(app, None, usize::MAX, |_| true)
    }

    /// At most `limit` sessions of an app that have not ended, oldest first and after `after`.
    ///
    /// `wanted` may take a session's lock.
    #[must_use]
    pub fn list_after(
        &self,
        app: &str,
        after: Option<(Timestamp, SessionId)>,
        limit: usize,
        wanted: impl Fn(&SessionHandle) -> bool,
    ) -> Vec<Arc<SessionHandle>> {
        let position = |session: &SessionHandle| (session.meta().started, session.id());
        let mut sessions = self.registry.select(|session| {
            *session.user().app == *app && after.is_none_or(|after| position(session) > after)
        });
        sessions.retain(|session| !session.has_ended() && wanted(session));
        if limit < sessions.len() {
            // Selects the page without sorting all sessions.
            sessions.select_nth_unstable_by_key(limit, |session| position(session));
            sessions.truncate(limit);
        }
        sessions.sort_unstable_by_key(|session| position(session));
        sessions
    }

    pub(super) fn find(&self, id: SessionId) -> Option<Arc<SessionHandle>> {
        self.registry.find(id)
    }

    /// Adds a session, if a limit does not forbid it.
    pub(super) fn insert(
        &self,
        session: &Arc<SessionHandle>,
        capacity: Capacity,
    ) -> Result<(), LimitExceeded> {
        self.registry.insert(session, capacity)
    }

    /// Checks the limits for a session that `address` starts.
    pub(super) fn check_capacity(
        &self,
        address: IpAddr,
        capacity: Capacity,
    ) -> Result<(), LimitExceeded> {
        self.registry.check(address, capacity)
    }

    /// Removes a session whose start failed, or that moved to another node.
    pub(super) fn remove(&self, id: SessionId) {
        self.registry.remove(id);
    }

    /// The sessions that match `wanted`, ended ones included. `wanted` runs under the map's locks and must only read.
    pub(super) fn select(
        &self,
        wanted: impl Fn(&SessionHandle) -> bool,
    ) -> Vec<Arc<SessionHandle>> {
        self.registry.select(wanted)
    }

    /// A sample of at most `most` sessions.
    pub(super) fn sample(&self, most: usize) -> Vec<Arc<SessionHandle>> {
        self.registry.sample(most)
    }

    /// Ends a session, releases its client instance and closes its connection. `request` is the cause, if any.
    pub(super) fn end(
        &self,
        session: &Arc<SessionHandle>,
        disconnect: Disconnect,
        request: Option<&RequestId>,
    ) {
        session.disconnect(disconnect, request, self.context.clock.now());
        self.release(session);
        self.notify(session);
    }

    /// Ends a session from its own connection, unless a newer connection serves it.
    pub fn end_from(&self, connection: &SessionConnection, disconnect: Disconnect) {
        if connection.close(disconnect, self.context.clock.now()) {
            self.release(connection.session());
        }
    }

    /// Ends one session of an app; `None` if it does not exist. `ref_` is the idempotency key of the call.
    pub fn terminate(
        &self,
        app: &str,
        id: SessionId,
        ref_: Option<&Ref>,
        request: Option<&RequestId>,
    ) -> Option<Arc<SessionHandle>> {
        let session = self.find_in(app, id).filter(|session| !session.has_ended())?;
        self.end(&session, Disconnect::new(CloseCode::Terminated).caused_by(ref_), request);
        Some(session)
    }

    /// Suspends the session after its connection was lost, unless a newer connection serves it.
    pub fn handle_lost_connection(&self, connection: &SessionConnection, loss: ConnectionLoss) {
        let (session, generation) = (connection.session(), connection.generation());
        connection.detach(loss, self.context.clock.now());
        let user = session.meta().directory_key();
        self.context.run_detached(self.engine.suspend(user, session.id(), generation));
        self.notify(session);
    }

    /// Releases the client instance of a session.
    pub(super) fn release(&self, session: &SessionHandle) {
        session.activity().set_held_by(None);
        let user = session.meta().directory_key();
        self.context.run_detached(self.engine.release(user, session.id()));
    }

    /// Claims the client instances of restored sessions.
    pub(super) async fn restore_rows(&self, rows: Vec<Restore>) -> Result<(), EngineError> {
        self.engine.restore(rows).await
    }

    /// Notifies the observer of a change of link, state or end, after the lock of the session was released.
    pub(super) fn notify(&self, session: &Arc<SessionHandle>) {
        if let Some(observer) = self.observer.get().and_then(Weak::upgrade) {
            observer.session_changed(session);
        }
        self.record_ended(session);
    }

    /// Queues the history row and the event of an ended session; once.
    fn record_ended(&self, session: &SessionHandle) {
        let Some(termination) = session.take_termination() else { return };
        let SessionTermination { disconnect: ending, state, cause } = termination;
        let (meta, peer) = (session.meta(), session.activity().peer(session.meta()));
        self.events.session_ended(meta, &ending, cause);
        let ended = EndedSession {
            id: meta.id,
            username: meta.user.username.clone(),
            guest: meta.guest,
            instance: meta.instance.clone(),
            client: meta.client.as_deref().cloned(),
            address: peer.address,
            user_agent: peer.user_agent,
            started_ms: meta.started,
            ended_ms: self.context.clock.wall(),
            state,
            ending,
        };
        if !self.history.push(&meta.user.app, ended) {
            self.context.metrics.session_history_dropped.inc();
        }
    }

    /// Passes ended sessions to the store. Later store calls see them.
    pub fn flush_history(&self) {
        self.history.flush(&self.context);
    }
}

/// The number of participants that sessions are: each counts once in each of its rooms.
pub(super) fn participant_count(sessions: &Sessions) -> usize {
    sessions.registry.participants()
}

/// How many more exclusive names guests of an address may have without a connection.
pub(super) fn spare_names(sessions: &Sessions, address: IpAddr, capacity: Capacity) -> usize {
    sessions.registry.spare_names(address, capacity)
}
