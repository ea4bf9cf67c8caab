//! Checks are answered from recent rows exactly as from the rows of the file.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use stagedoor_proto::{BlockSource, Timestamp};

use super::recent::MAX_ENTRIES;
use super::tests::Gate;
use super::{SqliteStore, check};
use crate::store::conformance::{NOW, ban, by_token, family, instance, registered, start, user};
use crate::store::policy::{self, CheckWrites};
use crate::store::{
    Admission, AuthMethod, Block, BlockedGuests, Check, CheckedUser, FamilyRenewal, FormerFamily,
    InstanceLimit, Journal, Refusal, Store, UserKey,
};

/// What the rows decide, and whether the check would write. Changes nothing.
async fn decided(store: &SqliteStore, check: Check) -> (Result<CheckedUser, Refusal>, bool) {
    let sizes = store.sizes.clone();
    let decision = store.read(move |db| {
        let Check { user, instance, address, now, .. } = &check;
        let rows = check::rows_of(db, &sizes, user, instance, *address, *now)?;
        Ok(policy::check(&check, &rows))
    });
    match decision.await.unwrap() {
        Ok(CheckWrites { checked, user, instance }) => {
            (Ok(checked), user.is_some() || instance.is_some())
        }
        Err(refusal) => (Err(refusal), false),
    }
}

/// The result of a check that needs no thread; `None` if it does.
fn answered(store: &SqliteStore, check: &Check) -> Option<CheckedUser> {
    store.recent.check(check)
}

#[tokio::test]
async fn check_after_a_start_needs_no_thread() {
    let store = SqliteStore::in_memory().await.unwrap();
    let started = start("ada", AuthMethod::Guest, 1);
    store.admit(started.clone()).await.unwrap().unwrap();
    let (gate, gated) = Gate::close(&store);
    let passed = Ok(CheckedUser::default());
    assert_eq!(store.check(started.check(1)).await.unwrap(), passed, "the thread is blocked");
    drop(gate);
    // The blocked call fails, because its gate is gone.
    gated.await.unwrap_err();
}

#[tokio::test]
async fn no_check_is_answered_that_differs_from_the_last() {
    let store = SqliteStore::in_memory().await.unwrap();
    let started = start("ada", AuthMethod::Guest, 1);
    store.admit(started.clone()).await.unwrap().unwrap();
    let check = started.check(1);
    assert!(answered(&store, &check).is_some());
    for (case, other) in [
        ("another address", Check { address: "192.0.2.9".parse().unwrap(), ..check.clone() }),
        ("another user", Check { user: user("bob"), ..check.clone() }),
        ("another app", {
            Check { user: UserKey { app: "b".into(), ..user("ada") }, ..check.clone() }
        }),
        ("another instance", Check { instance: instance('b'), ..check.clone() }),
        ("another family", Check { family: family(2), ..check.clone() }),
        ("much later", Check { now: NOW + Duration::from_hours(2), ..check.clone() }),
        ("the clock went back", Check { now: NOW - Duration::from_millis(1), ..check.clone() }),
    ] {
        assert_eq!(answered(&store, &other), None, "{case}");
    }
}

/// A check that runs before a change in one batch must not be answered after it.
#[tokio::test]
async fn rows_read_before_a_change_do_not_answer_after_it() {
    let store = SqliteStore::in_memory().await.unwrap();
    let started = start("ada", AuthMethod::Guest, 1);
    store.admit(started.clone()).await.unwrap().unwrap();
    // The time last seen is old by then, so the check needs the thread.
    let check = Check { now: NOW + Duration::from_hours(2), ..started.check(1) };
    let (checked, blocked) = (
        store.check(check.clone()),
        store.block(user("ada"), ban(), None, false, Journal::default()),
    );
    let (checked, blocked) = futures::future::join(checked, blocked).await;
    assert!(checked.unwrap().is_ok() && blocked.is_ok());
    assert_eq!(store.check(check).await.unwrap(), Err(Refusal::Blocked(ban())));
}

