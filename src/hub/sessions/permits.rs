//! Each session that has not ended holds a permit; their number is limited.
//!
//! The metrics of sessions follow their permits: they are updated with each change of a session, so that a scrape asks
//! none of them. Not here: the permits of connections (`addresses`), which are counted by address too and change nothing
//! while they are held.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stagedoor_proto::{CloseCode, Link as WireLink};

use crate::session::{Link, Session};
use crate::telemetry::{Close, Limit, Metrics, SessionStatus};

/// The permits of one node.
pub(super) struct SessionPermits {
    taken: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// One session's share of what the node may hold. It is free again when this is dropped.
pub(super) struct SessionPermit {
    permits: Arc<SessionPermits>,
    /// As what its session is counted.
    status: Option<SessionStatus>,
}

impl SessionPermits {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { taken: AtomicUsize::new(0), metrics }
    }

    /// A permit, unless `max` are taken.
    pub(super) fn acquire(self: &Arc<Self>, max: usize) -> Option<SessionPermit> {
        // Counted before it is known whether there is one: dropping it counts back.
        let permit = SessionPermit { permits: Arc::clone(self), status: None };
        (self.taken.fetch_add(1, Ordering::Relaxed) < max).then_some(permit)
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl SessionPermit {
    /// Counts its session as it is now; `false` when that has ended, and the permit is to be released.
    pub(super) fn note(&mut self, session: &Session) -> bool {
        let link = match session.link() {
            Link::Live { .. } => WireLink::Live,
            Link::Suspended => WireLink::Suspended,
            Link::Ended { ending, .. } => {
                self.permits.metrics.sessions_ended.inc(Close::Code(ending.code));
                if ending.code == CloseCode::ResumeExpired {
                    self.permits.metrics.limits_hit.inc(Limit::ResumeWindow);
                }
                return false;
            }
        };
        self.count_as(Some(SessionStatus { state: session.state(), link }));
        true
    }

    fn count_as(&mut self, status: Option<SessionStatus>) {
        if self.status == status {
            return;
        }
        let sessions = &self.permits.metrics.sessions;
        if let Some(status) = status {
            sessions.inc(status);
        }
        if let Some(former) = std::mem::replace(&mut self.status, status) {
            sessions.dec(former);
        }
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        self.count_as(None);
        self.permits.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
