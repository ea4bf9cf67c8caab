//! Joining, leaving, and reasons for rejection.

use std::time::Duration;

use stagedoor_proto::{ErrorCode, LayoutClasses, Link, Push, Role, Scope, StreamKind, Who};

use super::model::{
    HOME, Outcome, RoomModel, START, join, kick, leave, link, participant_id, publish, request,
    session, user, whole_room,
};
use crate::principal::NameCoverage;
use crate::room::{
    Appender, BlockRow, DurableChange, DurableState, Effect, Entry, Everywhere, Expiry, Join,
    Moderation, Room, RoomCommand, RoomSettings, RoomToken, ScopeSet,
};
use crate::time::Now;

fn token(issued_ms: u64, life_s: u64, jti: Option<&str>) -> RoomToken {
    RoomToken {
        issued: START + Duration::from_millis(issued_ms),
        expires: START + Duration::from_secs(life_s),
        jti: jti.map(Into::into),
        layout_classes: LayoutClasses::default(),
        app_moderator: false,
    }
}

fn with(join: Join, change: impl FnOnce(&mut Join)) -> RoomCommand {
    let mut join = join;
    change(&mut join);
    RoomCommand::Join(Box::new(join))
}

#[test]
fn unopened_room_rejects_commands() {
    let mut room = Room::new(super::model::room_id());
    let command = join(1, "ada", Role::Publisher);
    let entry = Entry { version: 1, now: Now::aligned(START), origin: HOME, command };
    let effects = room.apply(entry, false);
    let [Effect::Appender(Appender::Reply { result: Err(error), .. })] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(error.code, ErrorCode::EngineUnavailable);
    assert_eq!(room.participant_of(session(1)), None);
}

#[test]
fn every_join_rejection_is_typed() {
    let record = DurableState {
        blocks: vec![BlockRow {
            username: user("blocked"),
            instances: ["instance-9".parse().expect("an instance")].into(),
            name: NameCoverage::All,
            until: START + Duration::from_mins(1),
            blocks: Vec::new(),
        }],
        ended: Some(START - Duration::from_secs(1)),
        ..DurableState::default()
    };
    let settings = RoomSettings { participants: 1, ..RoomSettings::default() };
    let ada = || request(1, "ada", Role::Publisher);
    let cases = [
        (
            "no scope",
            with(ada(), |join| join.scopes = ScopeSet::ALL.without(Scope::Join)),
            ErrorCode::Forbidden,
        ),
        (
            "1001 characters",
            with(ada(), |join| join.data = Some("é".repeat(1_001))),
            ErrorCode::TooLarge,
        ),
        ("blocked", join(1, "blocked", Role::Moderator), ErrorCode::Blocked),
        ("full", with(ada(), |join| join.token = Some(token(0, 60, None))), ErrorCode::RoomFull),
        (
            "run out",
            with(ada(), |join| join.token = Some(token(0, 0, None))),
            ErrorCode::TokenExpired,
        ),
    ];
    for (case, command, code) in cases {
        let mut model = RoomModel::with(settings.clone(), record.clone());
        model.join(7, "seven", Role::Publisher);
        assert_eq!(model.step(command).code(), Some(code), "{case}");
        assert_eq!(model.room.counts().participants, 1, "{case}");
    }
    let mut model = RoomModel::with(RoomSettings::default(), record);
    let old = RoomToken { issued: START - Duration::from_secs(1), ..token(0, 60, None) };
    let before_end = with(ada(), |join| join.token = Some(old));
    assert_eq!(model.step(before_end).code(), Some(ErrorCode::RoomEnded));
    let guest = with(request(9, "grace", Role::Publisher), |join| join.guest = true);
    assert_eq!(model.step(guest).code(), Some(ErrorCode::Blocked), "a guest is its instance too");
    let registered = request(9, "grace", Role::Publisher);
    assert_eq!(model.step(with(registered, |_| {})).code(), None);
    model.wait(60_000);
    assert_eq!(model.step(join(3, "blocked", Role::Publisher)).code(), None, "the block is over");
}

