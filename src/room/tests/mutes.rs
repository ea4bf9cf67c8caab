//! A mute lasts, and no user is unmuted by another.

use stagedoor_proto::{ErrorCode, FamilyId, MuteTarget, Push, Role, RoomMute, Who};

use super::model::{
    RoomModel, join, leave, mute_all, mute_of, on_stream, on_user, participant_id, request,
    room_id, session, stage, stream_id, whole_room,
};
use crate::room::{Moderation, RoomCommand};

fn on(stream: u8) -> MuteTarget {
    MuteTarget::Stream(stream_id(stream))
}

fn on_participant(n: u8) -> MuteTarget {
    MuteTarget::Person { room: room_id(), who: Who::Participant(participant_id(n)) }
}

fn is_on(model: &RoomModel, stream: u8) -> (bool, bool) {
    let stream = model.stream(stream);
    (stream.has_audio, stream.muted)
}

#[test]
fn locked_mute_covers_every_stream_and_instance() {
    for target in [on(2), on_participant(2), on_user("ada")] {
        let mut model = stage();
        model.join(3, "ada", Role::Publisher);
        model.publish(3, 3);
        model.moderate(1, Moderation::ForceMute(mute_of(target.clone(), true)));
        for (n, stream) in [(2, 2), (3, 3)] {
            assert_eq!(is_on(&model, stream), (false, true), "{target:?} {stream}");
            assert_eq!(model.set_audio(n, stream, true).code(), Some(ErrorCode::MutedByModerator));
        }
        model.set_audio(2, 2, false);
        model.set_audio(3, 3, false);
        model.publish(2, 4);
        assert_eq!(is_on(&model, 4), (false, true), "published under the lock");
        model.step(leave(2));
        model.step(leave(3));
        assert!(model.join(5, "ada", Role::Publisher).participant.mute_locked);
        model.publish(5, 5);
        assert_eq!(
            model.set_audio(5, 5, true).code(),
            Some(ErrorCode::MutedByModerator),
            "came back"
        );
        model.moderate(1, Moderation::LiftMute(mute_of(on(5), false)));
        assert_eq!(is_on(&model, 5), (false, false), "lifting turns nothing on");
        assert_eq!(model.set_audio(5, 5, true).code(), None);
        assert_eq!(is_on(&model, 5), (true, false));
    }
}

#[test]
fn owner_can_undo_a_mute_without_lock() {
    let mut model = stage();
    model.publish(2, 3);
    let outcome = model.moderate(1, Moderation::ForceMute(mute_of(on(2), false)));
    let [Push::MuteForced(push), ..] = outcome.pushes()[..] else { panic!("no push") };
    assert_eq!(
        (push.stream, push.participant, push.active, push.lock),
        (Some(stream_id(2)), None, true, false)
    );
    assert_eq!((is_on(&model, 2), is_on(&model, 3)), ((false, true), (true, false)));
    assert_eq!(model.set_audio(2, 2, true).code(), None);
    assert_eq!(is_on(&model, 2), (true, false));
}

#[test]
fn room_mute_exempts_exceptions_and_covers_later_streams() {
    let mut model = stage();
    model.publish(1, 1);
    let outcome = model.moderate(1, mute_all(&[1], true));
    let actual = outcome.names().into_iter().filter(|name| *name == "mute_forced").count();
    assert!(actual <= 2, "one push per participant, for any number of streams");
    assert_eq!((is_on(&model, 1), is_on(&model, 2)), ((true, false), (false, true)));
    model.set_audio(1, 1, false);
    assert_eq!(model.set_audio(1, 1, true).code(), None, "an exception stays one");
    let late = model.join(3, "late", Role::Publisher);
    assert_eq!(
        late.room.mute,
        RoomMute { active: true, lock: true },
        "part of the reply to the join"
    );
    model.publish(3, 3);
    assert_eq!(is_on(&model, 3), (false, true));
    assert_eq!(model.set_audio(3, 3, true).code(), Some(ErrorCode::MutedByModerator));
    model.moderate(1, Moderation::LiftMute(mute_of(on_user("late"), false)));
    assert_eq!(model.set_audio(3, 3, true).code(), None, "the exempt user may turn audio on");
    assert_eq!(
        model.set_audio(2, 2, true).code(),
        Some(ErrorCode::MutedByModerator),
        "the others not"
    );
    model.moderate(1, Moderation::DisableForceMute(whole_room(None)));
    assert_eq!(is_on(&model, 2), (false, true), "muted streams stay muted");
    assert_eq!(model.set_audio(2, 2, true).code(), None);
}

