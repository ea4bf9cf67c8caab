//! Expiry of a session's access token, and prompts for a new one, as timers.
//!
//! The client is prompted late in the life of the token and again when it expires; it may postpone the renewal.
//! After expiry a grace period runs, whether the session is connected or not.

use std::time::Duration;

use stagedoor_proto::Timestamp;

use super::timer::{Timer, Timers};
use crate::time::{Monotonic, Now};

/// When the prompt comes, in percent of the token's life.
const PROMPT_AT_PERCENT: u32 = 80;
/// Minimum grace period after a postponed prompt: time to answer it.
const ANSWER_TIME: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpirySettings {
    /// How long a session survives the expiry of its token.
    pub grace: Duration,
    /// How long a postponement delays the next prompt.
    pub renewal_postponement: Duration,
}

impl Timers {
    /// Replaces the token with one that expires at `expires`.
    pub(super) fn begin_token(&mut self, now: Now, expires: Timestamp, settings: ExpirySettings) {
        let life = expires.saturating_since(now.wall);
        let expiry = now.monotonic_at(expires);
        self.set(Timer::Prompt, now.monotonic + life / 100 * PROMPT_AT_PERCENT);
        self.set(Timer::Expiry, expiry);
        self.set(Timer::Grace, expiry + settings.grace);
    }

    /// Postpones the next prompt. Returns when it comes.
    pub(super) fn postpone_prompt(
        &mut self,
        until: Timestamp,
        now: Now,
        settings: ExpirySettings,
    ) -> Monotonic {
        let (until, now) = (now.monotonic_at(until), now.monotonic);
        let next = now + settings.renewal_postponement;
        let end = self.at(Timer::Grace).max((next + ANSWER_TIME).min(until));
        // The last prompt arrives in time to be answered.
        let next = next.min(end - ANSWER_TIME).max(now);
        self.set(Timer::Prompt, next);
        self.set(Timer::Grace, end);
        next
    }

    /// The token expired at `expires`: a client that has not postponed is prompted again.
    pub(super) fn expire_token(&mut self) {
        if !self.is_postponed() {
            self.set(Timer::Prompt, self.at(Timer::Expiry));
        }
        self.stop(Timer::Expiry);
    }

    /// The wall clock stepped while the token is valid: its timers follow the new time. A postponement stays.
    pub(super) fn move_expiry(&mut self, now: Now, expires: Timestamp, settings: ExpirySettings) {
        let postponed = self.is_postponed().then(|| self.at(Timer::Prompt));
        self.begin_token(now, expires, settings);
        if let Some(next) = postponed {
            self.set(Timer::Prompt, next);
            self.set(Timer::Grace, self.at(Timer::Grace).max(next + ANSWER_TIME));
        }
    }

    /// The wall clock stepped past the token's expiry: the whole grace period begins, and the client is prompted.
    pub(super) fn restart_grace(&mut self, now: Monotonic, settings: ExpirySettings) {
        let grace = now + settings.grace;
        let grace = if self.is_postponed() { grace.max(self.at(Timer::Grace)) } else { grace };
        if self.is_set(Timer::Expiry) {
            self.set(Timer::Expiry, now);
        }
        self.set(Timer::Prompt, now);
        self.set(Timer::Grace, grace);
    }

