//! Rules for rows after their claim: release, suspend, move, restore; each is a compare-and-set.

use std::time::Duration;

use stagedoor_proto::SessionId;

use super::Harness;
use super::claims::{held, hold, instance, key, user};
use crate::engine::{Move, Moved, Restore};
use crate::session::SecretHash;

pub(super) fn move_of(session: u128, shown: &str, next: &str) -> Move {
    Move {
        user: key(),
        session: SessionId::from_bits(session),
        age: Duration::ZERO,
        shown: SecretHash::of(shown),
        next: SecretHash::of(next),
    }
}

pub(in crate::engine) async fn row_is_released_by_its_own_session_alone(harness: &Harness) {
    let engine = harness.node().engine;
    hold(&engine, 'a', 1).await;
    hold(&engine, 'a', 2).await;
    assert_eq!(engine.release(key(), SessionId::from_bits(1)).await, Ok(false));
    assert_eq!(held(&engine).await, [2]);
    assert_eq!(engine.release(key(), SessionId::from_bits(2)).await, Ok(true));
    assert_eq!(engine.release(key(), SessionId::from_bits(2)).await, Ok(false));
    assert_eq!(held(&engine).await, []);
}

pub(in crate::engine) async fn late_suspension_does_not_touch_a_newer_connection(
    harness: &Harness,
) {
    let engine = harness.node().engine;
    let (first, _) = hold(&engine, 'a', 1).await;
    let Moved::Here { generation, .. } =
        engine.move_here(move_of(1, "secret", "next")).await.unwrap()
    else {
        panic!("the session is held")
    };
    let session = SessionId::from_bits(1);
    assert_eq!(engine.suspend(key(), session, first).await, Ok(false));
    assert!(engine.rows(key()).await.unwrap()[0].is_live);
    assert_eq!(engine.suspend(key(), session, generation).await, Ok(true));
    assert!(!engine.rows(key()).await.unwrap()[0].is_live);
}

pub(in crate::engine) async fn move_gives_a_newer_generation(harness: &Harness) {
    let engine = harness.node().engine;
    let (first, _) = hold(&engine, 'a', 1).await;
    assert_eq!(engine.suspend(key(), SessionId::from_bits(1), first).await, Ok(true));
    let moved = engine.move_here(move_of(1, "secret", "next")).await.unwrap();
    let Moved::Here { generation, previous } = moved else { panic!("the session is held") };
    assert!(generation > first);
    assert_eq!((previous.generation, previous.is_live), (first, false));
    let row = &engine.rows(key()).await.unwrap()[0];
    assert_eq!((row.generation, row.is_live, row.node), (generation, true, engine.node()));
    // A start that arrived before the resume finds the resume's generation.
    let (next, displaced) = hold(&engine, 'a', 2).await;
    assert!(next > generation);
    assert_eq!(displaced, [1]);
}

pub(in crate::engine) async fn session_that_is_not_held_is_not_moved(harness: &Harness) {
    let engine = harness.node().engine;
    assert_eq!(engine.move_here(move_of(1, "secret", "next")).await, Ok(Moved::Denied));
    hold(&engine, 'a', 1).await;
    hold(&engine, 'a', 2).await;
    assert_eq!(engine.move_here(move_of(1, "secret", "next")).await, Ok(Moved::Denied));
    // An attempt that is older than the connection that it would replace.
    let old = Move { age: Duration::from_mins(1), ..move_of(2, "secret", "next") };
    assert_eq!(engine.move_here(old).await, Ok(Moved::Denied));
}

pub(in crate::engine) async fn restored_row_does_not_displace_a_newer_one(harness: &Harness) {
    let engine = harness.node().engine;
    let (generation, _) = hold(&engine, 'a', 1).await;
    let row = |name, session, generation| Restore {
        user: user(),
        guest: None,
        instance: instance(name),
        session: SessionId::from_bits(session),
        generation,
        record: None,
    };
    let rows = vec![row('a', 7, generation - 1), row('b', 2, generation + 1_000_000)];
    engine.restore(rows).await.unwrap();
    assert_eq!(held(&engine).await, [1, 2]);
    let restored = engine.rows(key()).await.unwrap().remove(1);
    assert!(!restored.is_live, "its client has to resume it first");
    let (next, _) = hold(&engine, 'c', 3).await;
    assert!(next > generation + 1_000_000, "it follows what was restored");
}
