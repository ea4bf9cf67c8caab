//! The rows of audit logs and their order.
//!
//! Not here: verification (`store::audit`).

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use stagedoor_proto::{OutcomeCounts, ParticipantId, StreamId, Target, Timestamp};

use super::{NOW, ban, unban, user};
use crate::store::{
    AuditActor, AuditEvent, AuditOutcome, AuditRow, ChainHead, Journal, Store, Tampered,
};

/// An event of the gateway.
pub(in crate::store) fn event(command: &str) -> AuditEvent {
    AuditEvent {
        at_ms: NOW,
        actor: AuditActor::Gateway,
        command: command.into(),
        room: None,
        version: None,
        target: Target::default(),
        reason: None,
        ref_: None,
        outcome: AuditOutcome::Done,
    }
}

/// One event of each kind.
fn events() -> Vec<AuditEvent> {
    let counts = OutcomeCounts { enforced: 1, pending: 2, offline: 3, declined: 5, ignored: 4 };
    let target = Target {
        participant: Some(ParticipantId::from_bits(1)),
        stream: Some(StreamId::from_bits(2)),
        username: Some(user("bob").username),
    };
    vec![
        AuditEvent {
            actor: AuditActor::User(user("ada").username),
            room: Some("lobby".parse().unwrap()),
            version: Some(u64::MAX),
            target,
            reason: Some("\"loud\"\n\u{0}é".into()),
            ref_: Some("ref".parse().unwrap()),
            outcome: AuditOutcome::Receipts { counts, elapsed_ms: 250 },
            ..event("force_mute")
        },
        AuditEvent {
            actor: AuditActor::Server("ops".into()),
            outcome: AuditOutcome::Denied { times: 9 },
            ..event("ban")
        },
        event("expire"),
    ]
}

async fn rows(store: &dyn Store, app: &str, after: u64, limit: usize) -> Vec<AuditRow> {
    store.audit_rows(app.into(), after, limit).await.unwrap()
}

fn numbers(rows: &[AuditRow]) -> Vec<u64> {
    rows.iter().map(|row| row.number).collect()
}

pub(in crate::store) async fn unknown_log_is_empty(store: &dyn Store) {
    store.audit("app".into(), Vec::new()).await.unwrap();
    assert_eq!(rows(store, "app", 0, 10).await, []);
}

pub(in crate::store) async fn events_are_numbered_from_one_and_read_back(store: &dyn Store) {
    store.audit("app".into(), events()).await.unwrap();
    store.audit("app".into(), events()).await.unwrap();
    let rows = rows(store, "app", 0, 10).await;
    assert_eq!(numbers(&rows), [1, 2, 3, 4, 5, 6]);
    let read: Vec<_> = rows.iter().map(|row| row.event.clone()).collect();
    assert_eq!(read, [events(), events()].concat());
    for row in rows {
        assert!(row.hash.len() == 64 && row.hash.bytes().all(|c| c.is_ascii_hexdigit()), "{row:?}");
    }
}

pub(in crate::store) async fn only_effective_calls_append_rows(store: &dyn Store) {
    let row = |command: &str| Some(event(command));
    let ada = || user("ada");
    assert!(!unban(store, ada(), NOW, row("not blocked")).await);
    assert!(!store.delete_user(ada(), false, NOW, row("not known")).await.unwrap());
    store.block(ada(), ban(), None, false, row("block").into()).await.unwrap();
    store.block(ada(), ban(), None, false, Journal::default()).await.unwrap();
    assert!(unban(store, ada(), NOW, row("unblock")).await);
    store.revoke_user(ada(), NOW, row("revoke")).await.unwrap();
    assert!(store.delete_user(ada(), false, NOW, row("delete")).await.unwrap());
    let rows = rows(store, "app", 0, 10).await;
    let commands: Vec<&str> = rows.iter().map(|row| &*row.event.command).collect();
    assert_eq!(commands, ["block", "unblock", "revoke", "delete"]);
    assert!(store.verify_audit("app".into(), None).await.unwrap().is_ok());
}

pub(in crate::store) async fn rows_come_after_a_number_and_within_a_limit(store: &dyn Store) {
    let events = (0..10).map(|n| event(&format!("command {n}")));
    store.audit("app".into(), events.collect()).await.unwrap();
    for (after, limit, expected) in [
        (0, 3, &[1, 2, 3][..]),
        (3, 3, &[4, 5, 6]),
        (8, 3, &[9, 10]),
        (10, 3, &[]),
        (0, 0, &[]),
        (u64::MAX, usize::MAX, &[]),
        (7, usize::MAX, &[8, 9, 10]),
    ] {
        let rows = rows(store, "app", after, limit).await;
        assert_eq!(numbers(&rows), expected, "after {after}, at most {limit}");
    }
}

pub(in crate::store) async fn rows_come_before_a_number_newest_first(store: &dyn Store) {
    let events = (0..10).map(|n| event(&format!("command {n}")));
    store.audit("app".into(), events.collect()).await.unwrap();
    store.audit("other".into(), vec![event("another app's")]).await.unwrap();
    for (before, limit, expected) in [
        (u64::MAX, 3, &[10, 9, 8][..]),
        (8, 3, &[7, 6, 5]),
        (3, 3, &[2, 1]),
        (1, 3, &[]),
        (0, usize::MAX, &[]),
        (u64::MAX, 0, &[]),
        (4, usize::MAX, &[3, 2, 1]),
    ] {
        let rows = store.audit_rows_before("app".into(), before, limit).await.unwrap();
        assert_eq!(numbers(&rows), expected, "before {before}, at most {limit}");
    }
}

