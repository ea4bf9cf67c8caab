//! Every session of the node by its id, ended ones too until their window has passed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use stagedoor_proto::SessionId;

use super::handle::SessionHandle;

/// The concurrent map of sessions. Its references never leave it: what is found is cloned out.
#[derive(Default)]
pub(super) struct Registry {
    sessions: DashMap<SessionId, Arc<SessionHandle>>,
    count: AtomicUsize,
}

impl Registry {
    /// Takes a session in, unless `max` are held already.
    pub(super) fn insert(&self, session: &Arc<SessionHandle>, max: usize) -> bool {
        if self.count.fetch_add(1, Ordering::Relaxed) >= max {
            self.count.fetch_sub(1, Ordering::Relaxed);
            return false;
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
        if self.sessions.remove(&id).is_some() {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// How many are held.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
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
