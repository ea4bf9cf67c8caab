//! When a message is tried again, and when it is given up.

use std::time::Duration;

use crate::clock::Rng;

/// The longest wait before the second attempt; each further one is at most twice as long.
pub const FIRST_RETRY: Duration = Duration::from_secs(5);
/// The longest wait between two attempts.
pub const LONGEST_RETRY: Duration = Duration::from_hours(1);
/// How long a message is tried before it becomes a dead letter.
pub const GIVE_UP_AFTER: Duration = Duration::from_hours(24);
/// How long dead letters are kept, from when they were first tried.
pub const DEAD_LETTERS_KEPT: Duration = Duration::from_hours(30 * 24);

/// How long to wait after attempt number `attempts`: up to half of it is cut off at random, so that what failed together
/// does not come back together.
pub(super) fn wait_after(attempts: u32, rng: Rng) -> Duration {
    let most = longest_after(attempts);
    let half = u64::try_from(most.as_millis() / 2).unwrap_or(u64::MAX);
    most.saturating_sub(Duration::from_millis(rng.below(half)))
}

fn longest_after(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(31);
    FIRST_RETRY.saturating_mul(1 << doublings).min(LONGEST_RETRY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_are_never_shorter_than_half() {
        let secs = Duration::from_secs;
        for (attempts, longest) in [
            (1, secs(5)),
            (2, secs(10)),
            (3, secs(20)),
            (10, secs(2_560)),
            (11, secs(3_600)),
            (u32::MAX, secs(3_600)),
        ] {
            assert_eq!(longest_after(attempts), longest, "{attempts}");
            for _ in 0..100 {
                let wait = wait_after(attempts, Rng);
                assert!(wait <= longest && wait > longest / 2, "{attempts}: {wait:?}");
            }
        }
    }
}