/// Blocks of the last registered user of an instance cover its guests. Once that row is forgotten, it is another user.
#[tokio::test]
async fn forgotten_instance_can_block_its_guests() {
    let store = SqliteStore::in_memory().await.unwrap();
    let later = |hours| NOW + Duration::from_hours(hours);
    let by_hook = |name, new| start(name, registered(), new);
    store.admit(by_hook("ada", 1)).await.unwrap().unwrap();
    store.admit(Admission { now: later(2), ..by_hook("bob", 2) }).await.unwrap().unwrap();
    store.block(user("ada"), ban(), None, false, Journal::default()).await.unwrap();
    let guest = Admission { now: later(2), ..start("eve", AuthMethod::Guest, 3) };
    store.admit(guest.clone()).await.unwrap().unwrap();
    let check = Check { now: later(4), authenticated: later(2), ..guest.check(3) };
    assert!(store.check(check.clone()).await.unwrap().is_ok(), "bob was there last");

    let limit = InstanceLimit { count: 1, access_ttl: Duration::ZERO, live: Vec::new() };
    let elsewhere = Admission {
        instance: instance('b'),
        instances: Some(limit),
        now: later(4),
        ..by_hook("bob", 4)
    };
    assert_eq!(store.admit(elsewhere).await.unwrap().unwrap().forgotten, 1);
    assert_eq!(store.check(check).await.unwrap(), Err(Refusal::Blocked(ban())));
}

#[tokio::test]
async fn recent_rows_are_bounded() {
    let store = SqliteStore::in_memory().await.unwrap();
    let starts = (1..=2 * MAX_ENTRIES as u128).map(|bits| {
        let instance = format!("instance-{bits}").parse().unwrap();
        Admission { instance, ..start("ada", AuthMethod::Guest, bits) }
    });
    for start in starts {
        store.admit(start).await.unwrap().unwrap();
        assert!(store.recent.len() <= MAX_ENTRIES);
    }
    assert!(store.recent.len() > 0);
}

