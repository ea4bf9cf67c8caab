//! File descriptors for the connections of clients.
//!
//! Clients open as many connections as they like. Invariant: they leave descriptors for the server API's port, so that
//! an operator can still see and stop the gateway, and for the store and calls to other servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::rate_limit::{Rate, RateLimiter};
use crate::sync::Mutex;
use crate::time::Monotonic;

/// For the store and for calls to other servers.
const HEADROOM: usize = 32;
/// So many connections are accepted under any limit.
const MIN_CLIENTS: usize = 16;
/// Assumed where the system does not say how many descriptors are open.
const ASSUMED_OPEN: usize = 32;
/// How often a rejected connection is logged.
const LOG_INTERVAL: Duration = Duration::from_mins(1);

/// The descriptors of this process.
pub struct FileDescriptors {
    /// `None`: no limit.
    limit: Option<usize>,
    /// How many were open before the first connection.
    open: usize,
    clients: AtomicUsize,
    log: Mutex<RateLimiter>,
}

/// The descriptor of one connection; dropping it frees it.
pub(super) struct DescriptorPermit(Arc<FileDescriptors>);

impl FileDescriptors {
    /// Raises the soft limit of this process to the hard one, and counts what is open.
    #[must_use]
    pub fn raise() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        // A system may refuse the hard limit itself; the former limit holds then.
        let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
        let limit = if raised.is_ok() { maximum } else { current };
        let open = std::fs::read_dir("/dev/fd").map_or(ASSUMED_OPEN, Iterator::count);
        Self::new(limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)), open)
    }

    fn new(limit: Option<usize>, open: usize) -> Self {
        let (clients, log) = (AtomicUsize::new(0), Mutex::default());
        Self { limit, open, clients, log }
    }

    /// How many connections of clients fit, where `reserved` descriptors stay free; `None`: any number.
    #[must_use]
    pub fn max_clients(&self, reserved: usize) -> Option<usize> {
        let taken = self.open.saturating_add(HEADROOM).saturating_add(reserved);
        self.limit.map(|limit| limit.saturating_sub(taken).max(MIN_CLIENTS))
    }

    /// A permit for one more connection of a client.
    pub(super) fn acquire(self: &Arc<Self>, reserved: usize) -> Option<DescriptorPermit> {
        let max = self.max_clients(reserved).unwrap_or(usize::MAX);
        let permit = DescriptorPermit(Arc::clone(self));
        (self.clients.fetch_add(1, Ordering::Relaxed) < max).then_some(permit)
    }

    /// Logs a rejected connection, once per minute.
    pub(super) fn log_rejection(&self, now: Monotonic) {
        if self.log.lock().take(Rate::every(LOG_INTERVAL, 1), now).is_ok() {
            tracing::warn!("client connections rejected; raise the file-descriptor limit");
        }
    }
}

impl Drop for DescriptorPermit {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_descriptors_free() {
        for (limit, open, reserved, max) in [
            (Some(1_024), 28, 64, Some(900)),
            (Some(1_024), 28, 1_000, Some(MIN_CLIENTS)),
            (Some(80), 28, 64, Some(MIN_CLIENTS)),
            (None, 28, 64, None),
        ] {
            assert_eq!(FileDescriptors::new(limit, open).max_clients(reserved), max, "{limit:?}");
        }
    }

    #[test]
    fn permits_come_back() {
        let descriptors = Arc::new(FileDescriptors::new(Some(0), 0));
        let mut permits: Vec<_> = (0..MIN_CLIENTS).map(|_| descriptors.acquire(0)).collect();
        assert!(permits.iter().all(Option::is_some));
        assert!(descriptors.acquire(0).is_none());
        permits.pop();
        assert!(descriptors.acquire(0).is_some());
    }

    #[test]
    fn soft_limit_is_raised() {
        let descriptors = FileDescriptors::raise();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
        assert!(descriptors.open > 0);
    }
}
