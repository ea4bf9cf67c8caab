//! Every command has a receipt, and an owner who ignores a mute loses the stream.

use stagedoor_proto::{
    ErrorCode, Link, MuteTarget, Outcome, OutcomeCounts, Push, Role, SessionFeed, StreamEndReason,
};

use super::model::{
    RoomModel, join, leave, link, mute_all, mute_of, on_stream, origin, session, stage, stream_id,
    whole_room,
};
use crate::room::settings::MAX_OPEN_VERBS;
use crate::room::{Appender, Effect, Moderation, RoomCommand};

fn mute(model: &mut RoomModel, lock: bool) -> super::model::Outcome {
    model.moderate(1, Moderation::ForceMute(mute_of(MuteTarget::Stream(stream_id(2)), lock)))
}

fn ask(model: &mut RoomModel) -> super::model::Outcome {
    model.moderate(1, Moderation::RequestUnmute(on_stream(2)))
}

fn sole(outcome: &super::model::Outcome) -> Vec<(Outcome, u64)> {
    let receipts = outcome.reports().into_iter().flat_map(|report| &report.targets);
    receipts.map(|receipt| (receipt.outcome, receipt.elapsed_ms)).collect()
}

fn audit_rows(outcome: &super::model::Outcome) -> Vec<OutcomeCounts> {
    let rows = outcome.0.iter().filter_map(|effect| match effect {
        Effect::Appender(Appender::Audit(row)) => Some(row.counts),
        _ => None,
    });
    rows.collect()
}

#[test]
fn acknowledged_mute_is_enforced_and_reported_at_once() {
    let mut model = stage();
    assert_eq!(sole(&mute(&mut model, false)), [(Outcome::Pending, 0)]);
    model.wait(3);
    let outcome = model.set_audio(2, 2, false);
    assert_eq!(outcome.names(), ["moderation"], "it changes nothing else that others see");
    assert_eq!(sole(&outcome), [(Outcome::Enforced, 3)]);
    assert!(model.wait(10_000).names().is_empty());
    assert!(model.room.has_stream(stream_id(2)));
}

#[test]
fn audio_on_declines_a_mute_without_lock() {
    let mut model = stage();
    mute(&mut model, false);
    let outcome = model.set_audio(2, 2, true);
    assert_eq!(sole(&outcome), [(Outcome::Declined, 0)]);
    let [row] = audit_rows(&outcome)[..] else { panic!("one row") };
    assert_eq!((row.declined, row.enforced, row.pending), (1, 0, 0));
    assert!(model.wait(10_000).names().is_empty());
    assert!(model.stream(2).has_audio, "the stream goes on");
}

#[test]
fn locked_mute_is_enforced_at_once_and_needs_no_other_receipt() {
    let mut model = stage();
    let outcome = mute(&mut model, true);
    assert_eq!((sole(&outcome), audit_rows(&outcome).len()), (vec![(Outcome::Enforced, 0)], 1));
    assert_eq!(model.set_audio(2, 2, true).code(), Some(ErrorCode::MutedByModerator));
    let outcome = model.set_audio(2, 2, false);
    assert_eq!((outcome.names(), audit_rows(&outcome)), (Vec::<&str>::new(), vec![]));
    assert_eq!(model.next_due(), None, "nothing is left to be done");
}

#[test]
fn lock_that_follows_a_mute_enforces_it() {
    let mut model = stage();
    mute(&mut model, false);
    let outcome = mute(&mut model, true);
    let outcomes: Vec<_> = sole(&outcome).into_iter().map(|(outcome, _)| outcome).collect();
    assert_eq!(outcomes, [Outcome::Enforced, Outcome::Enforced]);
}

#[test]
fn mute_is_enforced_as_long_as_it_was_not_lifted() {
    let disable = || Moderation::DisableForceMute(whole_room(None));
    let lift = || Moderation::LiftMute(mute_of(MuteTarget::Stream(stream_id(2)), false));
    for (first, last) in [
        (mute_all(&[], true), disable()),
        (mute_all(&[], true), lift()),
        (mute_all(&[], false), lift()),
    ] {
        let mut model = stage();
        model.moderate(1, first);
        model.moderate(1, last);
        let mut outcome = model.set_audio(2, 2, true);
        outcome.0.extend(model.wait(10_000).0);
        let declined = outcome.reports().into_iter().any(|report| report.counts.declined > 0);
        assert!(!declined && model.room.has_stream(stream_id(2)));
        assert!(!model.room.state.receipts.has_pending());
    }
}

