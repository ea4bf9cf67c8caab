//! Retry delays and the lifetime of messages.

use std::time::Duration;

use crate::clock::Rng;

/// Maximum delay before the second attempt. Each later maximum is twice the previous one.
pub const INITIAL_RETRY_DELAY: Duration = Duration::from_secs(5);
/// Maximum delay between two attempts.
pub const MAX_RETRY_DELAY: Duration = Duration::from_hours(1);
/// Age at which an undelivered message becomes a dead letter.
pub const DEAD_LETTER_AFTER: Duration = Duration::from_hours(24);
/// How long dead letters are retained after their first attempt.
pub const DEAD_LETTER_RETENTION: Duration = Duration::from_hours(30 * 24);

/// The delay after attempt number `attempts`: the maximum, minus a random share of up to half. Messages that failed
/// together are so retried at different times.
pub(super) fn retry_delay(attempts: u32, rng: Rng) -> Duration {
    let most = max_retry_delay(attempts);
    let half = u64::try_from(most.as_millis() / 2).unwrap_or(u64::MAX);
    most.saturating_sub(Duration::from_millis(rng.below(half)))
}

fn max_retry_delay(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    INITIAL_RETRY_DELAY.saturating_mul(1 << doublings).min(MAX_RETRY_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_an_hour_and_are_at_least_half() {
        let secs = Duration::from_secs;
        for (attempts, longest) in [
            (1, secs(5)),
            (2, secs(10)),
            (3, secs(20)),
            (10, secs(2_560)),
            (11, secs(3_600)),
            (u32::MAX, secs(3_600)),
        ] {
            assert_eq!(max_retry_delay(attempts), longest, "{attempts}");
            for _ in 0..100 {
                let wait = retry_delay(attempts, Rng);
                assert!(wait <= longest && wait > longest / 2, "{attempts}: {wait:?}");
            }
        }
    }
}
