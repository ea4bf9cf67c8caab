//! A kick is final; commands are idempotent by `ref`; races end in a typed error and a valid room.

use std::time::Duration;

use stagedoor_proto::{
    BlockScope, ErrorCode, ForceUnpublish, LayoutClasses, LeaveReason, Push, Ref, Role, Unblock,
    Who,
};

use super::model::{
    RoomModel, join, kick, kick_from, leave, origin, participant_id, publish, rename, request,
    role_of, room_id, session, stream_id, user, whole_room,
};
use crate::room::{
    Appender, DurableChange, Effect, Everywhere, Moderation, RoomCommand, RoomToken,
};

fn stage() -> RoomModel {
    let mut model = RoomModel::new();
    model.join(1, "mod", Role::Moderator);
    model.join(2, "ada", Role::Publisher);
    model.join(3, "ada", Role::Publisher);
    model
}

fn from_app(for_ms: Option<u64>) -> Moderation {
    kick_from(BlockScope::App, Who::Username(user("ada")), for_ms)
}

#[test]
fn removal_with_block_covers_the_user_until_it_ends() {
    let mut model = stage();
    let outcome = model.moderate(1, kick(Who::Participant(participant_id(2)), None));
    let until = model.now + Duration::from_mins(10);
    let removed = outcome
        .pushes()
        .into_iter()
        .filter(|push| matches!(push, Push::Removed(body) if body.until_ms == Some(until)));
    assert_eq!(removed.count(), 2, "all memberships of the user");
    let left = outcome.pushes().into_iter().filter(|push| {
        matches!(push, Push::ParticipantLeft(body) if body.reason == LeaveReason::ForceDisconnected)
    });
    assert_eq!(left.count(), 2);
    assert!(
        outcome.0.iter().any(
            |effect| matches!(effect, Effect::Appender(Appender::Persist(DurableChange::Blocked(row))) if row.until == until)
        )
    );
    let refused = model.step(join(5, "ada", Role::Moderator));
    assert_eq!(refused.code(), Some(ErrorCode::Blocked));
    let error = refused.reply().expect_err("refused");
    assert_eq!((error.until_ms, error.retry_after_ms), (Some(until), None));
    model.wait(600_000);
    assert_eq!(model.step(join(5, "ada", Role::Publisher)).code(), None);
}

#[test]
fn removal_without_block_covers_one_participant() {
    let mut model = stage();
    model.moderate(1, kick(Who::Participant(participant_id(2)), Some(0)));
    assert_eq!(model.room.participant_of(session(2)), None);
    assert!(model.room.participant_of(session(3)).is_some());
    assert_eq!(model.step(join(2, "ada", Role::Publisher)).code(), None);
}

#[test]
fn unblock_lets_a_user_return() {
    let mut model = stage();
    model.moderate(1, kick(Who::Username(user("ada")), None));
    let unblock =
        Unblock { room: room_id(), username: user("ada"), scope: BlockScope::Room, ref_: None };
    let outcome = model.moderate(1, Moderation::Unblock(unblock));
    assert!(outcome.0.contains(&Effect::Appender(Appender::Persist(DurableChange::Unblocked {
        username: user("ada")
    }))));
    assert_eq!(model.step(join(2, "ada", Role::Publisher)).code(), None);
}

#[test]
fn only_app_moderators_remove_from_the_app() {
    let mut model = stage();
    let refused = model.moderate(1, from_app(None));
    assert_eq!(refused.code(), Some(ErrorCode::Forbidden));
    let mut app_moderator = request(4, "app-mod", Role::Moderator);
    app_moderator.app_moderator = true;
    model.step(RoomCommand::Join(Box::new(app_moderator)));
    let day = 24 * 60 * 60 * 1_000;
    let error = model.moderate(4, from_app(Some(day + 1))).reply().expect_err("too long");
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::InvalidArgument, Some("block.for_ms"))
    );
    for (for_ms, until) in
        [(Some(day), Some(model.now + Duration::from_millis(day))), (Some(0), None)]
    {
        let outcome = model.moderate(4, from_app(for_ms));
        let ends = |effect: &Effect| matches!(effect, Effect::Everywhere(Everywhere::EndSessions(removed)) if removed.coverage.username == user("ada") && removed.until == until);
        assert!(outcome.0.iter().any(ends), "{for_ms:?}");
        let blocks = |effect: &&Effect| matches!(effect, Effect::Appender(Appender::BlockUser(_)));
        let blocks = outcome.0.iter().filter(blocks).count();
        assert_eq!(blocks, usize::from(until.is_some()), "the block is written once");
        assert_eq!(model.room.participant_of(session(2)), None);
    }
}

