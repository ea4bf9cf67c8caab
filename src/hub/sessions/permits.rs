//! Permits of sessions: each session that has not ended holds one; their number is limited.
//!
//! The session metrics are updated with each change of a session, so that a scrape visits no session.
//! Not here: the permits of connections (`addresses`), which are also counted by address.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stagedoor_proto::{CloseCode, Link as WireLink};

use crate::session::{Link, Session};
use crate::telemetry::{Close, Limit, Metrics, SessionStatus};

pub(super) struct SessionPermits {
    taken: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// The permit of one session. Dropping it releases it.
pub(super) struct SessionPermit {
    permits: Arc<SessionPermits>,
    /// The metric label of its session.
    status: Option<SessionStatus>,
}

impl SessionPermits {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { taken: AtomicUsize::new(0), metrics }
    }

    /// A permit, unless `max` are held.
    pub(super) fn acquire(self: &Arc<Self>, max: usize) -> Option<SessionPermit> {
        // Counted before the check; dropping the permit reverts the count.
        let permit = SessionPermit { permits: Arc::clone(self), status: None };
        (self.taken.fetch_add(1, Ordering::Relaxed) < max).then_some(permit)
    }

    /// Number of held permits.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl SessionPermit {
    /// Updates the metrics of its session; `false` if it has ended, so that the permit must be released.
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
        if let Some(previous) = std::mem::replace(&mut self.status, status) {
            sessions.dec(previous);
        }
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        self.count_as(None);
        self.permits.taken.fetch_sub(1, Ordering::Relaxed);
    }
}
