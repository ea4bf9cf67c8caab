//! Every command has a receipt, and an owner who ignores a mute loses the stream.

use stagedoor_proto::{
    Link, MuteTarget, Outcome, OutcomeCounts, Push, Role, SessionFeed, StreamEndReason,
};

use super::model::{
    RoomModel, join, leave, link, mute_all, mute_of, origin, session, stage, stream_id,
};
use crate::room::{Appender, Effect, Moderation, RoomCommand};

fn mute(model: &mut RoomModel) -> super::model::Outcome {
    model.moderate(1, Moderation::ForceMute(mute_of(MuteTarget::Stream(stream_id(2)), true)))
}

fn sole(outcome: &super::model::Outcome) -> Vec<(Outcome, u64)> {
    let receipts = outcome.reports().into_iter().flat_map(|report| &report.targets);
    receipts.map(|receipt| (receipt.outcome, receipt.elapsed_ms)).collect()
}

#[test]
fn an_acknowledged_mute_is_pending_and_then_enforced() {
    let mut model = stage();
    assert_eq!(sole(&mute(&mut model)), [(Outcome::Pending, 0)]);
    model.wait(40);
    let outcome = model.set_audio(2, 2, false);
    assert_eq!(
        outcome.names(),
        Vec::<&str>::new(),
        "an acknowledgement changes nothing others see"
    );
    let outcome = model.wait(10_000);
    assert_eq!(sole(&outcome), [(Outcome::Enforced, 40)]);
    assert!(model.room.has_stream(stream_id(2)));
}

#[test]
fn ignoring_a_mute_for_five_seconds_ends_the_stream() {
    let mut model = stage();
    mute(&mut model);
    assert!(model.wait(4_999).names().is_empty());
    let outcome = model.wait(251);
    assert_eq!(sole(&outcome), [(Outcome::Ignored, 5_000)]);
    let reasons = outcome.pushes().into_iter().filter_map(|push| match push {
        Push::StreamUnpublished(body) => Some(body.reason),
        _ => None,
    });
    assert_eq!(reasons.collect::<Vec<_>>(), [StreamEndReason::ForceUnpublished]);
    assert!(outcome.0.iter().any(
        |effect| matches!(effect, Effect::Appender(Appender::Audit(row)) if row.counts.ignored == 1)
    ));
}

#[test]
fn timer_of_a_suspended_target_starts_on_return() {
    let mut model = stage();
    model.step(link(session(2), Link::Suspended));
    assert_eq!(sole(&mute(&mut model)), [(Outcome::Offline, 0)]);
    assert!(model.wait(20_000).names().is_empty());
    assert_eq!(sole(&model.step(link(session(2), Link::Live))), [(Outcome::Pending, 20_000)]);
    model.wait(4_999);
    assert!(model.room.has_stream(stream_id(2)));
    model.wait(1);
    assert!(!model.room.has_stream(stream_id(2)));
}

#[test]
fn silent_stream_needs_no_acknowledgement() {
    let mut model = stage();
    model.set_audio(2, 2, false);
    assert_eq!(sole(&mute(&mut model)), [(Outcome::Enforced, 0)]);
    model.wait(10_000);
    assert!(model.room.has_stream(stream_id(2)));
}

#[test]
fn the_reports_of_a_verb_are_batched_and_bounded() {
    let mut model = RoomModel::new();
    model.join(1, "mod", Role::Moderator);
    for n in 2..=122 {
        model.join(n, &format!("user-{n}"), Role::Publisher);
        model.publish(n, n);
    }
    let outcome = model.moderate(1, mute_all(&[], true));
    assert_eq!(outcome.accepted().target_count, 121);
    let report = outcome.reports()[0];
    assert_eq!((report.counts.pending, report.targets.len()), (121, 100));
    let mut reports = 0;
    for n in 2..=122 {
        reports += model.set_audio(n, n, false).reports().len();
    }
    assert_eq!(reports, 0, "not one for each acknowledgement");
    let outcome = model.wait(250);
    let counts = OutcomeCounts { enforced: 121, ..OutcomeCounts::default() };
    assert_eq!(outcome.reports().iter().map(|report| report.counts).collect::<Vec<_>>(), [counts]);
    assert_eq!(outcome.reports()[0].targets, []);
    assert_eq!(model.next_due(), None, "nothing is left to be done");
}

fn feeds(outcome: &super::model::Outcome) -> Vec<&SessionFeed> {
    let feeds = outcome.pushes().into_iter().filter_map(|push| match push {
        Push::SessionFeed(feed) => Some(feed),
        _ => None,
    });
    feeds.collect()
}

#[test]
fn the_session_feed_is_a_snapshot_and_then_batched_changes() {
    let mut model = stage();
    let outcome = model.step(RoomCommand::SetSessionFeed { origin: origin(1), enabled: true });
    let [snapshot] = feeds(&outcome)[..] else { panic!("one snapshot") };
    assert!(snapshot.snapshot && snapshot.changes.len() == 2);
    model.step(join(3, "bea", Role::Publisher));
    let mut outcome = model.step(link(session(2), Link::Suspended));
    outcome.0.extend(model.step(leave(3)).0);
    assert!(feeds(&outcome).is_empty(), "not one for each change");
    let outcome = model.wait(250);
    let [feed] = feeds(&outcome)[..] else { panic!("one push for all") };
    let states: Vec<_> =
        feed.changes.iter().map(|entry| (entry.link, entry.state.is_some())).collect();
    assert_eq!(states, [(Link::Suspended, true), (Link::Live, false)]);
    model.step(RoomCommand::SetSessionFeed { origin: origin(1), enabled: false });
    model.step(leave(2));
    assert!(feeds(&model.wait(1_000)).is_empty());
}
