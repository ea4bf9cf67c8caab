//! Failed authentications at the server API, by address.
//!
//! Each is counted, one per address and minute is logged, and an address that fails too often gets 429 instead of 401.
//! Valid credentials are never rejected here: keys cannot be guessed, and one misconfigured caller must not lock out
//! others behind its address.

use std::net::IpAddr;
use std::time::Duration;

use dashmap::DashMap;

use crate::address::network;
use crate::rate_limit::{Rate, RateLimiter};
use crate::time::Monotonic;

/// How often an address is logged.
const LOG_INTERVAL: Duration = Duration::from_mins(1);
/// Maximum number of tracked addresses; above it idle ones are removed, then none is added.
const MAX_ADDRESSES: usize = 10_000;

/// The address that a request counts for; an extension of every request to the router.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientAddress(pub(super) IpAddr);

/// The failures of each address.
#[derive(Default)]
pub(super) struct AuthFailures {
    by_address: DashMap<IpAddr, Failures>,
}

#[derive(Clone, Copy, Default)]
struct Failures {
    limiter: RateLimiter,
    log: RateLimiter,
}

impl Failures {
    fn is_idle(&self, now: Monotonic) -> bool {
        self.limiter.is_idle(now) && self.log.is_idle(now)
    }
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) is_logged: bool,
    /// How long to wait, where the address failed too often.
    pub(super) wait: Option<Duration>,
}

impl AuthFailures {
    /// Records a failure of `address`.
    pub(super) fn record(&self, address: IpAddr, rate: Rate, now: Monotonic) -> Failure {
        let address = network(address);
        if self.by_address.len() >= MAX_ADDRESSES && !self.by_address.contains_key(&address) {
            self.by_address.retain(|_, failures| !failures.is_idle(now));
            if self.by_address.len() >= MAX_ADDRESSES {
                return Failure { is_logged: false, wait: Some(LOG_INTERVAL) };
            }
        }
        let mut failures = self.by_address.entry(address).or_default();
        Failure {
            is_logged: failures.log.take(Rate::every(LOG_INTERVAL, 1), now).is_ok(),
            wait: failures.limiter.take(rate, now).err(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Monotonic = Monotonic::from_millis(1_000_000);

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn address_is_logged_once_a_minute_and_limited() {
        let (failures, rate) = (AuthFailures::default(), Rate::per_second(1, 3));
        let record = |text: &str, secs| {
            let now = NOW + Duration::from_secs(secs);
            let Failure { is_logged, wait } = failures.record(address(text), rate, now);
            (is_logged, wait.is_some())
        };
        assert_eq!(record("192.0.2.1", 0), (true, false));
        assert_eq!(record("192.0.2.1", 0), (false, false));
        assert_eq!(record("192.0.2.1", 0), (false, false));
        assert_eq!(record("192.0.2.1", 0), (false, true));
        assert_eq!(record("192.0.2.2", 0), (true, false), "another address");
        assert_eq!(record("192.0.2.1", 60), (true, false));
        assert_eq!(record("2001:db8::1", 0), (true, false));
        assert_eq!(record("2001:db8::2", 0), (false, false), "the same network");
    }

    #[test]
    fn tracked_addresses_are_bounded() {
        let (failures, rate) = (AuthFailures::default(), Rate::per_second(1, 1));
        for number in 0..MAX_ADDRESSES + 100 {
            let bits = u32::try_from(number).unwrap();
            failures.record(IpAddr::V4(bits.into()), rate, NOW);
        }
        assert_eq!(failures.by_address.len(), MAX_ADDRESSES);
        failures.record(address("192.0.2.1"), rate, NOW + LOG_INTERVAL);
        assert_eq!(failures.by_address.len(), 1, "idle addresses are removed");
    }
}
