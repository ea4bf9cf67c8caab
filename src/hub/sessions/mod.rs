//! The live sessions of this node.
//!
//! Owns the map that finds them by id, and the history of those that ended; which session holds a client instance, the
//! engine's directory knows. Each session is behind a lock of its own, held for a few instructions, never two at a time.
//! Invariant: of the sessions of one client instance at most one holds it, and a late end of an older one never removes
//! a newer. Knows nothing of rooms: what depends on a session learns of its changes through [`SessionObserver`].

mod addresses;
mod connections;
mod drain;
mod handle;
mod history;
mod membership;
mod permits;
mod registry;
mod sweep;

use std::sync::{Arc, OnceLock, Weak};

use stagedoor_proto::{CloseCode, Disconnect, SessionId, Timestamp};

pub use addresses::{ConnectionLimitExceeded, ConnectionPermit};
pub use connections::Connections;
pub use handle::{Activity, SessionConnection, SessionHandle, Written};
pub(super) use handle::{Refusal, RequestPermit, SessionTermination};
pub(super) use membership::{Memberships, PendingUpdate, RoomTags};

use super::context::Context;
use super::errors::CallError;
use super::events::Events;
use crate::engine::{Engine, EngineError, Restore};
use crate::request::RequestId;
use crate::store::{EndedSession, UserKey};
use history::SessionHistory;
use registry::Registry;

/// Learns of each change of a session's link, state or end.
pub(super) trait SessionObserver: Send + Sync {
    /// Brings what depends on a session up to date with it. Called without any lock, from any task.
    fn session_changed(&self, session: &Arc<SessionHandle>);
}

/// The live sessions of this node. Shared by reference; every method may be called from any task.
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

    /// Reports all changes to `observer` from now on; called once, before the first session.
    pub(super) fn subscribe(&self, observer: Weak<dyn SessionObserver>) {
        assert!(self.observer.set(observer).is_ok(), "sessions have one observer");
    }

    /// How many sessions have not ended.
    #[must_use]
    pub fn count(&self) -> usize {
        self.registry.count()
    }

    /// The session of an app that is live, or ended a short while ago.
    #[must_use]
    pub fn find_in(&self, app: &str, id: SessionId) -> Option<Arc<SessionHandle>> {
        self.registry.find(id).filter(|session| *session.user().app == *app)
    }

    /// The sessions of a user that hold a client instance.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn of_user(&self, user: &UserKey) -> Result<Vec<Arc<SessionHandle>>, CallError> {
        let rows = self.engine.rows(user).await?;
        Ok(rows.iter().filter_map(|row| self.find(row.session)).collect())
    }

    /// The sessions of an app that have not ended, oldest first.
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
            // A page of many thousands is found without sorting them all.
            sessions.select_nth_unstable_by_key(limit, |session| position(session));
            sessions.truncate(limit);
        }
        sessions.sort_unstable_by_key(|session| position(session));
        sessions
    }

    pub(super) fn find(&self, id: SessionId) -> Option<Arc<SessionHandle>> {
        self.registry.find(id)
    }

    /// Adds a session, unless `max` that have not ended are held already.
    pub(super) fn insert(&self, session: &Arc<SessionHandle>, max: usize) -> bool {
        self.registry.insert(session, max)
    }

    /// Removes a session that came to nothing.
    pub(super) fn remove(&self, id: SessionId) {
        self.registry.remove(id);
    }

    /// Those for whom `wanted` holds, ended ones included. It runs under the map's locks: it looks, and does nothing else.
    pub(super) fn select(
        &self,
        wanted: impl Fn(&SessionHandle) -> bool,
    ) -> Vec<Arc<SessionHandle>> {
        self.registry.select(wanted)
    }

    /// At most `most` sessions, from all over.
    pub(super) fn sample(&self, most: usize) -> Vec<Arc<SessionHandle>> {
        self.registry.sample(most)
    }

    /// Ends a session, because of a request or of none: it holds its client instance no more, and its connection is told why.
    pub(super) fn end(
        &self,
        session: &Arc<SessionHandle>,
        disconnect: Disconnect,
        request: Option<&RequestId>,
    ) {
        session.disconnect(disconnect, request, self.context.clock.wall());
        self.release(session);
        self.notify(session);
    }

    /// Ends a session from its own connection, unless a newer one carries it.
    pub fn end_from(&self, connection: &SessionConnection, disconnect: Disconnect) {
        if connection.close(disconnect, self.context.clock.wall()) {
            self.release(connection.session());
        }
    }

    /// Ends one session of an app; `None` when there is none such.
    pub fn terminate(
        &self,
        app: &str,
        id: SessionId,
        request: Option<&RequestId>,
    ) -> Option<Arc<SessionHandle>> {
        let session = self.find_in(app, id).filter(|session| !session.has_ended())?;
        self.end(&session, Disconnect::new(CloseCode::Terminated), request);
        Some(session)
    }

    /// Forgets a session that goes on on another node: it has not ended, and so no history has it.
    pub(super) fn give_away(&self, session: &SessionHandle) {
        session.activity().set_held_by(None);
        drop(session.take_termination());
        self.registry.remove(session.id());
    }

    /// The connection was lost; the session waits for its client, unless a newer one carries it.
    pub fn handle_lost_connection(&self, connection: &SessionConnection) {
        let (session, generation) = (connection.session(), connection.generation());
        connection.detach(self.context.clock.wall());
        self.context.run_detached(self.engine.suspend(session.user(), session.id(), generation));
        self.notify(session);
    }

    /// The session holds its client instance no more.
    pub(super) fn release(&self, session: &SessionHandle) {
        session.activity().set_held_by(None);
        self.context.run_detached(self.engine.release(session.user(), session.id()));
    }

    /// Has sessions of the previous process hold their client instances again.
    pub(super) async fn restore_rows(&self, rows: Vec<Restore>) -> Result<(), EngineError> {
        self.engine.restore(rows).await
    }

    /// Follows each change of a session's link, state or end, once its lock is released.
    pub(super) fn notify(&self, session: &Arc<SessionHandle>) {
        if let Some(observer) = self.observer.get().and_then(Weak::upgrade) {
            observer.session_changed(session);
        }
        self.record_ended(session);
    }

    /// Queues a session that has ended for the history, and its event; once.
    fn record_ended(&self, session: &SessionHandle) {
        let Some(termination) = session.take_termination() else { return };
        let SessionTermination { disconnect: ending, state, cause } = termination;
        let meta = session.meta();
        self.events.session_ended(meta, &ending, cause);
        let ended = EndedSession {
            id: meta.id,
            username: meta.user.username.clone(),
            guest: meta.guest,
            instance: meta.instance.clone(),
            client: meta.client.as_deref().cloned(),
            address: meta.peer.address,
            user_agent: meta.peer.user_agent.clone(),
            started_ms: meta.started,
            ended_ms: self.context.clock.wall(),
            state,
            ending,
        };
        if !self.history.push(&meta.user.app, ended) {
            self.context.metrics.session_history_dropped.inc();
        }
    }

    /// Hands the sessions that ended to the store. Whoever asks the store next finds them there.
    pub fn flush_history(&self) {
        self.history.flush(&self.context);
    }
}
