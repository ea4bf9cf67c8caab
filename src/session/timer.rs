//! The timers of a session in one table, so that finding the next due timer is one lookup.
//!
//! Nothing here runs on its own: the hub calls [`Session::handle_timeout`](super::Session::handle_timeout) when
//! [`Timers::next`] is due, and the session handles each fired timer.

use serde::{Deserialize, Serialize};
use stagedoor_proto::Timestamp;

/// The timers of a session. Timers that are due together fire in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Timer {
    /// An ended session is removed.
    Retention,
    /// The resume window of a suspended session ends.
    Window,
    /// The access token expires.
    Expiry,
    /// The grace period after the expiry of the token ends.
    Grace,
    /// The client is prompted for a new token.
    Prompt,
}

impl Timer {
    pub(super) const ALL: [Self; 5] =
        [Self::Retention, Self::Window, Self::Expiry, Self::Grace, Self::Prompt];
}

/// When each timer fires; an unset timer never fires.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<(Timer, Timestamp)>", into = "Vec<(Timer, Timestamp)>")]
pub(super) struct Timers([Timestamp; Timer::ALL.len()]);

/// The time of an unset timer.
const NEVER: Timestamp = Timestamp::MAX;

impl Timers {
    pub(super) const NONE: Self = Self([NEVER; Timer::ALL.len()]);

    pub(super) const fn set(&mut self, timer: Timer, at: Timestamp) {
        self.0[timer as usize] = at;
    }

    pub(super) const fn stop(&mut self, timer: Timer) {
        self.set(timer, NEVER);
    }

    /// When `timer` fires; [`Timestamp::MAX`] if it is not set.
    pub(super) const fn at(&self, timer: Timer) -> Timestamp {
        self.0[timer as usize]
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.at(timer) != NEVER
    }

    /// Whether `timer` is set and due.
    pub(super) fn has_fired(&self, timer: Timer, now: Timestamp) -> bool {
        self.is_set(timer) && now >= self.at(timer)
    }

    /// When the first timer fires.
    pub(super) fn next(&self) -> Timestamp {
        self.0.into_iter().fold(NEVER, Timestamp::min)
    }
}

impl From<Vec<(Timer, Timestamp)>> for Timers {
    fn from(set: Vec<(Timer, Timestamp)>) -> Self {
        let mut timers = Self::NONE;
        for (timer, at) in set {
            timers.set(timer, at);
        }
        timers
    }
}

impl From<Timers> for Vec<(Timer, Timestamp)> {
    fn from(timers: Timers) -> Self {
        let set = Timer::ALL.into_iter().filter(|timer| timers.is_set(*timer));
        set.map(|timer| (timer, timers.at(timer))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn table_has_each_timer_in_its_place() {
        for (index, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, index);
        }
    }

    #[test]
    fn next_is_the_earliest_that_is_set() {
        let mut timers = Timers::NONE;
        assert_eq!(timers.next(), Timestamp::MAX);
        timers.set(Timer::Grace, at(20));
        timers.set(Timer::Prompt, at(10));
        assert_eq!(timers.next(), at(10));
        timers.stop(Timer::Prompt);
        assert_eq!(timers.next(), at(20));
        assert!(!timers.has_fired(Timer::Grace, at(19)) && timers.has_fired(Timer::Grace, at(20)));
        assert!(!timers.has_fired(Timer::Prompt, Timestamp::MAX), "it is not set");
    }

    #[test]
    fn saved_table_names_the_timers_that_are_set() {
        let mut timers = Timers::NONE;
        timers.set(Timer::Expiry, Timestamp::from_millis(5));
        timers.set(Timer::Window, Timestamp::from_millis(7));
        let saved = serde_json::to_string(&timers).unwrap();
        assert_eq!(saved, r#"[["window",7],["expiry",5]]"#);
        let restored: Timers = serde_json::from_str(&saved).unwrap();
        assert_eq!(restored.0, timers.0);
    }
}
