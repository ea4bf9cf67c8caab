//! How long a session's access token lets it live, and when its client is asked for a new one.
//!
//! A prompt comes late in the token's life and once more when it runs out; a client that cannot get a token postpones.
//! After expiry a grace period runs by the clock, whether the session is connected or not.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagedoor_proto::Timestamp;

/// How late the prompt comes, in hundredths of the lifetime.
const PROMPT_AT_PERCENT: u32 = 80;
/// How long past a postponed prompt the grace period lasts at least: time to answer it.
const ANSWER_TIME: Duration = Duration::from_mins(1);

/// What an operator sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifetimeSettings {
    /// How long a session is kept after its token ran out.
    pub grace: Duration,
    /// How long nothing is asked after a postponement.
    pub postpone: Duration,
}

/// The life of one token.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Lifetime {
    expires: Timestamp,
    /// The next time to ask; `None` when it was asked and nothing was postponed.
    prompt: Option<Timestamp>,
    grace_until: Timestamp,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Valid,
    Grace,
    Over,
}

/// What the passing of time brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifetimeEvent {
    /// The client is to be asked for a new token.
    Prompt,
    /// The token ran out.
    Expired,
    /// The grace period is over.
    GraceOver,
}

impl Lifetime {
    /// The life of a token that begins now.
    #[must_use]
    pub fn new(now: Timestamp, expires: Timestamp, settings: LifetimeSettings) -> Self {
        let whole = expires.saturating_since(now);
        let prompt = now + whole / 100 * PROMPT_AT_PERCENT;
        Self {
            expires,
            prompt: Some(prompt),
            grace_until: expires + settings.grace,
            phase: Phase::Valid,
        }
    }

    /// When the token runs out.
    #[must_use]
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Asks nothing for a while; when it will be asked again.
    pub fn postpone(&mut self, now: Timestamp, settings: LifetimeSettings) -> Timestamp {
        let next = now + settings.postpone;
        self.prompt = Some(next);
        self.grace_until = self.grace_until.max(next + ANSWER_TIME);
        next
    }

    /// When [`Lifetime::poll`] has something to say next.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        let turn = match self.phase {
            Phase::Valid => self.expires,
            Phase::Grace => self.grace_until,
            Phase::Over => Timestamp::MAX,
        };
        self.prompt.map_or(turn, |prompt| prompt.min(turn))
    }

    /// The next thing that time brought up to `now`, in order.
    pub fn poll(&mut self, now: Timestamp) -> Option<LifetimeEvent> {
        if now < self.due() {
            return None;
        }
        match self.phase {
            Phase::Valid if now >= self.expires => {
                self.phase = Phase::Grace;
                // Whoever has not postponed is asked again now that it matters.
                if self.prompt.is_none_or(|prompt| prompt <= self.expires) {
                    self.prompt = Some(self.expires);
                }
                Some(LifetimeEvent::Expired)
            }
            Phase::Grace if now >= self.grace_until => {
                self.phase = Phase::Over;
                self.prompt = None;
                Some(LifetimeEvent::GraceOver)
            }
            Phase::Valid | Phase::Grace | Phase::Over => {
                self.prompt = None;
                Some(LifetimeEvent::Prompt)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: LifetimeSettings =
        LifetimeSettings { grace: Duration::from_mins(10), postpone: Duration::from_mins(10) };

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn events(life: &mut Lifetime, until: u64) -> Vec<(u64, LifetimeEvent)> {
        let mut seen = Vec::new();
        while life.due() <= at(until) {
            let due = life.due();
            let event = life.poll(due).expect("something is due");
            seen.push((due.as_secs() - 1_000_000, event));
        }
        seen
    }

    #[test]
    fn a_one_minute_token_prompts_expires_and_has_its_grace() {
        let mut life = Lifetime::new(at(0), at(60), SETTINGS);
        let want = [
            (48, LifetimeEvent::Prompt),
            (60, LifetimeEvent::Expired),
            (60, LifetimeEvent::Prompt),
            (660, LifetimeEvent::GraceOver),
        ];
        assert_eq!(events(&mut life, 10_000), want);
    }

    #[test]
    fn postponing_silences_expiry_and_stretches_grace() {
        let mut life = Lifetime::new(at(0), at(60), SETTINGS);
        assert_eq!(life.poll(at(48)), Some(LifetimeEvent::Prompt));
        assert_eq!(life.postpone(at(50), SETTINGS), at(650));
        let want = [
            (60, LifetimeEvent::Expired),
            (650, LifetimeEvent::Prompt),
            (710, LifetimeEvent::GraceOver),
        ];
        assert_eq!(events(&mut life, 10_000), want);
    }

    #[test]
    fn nothing_is_said_before_it_is_due() {
        let mut life = Lifetime::new(at(0), at(60), SETTINGS);
        assert_eq!(life.poll(at(47)), None);
        assert_eq!(life.due(), at(48));
    }
}
