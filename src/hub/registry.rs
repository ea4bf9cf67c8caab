//! Every session of the node by its id, ended ones too until their window has passed.
//!
//! A session that has not ended has a [`Seat`], of which there are so many. An ended one is remembered beside them, so
//! that its client learns how it ended; there are never more than as many of those again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use stagedoor_proto::SessionId;

use super::handle::SessionHandle;

/// The concurrent map of sessions. Its references never leave it: what is found is cloned out.
#[derive(Default)]
pub(super) struct Registry {
    sessions: DashMap<SessionId, Arc<SessionHandle>>,
    taken: Arc<AtomicUsize>,
}

/// One session's share of what the node may hold. It is free again when this is dropped.
pub(super) struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Registry {
    /// Takes a session in, unless `max` that have not ended are held already.
    pub(super) fn insert(&self, session: &Arc<SessionHandle>, max: usize) -> bool {
        let seat = Seat(Arc::clone(&self.taken));
        if self.taken.fetch_add(1, Ordering::Relaxed) >= max {
            return false;
        }
        session.hold(seat);
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

    /// Forgets a session.
    pub(super) fn remove(&self, id: SessionId) {
        if let Some((_, session)) = self.sessions.remove(&id) {
            session.give_way();
        }
    }

    /// How many are held that have not ended.
    pub(super) fn living(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
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