    /// Whether the client put its prompt off to a time after the expiry.
    fn is_postponed(&self) -> bool {
        let expiry = self.is_set(Timer::Expiry).then(|| self.at(Timer::Expiry));
        self.is_set(Timer::Prompt) && expiry.is_none_or(|expiry| self.at(Timer::Prompt) > expiry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: ExpirySettings = ExpirySettings {
        grace: Duration::from_mins(10),
        renewal_postponement: Duration::from_mins(10),
    };

    fn wall(secs: u64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn at(secs: u64) -> Monotonic {
        Monotonic::from_millis(secs * 1_000)
    }

    fn now(secs: u64) -> Now {
        Now { wall: wall(secs), monotonic: at(secs) }
    }

    fn token(secs: u64) -> Timers {
        let mut timers = Timers::NONE;
        timers.begin_token(now(0), wall(secs), SETTINGS);
        timers
    }

    /// The timers that fire up to `until`, and when.
    fn fired(timers: &mut Timers, until: u64) -> Vec<(u64, Timer)> {
        let mut seen = Vec::new();
        while timers.next() <= at(until) {
            let now = timers.next();
            for timer in Timer::ALL {
                if !timers.has_fired(timer, now) {
                    continue;
                }
                seen.push((now.as_millis() / 1_000, timer));
                match timer {
                    Timer::Expiry => timers.expire_token(),
                    Timer::Grace => *timers = Timers::NONE,
                    Timer::Prompt => timers.stop(Timer::Prompt),
                    Timer::Retention | Timer::Window => unreachable!("they are not set here"),
                }
            }
        }
        seen
    }

    #[test]
    fn one_minute_token_prompts_expires_and_has_its_grace() {
        let want =
            [(48, Timer::Prompt), (60, Timer::Expiry), (60, Timer::Prompt), (660, Timer::Grace)];
        assert_eq!(fired(&mut token(60), 10_000), want);
    }

    #[test]
    fn postponing_silences_expiry_and_extends_grace() {
        let mut timers = token(60);
        assert!(timers.has_fired(Timer::Prompt, at(48)));
        timers.stop(Timer::Prompt);
        assert_eq!(timers.postpone_prompt(Timestamp::MAX, now(50), SETTINGS), at(650));
        let want = [(60, Timer::Expiry), (650, Timer::Prompt), (710, Timer::Grace)];
        assert_eq!(fired(&mut timers, 10_000), want);
    }

    #[test]
    fn step_past_expiry_gives_full_grace_and_a_prompt() {
        let mut timers = token(60);
        timers.restart_grace(at(10), SETTINGS);
        let want = [(10, Timer::Expiry), (10, Timer::Prompt), (610, Timer::Grace)];
        assert_eq!(fired(&mut timers, 10_000), want);
        let mut in_grace = token(60);
        assert_eq!(fired(&mut in_grace, 600).len(), 3);
        in_grace.restart_grace(at(600), SETTINGS);
        let want = [(600, Timer::Prompt), (1_200, Timer::Grace)];
        assert_eq!(fired(&mut in_grace, 10_000), want);
    }

    #[test]
    fn step_moves_expiry_and_keeps_a_postponement() {
        let stepped = Now { wall: wall(0), monotonic: at(30) };
        let mut timers = token(60);
        timers.move_expiry(stepped, wall(60), SETTINGS);
        let want =
            [(78, Timer::Prompt), (90, Timer::Expiry), (90, Timer::Prompt), (690, Timer::Grace)];
        assert_eq!(fired(&mut timers, 10_000), want);
        let mut timers = token(60);
        timers.postpone_prompt(Timestamp::MAX, now(20), SETTINGS);
        timers.move_expiry(stepped, wall(60), SETTINGS);
        let want = [(90, Timer::Expiry), (620, Timer::Prompt), (690, Timer::Grace)];
        assert_eq!(fired(&mut timers, 10_000), want);
    }

    #[test]
    fn postponing_does_not_extend_grace_beyond_its_bound() {
        let mut timers = token(60);
        assert_eq!(timers.postpone_prompt(wall(1_000), now(50), SETTINGS), at(650));
        assert_eq!(timers.postpone_prompt(wall(1_000), now(600), SETTINGS), at(940));
        assert_eq!(timers.at(Timer::Grace), at(1_000));
        assert_eq!(timers.postpone_prompt(wall(1_000), now(980), SETTINGS), at(980));
        assert_eq!(timers.at(Timer::Grace), at(1_000));
        // The grace period of the token is not shortened.
        let mut timers = token(60);
        timers.postpone_prompt(wall(60), now(50), SETTINGS);
        assert_eq!(timers.at(Timer::Grace), at(660));
    }

    #[test]
    fn timer_does_not_fire_early() {
        let timers = token(60);
        assert!(!Timer::ALL.iter().any(|timer| timers.has_fired(*timer, at(47))));
        assert_eq!(timers.next(), at(48));
    }
}
