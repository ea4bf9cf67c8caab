//! Each session that has not ended holds a permit. The permits of the node and of each address are limited.
//!
//! The session metrics are updated with each change of a session, so that a scrape visits no session.
//! Not here: the permits of connections (`addresses`), which are counted alike (`counts`).

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stagedoor_proto::{CloseCode, Link as WireLink};

use super::addresses::is_exempt;
use super::counts::{AddressCounts, Capacity, LimitExceeded};
use crate::config::Limits;
use crate::session::{Link, Session};
use crate::telemetry::{Close, Limit, Metrics, SessionStatus};

pub(super) struct SessionPermits {
    /// By the address that started the session.
    counts: AddressCounts,
    /// The rooms of all sessions with a permit, each once for each session.
    participants: AtomicUsize,
    /// Exclusive guest names of suspended sessions, by the address that started them.
    idle_names: AddressCounts,
    metrics: Arc<Metrics>,
}

/// One session's share of what the node may hold. Dropping it releases the share.
pub(super) struct SessionPermit {
    permits: Arc<SessionPermits>,
    address: IpAddr,
    /// Whether its session holds an exclusive guest name.
    holds_name: bool,
    /// Whether that name is counted, because the session is suspended.
    is_name_idle: bool,
    /// The metric label of its session.
    status: Option<SessionStatus>,
    /// The number of rooms of its session.
    rooms: usize,
}

impl SessionPermits {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            counts: AddressCounts::default(),
            participants: AtomicUsize::new(0),
            idle_names: AddressCounts::default(),
            metrics,
        }
    }

    /// A permit for a session that `address` started.
    pub(super) fn acquire(
        self: &Arc<Self>,
        address: IpAddr,
        holds_name: bool,
        capacity: Capacity,
    ) -> Result<SessionPermit, LimitExceeded> {
        self.counts.add(address, 1, capacity)?;
        Ok(SessionPermit {
            permits: Arc::clone(self),
            address,
            holds_name,
            is_name_idle: false,
            status: None,
            rooms: 0,
        })
    }

    /// Checks whether a session that `address` starts could get a permit.
    pub(super) fn check(&self, address: IpAddr, capacity: Capacity) -> Result<(), LimitExceeded> {
        self.counts.check(address, capacity)?;
        let names = Capacity { per_address: capacity.names, ..Capacity::UNLIMITED };
        self.idle_names.check(address, names).map_err(|_| LimitExceeded::Names)
    }

    /// How many more names guests of an address may have without a connection; [`usize::MAX`]: any number.
    pub(super) fn spare_names(&self, address: IpAddr, capacity: Capacity) -> usize {
        match capacity.names {
            usize::MAX => usize::MAX,
            names => names.saturating_sub(self.idle_names.of(address)),
        }
    }

    /// The number of participants that sessions are: each counts once in each of its rooms.
    pub(super) fn participants(&self) -> usize {
        self.participants.load(Ordering::Relaxed)
    }

    /// Number of held permits.
    pub(super) fn taken(&self) -> usize {
        self.counts.total()
    }
}

impl Capacity {
    /// The maxima for a session that `address` starts.
    pub(in crate::hub) fn of_sessions(address: IpAddr, limits: &Limits) -> Self {
        let exempt = is_exempt(address, limits);
        let per_address = if exempt { usize::MAX } else { limits.sessions_per_address };
        Self { total: limits.sessions_per_node, per_address, ..Self::UNLIMITED }
    }

    /// The maximum for a guest at `address` who takes an exclusive name.
    pub(in crate::hub) fn of_names(address: IpAddr, limits: &Limits) -> Self {
        let exempt = is_exempt(address, limits);
        let names = if exempt { usize::MAX } else { limits.guest_names_per_address };
        Self { names, ..Self::UNLIMITED }
    }
}

impl SessionPermit {
    /// Updates the counts of its session, which is in `rooms` rooms; `false` if it has ended, so that the permit must
    /// be released.
    pub(super) fn note(&mut self, session: &Session, rooms: usize) -> bool {
        self.count_rooms(rooms);
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
        self.count_name(self.holds_name && link == WireLink::Suspended);
        true
    }

    fn count_rooms(&mut self, rooms: usize) {
        let before = std::mem::replace(&mut self.rooms, rooms);
        if rooms != before {
            // The addition wraps around, so that it also subtracts.
            self.permits.participants.fetch_add(rooms.wrapping_sub(before), Ordering::Relaxed);
        }
    }

    fn count_name(&mut self, is_idle: bool) {
        if std::mem::replace(&mut self.is_name_idle, is_idle) == is_idle {
            return;
        }
        let names = &self.permits.idle_names;
        if is_idle {
            // A session that is suspended is never refused.
            let _ = names.add(self.address, 1, Capacity::UNLIMITED);
        } else {
            names.release(self.address, 1);
        }
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
        self.count_rooms(0);
        self.count_as(None);
        self.count_name(false);
        self.permits.counts.release(self.address, 1);
    }
}
