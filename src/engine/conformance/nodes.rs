//! Rules for leases and requests of nodes.

use std::time::Duration;

use bytes::Bytes;

use super::Harness;
use super::recorder::UNANSWERED;
use crate::engine::{Renewal, RequestError};
use crate::room::NodeEpoch;

/// Maximum wait for an expected answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(in crate::engine) async fn own_lease_is_listed(harness: &Harness) {
    let engine = harness.node().engine;
    let renewal = engine.renew_lease().await.unwrap();
    let Renewal::Held(leases) = renewal else { panic!("the node is not buried") };
    let [lease] = &leases[..] else { panic!("it is alone, and not among {leases:?}") };
    assert_eq!(lease.node, engine.node());
    assert!(!lease.has_lapsed());
}

pub(in crate::engine) async fn request_is_answered_once(harness: &Harness) {
    let node = harness.node();
    let to = node.engine.node();
    let answer = node.engine.request(to, Bytes::from_static(b"ask"), PATIENCE).await;
    assert_eq!(answer.as_deref(), Ok(&b"ask"[..]));
    assert_eq!(node.seen.requests(), 1);
}

pub(in crate::engine) async fn request_without_an_answer_ends_at_its_deadline(harness: &Harness) {
    let node = harness.node();
    let (to, body) = (node.engine.node(), Bytes::from_static(UNANSWERED));
    let answer = node.engine.request(to, body, Duration::from_millis(20)).await;
    assert_eq!(answer, Err(RequestError::Deadline));
    node.seen.until(|seen| seen.requests() == 1).await;
}

pub(in crate::engine) async fn request_to_a_node_that_is_not_there_fails_at_once(
    harness: &Harness,
) {
    let engine = harness.node().engine;
    let elsewhere = NodeEpoch(engine.node().0.wrapping_add(1));
    let answer = engine.request(elsewhere, Bytes::new(), PATIENCE).await;
    assert_eq!(answer, Err(RequestError::Unreachable));
}