pub(in crate::store) async fn concurrent_appends_leave_no_gap(store: &dyn Store) {
    let app: Arc<str> = "app".into();
    let appends = (0..64).map(|_| store.audit(app.clone(), events()));
    for appended in join_all(appends).await {
        appended.unwrap();
    }
    let rows = rows(store, "app", 0, usize::MAX).await;
    assert_eq!(numbers(&rows), (1..=192).collect::<Vec<_>>());
    let read: Vec<_> =
        rows.chunks(3).map(|rows| rows.iter().map(|row| row.event.clone())).collect();
    assert!(read.into_iter().all(|three| three.eq(events())), "events of one call are consecutive");
}

pub(in crate::store) async fn hash_covers_all_previous_rows(store: &dyn Store) {
    store.audit("app".into(), vec![event("a"), event("a")]).await.unwrap();
    store.audit("other".into(), vec![event("b"), event("a")]).await.unwrap();
    let hashes = [rows(store, "app", 0, 2).await, rows(store, "other", 0, 2).await].concat();
    let distinct: std::collections::BTreeSet<_> = hashes.iter().map(|row| &row.hash).collect();
    assert_eq!(distinct.len(), 4);
}

pub(in crate::store) async fn no_event_crosses_apps(store: &dyn Store) {
    for (app, command) in [("app", "a"), ("other", "b"), ("app", "c")] {
        store.audit(app.into(), vec![event(command)]).await.unwrap();
    }
    let commands =
        |rows: Vec<AuditRow>| rows.into_iter().map(|row| row.event.command).collect::<Vec<_>>();
    assert_eq!(commands(rows(store, "app", 0, 10).await), ["a".into(), "c".into()]);
    let other = rows(store, "other", 0, 10).await;
    assert_eq!((numbers(&other), commands(other)), (vec![1], vec!["b".into()]));
}

pub(in crate::store) async fn old_rows_are_pruned_in_batches(store: &dyn Store) {
    let app: Arc<str> = "app".into();
    let at = |secs: u64, command: &str| AuditEvent {
        at_ms: NOW + Duration::from_secs(secs),
        ..event(command)
    };
    // The wall clock was wrong as the third row was written.
    let mut events: Vec<_> = (0..450).map(|second| at(second, "old")).collect();
    events[2] = at(1_000_000, "in the future");
    store.audit(app.clone(), events).await.unwrap();
    store.audit("other".into(), vec![at(0, "another app's")]).await.unwrap();
    let head = store.audit_head(app.clone()).await.unwrap();
    let (now, retention) = (NOW + Duration::from_mins(10), Duration::from_mins(5));
    assert!(!store.prune_audit(app.clone(), now, 2 * retention).await.unwrap());
    assert_eq!(rows(store, "app", 0, 1_000).await.len(), 450, "nothing is old enough");

    let mut calls = 0;
    while store.prune_audit(app.clone(), now, retention).await.unwrap() {
        calls += 1;
    }
    assert!(calls > 0, "more than one batch");
    let left = rows(store, "app", 0, 1_000).await;
    assert_eq!(numbers(&left), (301..=450).collect::<Vec<_>>());
    let verified = store.verify_audit(app.clone(), Some(head)).await.unwrap().unwrap();
    assert_eq!(verified.head, head);
    assert_eq!(rows(store, "other", 0, 10).await.len(), 1);

    while store.prune_audit(app.clone(), now, Duration::ZERO).await.unwrap() {}
    assert_eq!(rows(store, "app", 0, 1_000).await, []);
    assert!(store.verify_audit(app.clone(), Some(head)).await.unwrap().is_ok());
    store.audit(app.clone(), vec![event("new")]).await.unwrap();
    assert_eq!(numbers(&rows(store, "app", 0, 10).await), [451], "numbers go on");
    assert!(store.verify_audit(app.clone(), Some(head)).await.unwrap().is_ok());
    let pruned = ChainHead { number: 7, ..head };
    let verified = store.verify_audit(app, Some(pruned)).await.unwrap();
    assert_eq!(verified, Err(Tampered::Pruned { number: 7, first: 451 }));
}

/// The clock was ahead when the log began, then right, then behind, then right, then a little ahead.
pub(in crate::store) async fn rows_of_a_wrong_clock_are_pruned_in_order(store: &dyn Store) {
    let app: Arc<str> = "app".into();
    let (day, later) = (Duration::from_hours(24), Duration::from_hours(1));
    let ahead = std::iter::repeat_n(NOW + 1_000_000 * later, 450);
    let times = ahead.chain([NOW, Timestamp::from_secs(1), NOW, NOW + later, NOW]);
    let events = times.map(|at_ms| AuditEvent { at_ms, ..event("a") }).collect();
    store.audit(app.clone(), events).await.unwrap();
    let prune = async |now, count| {
        while store.prune_audit(app.clone(), now, day).await.unwrap() {
            let verified = store.verify_audit(app.clone(), None).await.unwrap();
            assert!(verified.is_ok(), "{verified:?}");
        }
        assert_eq!(rows(store, "app", 0, 1_000).await.len(), count);
    };
    let moment = Duration::from_millis(1);
    prune(NOW + moment, 455).await;
    prune(NOW + day, 455).await;
    prune(NOW + day + moment, 2).await;
    prune(NOW + day + later + moment, 0).await;
}