#[test]
fn connection_data_of_1000_characters_is_accepted() {
    let mut model = RoomModel::new();
    let data = "é".repeat(1_000);
    let joined =
        model.step(with(request(1, "ada", Role::Publisher), |join| join.data = Some(data.clone())));
    assert_eq!(joined.joined().participant.data, Some(data));
}

#[test]
fn token_with_jti_is_redeemed_by_one_session() {
    let mut model = RoomModel::new();
    let shown_by = |n| {
        with(request(n, "ada", Role::Publisher), |join| join.token = Some(token(0, 600, Some("a"))))
    };
    let outcome = model.step(shown_by(1));
    assert!(outcome.0.iter().any(|effect| matches!(
        effect,
        Effect::Appender(Appender::Persist(DurableChange::Redeemed(_)))
    )));
    assert_eq!(model.step(shown_by(1)).code(), None);
    model.step(leave(1));
    assert_eq!(model.step(shown_by(1)).code(), None);
    assert_eq!(model.step(shown_by(2)).code(), Some(ErrorCode::TokenUsed));
}

#[test]
fn token_with_jti_may_be_shown_again_on_its_instance() {
    let instance = |n: u8| format!("instance-{n}").parse().expect("an instance");
    let shown_by = |session, name, from, guest| {
        with(request(session, name, Role::Publisher), |join| {
            join.token = Some(token(0, 600, Some("a")));
            (join.instance, join.guest) = (instance(from), guest);
        })
    };
    for (shared_guest_names, guest, of_reload) in [
        (false, false, None),
        (true, false, None),
        (false, true, None),
        (true, true, Some(ErrorCode::TokenUsed)),
    ] {
        let settings = RoomSettings { shared_guest_names, ..RoomSettings::default() };
        let mut model = RoomModel::with(settings, DurableState::default());
        assert_eq!(model.step(shown_by(1, "ada", 1, guest)).code(), None);
        model.step(leave(1));
        for (case, shown, expected) in [
            ("its session", shown_by(1, "ada", 1, guest), None),
            ("a reload", shown_by(2, "ada", 1, guest), of_reload),
            ("another instance", shown_by(3, "ada", 3, guest), Some(ErrorCode::TokenUsed)),
            ("another user", shown_by(4, "bea", 1, guest), Some(ErrorCode::TokenUsed)),
        ] {
            let code = model.step(shown).code();
            assert_eq!(code, expected, "{case}: {shared_guest_names} {guest}");
        }
    }
}

#[test]
fn enforced_membership_ends_with_its_token_unless_renewed() {
    let settings = RoomSettings { expiry: Expiry::Enforce, ..RoomSettings::default() };
    let mut model = RoomModel::with(settings, DurableState::default());
    model.join(2, "bea", Role::Publisher);
    let shown = |life| {
        with(request(1, "ada", Role::Publisher), |join| join.token = Some(token(0, life, None)))
    };
    model.step(shown(100));
    assert_eq!(model.wait(79_999).names(), Vec::<&str>::new());
    assert_eq!(model.wait(1).names(), ["token_expiring"]);
    model.step(shown(200));
    assert_eq!(model.wait(20_000).names(), Vec::<&str>::new(), "renewed");
    assert_eq!(model.wait(100_000).names(), ["token_expiring", "removed", "participant_left"]);
    assert_eq!(model.room.participant_of(session(1)), None);
}

#[test]
fn locked_room_admits_moderators_and_recent_leavers() {
    let mut model = RoomModel::new();
    model.join(1, "mod", Role::Moderator);
    for (n, name) in [(2, "left"), (3, "removed"), (4, "long-gone")] {
        model.join(n, name, Role::Publisher);
    }
    model.step(leave(4));
    model.wait(5 * 60_000);
    model.step(leave(2));
    model.moderate(1, kick(Who::Participant(participant_id(3)), Some(0)));
    model.moderate(1, Moderation::LockRoom(whole_room(None)));
    model.wait(5 * 60_000 + 1);
    let cases = [
        (12, "left", Role::Publisher, None),
        (13, "removed", Role::Publisher, Some(ErrorCode::RoomLocked)),
        (14, "long-gone", Role::Publisher, Some(ErrorCode::RoomLocked)),
        (15, "new", Role::Publisher, Some(ErrorCode::RoomLocked)),
        (16, "new", Role::Moderator, None),
        (1, "mod", Role::Moderator, None),
    ];
    for (n, name, role, code) in cases {
        assert_eq!(model.step(join(n, name, role)).code(), code, "{name} as {role:?}");
    }
    model.moderate(1, Moderation::UnlockRoom(whole_room(None)));
    assert_eq!(model.step(join(17, "newer", Role::Publisher)).code(), None);
}

