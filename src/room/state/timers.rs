//! All timers of a room, in one table.
//!
//! Invariant: the queue contains each armed timer once, at its time. The module of a timer's subject handles its
//! expiry.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, Serializer};
use stagedoor_proto::{ParticipantId, StreamId, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::room) enum Timer {
    /// Warn a participant that its membership ends, or end it.
    Lease(ParticipantId),
    /// End the stream, because its owner did not acknowledge a mute.
    Acknowledgement(StreamId),
    /// Report the moderation command of this version.
    Report(u64),
    /// Continue the session feed.
    SessionFeed,
    /// Send the counts of a large room again.
    Counts,
    /// Close the empty room.
    Close,
}

impl Timer {
    pub(in crate::room) const fn as_lease(self) -> Option<ParticipantId> {
        match self {
            Self::Lease(participant) => Some(participant),
            Self::Acknowledgement(_)
            | Self::Report(_)
            | Self::SessionFeed
            | Self::Counts
            | Self::Close => None,
        }
    }

    pub(in crate::room) const fn as_acknowledgement(self) -> Option<StreamId> {
        match self {
            Self::Acknowledgement(stream) => Some(stream),
            Self::Lease(_) | Self::Report(_) | Self::SessionFeed | Self::Counts | Self::Close => {
                None
            }
        }
    }

    pub(in crate::room) const fn as_report(self) -> Option<u64> {
        match self {
            Self::Report(version) => Some(version),
            Self::Lease(_)
            | Self::Acknowledgement(_)
            | Self::SessionFeed
            | Self::Counts
            | Self::Close => None,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Vec<(Timer, Timestamp)>")]
pub(in crate::room) struct Timers {
    armed: BTreeMap<Timer, Timestamp>,
    queue: BTreeSet<(Timestamp, Timer)>,
}

/// Serialized as a list of armed timers. The queue is rebuilt from it.
impl Serialize for Timers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.armed.iter())
    }
}

impl From<Vec<(Timer, Timestamp)>> for Timers {
    fn from(armed: Vec<(Timer, Timestamp)>) -> Self {
        let mut timers = Self::default();
        for (timer, at) in armed {
            timers.set(timer, at);
        }
        timers
    }
}

impl Timers {
    /// Arms a timer, or moves an armed one.
    pub(in crate::room) fn set(&mut self, timer: Timer, at: Timestamp) {
        if let Some(former) = self.armed.insert(timer, at) {
            self.queue.remove(&(former, timer));
        }
        self.queue.insert((at, timer));
    }

    pub(in crate::room) fn stop(&mut self, timer: Timer) {
        if let Some(at) = self.armed.remove(&timer) {
            self.queue.remove(&(at, timer));
        }
    }

    /// Arms or stops a timer.
    pub(in crate::room) fn reset(&mut self, timer: Timer, at: Option<Timestamp>) {
        match at {
            Some(at) => self.set(timer, at),
            None => self.stop(timer),
        }
    }

    /// The time of an armed timer.
    pub(in crate::room) fn get(&self, timer: Timer) -> Option<Timestamp> {
        self.armed.get(&timer).copied()
    }

    pub(in crate::room) fn next_due(&self) -> Option<Timestamp> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Removes the first expired timer of a kind. Returns its subject.
    pub(in crate::room) fn pop_due<T>(
        &mut self,
        now: Timestamp,
        kind: impl Fn(Timer) -> Option<T>,
    ) -> Option<T> {
        let mut due = self.queue.iter().take_while(|(at, _)| *at <= now);
        let (timer, subject) = due.find_map(|(_, timer)| Some((*timer, kind(*timer)?)))?;
        self.stop(timer);
        Some(subject)
    }

    /// The subjects of the armed timers of a kind.
    pub(in crate::room) fn armed<T>(
        &self,
        kind: impl Fn(Timer) -> Option<T>,
    ) -> impl Iterator<Item = T> {
        self.armed.keys().filter_map(move |timer| kind(*timer))
    }
}
