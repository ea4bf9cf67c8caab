//! Permissions: each cell of the role table, each command, and live role changes.

use stagedoor_proto::{
    BlockScope, Data, ErrorCode, Push, Reply, Role, Scope, SendSignal, SignalType, StreamEndReason,
    Unblock, Who,
};

use super::model::{
    RoomModel, join, kick, leave, mute_all, mute_of, on_stream, on_user, origin, participant_id,
    publish, request, role_of, room_id, session, stream_id, user, whole_room,
};
use crate::room::{
    Appender, DurableState, Effect, Everywhere, Moderation, Origin, RoomCommand, RoomSettings,
    ScopeSet,
};

fn signal() -> SendSignal {
    let type_: SignalType = "chat".parse().expect("a type");
    let data = Data::from_json("1".to_owned()).expect("JSON");
    SendSignal { room: room_id(), to: None, type_, data, ref_: None }
}

#[test]
fn each_cell_of_the_role_table_is_enforced() {
    use Role::{Moderator, Publisher, PublisherOnly, Subscriber};
    // role, whether subscribers signal; subscribe, publish, signal, moderate
    let table = [
        (Subscriber, false, [true, false, false, false]),
        (Subscriber, true, [true, false, true, false]),
        (Publisher, false, [true, true, true, false]),
        (PublisherOnly, true, [false, true, false, false]),
        (Moderator, false, [true, true, true, true]),
    ];
    for (role, subscriber_signals, expected) in table {
        let settings = RoomSettings { subscriber_signals, ..RoomSettings::default() };
        let mut model = RoomModel::with(settings, DurableState::default());
        model.join(1, "owner", Publisher);
        model.publish(1, 1);
        let capabilities = model.join(2, "ada", role).capabilities;
        let subscribe = RoomCommand::Subscribe { origin: origin(2), stream: stream_id(1) };
        let now = model.now;
        let missing = |result: Result<Reply, stagedoor_proto::Error>| {
            result.err().map(|error| (error.code, error.missing))
        };
        let results = [
            (Scope::Subscribe, missing(model.step(subscribe).reply())),
            (Scope::Publish, missing(model.step(publish(2, 2)).reply())),
            (
                Scope::Signal,
                model
                    .signal(Some(session(2)), &signal(), now)
                    .err()
                    .map(|error| (error.code, error.missing)),
            ),
            (
                Scope::Moderate,
                missing(model.moderate(2, Moderation::LockRoom(whole_room(None))).reply()),
            ),
        ];
        for ((scope, refused), may) in results.into_iter().zip(expected) {
            let expected = (!may).then_some((ErrorCode::Forbidden, Some(scope)));
            assert_eq!(refused, expected, "{role:?} {scope:?}");
        }
        let actual = [
            capabilities.subscribe,
            capabilities.publish,
            capabilities.signal,
            capabilities.moderate,
        ];
        assert_eq!(actual, expected, "capabilities of {role:?}");
    }
}

#[test]
fn missing_scope_removes_the_capability_from_every_role() {
    for scope in [Scope::Publish, Scope::Subscribe, Scope::Signal, Scope::Moderate] {
        let mut model = RoomModel::new();
        let mut request = request(1, "ada", Role::Moderator);
        request.scopes = ScopeSet::ALL.without(scope);
        let capabilities = model.step(RoomCommand::Join(Box::new(request))).joined().capabilities;
        let held = [
            (Scope::Publish, capabilities.publish),
            (Scope::Subscribe, capabilities.subscribe),
            (Scope::Signal, capabilities.signal),
            (Scope::Moderate, capabilities.moderate),
        ];
        for (of, held) in held {
            assert_eq!(held, of != scope, "{of:?} without {scope:?}");
        }
    }
}

fn every_command(name: &str, n: u8, stream: u8) -> Vec<Moderation> {
    let unblock =
        Unblock { room: room_id(), username: user(name), scope: BlockScope::Room, ref_: None };
    let unpublish =
        stagedoor_proto::ForceUnpublish { stream: stream_id(stream), reason: None, ref_: None };
    vec![
        kick(Who::Username(user(name)), None),
        Moderation::Unblock(unblock),
        Moderation::ForceUnpublish(unpublish),
        Moderation::ForceMute(mute_of(on_user(name), true)),
        Moderation::LiftMute(mute_of(on_user(name), false)),
        Moderation::RequestUnmute(on_stream(stream)),
        role_of(n, Role::Subscriber),
        mute_all(&[], true),
        Moderation::DisableForceMute(whole_room(None)),
        Moderation::LockRoom(whole_room(None)),
        Moderation::UnlockRoom(whole_room(None)),
        Moderation::EndRoom(whole_room(None)),
    ]
}

