//! The sessions of the node by id, including ended ones until their resume window has passed.
//!
//! An ended session is retained so that a late `resume` is answered with its end. There are at most as many ended
//! sessions as permits.

use std::net::IpAddr;
use std::sync::Arc;

use dashmap::DashMap;
use stagedoor_proto::SessionId;

use super::counts::{Capacity, LimitExceeded};
use super::handle::SessionHandle;
use super::permits::SessionPermits;
use crate::telemetry::Metrics;

/// The concurrent map of sessions. References into it never leave this type: results are clones.
pub(super) struct Registry {
    sessions: DashMap<SessionId, Arc<SessionHandle>>,
    permits: Arc<SessionPermits>,
}

impl Registry {
    /// An empty map, whose sessions are counted in `metrics`.
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { sessions: DashMap::new(), permits: Arc::new(SessionPermits::new(metrics)) }
    }

    /// Adds a session, if there is a permit for it.
    pub(super) fn insert(
        &self,
        session: &Arc<SessionHandle>,
        capacity: Capacity,
    ) -> Result<(), LimitExceeded> {
        let meta = session.meta();
        let holds_name = meta.guest && meta.proof.is_some();
        let permit = self.permits.acquire(meta.peer.address, holds_name, capacity)?;
        session.attach_permit(permit);
        // As many ended sessions as live ones are remembered.
        if self.sessions.len() >= capacity.total.saturating_mul(2) {
            // Removes at least half of them, so that the amortized cost of a start is small.
            self.sessions.retain(|_, session| !session.has_ended());
        }
        self.sessions.insert(session.id(), Arc::clone(session));
        Ok(())
    }

    /// Checks whether there is a permit for a session that `address` starts.
    pub(super) fn check(&self, address: IpAddr, capacity: Capacity) -> Result<(), LimitExceeded> {
        self.permits.check(address, capacity)
    }

    /// See [`SessionPermits::spare_names`].
    pub(super) fn spare_names(&self, address: IpAddr, capacity: Capacity) -> usize {
        self.permits.spare_names(address, capacity)
    }

    pub(super) fn find(&self, id: SessionId) -> Option<Arc<SessionHandle>> {
        self.sessions.get(&id).map(|session| Arc::clone(&session))
    }

    pub(super) fn remove(&self, id: SessionId) {
        if let Some((_, session)) = self.sessions.remove(&id) {
            session.release_permit();
        }
    }

    /// The number of participants that sessions are: each counts once in each of its rooms.
    pub(super) fn participants(&self) -> usize {
        self.permits.participants()
    }

    /// Number of sessions that have not ended.
    pub(super) fn count(&self) -> usize {
        self.permits.taken()
    }

    /// A sample of at most `most` sessions.
    pub(super) fn sample(&self, most: usize) -> Vec<Arc<SessionHandle>> {
        let step = self.sessions.len().div_ceil(most).max(1);
        let sampled = self.sessions.iter().step_by(step).take(most);
        sampled.map(|entry| Arc::clone(entry.value())).collect()
    }

    /// The sessions that match `wanted`. `wanted` runs under the map's locks and must only read.
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
