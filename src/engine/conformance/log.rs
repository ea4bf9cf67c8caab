//! Rules for the log of a room on one node, and for a closed engine.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use stagedoor_proto::{Degraded, Push, SessionId};

use super::claims::{claim_of, key, prepare_of, prepared};
use super::{Harness, numbered, room};
use crate::engine::{
    AppendError, Appended, Condition, Delivered, EngineError, Health, Move, RequestError,
    RoomMessage,
};
use crate::room::Audience;
use crate::session::SecretHash;

pub(in crate::engine) async fn versions_increase_and_entries_arrive_in_order(harness: &Harness) {
    let node = harness.node();
    node.engine.interest(&room()).await.unwrap();
    let mut versions = Vec::new();
    for number in 0..100 {
        versions.push(node.append(&room(), number).await);
    }
    assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    assert_eq!(node.seen.versions(), versions);
    let commands: Vec<_> = node.seen.entries().into_iter().map(|entry| entry.command).collect();
    assert_eq!(commands, (0..100).map(numbered).collect::<Vec<_>>());
}

pub(in crate::engine) async fn entry_is_applied_before_its_append_is_answered(harness: &Harness) {
    let node = harness.node();
    node.engine.interest(&room()).await.unwrap();
    for number in 0..100 {
        let version = node.append(&room(), number).await;
        assert_eq!(node.seen.versions().last(), Some(&version));
    }
}

pub(in crate::engine) async fn concurrent_appends_get_distinct_versions(harness: &Harness) {
    let node = harness.node();
    node.engine.interest(&room()).await.unwrap();
    let room = room();
    let appends = (0..400).map(|number| node.append(&room, number));
    let versions: BTreeSet<u64> = join_all(appends).await.into_iter().collect();
    assert_eq!(versions.len(), 400);
    assert_eq!(node.seen.versions(), versions.into_iter().collect::<Vec<_>>());
}

pub(in crate::engine) async fn calls_of_one_caller_keep_their_order(harness: &Harness) {
    let node = harness.node();
    node.engine.interest(&room()).await.unwrap();
    let append = |number| node.engine.append(&room(), numbered(number), Condition::None);
    let answers: Vec<_> = (0..100).map(append).collect();
    join_all(answers).await;
    let commands: Vec<_> = node.seen.entries().into_iter().map(|entry| entry.command).collect();
    assert_eq!(commands, (0..100).map(numbered).collect::<Vec<_>>());
}

pub(in crate::engine) async fn condition_on_the_version_is_checked_in_the_same_step(
    harness: &Harness,
) {
    let node = harness.node();
    node.engine.interest(&room()).await.unwrap();
    let first = node.append(&room(), 0).await;
    let append =
        |number| node.engine.append(&room(), numbered(number), Condition::VersionIs(first));
    let answers = join_all((1..=20).map(append)).await;
    let placed = answers.iter().filter(|answer| matches!(answer, Appended::Placed(_))).count();
    let changed = Appended::Refused(AppendError::VersionChanged);
    assert_eq!((placed, answers.iter().filter(|answer| **answer == changed).count()), (1, 19));
    assert_eq!(node.seen.versions().len(), 2);
}

pub(in crate::engine) async fn closed_engine_refuses_every_call(harness: &Harness) {
    let node = harness.node();
    let engine = &node.engine;
    engine.interest(&room()).await.unwrap();
    node.append(&room(), 0).await;
    let prepared = prepared(engine, 'a', Duration::ZERO).await;
    assert_eq!(*engine.health().borrow(), Health::Ready);
    engine.close().await;
    assert_eq!(*engine.health().borrow(), Health::Closed);

    let closed = EngineError::Closed;
    let refused = engine.append(&room(), numbered(1), Condition::None).await;
    assert_eq!(refused, Appended::Refused(AppendError::Engine(closed)));
    assert_eq!(node.seen.versions().len(), 1);
    assert_eq!(engine.interest(&room()).await, Err(closed));
    assert_eq!(engine.release_interest(&room()).await, Err(closed));
    assert_eq!(engine.send(&room(), 0, &message()).await, Err(closed));
    assert_eq!(engine.prepare(prepare_of('a', Duration::ZERO)).await, Err(closed));
    assert_eq!(engine.claim(claim_of('a', 1, &prepared)).await, Err(closed));
    assert_eq!(engine.fence(key()).await, Err(closed));
    assert_eq!(engine.rows(key()).await, Err(closed));
    let session = SessionId::from_bits(1);
    assert_eq!(engine.release(key(), session).await, Err(closed));
    assert_eq!(engine.suspend(key(), session, 1).await, Err(closed));
    let to = Move {
        user: key(),
        session,
        age: Duration::ZERO,
        shown: SecretHash::of("shown"),
        next: SecretHash::of("next"),
    };
    assert_eq!(engine.move_here(to).await, Err(closed));
    assert_eq!(engine.restore(Vec::new()).await, Err(closed));
    assert_eq!(engine.renew_lease().await, Err(closed));
    assert_eq!(engine.bury(engine.node()).await, Err(closed));
    let answer = engine.request(engine.node(), Bytes::new(), Duration::from_secs(1)).await;
    assert_eq!(answer, Err(RequestError::Engine(closed)));
}

pub(in crate::engine) async fn close_waits_for_entries_in_progress(harness: &Harness) {
    let node = harness.node();
    node.engine.interest(&room()).await.unwrap();
    let append = |number| node.engine.append(&room(), numbered(number), Condition::None);
    let answers: Vec<_> = (0..100).map(append).collect();
    let last = node.engine.close().await;
    assert_eq!(node.seen.versions().len(), 100, "all were accepted before");
    assert_eq!(node.seen.versions().last(), Some(&last));
    for answer in answers {
        assert!(matches!(answer.await, Appended::Placed(_)));
    }
}

pub(in crate::engine) async fn messages_get_growing_orders(harness: &Harness) {
    let node = harness.node();
    node.engine.interest(&room()).await.unwrap();
    let mut last = 7;
    for _ in 0..20 {
        let sent = node.engine.send(&room(), last, &message()).await.unwrap();
        let (Delivered::ByCaller(order) | Delivered::ByHandlers(order)) = sent;
        assert!(order > last, "{order} follows {last}");
        let is_delivered = node.seen.orders().contains(&order);
        assert_eq!(
            is_delivered,
            sent == Delivered::ByHandlers(order),
            "one of the two delivers it"
        );
        last = order;
    }
}

pub(super) fn message() -> RoomMessage {
    let push = Push::Degraded(Degraded { active: true });
    RoomMessage { to: Audience::All { except: None }, push }
}