#[test]
fn guest_block_covers_its_instance() {
    let mut model = RoomModel::new();
    model.join(1, "mod", Role::Moderator);
    let mut guest = request(2, "guest", Role::Publisher);
    guest.guest = true;
    model.step(RoomCommand::Join(Box::new(guest.clone())));
    model.moderate(1, kick(Who::Participant(participant_id(2)), None));
    guest.username = user("renamed");
    assert_eq!(model.step(RoomCommand::Join(Box::new(guest))).code(), Some(ErrorCode::Blocked));
}

#[test]
fn moderation_state_follows_a_renamed_guest() {
    let mut model = stage();
    model.moderate(1, role_of(2, Role::Subscriber));
    model.moderate(1, kick(Who::Username(user("ada")), None));
    model.step(rename("ada", "ada-2"));
    assert_eq!(model.step(join(5, "ada-2", Role::Publisher)).code(), Some(ErrorCode::Blocked));
    model.wait(600_000);
    assert_eq!(model.join(5, "ada-2", Role::Publisher).participant.role, Role::Subscriber);
}

#[test]
fn repeated_ref_gets_the_first_answer_or_a_conflict() {
    let ref_: Ref = "r-1".parse().expect("a ref");
    let lock = || Moderation::LockRoom(whole_room(Some(ref_.clone())));
    let mut model = stage();
    let first = model.moderate(1, lock()).accepted();
    model.moderate(1, Moderation::UnlockRoom(whole_room(None)));
    let again = model.moderate(1, lock());
    assert_eq!(again.accepted(), first);
    assert_eq!(again.0.len(), 1, "no second effect");
    assert!(!model.clients[&session(2)].locked);
    let other = Moderation::UnlockRoom(whole_room(Some(ref_.clone())));
    assert_eq!(model.moderate(1, other).code(), Some(ErrorCode::RefConflict));
    model.join(4, "mod-2", Role::Moderator);
    assert_ne!(model.moderate(4, lock()).accepted(), first, "a key is of the user who used it");
    model.wait(10 * 60_000 + 1);
    assert_ne!(model.moderate(1, lock()).accepted(), first, "forgotten after ten minutes");
}

#[test]
fn repeated_command_is_answered_after_removal_or_demotion() {
    let ref_: Ref = "r-1".parse().expect("a ref");
    let end = || Moderation::EndRoom(whole_room(Some(ref_.clone())));
    let mut model = stage();
    let first = model.moderate(1, end()).accepted();
    let again = model.moderate(1, end());
    assert_eq!((again.accepted(), again.0.len()), (first, 1));
    assert_eq!(model.moderate(2, end()).code(), Some(ErrorCode::NotInRoom), "it is not theirs");
    let other = Moderation::LockRoom(whole_room(Some(ref_.clone())));
    assert_eq!(model.moderate(1, other).code(), Some(ErrorCode::RefConflict));
    let lock = || Moderation::LockRoom(whole_room(Some("r-2".parse().expect("a ref"))));
    let mut model = stage();
    let first = model.moderate(1, lock()).accepted();
    model.join(4, "mod-2", Role::Moderator);
    model.moderate(4, role_of(1, Role::Subscriber));
    assert_eq!(model.moderate(1, lock()).accepted(), first);
    assert_eq!(model.moderate(1, end()).code(), Some(ErrorCode::Forbidden));
}

#[test]
fn kick_and_leave_in_either_order_remove_the_user() {
    let mut model = stage();
    model.step(leave(2));
    let gone = model.moderate(1, kick(Who::Participant(participant_id(2)), None));
    assert_eq!(gone.code(), Some(ErrorCode::ParticipantNotFound));
    assert!(model.room.participant_of(session(3)).is_some(), "an unchanged room");
    assert_eq!(
        model.moderate(1, kick(Who::Username(user("unknown")), Some(0))).code(),
        Some(ErrorCode::ParticipantNotFound)
    );
    assert_eq!(
        model.moderate(1, kick(Who::Username(user("unknown")), None)).code(),
        None,
        "kept out ahead"
    );
    assert_eq!(model.step(join(6, "unknown", Role::Publisher)).code(), Some(ErrorCode::Blocked));
    model.moderate(1, kick(Who::Participant(participant_id(3)), None));
    assert_eq!(model.step(leave(3)).code(), Some(ErrorCode::NotInRoom));
}

