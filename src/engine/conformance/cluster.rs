//! Rules for several nodes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use stagedoor_proto::SessionId;
use tokio::task::JoinSet;

use super::claims::{claim_of, held, hold, key, prepared, user};
use super::log::message;
use super::moves::move_of;
use super::{Harness, numbered, room};
use crate::engine::{
    AppendError, Appended, Burial, Checkpoint, Claimed, Condition, Delivered, Displaced, LEASE,
    Moved, Renewal,
};

pub(in crate::engine) async fn entries_reach_every_interested_node_in_one_order(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    a.engine.interest(&room()).await.unwrap();
    b.engine.interest(&room()).await.unwrap();
    let room = room();
    let appends = (0..200).map(|number| {
        let node = if number % 2 == 0 { &a } else { &b };
        node.append(&room, number)
    });
    let versions: HashSet<u64> = join_all(appends).await.into_iter().collect();
    assert_eq!(versions.len(), 200);
    for node in [&a, &b] {
        node.seen.until(|seen| seen.versions().len() == 200).await;
    }
    assert_eq!(a.seen.entries(), b.seen.entries());
}

pub(in crate::engine) async fn node_without_interest_is_excluded(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    a.engine.interest(&room()).await.unwrap();
    b.engine.interest(&room()).await.unwrap();
    a.append(&room(), 1).await;
    b.engine.release_interest(&room()).await.unwrap();
    let refused = b.engine.append(&room(), numbered(2), Condition::None).await;
    assert_eq!(refused, Appended::Refused(AppendError::NoInterest));
    a.append(&room(), 3).await;
    b.engine.interest(&room()).await.unwrap();
    let last = a.append(&room(), 4).await;
    b.seen.until(|seen| seen.versions().last() == Some(&last)).await;
    assert_eq!((a.seen.versions().len(), b.seen.versions().len()), (3, 2));
    assert_eq!(b.seen.restored().last().unwrap().tail.len(), 2);
}

pub(in crate::engine) async fn interest_brings_the_log_so_far_without_a_gap(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    a.engine.interest(&room()).await.unwrap();
    let append = async {
        for number in 0..300 {
            a.append(&room(), number).await;
        }
    };
    let interest = async {
        a.seen.until(|seen| seen.versions().len() > 50).await;
        b.engine.interest(&room()).await.unwrap();
    };
    tokio::join!(append, interest);
    let restored = b.seen.restored();
    let [log] = &restored[..] else { panic!("one log was restored, not {}", restored.len()) };
    assert_eq!(log.checkpoint, None);
    assert!(log.tail.len() > 50);
    b.seen.until(|seen| log.tail.len() + seen.versions().len() == 300).await;
    let all: Vec<_> = log.tail.iter().cloned().chain(b.seen.entries()).collect();
    assert_eq!(all, a.seen.entries());
}

pub(in crate::engine) async fn checkpoint_replaces_included_entries(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    a.engine.interest(&room()).await.unwrap();
    a.append(&room(), 1).await;
    let version = a.append(&room(), 2).await;
    let last = a.append(&room(), 3).await;
    let checkpoint = Checkpoint { version, state: Bytes::from_static(b"two") };
    assert_eq!(a.engine.store_checkpoint(&room(), checkpoint.clone()).await, Ok(true));
    b.engine.interest(&room()).await.unwrap();
    let log = b.seen.restored().remove(0);
    assert_eq!(log.checkpoint, Some(checkpoint));
    assert_eq!((log.tail.len(), log.version()), (1, last));
}

pub(in crate::engine) async fn older_checkpoint_is_refused(harness: &Harness) {
    let a = harness.node();
    a.engine.interest(&room()).await.unwrap();
    let older = Checkpoint { version: a.append(&room(), 1).await, state: Bytes::new() };
    let newer = Checkpoint { version: a.append(&room(), 2).await, state: Bytes::new() };
    let ahead = Checkpoint { version: newer.version + 1, state: Bytes::new() };
    assert_eq!(a.engine.store_checkpoint(&room(), ahead).await, Ok(false));
    assert_eq!(a.engine.store_checkpoint(&room(), newer.clone()).await, Ok(true));
    assert_eq!(a.engine.store_checkpoint(&room(), older).await, Ok(false));
    assert_eq!(a.engine.store_checkpoint(&room(), newer).await, Ok(false));
}