#[test]
fn only_moderators_and_server_moderate() {
    let mut model = RoomModel::new();
    model.join(1, "target", Role::Publisher);
    model.publish(1, 1);
    model.join(2, "ada", Role::Publisher);
    model.join(3, "mod", Role::Moderator);
    for command in every_command("target", 1, 1) {
        let before = model.room.state.records.clone();
        let outcome = model.moderate(2, command.clone());
        assert_eq!(outcome.code(), Some(ErrorCode::Forbidden), "{:?}", command.name());
        assert!(outcome.pushes().is_empty(), "no push for {:?}", command.name());
        assert_eq!(model.room.state.records, before);
        let is_denial =
            |effect: &Effect| matches!(effect, Effect::Appender(Appender::Denied { .. }));
        assert!(outcome.0.iter().any(is_denial), "{:?} is counted", command.name());
        for by in [origin(3), Origin::Call(7)] {
            let mut model = RoomModel::new();
            model.join(1, "target", Role::Publisher);
            model.publish(1, 1);
            model.join(3, "mod", Role::Moderator);
            let outcome = model.step(RoomCommand::Moderate {
                origin: by,
                command: command.clone(),
                server: None,
            });
            assert_eq!(outcome.code(), None, "{:?} by {by:?}", command.name());
            assert!(
                outcome
                    .0
                    .iter()
                    .any(|effect| matches!(effect, Effect::Appender(Appender::Audit(_))))
            );
        }
    }
}

#[test]
fn no_user_moderates_itself_in_any_membership() {
    for command in every_command("mod", 2, 2).into_iter().take(7) {
        let mut model = RoomModel::new();
        model.join(1, "mod", Role::Moderator);
        model.join(2, "mod", Role::Moderator);
        model.publish(2, 2);
        assert_eq!(
            model.moderate(1, command.clone()).code(),
            Some(ErrorCode::SelfModeration),
            "{:?}",
            command.name()
        );
    }
}

#[test]
fn moderators_can_be_targets() {
    let mut model = RoomModel::new();
    model.join(1, "mod", Role::Moderator);
    model.join(2, "other", Role::Moderator);
    assert_eq!(model.moderate(1, kick(Who::Participant(participant_id(2)), None)).code(), None);
    assert_eq!(model.room.participant_of(session(2)), None);
}

#[test]
fn demotion_ends_streams_and_resets_the_room() {
    let mut model = RoomModel::new();
    model.join(1, "mod", Role::Moderator);
    model.join(2, "ada", Role::Publisher);
    model.publish(1, 1);
    model.publish(2, 2);
    model.step(RoomCommand::Subscribe { origin: origin(2), stream: stream_id(1) });
    let outcome = model.moderate(1, role_of(2, Role::Subscriber));
    assert!(!model.room.has_stream(stream_id(2)));
    let withdrawn = |effect: &Effect| matches!(effect, Effect::Everywhere(Everywhere::Withdraw(_)));
    assert!(outcome.0.iter().any(withdrawn));
    assert!(outcome.names().contains(&"room_reset"));
    let ended = outcome.pushes().into_iter().any(|push| {
        matches!(push, Push::StreamUnpublished(body) if body.reason == StreamEndReason::ForceUnpublished)
    });
    assert!(ended, "the stream ended by force");
    assert_eq!(model.step(publish(2, 3)).code(), Some(ErrorCode::Forbidden));
    let outcome = model.moderate(1, role_of(2, Role::PublisherOnly));
    assert!(outcome.names().contains(&"stream_unsubscribed"));
    assert!(model.clients[&session(2)].streams.is_empty(), "it sees no streams now");
}

#[test]
fn set_role_overrides_later_tokens() {
    let mut model = RoomModel::new();
    model.join(1, "mod", Role::Moderator);
    model.join(2, "ada", Role::Publisher);
    model.moderate(1, role_of(2, Role::Subscriber));
    assert_eq!(model.join(2, "ada", Role::Moderator).participant.role, Role::Subscriber, "renewed");
    model.step(leave(2));
    assert_eq!(
        model.join(3, "ada", Role::Publisher).participant.role,
        Role::Subscriber,
        "came back"
    );
    let accepted = model.moderate(1, role_of(3, Role::Moderator)).accepted();
    assert_eq!(
        (accepted.participant, accepted.role),
        (Some(participant_id(3)), Some(Role::Moderator))
    );
}

#[test]
fn joining_again_renews_the_role_of_the_token() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    model.publish(1, 1);
    assert_eq!(model.join(1, "ada", Role::Subscriber).participant.role, Role::Subscriber);
    assert!(!model.room.has_stream(stream_id(1)), "what the role no longer allows is over");
    assert_eq!(model.room.counts().participants, 1);
}

#[test]
fn the_first_to_join_is_no_moderator() {
    let mut model = RoomModel::new();
    assert!(!model.step(join(1, "first", Role::Publisher)).joined().capabilities.moderate);
}
