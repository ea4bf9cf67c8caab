//! All timers of a room, in one table for each clock.
//!
//! Invariant: the queue contains each armed timer once, at its time. The module of a timer's subject handles its
//! expiry.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, Serializer};
use stagedoor_proto::{ParticipantId, StreamId, Timestamp};

use crate::time::Monotonic;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::room) enum Timer {
    /// End the stream, because its owner did not acknowledge a mute.
    Acknowledgement(StreamId),
    /// End the request to unmute a stream by the command of this version.
    UnmuteRequest(u64, StreamId),
    /// Push the link of a participant, whose changes are limited.
    Link(ParticipantId),
    /// Report the moderation command of this version.
    Report(u64),
    /// Continue the session feed.
    SessionFeed,
    /// Send the counts of a large room again.
    Counts,
    /// Make a large room small that has too few participants.
    Shrink,
    /// Close the empty room.
    Close,
}

impl Timer {
    pub(in crate::room) const fn as_acknowledgement(self) -> Option<StreamId> {
        match self {
            Self::Acknowledgement(stream) => Some(stream),
            Self::UnmuteRequest(..)
            | Self::Link(_)
            | Self::Report(_)
            | Self::SessionFeed
            | Self::Counts
            | Self::Shrink
            | Self::Close => None,
        }
    }

    pub(in crate::room) const fn as_unmute_request(self) -> Option<(u64, StreamId)> {
        match self {
            Self::UnmuteRequest(version, stream) => Some((version, stream)),
            Self::Acknowledgement(_)
            | Self::Link(_)
            | Self::Report(_)
            | Self::SessionFeed
            | Self::Counts
            | Self::Shrink
            | Self::Close => None,
        }
    }

    pub(in crate::room) const fn as_link(self) -> Option<ParticipantId> {
        match self {
            Self::Link(participant) => Some(participant),
            Self::Acknowledgement(_)
            | Self::UnmuteRequest(..)
            | Self::Report(_)
            | Self::SessionFeed
            | Self::Counts
            | Self::Shrink
            | Self::Close => None,
        }
    }

    pub(in crate::room) const fn as_report(self) -> Option<u64> {
        match self {
            Self::Report(version) => Some(version),
            Self::Acknowledgement(_)
            | Self::UnmuteRequest(..)
            | Self::Link(_)
            | Self::SessionFeed
            | Self::Counts
            | Self::Shrink
            | Self::Close => None,
        }
    }
}

/// Timers of one clock: keys with their times.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(
    from = "Vec<(K, T)>",
    bound(deserialize = "K: Copy + Ord + Deserialize<'de>, T: Copy + Ord + Deserialize<'de>")
)]
pub(in crate::room) struct TimerTable<K, T> {
    armed: BTreeMap<K, T>,
    queue: BTreeSet<(T, K)>,
}

/// The timers of the monotonic clock.
pub(in crate::room) type Timers = TimerTable<Timer, Monotonic>;

/// When to warn a participant that its membership ends, or to end it: tokens end by the wall clock.
pub(in crate::room) type Leases = TimerTable<ParticipantId, Timestamp>;

/// When a room waits for time to pass, on each clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomDue {
    pub wall: Timestamp,
    pub monotonic: Monotonic,
}

impl<K, T> Default for TimerTable<K, T> {
    fn default() -> Self {
        Self { armed: BTreeMap::new(), queue: BTreeSet::new() }
    }
}

/// Serialized as a list of armed timers. The queue is rebuilt from it.
impl<K: Serialize, T: Serialize> Serialize for TimerTable<K, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.armed.iter())
    }
}

impl<K: Copy + Ord, T: Copy + Ord> From<Vec<(K, T)>> for TimerTable<K, T> {
    fn from(armed: Vec<(K, T)>) -> Self {
        let mut timers = Self::default();
        for (timer, at) in armed {
            timers.set(timer, at);
        }
        timers
    }
}

impl<K: Copy + Ord, T: Copy + Ord> TimerTable<K, T> {
    /// Arms a timer, or moves an armed one.
    pub(in crate::room) fn set(&mut self, timer: K, at: T) {
        if let Some(former) = self.armed.insert(timer, at) {
            self.queue.remove(&(former, timer));
        }
        self.queue.insert((at, timer));
    }

    pub(in crate::room) fn stop(&mut self, timer: K) {
        if let Some(at) = self.armed.remove(&timer) {
            self.queue.remove(&(at, timer));
        }
    }

    /// Arms or stops a timer.
    pub(in crate::room) fn reset(&mut self, timer: K, at: Option<T>) {
        match at {
            Some(at) => self.set(timer, at),
            None => self.stop(timer),
        }
    }

    /// The time of an armed timer.
    pub(in crate::room) fn get(&self, timer: K) -> Option<T> {
        self.armed.get(&timer).copied()
    }

    pub(in crate::room) fn next_due(&self) -> Option<T> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Removes the first expired timer of a kind. Returns its subject.
    pub(in crate::room) fn pop_due<S>(
        &mut self,
        now: T,
        kind: impl Fn(K) -> Option<S>,
    ) -> Option<S> {
        let mut due = self.queue.iter().take_while(|(at, _)| *at <= now);
        let (timer, subject) = due.find_map(|(_, timer)| Some((*timer, kind(*timer)?)))?;
        self.stop(timer);
        Some(subject)
    }

    /// The subjects of the armed timers of a kind.
    pub(in crate::room) fn armed<S>(
        &self,
        kind: impl Fn(K) -> Option<S>,
    ) -> impl Iterator<Item = S> {
        self.armed.keys().filter_map(move |timer| kind(*timer))
    }
}