#[test]
fn commands_of_a_session_outside_change_nothing() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    for command in [leave(9), publish(9, 1)] {
        let outcome = model.step(command);
        assert_eq!(outcome.code(), Some(ErrorCode::NotInRoom));
        assert_eq!(outcome.0.len(), 1);
    }
    let outcome = model.moderate(9, Moderation::LockRoom(whole_room(None)));
    assert_eq!(outcome.code(), Some(ErrorCode::NotInRoom));
}

#[test]
fn empty_room_closes_and_retains_state_for_a_day() {
    let mut model = RoomModel::new();
    assert!(
        model
            .step(join(1, "ada", Role::Publisher))
            .0
            .contains(&Effect::Appender(Appender::Persist(DurableChange::Occupied)))
    );
    let keep_until = START + Duration::from_hours(24);
    let outcome = model.step(leave(1));
    assert!(
        outcome
            .0
            .contains(&Effect::Appender(Appender::Persist(DurableChange::Emptied { keep_until })))
    );
    assert_eq!(model.wait(10 * 60_000).0, [Effect::Everywhere(Everywhere::Closed)]);
    assert!(!model.room.is_open());
}

#[test]
fn an_entry_applied_before_does_nothing() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    let (version, now) = (model.room.version(), model.now);
    let entry = Entry { version, now: Now::aligned(now), origin: HOME, command: leave(1) };
    assert_eq!(model.room.apply(entry, false), []);
    assert!(model.room.participant_of(session(1)).is_some());
}

#[test]
fn default_layout_classes_come_from_the_token() {
    let mut model = RoomModel::new();
    let classes = LayoutClasses::try_from(vec!["focus".to_owned()]).expect("classes");
    let token = RoomToken { layout_classes: classes.clone(), ..token(0, 60, None) };
    model.step(with(request(1, "ada", Role::Publisher), |join| join.token = Some(token)));
    let stream = model.publish(1, 1);
    assert_eq!((stream.layout_classes, stream.kind), (classes, StreamKind::Camera));
}

#[test]
fn link_change_is_pushed_to_others_once() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    model.join(2, "bea", Role::Publisher);
    let lost = || link(session(1), Link::Suspended);
    let outcome = model.step(lost());
    assert!(matches!(outcome.pushes()[..], [Push::ParticipantLink(_)]));
    assert!(model.step(lost()).pushes().is_empty());
}

#[test]
fn link_that_changes_often_is_pushed_once_a_second() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    model.join(2, "bea", Role::Publisher);
    let links = |outcome: &Outcome| -> Vec<Link> {
        let pushes = outcome.pushes().into_iter().filter_map(|push| match push {
            Push::ParticipantLink(body) => Some(body.link),
            _ => None,
        });
        pushes.collect()
    };
    let mut pushed = Vec::new();
    for _ in 0..50 {
        for state in [Link::Suspended, Link::Live] {
            pushed.extend(links(&model.step(link(session(1), state))));
        }
    }
    assert_eq!(pushed, [Link::Suspended, Link::Live], "a short interruption is shown at once");
    assert_eq!(links(&model.wait(1_000)), [Link::Live], "and then the newest link");
    assert_eq!(links(&model.wait(1_000)), []);
    model.step(link(session(1), Link::Suspended));
    model.step(link(session(1), Link::Live));
    model.step(leave(1));
    assert_eq!(links(&model.wait(2_000)), []);
}
