//! Each session that has not ended holds a permit. The permits of the node and of each address are limited.
//!
//! The session metrics are updated with each change of a session, so that a scrape visits no session.
//! Not here: the permits of connections (`addresses`), which are also counted by address.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use stagedoor_proto::{CloseCode, Link as WireLink};

use super::addresses::is_exempt;
use crate::address::network;
use crate::config::Limits;
use crate::session::{Link, Session};
use crate::telemetry::{Close, Limit, Metrics, SessionStatus};

pub(super) struct SessionPermits {
    taken: AtomicUsize,
    /// Permits by the address that started the session. An entry's lock is held for one update.
    by_address: DashMap<IpAddr, usize>,
    metrics: Arc<Metrics>,
}

/// Maximum numbers of permits, where a session starts from one address.
#[derive(Clone, Copy)]
pub(in crate::hub) struct SessionCapacity {
    per_node: usize,
    per_address: usize,
}

/// The limit that leaves no permit for another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum SessionLimitExceeded {
    Node,
    Address,
}

/// One session's share of what the node may hold. Dropping it releases the share.
pub(super) struct SessionPermit {
    permits: Arc<SessionPermits>,
    address: IpAddr,
    /// The metric label of its session.
    status: Option<SessionStatus>,
}

impl SessionPermits {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { taken: AtomicUsize::new(0), by_address: DashMap::new(), metrics }
    }

    /// A permit for a session that `address` started.
    pub(super) fn acquire(
        self: &Arc<Self>,
        address: IpAddr,
        capacity: SessionCapacity,
    ) -> Result<SessionPermit, SessionLimitExceeded> {
        // Counts first and checks then, so that racing calls never exceed a limit. The drop of a permit counts back.
        let address = network(address);
        let permit = SessionPermit { permits: Arc::clone(self), address, status: None };
        let of_node = self.taken.fetch_add(1, Ordering::Relaxed);
        let of_address = {
            let mut count = self.by_address.entry(address).or_default();
            *count += 1;
            *count - 1
        };
        capacity.check(of_node, of_address).map(|()| permit)
    }

    /// Checks whether a session that `address` starts could get a permit.
    pub(super) fn check(
        &self,
        address: IpAddr,
        capacity: SessionCapacity,
    ) -> Result<(), SessionLimitExceeded> {
        let of_address = self.by_address.get(&network(address)).map_or(0, |count| *count);
        capacity.check(self.taken(), of_address)
    }

    /// Number of held permits.
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl SessionCapacity {
    pub(in crate::hub) const UNLIMITED: Self =
        Self { per_node: usize::MAX, per_address: usize::MAX };

    pub(in crate::hub) fn new(address: IpAddr, limits: &Limits) -> Self {
        let exempt = is_exempt(address, limits);
        let per_address = if exempt { usize::MAX } else { limits.sessions_per_address };
        Self { per_node: limits.sessions_per_node, per_address }
    }

    const fn check(self, of_node: usize, of_address: usize) -> Result<(), SessionLimitExceeded> {
        if of_node >= self.per_node {
            Err(SessionLimitExceeded::Node)
        } else if of_address >= self.per_address {
            Err(SessionLimitExceeded::Address)
        } else {
            Ok(())
        }
    }

    /// Maximum number of ended sessions that are remembered with those that hold a permit.
    pub(super) const fn max_remembered(self) -> usize {
        self.per_node.saturating_mul(2)
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
        self.permits.by_address.remove_if_mut(&self.address, |_, count| {
            *count -= 1;
            *count == 0
        });
    }
}