#[test]
fn ignoring_a_mute_for_five_seconds_ends_the_stream() {
    for lock in [false, true] {
        let mut model = stage();
        mute(&mut model, lock);
        assert!(model.wait(4_999).names().is_empty());
        let outcome = model.wait(1);
        assert_eq!(sole(&outcome), [(Outcome::Ignored, 5_000)]);
        let reasons = outcome.pushes().into_iter().filter_map(|push| match push {
            Push::StreamUnpublished(body) => Some(body.reason),
            _ => None,
        });
        let forced = StreamEndReason::ForceUnpublished;
        assert_eq!(reasons.collect::<Vec<_>>(), [forced, forced], "to the owner and to viewers");
        let [row] = audit_rows(&outcome)[..] else { panic!("one row") };
        assert_eq!((row.ignored, row.enforced), (1, 0));
    }
}

#[test]
fn timer_of_a_suspended_target_starts_on_return() {
    let mut model = stage();
    model.step(link(session(2), Link::Suspended));
    assert_eq!(sole(&mute(&mut model, false)), [(Outcome::Offline, 0)]);
    assert!(model.wait(20_000).names().is_empty());
    assert_eq!(sole(&model.step(link(session(2), Link::Live))), [(Outcome::Pending, 20_000)]);
    model.wait(4_999);
    assert!(model.room.has_stream(stream_id(2)));
    model.wait(1);
    assert!(!model.room.has_stream(stream_id(2)));
}

#[test]
fn silent_stream_is_a_target_of_locks_alone() {
    let mut model = stage();
    model.set_audio(2, 2, false);
    for outcome in [mute(&mut model, false), model.moderate(1, mute_all(&[], false))] {
        assert_eq!((outcome.accepted().target_count, sole(&outcome)), (0, vec![]));
        assert_eq!(outcome.reports()[0].counts, OutcomeCounts::default());
    }
    assert_eq!(sole(&mute(&mut model, true)), [(Outcome::Enforced, 0)]);
    model.wait(10_000);
    assert!(model.room.has_stream(stream_id(2)));
}

#[test]
fn request_to_unmute_is_settled_by_the_stream() {
    let mut model = stage();
    assert_eq!(sole(&ask(&mut model)), [(Outcome::Enforced, 0)], "it is on");
    mute(&mut model, false);
    assert_eq!(sole(&ask(&mut model)), [(Outcome::Pending, 0)]);
    let acknowledged = model.set_audio(2, 2, false);
    assert_eq!(sole(&acknowledged), [(Outcome::Enforced, 0)], "that answered the mute");
    assert_eq!(sole(&model.set_audio(2, 2, true)), [(Outcome::Enforced, 0)]);
    model.set_audio(2, 2, false);
    ask(&mut model);
    assert_eq!(sole(&model.set_audio(2, 2, false)), [(Outcome::Declined, 0)]);
    ask(&mut model);
    model.step(link(session(2), Link::Suspended));
    let outcome = model.wait(30_000);
    assert_eq!(sole(&outcome), [(Outcome::Ignored, 30_000)]);
    ask(&mut model);
    assert_eq!(sole(&model.step(leave(2))), [(Outcome::Declined, 0)]);
    assert!(!model.room.state.receipts.has_pending());
}

#[test]
fn requests_to_unmute_leave_space_for_mutes() {
    let mut model = stage();
    model.set_audio(2, 2, false);
    let mut accepted = 0;
    while ask(&mut model).code().is_none() {
        accepted += 1;
    }
    assert_eq!(accepted, MAX_OPEN_VERBS / 2);
    assert_eq!(mute(&mut model, true).code(), None);
    model.wait(30_000);
    assert_eq!(ask(&mut model).code(), None, "the others are settled");
}

#[test]
fn reports_after_the_first_outcome_are_batched_and_bounded() {
    let mut model = RoomModel::new();
    model.join(1, "mod", Role::Moderator);
    for n in 2..=122 {
        model.join(n, &format!("user-{n}"), Role::Publisher);
        model.publish(n, n);
    }
    let outcome = model.moderate(1, mute_all(&[], false));
    assert_eq!(outcome.accepted().target_count, 121);
    let report = outcome.reports()[0];
    assert_eq!((report.counts.pending, report.targets.len()), (121, 100));
    let mut reports = 0;
    for n in 2..=122 {
        reports += model.set_audio(n, n, false).reports().len();
    }
    assert_eq!(reports, 1, "not one for each acknowledgement");
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
