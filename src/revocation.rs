//! Revocation: one rule for every kind of token and for every command that revokes (`revoke`, `end_room`, revoke-all).
//!
//! Pure: times are arguments. A token signed by an app has whole seconds and another clock, so a leeway follows the
//! revocation. A token signed by the gateway carries milliseconds and needs none.

use std::time::Duration;

use stagedoor_proto::Timestamp;

/// When credentials were issued, as far as they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    /// Signed by an app or its issuer, at `iat`. `None`: the token has no `iat`.
    ByApp(Option<Timestamp>),
    /// Issued or verified by the gateway.
    ByGateway(Timestamp),
}

/// A revocation at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    at: Timestamp,
    leeway: Duration,
}

impl Revocation {
    /// `leeway` is the app's `revocation_leeway`.
    #[must_use]
    pub const fn new(at: Timestamp, leeway: Duration) -> Self {
        Self { at, leeway }
    }

    /// Whether credentials are void.
    #[must_use]
    pub fn voids(self, issued: Issued, now: Timestamp) -> bool {
        match issued {
            Issued::ByApp(Some(issued)) => issued < self.at + self.leeway,
            Issued::ByApp(None) => now < self.at + REVOCATION_RETENTION,
            Issued::ByGateway(issued) => issued < self.at,
        }
    }

    /// From when on the app can issue an accepted token, whose `iat` has whole seconds.
    #[must_use]
    pub fn accepted_from(self) -> Timestamp {
        let end = self.at + self.leeway;
        let second = Timestamp::from_secs(end.as_secs());
        if second == end { end } else { second + Duration::from_secs(1) }
    }

    /// How long a client waits before it fetches a token. `None`: it need not wait.
    #[must_use]
    pub fn retry_after(self, now: Timestamp) -> Option<Duration> {
        let wait = self.accepted_from().saturating_since(now);
        (!wait.is_zero()).then_some(wait)
    }
}

/// Default of `revocation_leeway`: covers whole seconds, and clocks that differ by less than a second.
pub const DEFAULT_REVOCATION_LEEWAY: Duration = Duration::from_secs(1);
/// How long a revocation voids tokens without `iat`.
pub const REVOCATION_RETENTION: Duration = Duration::from_hours(30 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp::from_millis(1_800_000_000_400);

    fn revocation() -> Revocation {
        Revocation::new(T, DEFAULT_REVOCATION_LEEWAY)
    }

    #[test]
    fn revocation_voids_what_was_issued_before_it() {
        let (ms, second) = (Duration::from_millis(1), Duration::from_secs(1));
        for (issued, is_void) in [
            (Issued::ByApp(Some(T - second)), true),
            (Issued::ByApp(Some(T)), true),
            (Issued::ByApp(Some(T + second - ms)), true),
            (Issued::ByApp(Some(T + second)), false),
            (Issued::ByApp(None), true),
            (Issued::ByGateway(T - ms), true),
            (Issued::ByGateway(T), false),
        ] {
            assert_eq!(revocation().voids(issued, T + second), is_void, "{issued:?}");
        }
        assert!(!revocation().voids(Issued::ByApp(None), T + REVOCATION_RETENTION));
        assert!(revocation().voids(Issued::ByApp(Some(T)), T + REVOCATION_RETENTION));
    }

    /// Tokens of a backend whose clock differs by up to the leeway.
    #[test]
    fn token_minted_before_a_revocation_is_void() {
        for skew_ms in 0..=1_000 {
            for before_ms in 1..1_500 {
                let clock = T - Duration::from_millis(before_ms) + Duration::from_millis(skew_ms);
                let iat = Timestamp::from_secs(clock.as_secs());
                assert!(revocation().voids(Issued::ByApp(Some(iat)), T), "{before_ms} {skew_ms}");
            }
        }
    }

    #[test]
    fn token_fetched_after_the_wait_is_accepted() {
        for ms in 0..2_000 {
            let at = T + Duration::from_millis(ms);
            let revocation = Revocation::new(at, DEFAULT_REVOCATION_LEEWAY);
            let now = at + Duration::from_millis(37);
            let fetched = now + revocation.retry_after(now).unwrap();
            assert_eq!(fetched, revocation.accepted_from());
            let iat = Timestamp::from_secs(fetched.as_secs());
            assert!(!revocation.voids(Issued::ByApp(Some(iat)), fetched));
            assert_eq!(revocation.retry_after(fetched), None);
        }
    }
}
