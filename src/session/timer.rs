//! The timers of a session in one table, so that finding the next due timer is one lookup.
//!
//! Nothing here runs on its own: the hub calls [`Session::handle_timeout`](super::Session::handle_timeout) when
//! [`Timers::next`] is due, and the session handles each fired timer.

use serde::{Deserialize, Serialize};
use stagedoor_proto::Timestamp;

use crate::time::{Monotonic, Now};

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
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers([Monotonic; Timer::ALL.len()]);

/// The time of an unset timer.
const NEVER: Monotonic = Monotonic::MAX;

impl Timers {
    pub(super) const NONE: Self = Self([NEVER; Timer::ALL.len()]);

    pub(super) const fn set(&mut self, timer: Timer, at: Monotonic) {
        self.0[timer as usize] = at;
    }

    pub(super) const fn stop(&mut self, timer: Timer) {
        self.set(timer, NEVER);
    }

    /// When `timer` fires; [`Monotonic::MAX`] if it is not set.
    pub(super) const fn at(&self, timer: Timer) -> Monotonic {
        self.0[timer as usize]
    }

    pub(super) fn is_set(&self, timer: Timer) -> bool {
        self.at(timer) != NEVER
    }

    /// Whether `timer` is set and due.
    pub(super) fn has_fired(&self, timer: Timer, now: Monotonic) -> bool {
        self.is_set(timer) && now >= self.at(timer)
    }

    /// When the first timer fires.
    pub(super) fn next(&self) -> Monotonic {
        self.0.into_iter().fold(NEVER, Monotonic::min)
    }

    /// The timers that are set, as times of the wall clock: those of the monotonic clock mean nothing elsewhere.
    pub(super) fn save(&self, now: Now) -> SavedTimers {
        let set = Timer::ALL.into_iter().filter(|timer| self.is_set(*timer));
        SavedTimers(set.map(|timer| (timer, now.wall_at(self.at(timer)))).collect())
    }
}

/// Timers outside their process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct SavedTimers(Vec<(Timer, Timestamp)>);

impl SavedTimers {
    pub(super) fn restore(self, now: Now) -> Timers {
        let mut timers = Timers::NONE;
        for (timer, at) in self.0 {
            timers.set(timer, now.monotonic_at(at));
        }
        timers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Monotonic {
        Monotonic::from_millis(secs * 1_000)
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
        assert_eq!(timers.next(), Monotonic::MAX);
        timers.set(Timer::Grace, at(20));
        timers.set(Timer::Prompt, at(10));
        assert_eq!(timers.next(), at(10));
        timers.stop(Timer::Prompt);
        assert_eq!(timers.next(), at(20));
        assert!(!timers.has_fired(Timer::Grace, at(19)) && timers.has_fired(Timer::Grace, at(20)));
        assert!(!timers.has_fired(Timer::Prompt, Monotonic::MAX), "it is not set");
    }

    #[test]
    fn saved_table_names_the_timers_that_are_set() {
        let mut timers = Timers::NONE;
        timers.set(Timer::Expiry, Monotonic::from_millis(5));
        timers.set(Timer::Window, Monotonic::from_millis(7));
        let now = Now { wall: Timestamp::from_millis(105), monotonic: Monotonic::from_millis(5) };
        let saved = serde_json::to_string(&timers.save(now)).unwrap();
        assert_eq!(saved, r#"[["window",107],["expiry",105]]"#);
        let later =
            Now { wall: Timestamp::from_millis(106), monotonic: Monotonic::from_millis(90) };
        let restored = serde_json::from_str::<SavedTimers>(&saved).unwrap().restore(later);
        assert_eq!(restored.at(Timer::Window), Monotonic::from_millis(91), "1 ms is left");
        assert_eq!(restored.at(Timer::Expiry), Monotonic::from_millis(89), "it is past");
    }
}
