//! Every session of the node by its id, ended ones too until their window has passed.
//!
//! A session that has not ended has a [`Seat`], of which there are so many. An ended one is remembered beside them, so
//! that its client learns how it ended; there are never more than as many of those again. What the metrics tell of
//! sessions follows their seats: it is kept with each change of a session, so that telling it asks none of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use stagedoor_proto::{CloseCode, Link as WireLink, SessionId};

use super::handle::SessionHandle;
use crate::session::{Link, Session};
use crate::telemetry::{Close, Limit, Metrics, Standing};

/// The concurrent map of sessions. Its references never leave it: what is found is cloned out.
pub(in crate::hub) struct Registry {
    sessions: DashMap<SessionId, Arc<SessionHandle>>,
    seats: Arc<Seats>,
}

struct Seats {
    taken: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// One session's share of what the node may hold. It is free again when this is dropped.
pub(in crate::hub) struct Seat {
    seats: Arc<Seats>,
    /// As what its session is counted.
    standing: Option<Standing>,
}

impl Seat {
    /// Counts its session as it is now; `false` when that has ended, and the seat is to be given up.
    pub(in crate::hub) fn note(&mut self, session: &Session) -> bool {
        let link = match session.link() {
            Link::Live { .. } => WireLink::Live,
            Link::Suspended { .. } => WireLink::Suspended,
            Link::Ended { ending, .. } => {
                self.seats.metrics.sessions_ended.inc(Close::Code(ending.code));
                if ending.code == CloseCode::ResumeExpired {
                    self.seats.metrics.limits_hit.inc(Limit::ResumeWindow);
                }
                return false;
            }
        };
        self.count_as(Some(Standing { state: session.state(), link }));
        true
    }

    fn count_as(&mut self, standing: Option<Standing>) {
        if self.standing == standing {
            return;
        }
        let sessions = &self.seats.metrics.sessions;
        if let Some(standing) = standing {
            sessions.inc(standing);
        }
        if let Some(former) = std::mem::replace(&mut self.standing, standing) {
            sessions.dec(former);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.count_as(None);
        self.seats.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Registry {
    /// An empty one, whose sessions are counted in `metrics`.
    pub(in crate::hub) fn new(metrics: Arc<Metrics>) -> Self {
        let seats = Seats { taken: AtomicUsize::new(0), metrics };
        Self { sessions: DashMap::new(), seats: Arc::new(seats) }
    }

    /// Takes a session in, unless `max` that have not ended are held already.
    pub(in crate::hub) fn insert(&self, session: &Arc<SessionHandle>, max: usize) -> bool {
        let seat = Seat { seats: Arc::clone(&self.seats), standing: None };
        if self.seats.taken.fetch_add(1, Ordering::Relaxed) >= max {
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
    pub(in crate::hub) fn find(&self, id: SessionId) -> Option<Arc<SessionHandle>> {
        self.sessions.get(&id).map(|session| Arc::clone(&session))
    }

    /// Forgets a session.
    pub(in crate::hub) fn remove(&self, id: SessionId) {
        if let Some((_, session)) = self.sessions.remove(&id) {
            session.give_way();
        }
    }

    /// How many are held that have not ended.
    pub(in crate::hub) fn living(&self) -> usize {
        self.seats.taken.load(Ordering::Relaxed)
    }

    /// At most `most` sessions, from all over.
    pub(in crate::hub) fn sample(&self, most: usize) -> Vec<Arc<SessionHandle>> {
        let step = self.sessions.len().div_ceil(most).max(1);
        let sampled = self.sessions.iter().step_by(step).take(most);
        sampled.map(|entry| Arc::clone(entry.value())).collect()
    }

    /// Those for whom `wanted` holds. It runs under the map's locks: it looks, and does nothing else.
    pub(in crate::hub) fn select(
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