#[test]
fn join_and_lock_take_effect_in_log_order() {
    let lock = || Moderation::LockRoom(whole_room(None));
    let mut model = stage();
    assert_eq!(model.step(join(5, "bea", Role::Publisher)).code(), None);
    model.moderate(1, lock());
    assert!(model.room.participant_of(session(5)).is_some());
    assert_eq!(model.step(join(6, "cleo", Role::Publisher)).code(), Some(ErrorCode::RoomLocked));
}

#[test]
fn first_of_two_moderators_removing_each_other_stays() {
    let mut model = stage();
    model.join(4, "mod-2", Role::Moderator);
    assert_eq!(model.moderate(1, kick(Who::Participant(participant_id(4)), None)).code(), None);
    assert_eq!(
        model.moderate(4, kick(Who::Participant(participant_id(1)), None)).code(),
        Some(ErrorCode::NotInRoom)
    );
    let mut model = stage();
    model.join(4, "mod-2", Role::Moderator);
    model.moderate(1, role_of(4, Role::Publisher));
    assert_eq!(model.moderate(4, role_of(1, Role::Publisher)).code(), Some(ErrorCode::Forbidden));
}

#[test]
fn same_command_of_two_moderators_is_answered_twice() {
    let mut model = stage();
    model.join(4, "mod-2", Role::Moderator);
    let command = || Moderation::LockRoom(whole_room(None));
    assert!(model.moderate(1, command()).names().contains(&"room_state"));
    let second = model.moderate(4, command());
    assert_eq!((second.code(), second.names()), (None, vec!["moderation"]));
}

#[test]
fn force_unpublish_is_done_by_the_gateway() {
    let mut model = stage();
    model.step(publish(2, 2));
    let command = || ForceUnpublish { stream: stream_id(2), reason: None, ref_: None };
    let outcome = model.moderate(1, Moderation::ForceUnpublish(command()));
    assert_eq!(outcome.reports()[0].counts.enforced, 1);
    assert!(!model.room.has_stream(stream_id(2)));
    let again = model.moderate(1, Moderation::ForceUnpublish(command()));
    assert_eq!(again.code(), Some(ErrorCode::StreamNotFound));
}

#[test]
fn end_room_removes_everyone_and_rejects_old_tokens() {
    let mut model = stage();
    model.step(publish(2, 2));
    let outcome = model.moderate(1, Moderation::EndRoom(whole_room(None)));
    assert_eq!(outcome.accepted().target_count, 3);
    let accepted_from = outcome.accepted().accepted_from_ms.unwrap();
    assert_eq!(outcome.names(), ["room_ended", "moderation"]);
    assert!(model.clients.is_empty());
    let ended = model.now;
    for (issued, code) in [
        (ended, Some(ErrorCode::RoomEnded)),
        (ended + Duration::from_millis(999), Some(ErrorCode::RoomEnded)),
        (accepted_from, None),
    ] {
        let mut request = request(2, "ada", Role::Publisher);
        let expires = ended + Duration::from_mins(1);
        request.token = Some(RoomToken {
            issued,
            expires,
            jti: None,
            layout_classes: LayoutClasses::default(),
            app_moderator: false,
        });
        assert_eq!(model.step(RoomCommand::Join(Box::new(request))).code(), code);
    }
}

#[test]
fn server_cannot_send_participant_commands() {
    let mut model = stage();
    let origin = crate::room::Origin::Call(1);
    let outcome = model.step(RoomCommand::SetSessionFeed { origin, enabled: true });
    assert_eq!(outcome.code(), Some(ErrorCode::NotAllowedNow));
    let outcome =
        model.step(RoomCommand::SetSessionFeed { origin: self::origin(2), enabled: true });
    assert_eq!(outcome.code(), Some(ErrorCode::Forbidden));
}