#[derive(Clone, Debug)]
enum Step {
    Start { username: &'static str, letter: char, method: Method, address: &'static str },
    Check,
    Block { username: &'static str, by_address: bool, guest: Option<char>, ends: bool },
    Unblock { username: &'static str },
    Delete { username: &'static str },
    RevokeUser { username: &'static str },
    RevokeApp { voids_families: bool },
    RevokeFamily,
    Withdraw,
    Renew,
    Forget,
    Prune,
    Wait { minutes: u64 },
}

#[derive(Clone, Copy, Debug)]
enum Method {
    Guest,
    Hook,
    Token,
}

const USERS: [&str; 3] = ["ada", "bob", "eve"];
const ADDRESSES: [&str; 2] = ["192.0.2.1", "192.0.2.2"];

fn step() -> impl Strategy<Value = Step> {
    let username = || select(USERS.as_slice());
    let letter = || select(vec!['a', 'b']);
    let method = select(vec![Method::Guest, Method::Hook, Method::Token]);
    prop_oneof![
        6 => (username(), letter(), method, select(ADDRESSES.as_slice())).prop_map(
            |(username, letter, method, address)| Step::Start { username, letter, method, address },
        ),
        4 => Just(Step::Check),
        2 => (username(), any::<bool>(), proptest::option::of(letter()), any::<bool>()).prop_map(
            |(username, by_address, guest, ends)| Step::Block { username, by_address, guest, ends },
        ),
        2 => username().prop_map(|username| Step::Unblock { username }),
        1 => username().prop_map(|username| Step::Delete { username }),
        1 => username().prop_map(|username| Step::RevokeUser { username }),
        1 => any::<bool>().prop_map(|voids_families| Step::RevokeApp { voids_families }),
        1 => Just(Step::RevokeFamily),
        1 => Just(Step::Withdraw),
        1 => Just(Step::Renew),
        1 => Just(Step::Forget),
        1 => Just(Step::Prune),
        3 => (0_u64..90).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

/// A store with the starts that it admitted.
struct Model {
    store: SqliteStore,
    now: Timestamp,
    families: u128,
    started: Vec<(Admission, u128)>,
}

impl Model {
    async fn apply(&mut self, step: Step) {
        let (store, now) = (&self.store, self.now);
        let none = Journal::default;
        match step {
            Step::Start { username, letter, method, address } => {
                self.families += 1;
                let last = self.started.iter().rev().find(|(start, _)| {
                    start.user.username.as_str() == username && start.instance == instance(letter)
                });
                let method = match (method, last) {
                    (Method::Hook, _) => registered(),
                    (Method::Token, Some((_, bits))) => by_token(*bits),
                    (Method::Guest | Method::Token, _) => AuthMethod::Guest,
                };
                let is_guest = matches!(method, AuthMethod::Guest);
                let limit =
                    InstanceLimit { count: 1, access_ttl: Duration::ZERO, live: Vec::new() };
                let admission = Admission {
                    instance: instance(letter),
                    address: address.parse().unwrap(),
                    instances: (!is_guest).then_some(limit),
                    generation: u64::try_from(self.families).unwrap(),
                    now,
                    ..start(username, method, self.families)
                };
                if let Ok(admitted) = store.admit(admission.clone()).await.unwrap() {
                    self.started.push((admission, admitted.family.bits()));
                }
            }
            Step::Check => {
                for check in self.checks() {
                    store.check(check).await.unwrap().ok();
                }
            }
            Step::Block { username, by_address, guest, ends } => {
                let until = ends.then(|| now + Duration::from_mins(20));
                let block = Block { since: now, until, ..ban() };
                let guests = guest.map(|letter| BlockedGuests {
                    instances: [instance(letter)].into(),
                    by_name: false,
                });
                store.block(user(username), block, guests, by_address, none()).await.unwrap();
            }
            Step::Unblock { username } => {
                store.unblock(user(username), BlockSource::Operator, now, None).await.unwrap();
            }
            Step::Delete { username } => {
                store.delete_user(user(username), false, now, None).await.unwrap();
            }
            Step::RevokeUser { username } => {
                store.revoke_user(user(username), now, None).await.unwrap();
            }
            Step::RevokeApp { voids_families } => {
                store.revoke_app("app".into(), now, voids_families, None).await.unwrap();
            }
            Step::RevokeFamily => {
                if let Some((start, bits)) = self.started.last().cloned() {
                    let of = family(bits);
                    store.revoke_family(start.user, start.instance, of, None).await.unwrap();
                }
            }
            Step::Withdraw => {
                if let Some((start, bits)) = self.started.last().cloned() {
                    let (of, former) = (family(bits), FormerFamily::default());
                    let Admission { user, instance, .. } = start;
                    store.withdraw_admission(user, instance, of, former).await.unwrap();
                }
            }
            Step::Renew => {
                if let Some((start, bits)) = self.started.last().cloned() {
                    let renewal = FamilyRenewal {
                        user: start.user,
                        instance: start.instance,
                        family: family(bits),
                        number: u64::try_from(self.families).unwrap(),
                        granted: start.granted,
                        now,
                    };
                    store.renew_family(renewal).await.unwrap();
                }
            }
            Step::Forget => {
                let guests = store.idle_guests("app".into(), None, now).await.unwrap().guests;
                store.forget_guests("app".into(), guests, now).await.unwrap();
            }
            Step::Prune => drop(store.prune_guests(now - Duration::from_mins(30)).await.unwrap()),
            Step::Wait { minutes } => self.now = now + Duration::from_mins(minutes),
        }
    }

    /// A check of each start that was admitted, from each address.
    fn checks(&self) -> Vec<Check> {
        let checks = self.started.iter().flat_map(|(start, bits)| {
            ADDRESSES.map(|address| Check {
                address: address.parse().unwrap(),
                authenticated: start.now,
                now: self.now,
                ..start.check(*bits)
            })
        });
        checks.collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn recent_rows_answer_as_the_store_does(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = SqliteStore::in_memory().await.unwrap();
            let mut model = Model { store, now: NOW, families: 0, started: Vec::new() };
            for step in steps {
                model.apply(step.clone()).await;
                for check in model.checks() {
                    let Some(checked) = answered(&model.store, &check) else { continue };
                    let decided = decided(&model.store, check.clone()).await;
                    assert_eq!((Ok(checked), false), decided, "{check:?} after {step:?}");
                }
            }
        });
    }
}
