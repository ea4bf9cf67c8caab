//! Starts: the last of racing attempts holds the instance, and no start misses a ban.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stagedoor_proto::{InstanceId, SessionId};
use tokio::task::JoinSet;

use super::Harness;
use crate::config::DuplicatePolicy;
use crate::engine::{
    Claim, ClaimRules, Claimed, DirectoryKey, Engine, Prepare, Prepared, SessionRow,
};
use crate::session::SecretHash;
use crate::store::UserKey;

const RULES: ClaimRules =
    ClaimRules { policy: DuplicatePolicy::NewestWins, max_sessions: 3, exclusive_names: false };

pub(super) fn user() -> UserKey {
    UserKey { app: "main".into(), username: "ada".parse().unwrap() }
}

/// The directory key of [`user`].
pub(super) fn key() -> DirectoryKey {
    DirectoryKey::of(&user())
}

pub(super) fn instance(name: char) -> InstanceId {
    std::iter::repeat_n(name, 16).collect::<String>().parse().unwrap()
}

pub(super) fn secret() -> SecretHash {
    SecretHash::of("secret")
}

pub(super) fn prepare_of(name: char, age: Duration) -> Prepare {
    Prepare {
        user: key(),
        instance: instance(name),
        age,
        at_least: 0,
        rules: RULES,
        is_guest: false,
        previous: None,
    }
}

pub(super) fn claim_of(name: char, session: u128, prepared: &Prepared) -> Claim {
    Claim {
        user: user(),
        key: key(),
        instance: instance(name),
        guest: None,
        session: SessionId::from_bits(session),
        generation: prepared.generation,
        fence: prepared.fence,
        secret: secret(),
        rules: RULES,
        evict: None,
        record: None,
    }
}

pub(super) async fn prepared(engine: &Arc<dyn Engine>, name: char, age: Duration) -> Prepared {
    engine.prepare(prepare_of(name, age)).await.unwrap()
}

/// Prepares and claims. Returns the generation and the displaced sessions.
pub(super) async fn hold(engine: &Arc<dyn Engine>, name: char, session: u128) -> (u64, Vec<u128>) {
    let prepared = prepared(engine, name, Duration::ZERO).await;
    match engine.claim(claim_of(name, session, &prepared)).await.unwrap() {
        Claimed::Held { displaced } => (prepared.generation, ids(&displaced)),
        other => panic!("the claim came to {other:?}"),
    }
}

pub(super) fn ids(rows: &[SessionRow]) -> Vec<u128> {
    rows.iter().map(|row| row.session.bits()).collect()
}

pub(super) async fn held(engine: &Arc<dyn Engine>) -> Vec<u128> {
    ids(&engine.rows(key()).await.unwrap())
}

pub(in crate::engine) async fn newest_claim_holds_the_instance(harness: &Harness) {
    let engine = harness.node().engine;
    let (first, displaced) = hold(&engine, 'a', 1).await;
    assert_eq!(displaced, []);
    let (second, displaced) = hold(&engine, 'a', 2).await;
    assert!(second > first);
    assert_eq!(displaced, [1]);
    let rows = engine.rows(key()).await.unwrap();
    let [row] = &rows[..] else { panic!("one session is held, not {rows:?}") };
    assert_eq!((row.session.bits(), row.generation), (2, second));
    assert_eq!((row.node, row.is_live), (engine.node(), true));
    assert_eq!(row.instance, instance('a'));
}

pub(in crate::engine) async fn claim_that_arrived_earlier_is_superseded(harness: &Harness) {
    let engine = harness.node().engine;
    let slow = prepared(&engine, 'a', Duration::ZERO).await;
    hold(&engine, 'a', 2).await;
    let late = engine.claim(claim_of('a', 1, &slow)).await;
    assert_eq!(late, Ok(Claimed::Superseded));
    assert_eq!(held(&engine).await, [2]);
}

pub(in crate::engine) async fn generation_follows_the_age_of_the_attempt(harness: &Harness) {
    let engine = harness.node().engine;
    let younger = prepared(&engine, 'a', Duration::from_secs(1)).await;
    // It arrived before the other, although its hook answered later.
    let older = prepared(&engine, 'a', Duration::from_secs(3)).await;
    assert!(older.generation < younger.generation);
    assert_eq!(older.newest, younger.generation);
    let claimed = engine.claim(claim_of('a', 1, &younger)).await.unwrap();
    assert!(matches!(claimed, Claimed::Held { .. }));
    let late = engine.claim(claim_of('a', 2, &older)).await;
    assert_eq!(late, Ok(Claimed::Superseded));
    let floor = younger.generation + 1_000_000_000;
    let raised = Prepare { at_least: floor, ..prepare_of('a', Duration::ZERO) };
    assert_eq!(engine.prepare(raised).await.unwrap().generation, floor);
}

pub(in crate::engine) async fn racing_claims_leave_exactly_the_last_arrival(harness: &Harness) {
    let node = harness.node();
    for round in 0..1_000_u128 {
        let mut starts = JoinSet::new();
        for index in 0..3 {
            let (engine, session) = (Arc::clone(&node.engine), round * 3 + index + 1);
            starts.spawn(async move {
                let prepared = prepared(&engine, 'a', Duration::ZERO).await;
                if index == 1 {
                    tokio::task::yield_now().await;
                }
                let claimed = engine.claim(claim_of('a', session, &prepared)).await.unwrap();
                (prepared.generation, session, claimed)
            });
        }
        let mut starts = starts.join_all().await;
        starts.sort_by_key(|(generation, _, _)| *generation);
        let (_, newest, claimed) = starts.last().unwrap();
        assert!(matches!(claimed, Claimed::Held { .. }), "round {round}: {claimed:?}");
        assert_eq!(held(&node.engine).await, [*newest], "round {round}");
    }
}