pub(in crate::engine) async fn long_log_asks_one_node_for_a_checkpoint(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    a.engine.interest(&room()).await.unwrap();
    b.engine.interest(&room()).await.unwrap();
    let due = || a.seen.checkpoints_due() + b.seen.checkpoints_due();
    let mut number = 0;
    while due() == 0 {
        a.append(&room(), number).await;
        number += 1;
        assert!(number < 100_000, "no node was asked for a checkpoint");
    }
    let last = a.append(&room(), number).await;
    b.seen.until(|seen| seen.versions().last() == Some(&last)).await;
    assert_eq!(due(), 1);
}

pub(in crate::engine) async fn messages_reach_every_interested_node_in_one_order(
    harness: &Harness,
) {
    let (a, b, c) = (harness.node(), harness.node(), harness.node());
    a.engine.interest(&room()).await.unwrap();
    b.engine.interest(&room()).await.unwrap();
    let sent = (0..100).map(|number| {
        let node = if number % 2 == 0 { &a } else { &b };
        node.engine.send(&room(), 0, &message())
    });
    for sent in join_all(sent).await {
        assert!(matches!(sent, Ok(Delivered::ByHandlers(_))));
    }
    for node in [&a, &b] {
        node.seen.until(|seen| seen.orders().len() == 100).await;
    }
    assert!(a.seen.orders().is_sorted_by(|a, b| a < b));
    assert_eq!(a.seen.orders(), b.seen.orders());
    assert!(c.seen.orders().is_empty());
}

pub(in crate::engine) async fn node_of_displaced_session_is_notified(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    let (generation, _) = hold(&a.engine, 'a', 1).await;
    assert_eq!(hold(&b.engine, 'a', 2).await.1, [1]);
    a.seen.until(|seen| !seen.displaced().is_empty()).await;
    let session = SessionId::from_bits(1);
    assert_eq!(a.seen.displaced(), [Displaced { user: user(), session, generation }]);
    assert_eq!(b.seen.displaced(), [], "what is displaced there is its own");
}

pub(in crate::engine) async fn racing_claims_of_two_nodes_leave_exactly_one(harness: &Harness) {
    let nodes = [harness.node(), harness.node()];
    for round in 0..1_000_u128 {
        let mut starts = JoinSet::new();
        for (index, node) in nodes.iter().enumerate() {
            let (engine, session) = (Arc::clone(&node.engine), round * 2 + index as u128 + 1);
            starts.spawn(async move {
                let prepared = prepared(&engine, 'a', Duration::ZERO).await;
                let claimed = engine.claim(claim_of('a', session, &prepared)).await.unwrap();
                (prepared.generation, session, claimed)
            });
        }
        let mut starts = starts.join_all().await;
        starts.sort_by_key(|(generation, _, _)| *generation);
        let (_, newest, claimed) = starts.last().unwrap();
        assert!(matches!(claimed, Claimed::Held { .. }), "round {round}: {claimed:?}");
        assert_eq!(held(&nodes[0].engine).await, [*newest], "round {round}");
    }
}

pub(in crate::engine) async fn moved_row_belongs_to_the_new_node(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    let (first, _) = hold(&a.engine, 'a', 1).await;
    let moved = b.engine.move_here(move_of(1, "secret", "next")).await.unwrap();
    let Moved::Here { generation, previous } = moved else { panic!("the session is held") };
    assert_eq!((previous.node, previous.generation), (a.engine.node(), first));
    let session = SessionId::from_bits(1);
    assert_eq!(a.engine.suspend(key(), session, generation).await, Ok(false));
    assert_eq!(a.engine.release(key(), session).await, Ok(false));
    let row = &b.engine.rows(key()).await.unwrap()[0];
    assert_eq!((row.node, row.is_live), (b.engine.node(), true));
    assert_eq!(b.engine.release(key(), session).await, Ok(true));
}

