//! Expiry of a session's access token, and prompts for a new one, as timers.
//!
//! The client is prompted late in the life of the token and again when it expires; it may postpone the renewal.
//! After expiry a grace period runs, whether the session is connected or not.

use std::time::Duration;

use stagedoor_proto::Timestamp;

use super::timer::{Timer, Timers};

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
    pub(super) fn begin_token(
        &mut self,
        now: Timestamp,
        expires: Timestamp,
        settings: ExpirySettings,
    ) {
        let life = expires.saturating_since(now);
        self.set(Timer::Prompt, now + life / 100 * PROMPT_AT_PERCENT);
        self.set(Timer::Expiry, expires);
        self.set(Timer::Grace, expires + settings.grace);
    }

    /// Postpones the next prompt. Returns when it comes.
    pub(super) fn postpone_prompt(
        &mut self,
        until: Timestamp,
        now: Timestamp,
        settings: ExpirySettings,
    ) -> Timestamp {
        let next = now + settings.renewal_postponement;
        let end = self.at(Timer::Grace).max((next + ANSWER_TIME).min(until));
        // The last prompt arrives in time to be answered.
        let next = next.min(end - ANSWER_TIME).max(now);
        self.set(Timer::Prompt, next);
        self.set(Timer::Grace, end);
        next
    }

    /// The token expired at `expires`: a client that has not postponed is prompted again.
    pub(super) fn expire_token(&mut self, expires: Timestamp) {
        self.stop(Timer::Expiry);
        let has_postponed = self.is_set(Timer::Prompt) && self.at(Timer::Prompt) > expires;
        if !has_postponed {
            self.set(Timer::Prompt, expires);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: ExpirySettings = ExpirySettings {
        grace: Duration::from_mins(10),
        renewal_postponement: Duration::from_mins(10),
    };

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn token(secs: u64) -> Timers {
        let mut timers = Timers::NONE;
        timers.begin_token(at(0), at(secs), SETTINGS);
        timers
    }

    /// The timers that fire up to `until`, and when.
    fn fired(timers: &mut Timers, expires: u64, until: u64) -> Vec<(u64, Timer)> {
        let mut seen = Vec::new();
        while timers.next() <= at(until) {
            let now = timers.next();
            for timer in Timer::ALL {
                if !timers.has_fired(timer, now) {
                    continue;
                }
                seen.push((now.as_secs() - 1_000_000, timer));
                match timer {
                    Timer::Expiry => timers.expire_token(at(expires)),
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
        assert_eq!(fired(&mut token(60), 60, 10_000), want);
    }

    #[test]
    fn postponing_silences_expiry_and_extends_grace() {
        let mut timers = token(60);
        assert!(timers.has_fired(Timer::Prompt, at(48)));
        timers.stop(Timer::Prompt);
        assert_eq!(timers.postpone_prompt(Timestamp::MAX, at(50), SETTINGS), at(650));
        let want = [(60, Timer::Expiry), (650, Timer::Prompt), (710, Timer::Grace)];
        assert_eq!(fired(&mut timers, 60, 10_000), want);
    }

    #[test]
    fn postponing_does_not_extend_grace_beyond_its_bound() {
        let mut timers = token(60);
        assert_eq!(timers.postpone_prompt(at(1_000), at(50), SETTINGS), at(650));
        assert_eq!(timers.postpone_prompt(at(1_000), at(600), SETTINGS), at(940));
        assert_eq!(timers.at(Timer::Grace), at(1_000));
        assert_eq!(timers.postpone_prompt(at(1_000), at(980), SETTINGS), at(980));
        assert_eq!(timers.at(Timer::Grace), at(1_000));
        // The grace period of the token is not shortened.
        let mut timers = token(60);
        timers.postpone_prompt(at(60), at(50), SETTINGS);
        assert_eq!(timers.at(Timer::Grace), at(660));
    }

    #[test]
    fn timer_does_not_fire_early() {
        let timers = token(60);
        assert!(!Timer::ALL.iter().any(|timer| timers.has_fired(*timer, at(47))));
        assert_eq!(timers.next(), at(48));
    }
}
