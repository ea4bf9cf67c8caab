//! Every session of the node by its id, ended ones too until their window has passed.
//!
//! An ended session is kept beside those that hold a permit, so that its client learns how it ended; there are at most
//! as many of those again.

use std::sync::Arc;

use dashmap::DashMap;
use stagedoor_proto::SessionId;

use super::handle::SessionHandle;
use super::permits::SessionPermits;
use crate::telemetry::Metrics;

/// The concurrent map of sessions. Its references never leave it: what is found is cloned out.
pub(super) struct Registry {
    sessions: DashMap<SessionId, Arc<SessionHandle>>,
    permits: Arc<SessionPermits>,
}

impl Registry {
    /// An empty one, whose sessions are counted in `metrics`.
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { sessions: DashMap::new(), permits: Arc::new(SessionPermits::new(metrics)) }
    }

    /// Adds a session, unless `max` that have not ended are held already.
    pub(super) fn insert(&self, session: &Arc<SessionHandle>, max: usize) -> bool {
        let Some(permit) = self.permits.acquire(max) else { return false };
        session.attach_permit(permit);
        if self.sessions.len() >= max.saturating_mul(2) {
            // At least half of them go, so that this costs each start but little.
            self.sessions.retain(|_, session| !session.has_ended());
        }
        self.sessions.insert(session.id(), Arc::clone(session));
        true
    }

    /// The session of this id.
    pub(super) fn find(&self, id: SessionId) -> Option<Arc<SessionHandle>> {
        self.sessions.get(&id).map(|session| Arc::clone(&session))
    }

    /// Removes a session.
    pub(super) fn remove(&self, id: SessionId) {
        if let Some((_, session)) = self.sessions.remove(&id) {
            session.release_permit();
        }
    }

    /// How many are held that have not ended.
    pub(super) fn count(&self) -> usize {
        self.permits.taken()
    }

    /// At most `most` sessions, from all over.
    pub(super) fn sample(&self, most: usize) -> Vec<Arc<SessionHandle>> {
        let step = self.sessions.len().div_ceil(most).max(1);
        let sampled = self.sessions.iter().step_by(step).take(most);
        sampled.map(|entry| Arc::clone(entry.value())).collect()
    }

    /// Those for whom `wanted` holds. It runs under the map's locks: it looks, and does nothing else.
    pub(super) fn select(
        &self,
        wanted: impl Fn(&SessionHandle) -> bool,
    ) -> Vec<Arc<SessionHandle>> {
        self.sessions
            .iter()
            .filter(|entry| wanted(entry.value()))
            .map(|entry| Arc::clone(entry.value()))
            .collect()
    }
}