pub(in crate::engine) async fn late_claim_does_not_follow_a_released_one(harness: &Harness) {
    let engine = harness.node().engine;
    let slow = prepared(&engine, 'a', Duration::ZERO).await;
    hold(&engine, 'a', 2).await;
    assert_eq!(engine.release(key(), SessionId::from_bits(2)).await, Ok(true));
    let late = engine.claim(claim_of('a', 1, &slow)).await;
    assert_eq!(late, Ok(Claimed::Superseded), "its client started again and ended that session");
    assert_eq!(held(&engine).await, []);
}

pub(in crate::engine) async fn claim_prepared_before_the_fence_moved_is_fenced(harness: &Harness) {
    let engine = harness.node().engine;
    hold(&engine, 'a', 1).await;
    let before = prepared(&engine, 'b', Duration::ZERO).await;
    assert_eq!(ids(&engine.fence(key()).await.unwrap()), [1]);
    assert_eq!(engine.claim(claim_of('b', 2, &before)).await, Ok(Claimed::Fenced));
    assert_eq!(held(&engine).await, [1]);
    assert_eq!(hold(&engine, 'b', 2).await.1, []);
}

pub(in crate::engine) async fn claim_that_was_not_prepared_is_fenced(harness: &Harness) {
    let engine = harness.node().engine;
    let unknown = Prepared {
        fence: 7,
        generation: 1,
        newest: 0,
        held: 0,
        protected: None,
        holders: Vec::new(),
        live: Vec::new(),
        proved: None,
    };
    assert_eq!(engine.claim(claim_of('a', 1, &unknown)).await, Ok(Claimed::Fenced));
}

pub(in crate::engine) async fn racing_bans_leave_no_banned_session(harness: &Harness) {
    let node = harness.node();
    for round in 0..1_000_u128 {
        let is_banned = AtomicBool::new(false);
        let start = async {
            loop {
                let prepared = prepared(&node.engine, 'a', Duration::ZERO).await;
                if is_banned.load(Ordering::SeqCst) {
                    return;
                }
                let claim = claim_of('a', round + 1, &prepared);
                if node.engine.claim(claim).await.unwrap() != Claimed::Fenced {
                    return;
                }
            }
        };
        let ban = async {
            // Covers both orders: the start yields between its steps, and the ban yields sometimes.
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
            is_banned.store(true, Ordering::SeqCst);
            node.engine.fence(key()).await.unwrap()
        };
        let ((), ended) = tokio::join!(start, ban);
        let held = held(&node.engine).await;
        assert_eq!(held, ids(&ended), "round {round}: all that is held was found by the ban");
        for session in held {
            let released = node.engine.release(key(), SessionId::from_bits(session)).await;
            assert_eq!(released, Ok(true));
        }
    }
}

pub(in crate::engine) async fn repeated_claim_changes_nothing(harness: &Harness) {
    let engine = harness.node().engine;
    hold(&engine, 'a', 1).await;
    let again = prepared(&engine, 'a', Duration::ZERO).await;
    let claimed = engine.claim(claim_of('a', 1, &again)).await;
    assert_eq!(claimed, Ok(Claimed::Held { displaced: Vec::new() }));
    assert_eq!(held(&engine).await, [1]);
}

pub(in crate::engine) async fn cap_displaces_the_oldest_session(harness: &Harness) {
    let engine = harness.node().engine;
    for (session, name) in ['a', 'b', 'c'].into_iter().enumerate() {
        assert_eq!(hold(&engine, name, session as u128).await.1, []);
    }
    assert_eq!(hold(&engine, 'd', 3).await.1, [0]);
    assert_eq!(held(&engine).await, [1, 2, 3]);
}

pub(in crate::engine) async fn protected_session_yields_only_when_dead(harness: &Harness) {
    let engine = harness.node().engine;
    let rules =
        ClaimRules { policy: DuplicatePolicy::RejectNew, max_sessions: 1, exclusive_names: false };
    let prepare = |name| Prepare { rules, ..prepare_of(name, Duration::ZERO) };
    let (generation, _) = hold(&engine, 'a', 1).await;
    for name in ['a', 'b'] {
        let prepared = engine.prepare(prepare(name)).await.unwrap();
        assert_eq!(prepared.protected.as_ref().map(|row| row.session.bits()), Some(1));
        let claim = Claim { rules, ..claim_of(name, 2, &prepared) };
        let claimed = engine.claim(claim.clone()).await.unwrap();
        assert!(matches!(claimed, Claimed::Protected(row) if row.generation == generation));
        let wrong = Claim { evict: Some(generation + 1), ..claim };
        assert!(matches!(engine.claim(wrong).await, Ok(Claimed::Protected(_))));
    }
    let prepared = engine.prepare(prepare('a')).await.unwrap();
    let evicting = Claim { rules, evict: Some(generation), ..claim_of('a', 2, &prepared) };
    let claimed = engine.claim(evicting).await.unwrap();
    assert!(matches!(claimed, Claimed::Held { displaced } if ids(&displaced) == [1]));
    let session = SessionId::from_bits(2);
    assert_eq!(engine.suspend(key(), session, prepared.generation).await, Ok(true));
    assert_eq!(engine.prepare(prepare('b')).await.unwrap().protected, None);
}
