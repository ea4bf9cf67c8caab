//! State of a session that is read without its lock.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use stagedoor_proto::Timestamp;

use crate::hub::session_meta::{PeerInfo, SessionMeta};
use crate::time::Monotonic;

/// When a session last received a frame, its next timer, its number of rooms, whether it is connected, whether it holds
/// its client instance, and the peer of its connection.
///
/// All but the last two are written under the session's lock. A reader may miss the newest change; the next sweep
/// corrects that.
pub struct Activity {
    /// Milliseconds of the monotonic clock, like the next two.
    last_frame: AtomicU64,
    last_ping: AtomicU64,
    next_timeout: AtomicU64,
    room_count: AtomicUsize,
    is_connected: AtomicBool,
    /// The generation of its claim on the client instance in the directory; 0 for none.
    held_by: AtomicU64,
    /// The oldest `iat` of a room token that it joined a room with, in milliseconds; `u64::MAX` for none.
    oldest_room_token: AtomicU64,
    /// The peer that resumed the session last, if it is another one than the session began with.
    resumed_by: ArcSwapOption<PeerInfo>,
}

impl Activity {
    pub(super) fn new(first_life: Monotonic, next_timeout: Monotonic) -> Self {
        Self {
            last_frame: AtomicU64::new(first_life.as_millis()),
            last_ping: AtomicU64::new(first_life.as_millis()),
            next_timeout: AtomicU64::new(next_timeout.as_millis()),
            room_count: AtomicUsize::new(0),
            is_connected: AtomicBool::new(true),
            held_by: AtomicU64::new(0),
            oldest_room_token: AtomicU64::new(u64::MAX),
            resumed_by: ArcSwapOption::empty(),
        }
    }

    /// The peer of the last connection of the session that `meta` describes.
    pub fn peer(&self, meta: &SessionMeta) -> PeerInfo {
        self.resumed_by.load().as_deref().unwrap_or(&meta.peer).clone()
    }

    /// The address of [`Self::peer`].
    pub(in crate::hub) fn address(&self, meta: &SessionMeta) -> IpAddr {
        self.resumed_by.load().as_deref().unwrap_or(&meta.peer).address
    }

    /// Sets the peer of the connection that resumes the session. Returns whether its address is another one.
    pub(in crate::hub) fn set_peer(&self, meta: &SessionMeta, peer: &PeerInfo) -> bool {
        let is_moved = self.address(meta) != peer.address;
        self.resumed_by.store((*peer != meta.peer).then(|| Arc::new(peer.clone())));
        is_moved
    }

    /// When the last frame was received.
    #[must_use]
    pub fn last_frame(&self) -> Monotonic {
        Monotonic::from_millis(self.last_frame.load(Ordering::Relaxed))
    }

    /// When the last ping was requested.
    pub(super) fn last_ping(&self) -> Monotonic {
        Monotonic::from_millis(self.last_ping.load(Ordering::Relaxed))
    }

    /// Number of rooms of the session: a session in a room is pinged more often.
    pub(in crate::hub) fn room_count(&self) -> usize {
        self.room_count.load(Ordering::Relaxed)
    }

    /// Whether the sweep must visit the session: a timer is due, or it is connected and was silent or not pinged for
    /// `interval`. Suspended and ended sessions, which a wave of lost connections leaves many of, have timers alone.
    pub(in crate::hub) fn is_due(&self, now: Monotonic, interval: Duration) -> bool {
        let is_unheard = || {
            now.saturating_since(self.last_frame()) >= interval
                || now.saturating_since(self.last_ping()) >= interval
        };
        now.as_millis() >= self.next_timeout.load(Ordering::Relaxed)
            || (self.is_connected.load(Ordering::Relaxed) && is_unheard())
    }

    /// The generation of its claim on the client instance, if it has one.
    pub(in crate::hub) fn held_by(&self) -> Option<u64> {
        Some(self.held_by.load(Ordering::Acquire)).filter(|generation| *generation > 0)
    }

    /// Sets the generation of its claim on the client instance; `None` after it lost the instance.
    pub(in crate::hub) fn set_held_by(&self, generation: Option<u64>) {
        self.held_by.store(generation.unwrap_or(0), Ordering::Release);
    }

    /// When the oldest room token was issued that the session joined a room with.
    pub(in crate::hub) fn oldest_room_token(&self) -> Option<Timestamp> {
        let issued = self.oldest_room_token.load(Ordering::Acquire);
        (issued < u64::MAX).then_some(Timestamp::from_millis(issued))
    }

    /// Call before the token is checked against revocations: one of the two then sees the other.
    pub(in crate::hub) fn record_room_token(&self, issued: Timestamp) {
        self.oldest_room_token.fetch_min(issued.as_millis(), Ordering::AcqRel);
    }

    pub(super) fn record_frame(&self, now: Monotonic) {
        self.last_frame.store(now.as_millis(), Ordering::Relaxed);
    }

    pub(super) fn record_ping(&self, now: Monotonic) {
        self.last_ping.store(now.as_millis(), Ordering::Relaxed);
    }

    pub(super) fn set_next_timeout(&self, at: Monotonic) {
        self.next_timeout.store(at.as_millis(), Ordering::Relaxed);
    }

    pub(super) fn set_room_count(&self, count: usize) {
        self.room_count.store(count, Ordering::Relaxed);
    }

    pub(super) fn set_connected(&self, is_connected: bool) {
        self.is_connected.store(is_connected, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connected_sessions_are_due_for_a_ping() {
        const INTERVAL: Duration = Duration::from_secs(25);
        let (start, window) = (Monotonic::from_millis(1_000_000), Duration::from_mins(2));
        let activity = Activity::new(start, start + window);
        assert!(!activity.is_due(start + INTERVAL / 2, INTERVAL));
        assert!(activity.is_due(start + INTERVAL, INTERVAL));
        activity.set_connected(false);
        assert!(!activity.is_due(start + INTERVAL, INTERVAL));
        assert!(activity.is_due(start + window, INTERVAL), "its window has passed");
        activity.set_connected(true);
        assert!(activity.is_due(start + INTERVAL, INTERVAL));
    }
}
