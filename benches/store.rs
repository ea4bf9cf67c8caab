//! Benchmark of session starts in the embedded store: `cargo bench --bench store`.
//!
//! Prints elapsed time and CPU time of the store's thread (Linux only) per start. Single starts wait for the disk one
//! by one; batched starts share a commit.

use std::fs;
use std::ops::Range;
use std::time::Duration;

use futures::future::join_all;
use stagedoor::clock::Clock;
use stagedoor::grant::Grant;
use stagedoor::store::{
    Admission, AuthMethod, CredentialSource, FamilyGrant, Profile, SqliteStore, Store as _,
    TokenPosition, UserKey,
};
use stagedoor_proto::{FamilyId, Timestamp};

/// Concurrent starts in the batches.
const WAITING: usize = 512;

/// Users in the file when known users start.
const USERS: usize = 100 * WAITING;

/// Sequential starts.
const ALONE: usize = 500;

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

fn main() {
    let dir = tempfile::tempdir().expect("a directory to write to");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let path = dir.path().join("bench.db");
    let store = runtime.block_on(SqliteStore::open(&path)).expect("a store");
    let registered = || AuthMethod::Hook { issued: None };
    let name =
        |n: usize| format!("user-{:016x}", (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let visit = |n: usize, method: AuthMethod| Admission {
        user: UserKey { app: "demo".into(), username: name(n).parse().expect("a username") },
        instance: format!("instance-{n:08}").parse().expect("an instance"),
        address: "192.0.2.1".parse().expect("an address"),
        method,
        profile: Profile::default(),
        granted: FamilyGrant {
            grant: Grant::default(),
            source: CredentialSource::Hook,
            authenticated: NOW,
            token_issued: None,
            expires: Timestamp::MAX,
        },
        new_family: FamilyId::from_bits(n as u128 + 1),
        names: None,
        instances: None,
        max_guests: usize::MAX,
        generation: 0,
        revocation_leeway: std::time::Duration::from_secs(1),
        now: NOW,
    };
    let by_token = |n: usize| AuthMethod::AccessToken {
        family: FamilyId::from_bits(n as u128 + 1),
        guest: false,
        authenticated: NOW,
        issued: NOW,
        position: TokenPosition { serial: 1, previous: 0 },
    };
    let again = |n: usize| visit(n, by_token(n));

    let guests = 0..USERS;
    let users = USERS..2 * USERS;
    let single = 2 * USERS..2 * USERS + ALONE;
    let new = |range: Range<usize>| range.map(|n| visit(n, registered())).collect();
    for (what, waiting, visits) in [
        ("new guest", WAITING, guests.map(|n| visit(n, AuthMethod::Guest)).collect()),
        ("new user", WAITING, new(users.clone())),
        ("known user", WAITING, new(users.clone())),
        ("access token", WAITING, users.map(again).collect()),
        ("new user", 1, new(single.clone())),
        ("access token", 1, single.clone().map(again).collect::<Vec<_>>()),
    ] {
        runtime.block_on(measure(&store, what, waiting, visits));
    }
    // A revocation writes one row and is on disk when it returns. A start was, too, before it became bookkeeping.
    runtime.block_on(measure_revocations(&store, single.map(again).collect()));
}

/// Runs `visits` in batches of `waiting` and prints the cost of one.
async fn measure(store: &SqliteStore, what: &str, waiting: usize, visits: Vec<Admission>) {
    let timing = Timing::begin();
    for some in visits.chunks(waiting) {
        for answer in join_all(some.iter().map(|visit| store.admit(visit.clone()))).await {
            answer.expect("the store is there").expect("they are admitted");
        }
    }
    timing.print(what, waiting, visits.len());
}

/// Revokes the token family of each of `visits`, one after the other, and prints the cost of one.
async fn measure_revocations(store: &SqliteStore, visits: Vec<Admission>) {
    let (timing, count) = (Timing::begin(), visits.len());
    for Admission { user, instance, new_family, .. } in visits {
        store.revoke_family(user, instance, new_family, None).await.expect("the store is there");
    }
    timing.print("revocation", 1, count);
}

/// When a measurement began, on the clock and in CPU time of the store's thread.
struct Timing {
    clock: Clock,
    began: u64,
    busy: u64,
}

impl Timing {
    fn begin() -> Self {
        let clock = Clock::system();
        let (began, busy) = (clock.micros(), store_thread_nanos());
        Self { clock, began, busy }
    }

    fn print(&self, what: &str, waiting: usize, count: usize) {
        let each = |nanos: u64| Duration::from_nanos(nanos / count as u64);
        let passed = each((self.clock.micros() - self.began) * 1_000);
        let busy = each(store_thread_nanos() - self.busy);
        println!(
            "{what:>14}, {waiting:>3} waiting: {passed:>8.1?} passed, {busy:>7.1?} of the store's thread"
        );
    }
}

/// CPU time of the thread named `store`; 0 where the system does not report it.
fn store_thread_nanos() -> u64 {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return 0 };
    threads
        .flatten()
        .filter(|thread| {
            fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name.trim() == "store")
        })
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split(' ').next()?.parse::<u64>().ok())
        .sum()
}
