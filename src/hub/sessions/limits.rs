//! Rates per address: starts, and connections that are not sessions: some only ever speak HTTP. Those to the server API's
//! own port are counted by themselves, so that neither kind takes the other's places.
//! Source: `docs/protocol.md`, "Limits".

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use stagedoor_proto::{CloseCode, Timestamp};

use crate::config::Limits;
use crate::hub::errors::Refused;
use crate::rate_limit::{Rate, RateLimiter};

/// How long a peer that finds the waiting room full is told to stay away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What is counted for each address; the bounds are told with each question, for they may change.
#[derive(Default)]
pub(in crate::hub) struct Addresses {
    starts: DashMap<IpAddr, RateLimiter>,
    waiting: Arc<WaitingRoom>,
    admin: Arc<WaitingRoom>,
}

/// Connections that are not sessions: not yet, or never.
#[derive(Default)]
struct WaitingRoom {
    by_address: DashMap<IpAddr, usize>,
    total: AtomicUsize,
}

/// A place among the connections that are not sessions; dropping it gives it back.
pub struct Place {
    room: Arc<WaitingRoom>,
    address: IpAddr,
}

/// Why there is no place for another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// This address has as many as it may: HTTP 429.
    Address(Duration),
    /// All together are as many as may be: HTTP 503.
    Total(Duration),
}

impl Addresses {
    /// Counts a start.
    pub(in crate::hub) fn take_start(
        &self,
        address: IpAddr,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<(), Refused> {
        if is_spared(address, limits) {
            return Ok(());
        }
        let per_second = limits.starts_per_s_per_address;
        let rate = Rate::per_second(per_second, per_second);
        let taken = self.starts.entry(network(address)).or_default().take(rate, now);
        taken.map_err(|wait| {
            Refused::new(CloseCode::RateLimited, "too many starts from this address")
                .retry_after(wait)
        })
    }

    /// A place for one more connection of a client.
    pub(in crate::hub) fn enter(&self, address: IpAddr, limits: &Limits) -> Result<Place, NoPlace> {
        let spared = is_spared(address, limits);
        let of_one = if spared { usize::MAX } else { limits.unauthenticated_per_address };
        self.waiting.place(address, limits.unauthenticated_total, of_one)
    }

    /// A place for one more connection to the server API's own port; one backend may have them all.
    pub(in crate::hub) fn enter_admin(
        &self,
        address: IpAddr,
        limits: &Limits,
    ) -> Result<Place, NoPlace> {
        self.admin.place(address, limits.admin_connections, usize::MAX)
    }

    /// Forgets addresses that start nothing any more.
    pub(in crate::hub) fn sweep(&self, now: Timestamp) {
        self.starts.retain(|_, limiter| !limiter.is_idle(now));
    }

    /// How many connections wait to be sessions.
    pub(in crate::hub) fn waiting(&self) -> usize {
        self.waiting.total.load(Ordering::Relaxed)
    }
}

impl WaitingRoom {
    /// A place, where there are fewer than `most` and the address has fewer than `of_one`.
    fn place(
        self: &Arc<Self>,
        address: IpAddr,
        most: usize,
        of_one: usize,
    ) -> Result<Place, NoPlace> {
        if self.total.fetch_add(1, Ordering::Relaxed) >= most {
            self.total.fetch_sub(1, Ordering::Relaxed);
            return Err(NoPlace::Total(RETRY_AFTER));
        }
        let place = Place { room: Arc::clone(self), address: network(address) };
        let mut count = self.by_address.entry(place.address).or_default();
        *count += 1;
        if *count > of_one {
            drop(count);
            return Err(NoPlace::Address(RETRY_AFTER)); // The place goes back with the drop.
        }
        drop(count);
        Ok(place)
    }
}

fn is_spared(address: IpAddr, limits: &Limits) -> bool {
    limits.spare_loopback && address.is_loopback()
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.total.fetch_sub(1, Ordering::Relaxed);
        self.room.by_address.remove_if_mut(&self.address, |_, count| {
            *count -= 1;
            *count == 0
        });
    }
}

/// What counts as one address: an IPv4 address, or the /64 that an IPv6 network hands to one customer.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_per_address_and_in_all_and_come_back() {
        let limits = Limits {
            unauthenticated_per_address: 2,
            unauthenticated_total: 3,
            ..Limits::default()
        };
        let addresses = Addresses::default();
        let [one, two] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let first = addresses.enter(one, &limits).unwrap_or_else(|_| panic!("the first"));
        let _second = addresses.enter(one, &limits).unwrap_or_else(|_| panic!("the second"));
        assert!(matches!(addresses.enter(one, &limits), Err(NoPlace::Address(_))));
        let _third = addresses.enter(two, &limits).unwrap_or_else(|_| panic!("another address"));
        assert!(matches!(addresses.enter(two, &limits), Err(NoPlace::Total(_))));
        drop(first);
        assert!(addresses.enter(one, &limits).is_ok());
        assert_eq!(
            addresses.waiting.total.load(Ordering::Relaxed),
            2,
            "a place is given back once"
        );
    }

    #[test]
    fn the_admin_port_has_places_of_its_own_and_one_address_may_have_them_all() {
        let limits = Limits {
            unauthenticated_per_address: 1,
            unauthenticated_total: 1,
            admin_connections: 2,
            ..Limits::default()
        };
        let addresses = Addresses::default();
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let _client = addresses.enter(one, &limits).unwrap_or_else(|_| panic!("a client"));
        let first = addresses.enter_admin(one, &limits).unwrap_or_else(|_| panic!("the first"));
        let _second = addresses.enter_admin(one, &limits).unwrap_or_else(|_| panic!("the second"));
        assert!(matches!(addresses.enter_admin(one, &limits), Err(NoPlace::Total(_))));
        assert_eq!(addresses.waiting(), 1, "those who wait to start are others");
        drop(first);
        assert!(addresses.enter_admin(one, &limits).is_ok());
    }

    #[test]
    fn starts_are_counted_by_v6_network_and_resumes_nowhere() {
        let addresses = Addresses::default();
        let limits = Limits { starts_per_s_per_address: 2, ..Limits::default() };
        let now = Timestamp::from_secs(1_000);
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(addresses.take_start(at("2001:db8::1"), now, &limits).is_ok());
        assert!(addresses.take_start(at("2001:db8::2"), now, &limits).is_ok());
        let refused =
            addresses.take_start(at("2001:db8::3"), now, &limits).expect_err("the third of a /64");
        assert_eq!(refused.disconnect.code, CloseCode::RateLimited);
        assert!(refused.disconnect.retry_after_ms.is_some());
        assert!(addresses.take_start(at("2001:db8:0:1::1"), now, &limits).is_ok(), "another /64");
        addresses.sweep(now + Duration::from_secs(10));
        assert!(addresses.starts.is_empty());
    }
}
