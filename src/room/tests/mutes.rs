//! A mute lasts, and no user is unmuted by another.

use stagedoor_proto::{ErrorCode, MuteTarget, Push, Role, RoomMute, Who};

use super::world::{
    World, join, leave, mute_all, mute_of, on_stream, on_user, person, room_id, session, stream_id,
    whole_room,
};
use crate::room::Moderation;

fn on(stream: u8) -> MuteTarget {
    MuteTarget::Stream(stream_id(stream))
}

fn on_participant(n: u8) -> MuteTarget {
    MuteTarget::Person { room: room_id(), who: Who::Participant(person(n)) }
}

/// A moderator (1), and a speaker (2) with stream 2.
fn stage() -> World {
    let mut world = World::new();
    world.join(1, "mod", Role::Moderator);
    world.join(2, "ada", Role::Publisher);
    world.publish(2, 2);
    world
}

fn is_on(world: &World, stream: u8) -> (bool, bool) {
    let stream = world.stream(stream);
    (stream.has_audio, stream.muted)
}

#[test]
fn locked_mute_covers_every_stream_and_instance() {
    for target in [on(2), on_participant(2), on_user("ada")] {
        let mut world = stage();
        world.join(3, "ada", Role::Publisher);
        world.publish(3, 3);
        world.moderate(1, Moderation::ForceMute(mute_of(target.clone(), true)));
        for (n, stream) in [(2, 2), (3, 3)] {
            assert_eq!(is_on(&world, stream), (false, true), "{target:?} {stream}");
            assert_eq!(world.set_audio(n, stream, true).code(), Some(ErrorCode::MutedByModerator));
        }
        world.set_audio(2, 2, false);
        world.set_audio(3, 3, false);
        world.publish(2, 4);
        assert_eq!(is_on(&world, 4), (false, true), "published under the lock");
        world.step(leave(2));
        world.step(leave(3));
        assert!(world.join(5, "ada", Role::Publisher).participant.mute_locked);
        world.publish(5, 5);
        assert_eq!(
            world.set_audio(5, 5, true).code(),
            Some(ErrorCode::MutedByModerator),
            "came back"
        );
        world.moderate(1, Moderation::LiftMute(mute_of(on(5), false)));
        assert_eq!(is_on(&world, 5), (false, false), "lifting turns nothing on");
        assert_eq!(world.set_audio(5, 5, true).code(), None);
        assert_eq!(is_on(&world, 5), (true, false));
    }
}

#[test]
fn owner_can_undo_a_mute_without_lock() {
    let mut world = stage();
    world.publish(2, 3);
    let outcome = world.moderate(1, Moderation::ForceMute(mute_of(on(2), false)));
    let [Push::MuteForced(push), ..] = outcome.pushes()[..] else { panic!("no push") };
    assert_eq!(
        (push.stream, push.participant, push.active, push.lock),
        (Some(stream_id(2)), None, true, false)
    );
    assert_eq!((is_on(&world, 2), is_on(&world, 3)), ((false, true), (true, false)));
    assert_eq!(world.set_audio(2, 2, true).code(), None);
    assert_eq!(is_on(&world, 2), (true, false));
}

#[test]
fn room_mute_exempts_exceptions_and_covers_later_streams() {
    let mut world = stage();
    world.publish(1, 1);
    let outcome = world.moderate(1, mute_all(&[1], true));
    let actual = outcome.names().into_iter().filter(|name| *name == "mute_forced").count();
    assert!(actual <= 2, "one push per participant, for any number of streams");
    assert_eq!((is_on(&world, 1), is_on(&world, 2)), ((true, false), (false, true)));
    world.set_audio(1, 1, false);
    assert_eq!(world.set_audio(1, 1, true).code(), None, "an exception stays one");
    let late = world.join(3, "late", Role::Publisher);
    assert_eq!(
        late.room.mute,
        RoomMute { active: true, lock: true },
        "part of the reply to the join"
    );
    world.publish(3, 3);
    assert_eq!(is_on(&world, 3), (false, true));
    assert_eq!(world.set_audio(3, 3, true).code(), Some(ErrorCode::MutedByModerator));
    world.moderate(1, Moderation::LiftMute(mute_of(on_user("late"), false)));
    assert_eq!(world.set_audio(3, 3, true).code(), None, "one was let speak");
    assert_eq!(
        world.set_audio(2, 2, true).code(),
        Some(ErrorCode::MutedByModerator),
        "the others not"
    );
    world.moderate(1, Moderation::DisableForceMute(whole_room(None)));
    assert_eq!(is_on(&world, 2), (false, true), "muted streams stay muted");
    assert_eq!(world.set_audio(2, 2, true).code(), None);
}

#[test]
fn user_lock_and_room_lock_are_independent() {
    let mut world = stage();
    world.moderate(1, Moderation::ForceMute(mute_of(on_user("ada"), true)));
    world.moderate(1, mute_all(&[], true));
    world.moderate(1, Moderation::DisableForceMute(whole_room(None)));
    assert_eq!(world.set_audio(2, 2, true).code(), Some(ErrorCode::MutedByModerator));
    // A mute without a lock keeps the lock.
    world.moderate(1, Moderation::ForceMute(mute_of(on_user("ada"), false)));
    world.moderate(1, mute_all(&[], false));
    assert_eq!(world.set_audio(2, 2, true).code(), Some(ErrorCode::MutedByModerator));
}

#[test]
fn mute_and_lift_in_either_order_leave_audio_off() {
    let disable = || Moderation::DisableForceMute(whole_room(None));
    for (first, then, refused) in [
        (mute_all(&[], true), disable(), None),
        (disable(), mute_all(&[], true), Some(ErrorCode::MutedByModerator)),
    ] {
        let mut world = stage();
        world.join(3, "mod-2", Role::Moderator);
        world.moderate(1, first);
        world.moderate(3, then);
        assert!(!world.stream(2).has_audio);
        assert_eq!(world.set_audio(2, 2, true).code(), refused);
    }
}

#[test]
fn an_owner_is_asked_to_unmute_and_decides() {
    let mut world = stage();
    world.set_audio(2, 2, false);
    let outcome = world.moderate(1, Moderation::AskUnmute(on_stream(2)));
    assert!(outcome.names().contains(&"unmute_asked"));
    assert_eq!(is_on(&world, 2), (false, false));
}

#[test]
fn missing_targets_are_typed_errors() {
    let mut world = stage();
    world.step(join(4, "gone", Role::Publisher));
    world.step(leave(4));
    let cases = [
        (on(9), false, Some(ErrorCode::StreamNotFound)),
        (on_participant(4), true, Some(ErrorCode::ParticipantNotFound)),
        (on_user("gone"), false, Some(ErrorCode::ParticipantNotFound)),
        (on_user("gone"), true, None),
    ];
    for (target, lock, code) in cases {
        let outcome = world.moderate(1, Moderation::ForceMute(mute_of(target.clone(), lock)));
        assert_eq!(outcome.code(), code, "{target:?}");
    }
    assert!(world.room.participant_of(session(4)).is_none());
}
