//! Everything a room waits for: one timer of each, in one table.
//!
//! Invariant: the queue holds each armed timer once, at its time. What is to be done when a timer has run is in the module
//! of its subject.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, Serializer};
use stagedoor_proto::{ParticipantId, StreamId, Timestamp};

/// Something a room waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::room) enum Timer {
    /// A participant is to be warned that its membership ends, or the membership ends.
    Lease(ParticipantId),
    /// A stream ends unless its owner acknowledges a mute.
    Acknowledgement(StreamId),
    /// The moderation command of this version is to be reported.
    Report(u64),
    /// The session feed goes on.
    SessionFeed,
    /// The counts of a large room are sent again.
    Counts,
    /// The empty room closes.
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

/// When each armed timer runs out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Vec<(Timer, Timestamp)>")]
pub(in crate::room) struct Timers {
    armed: BTreeMap<Timer, Timestamp>,
    queue: BTreeSet<(Timestamp, Timer)>,
}

/// As the list of armed timers; the queue is made from it.
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
    /// Arms a timer; if it was armed, it is moved.
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

    /// Arms a timer, or stops it when there is nothing to wait for.
    pub(in crate::room) fn reset(&mut self, timer: Timer, at: Option<Timestamp>) {
        match at {
            Some(at) => self.set(timer, at),
            None => self.stop(timer),
        }
    }

    /// When a timer runs out, if it is armed.
    pub(in crate::room) fn get(&self, timer: Timer) -> Option<Timestamp> {
        self.armed.get(&timer).copied()
    }

    pub(in crate::room) fn next_due(&self) -> Option<Timestamp> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Takes the first timer of a kind that has run out.
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

    /// The subjects of a kind of timer that is armed.
    pub(in crate::room) fn armed<T>(
        &self,
        kind: impl Fn(Timer) -> Option<T>,
    ) -> impl Iterator<Item = T> {
        self.armed.keys().filter_map(move |timer| kind(*timer))
    }
}