#[test]
fn user_lock_and_room_lock_are_independent() {
    let mut model = stage();
    model.moderate(1, Moderation::ForceMute(mute_of(on_user("ada"), true)));
    model.moderate(1, mute_all(&[], true));
    model.moderate(1, Moderation::DisableForceMute(whole_room(None)));
    assert_eq!(model.set_audio(2, 2, true).code(), Some(ErrorCode::MutedByModerator));
    // A mute without a lock keeps the lock.
    model.moderate(1, Moderation::ForceMute(mute_of(on_user("ada"), false)));
    model.moderate(1, mute_all(&[], false));
    assert_eq!(model.set_audio(2, 2, true).code(), Some(ErrorCode::MutedByModerator));
}

#[test]
fn mute_and_lift_in_either_order_leave_audio_off() {
    let disable = || Moderation::DisableForceMute(whole_room(None));
    for (first, then, refused) in [
        (mute_all(&[], true), disable(), None),
        (disable(), mute_all(&[], true), Some(ErrorCode::MutedByModerator)),
    ] {
        let mut model = stage();
        model.join(3, "mod-2", Role::Moderator);
        model.moderate(1, first);
        model.moderate(3, then);
        assert!(!model.stream(2).has_audio);
        assert_eq!(model.set_audio(2, 2, true).code(), refused);
    }
}

#[test]
fn an_owner_is_asked_to_unmute_and_decides() {
    let mut model = stage();
    model.set_audio(2, 2, false);
    let outcome = model.moderate(1, Moderation::RequestUnmute(on_stream(2)));
    assert!(outcome.names().contains(&"unmute_requested"));
    assert_eq!(is_on(&model, 2), (false, false));
}

#[test]
fn missing_targets_are_typed_errors() {
    let mut model = stage();
    model.step(join(4, "gone", Role::Publisher));
    model.step(leave(4));
    let cases = [
        (on(9), false, Some(ErrorCode::StreamNotFound)),
        (on_participant(4), true, Some(ErrorCode::ParticipantNotFound)),
        (on_user("gone"), false, Some(ErrorCode::ParticipantNotFound)),
        (on_user("gone"), true, None),
    ];
    for (target, lock, code) in cases {
        let outcome = model.moderate(1, Moderation::ForceMute(mute_of(target.clone(), lock)));
        assert_eq!(outcome.code(), code, "{target:?}");
    }
    assert!(model.room.participant_of(session(4)).is_none());
}

/// A guest on instance 1, known as `username`.
fn guest(n: u8, username: &str) -> RoomCommand {
    let mut join = request(n, username, Role::Publisher);
    join.guest = true;
    join.proof = FamilyId::from_bits(1);
    join.instance = "instance-1".parse().expect("an instance");
    RoomCommand::Join(Box::new(join))
}

#[test]
fn lift_under_another_name_keeps_the_lock_of_this_name() {
    let mut model = RoomModel::new();
    model.join(1, "mod", Role::Moderator);
    model.step(guest(2, "bea"));
    model.step(leave(2));
    model.step(guest(3, "cleo"));
    model.publish(3, 3);
    model.moderate(1, Moderation::ForceMute(mute_of(on_user("cleo"), true)));
    model.moderate(1, Moderation::LiftMute(mute_of(on_user("bea"), false)));
    let cleo = model.room.participant_of(session(3)).expect("cleo is in the room");
    let snapshot = model.room.snapshot_for(session(1)).expect("the moderator is in the room");
    let listed = snapshot.participants.iter().find(|participant| participant.id == cleo);
    assert!(listed.expect("cleo is listed").mute_locked);
    assert_eq!(is_on(&model, 3), (false, true));
}
