//! An emptied room is reduced to what its next participants need and the store does not have.

use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode, ForceMute, Ref, Reply, Role};

use super::model::{
    HOME, RoomModel, leave, mute_of, on_user, origin, room_id, session, stage, whole_room,
};
use crate::room::{Appender, Effect, Entry, Moderation, Room, RoomCommand, RoomStub, is_settled};
use crate::time::Now;

fn key() -> Ref {
    "r-1".parse().expect("a ref")
}

fn mute() -> Moderation {
    Moderation::ForceMute(ForceMute { ref_: Some(key()), ..mute_of(on_user("bea"), true) })
}

/// Appends a command; the answers.
fn append(room: &mut Room, now: Now, command: RoomCommand) -> Vec<Result<Reply, Error>> {
    let entry = Entry { version: room.version() + 1, now, origin: HOME, command };
    let effects = room.apply(entry, false);
    room.check_invariants().expect("a room");
    let replies = effects.into_iter().filter_map(|effect| match effect {
        Effect::Appender(Appender::Reply { result, .. }) => Some(result),
        _ => None,
    });
    replies.collect()
}

fn moderate(room: &mut Room, now: Now, command: Moderation) -> Result<Reply, Error> {
    let command = RoomCommand::Moderate { origin: origin(1), command, server: None };
    append(room, now, command).remove(0)
}

/// Bea was muted, and all left. The answer to the mute.
fn emptied() -> (RoomModel, Reply) {
    let mut model = stage();
    model.join(3, "bea", Role::Publisher);
    let first = Reply::Accepted(model.moderate(1, mute()).accepted());
    for n in [3, 2, 1] {
        model.step(leave(n));
    }
    (model, first)
}

#[test]
fn stub_has_refs_and_leavers_with_a_penalty_alone() {
    let (model, first) = emptied();
    let now = Now::aligned(model.now);
    assert!(is_settled(&model.room));
    let stub = RoomStub::of(&model.room, now.monotonic).expect("it remembers bea");
    assert_eq!(stub.entries(), 2, "the ref and bea, neither ada nor the moderator");
    assert!(stub.has_used_ref(session(1), &key(), now.monotonic));
    assert!(!stub.has_used_ref(session(2), &key(), now.monotonic));
    let mut room = stub.clone().into_room(room_id());
    assert!(!room.is_open() && room.version() == model.room.version());
    assert_eq!(moderate(&mut room, now, mute()), Ok(first.clone()));
    let lock = || Moderation::LockRoom(whole_room(None));
    let rejected = moderate(&mut room, now, lock()).expect_err("it is not open");
    assert_eq!(rejected.code, ErrorCode::EngineUnavailable);
    let again = RoomStub::of(&room, now.monotonic).expect("nothing is lost");
    assert_eq!((again.entries(), again.expires()), (stub.entries(), stub.expires()));
    append(&mut room, now, RoomCommand::Open(Box::default()));
    assert!(room.is_open() && room.version() > model.room.version());
    assert_eq!(moderate(&mut room, now, mute()), Ok(first));
}

#[test]
fn stub_expires_with_its_last_entry() {
    let (model, _) = emptied();
    let now = Now::aligned(model.now).monotonic;
    let stub = RoomStub::of(&model.room, now).expect("it remembers bea");
    assert_eq!(stub.expires(), now + Duration::from_mins(10));
    let late = stub.expires() + Duration::from_millis(1);
    assert!(!stub.has_used_ref(session(1), &key(), late));
    assert_eq!(RoomStub::of(&model.room, late), None);
    assert_eq!(RoomStub::of(&stub.into_room(room_id()), late), None);
}

#[test]
fn room_without_moderation_leaves_no_stub() {
    let mut model = stage();
    for n in [2, 1] {
        model.step(leave(n));
    }
    assert_eq!(RoomStub::of(&model.room, Now::aligned(model.now).monotonic), None);
}

#[test]
fn all_who_left_a_locked_room_are_remembered() {
    let mut model = stage();
    model.moderate(1, Moderation::LockRoom(whole_room(None)));
    for n in [2, 1] {
        model.step(leave(n));
    }
    let stub = RoomStub::of(&model.room, Now::aligned(model.now).monotonic);
    assert_eq!(stub.expect("it was locked").entries(), 2);
}