pub(in crate::engine) async fn move_needs_the_newest_or_previous_secret(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    hold(&a.engine, 'a', 1).await;
    assert_eq!(b.engine.move_here(move_of(1, "wrong", "second")).await, Ok(Moved::Denied));
    let by = |shown, next| b.engine.move_here(move_of(1, shown, next));
    assert!(matches!(by("secret", "second").await, Ok(Moved::Here { .. })));
    let by = |shown, next| a.engine.move_here(move_of(1, shown, next));
    assert!(matches!(by("secret", "third").await, Ok(Moved::Here { .. })), "its reply was lost");
    assert_eq!(b.engine.move_here(move_of(1, "second", "fourth")).await, Ok(Moved::Denied));
    assert!(matches!(
        b.engine.move_here(move_of(1, "third", "fourth")).await,
        Ok(Moved::Here { .. })
    ));
}

pub(in crate::engine) async fn leases_of_all_nodes_are_listed(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    harness.clock.advance(LEASE / 2);
    let Ok(Renewal::Held(leases)) = a.engine.renew_lease().await else {
        panic!("the node is not buried")
    };
    let age_of = |node| leases.iter().find(|lease| lease.node == node).map(|lease| lease.age);
    assert_eq!(leases.len(), 2);
    assert_eq!(age_of(a.engine.node()), Some(Duration::ZERO));
    assert_eq!(age_of(b.engine.node()), Some(LEASE / 2));
}

pub(in crate::engine) async fn lapsed_node_is_buried_once(harness: &Harness) {
    let (dead, a, b) = (harness.node(), harness.node(), harness.node());
    dead.engine.interest(&room()).await.unwrap();
    for _ in 0..3 {
        harness.clock.advance(LEASE / 2);
        a.engine.renew_lease().await.unwrap();
        b.engine.renew_lease().await.unwrap();
    }
    let node = dead.engine.node();
    let attempts = (0..20).map(|number| if number % 2 == 0 { &a } else { &b });
    let burials = join_all(attempts.map(|by| by.engine.bury(node))).await;
    let rooms: Vec<_> = burials
        .iter()
        .filter_map(|burial| match burial {
            Ok(Burial::Buried(rooms)) => Some(rooms.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(rooms, [vec![room()]]);
    assert_eq!(burials.iter().filter(|burial| **burial == Ok(Burial::Gone)).count(), 19);
    assert_eq!(dead.engine.renew_lease().await, Ok(Renewal::Lost));
}

pub(in crate::engine) async fn living_node_is_not_buried(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    assert_eq!(a.engine.bury(b.engine.node()).await, Ok(Burial::Alive));
    harness.clock.advance(LEASE);
    assert_eq!(a.engine.bury(b.engine.node()).await, Ok(Burial::Alive));
}

pub(in crate::engine) async fn lapsed_node_that_was_not_buried_renews(harness: &Harness) {
    let (a, b) = (harness.node(), harness.node());
    harness.clock.advance(LEASE * 3);
    assert!(matches!(b.engine.renew_lease().await, Ok(Renewal::Held(_))));
    a.engine.renew_lease().await.unwrap();
    assert_eq!(a.engine.bury(b.engine.node()).await, Ok(Burial::Alive));
}

pub(in crate::engine) async fn node_with_lapsed_lease_cannot_bury(harness: &Harness) {
    let (a, dead) = (harness.node(), harness.node());
    // The engine was unavailable for all: no node could renew.
    harness.clock.advance(LEASE * 3);
    assert_eq!(a.engine.bury(dead.engine.node()).await, Ok(Burial::NotWatched));
    a.engine.renew_lease().await.unwrap();
    assert_eq!(a.engine.bury(dead.engine.node()).await, Ok(Burial::NotWatched));
    harness.clock.advance(LEASE / 2);
    a.engine.renew_lease().await.unwrap();
    assert_eq!(a.engine.bury(dead.engine.node()).await, Ok(Burial::NotWatched));
    // A node that is silent for a whole lease while others renew is dead.
    harness.clock.advance(LEASE / 2);
    a.engine.renew_lease().await.unwrap();
    assert_eq!(a.engine.bury(dead.engine.node()).await, Ok(Burial::Buried(Vec::new())));
}
