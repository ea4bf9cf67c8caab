//! Renewals that change a session's grant: what it allows holds at once, by basis.

use stagedoor_proto::{ErrorCode, LeaveReason, Push, Role, Scope};

use super::model::{
    Outcome, RoomModel, participant_id, publish, request, role_of, session, stream_id, whole_room,
};
use crate::room::{Moderation, RoomCommand, RoomToken, ScopeSet, SessionGrant};

fn grant(version: u64, role: Option<Role>, scopes: ScopeSet) -> SessionGrant {
    SessionGrant { version, role, scopes, app_moderator: false }
}

fn authorize(model: &mut RoomModel, n: u8, grant: SessionGrant) -> Outcome {
    model.step(RoomCommand::Authorize { session: session(n), grant })
}

/// A member by room token, with this role.
fn join_by_token(model: &mut RoomModel, n: u8, role: Role, app_moderator: bool) {
    let mut join = request(n, "ada", role);
    join.token = Some(RoomToken {
        issued: model.now,
        expires: model.now + std::time::Duration::from_hours(1),
        jti: None,
        layout_classes: stagedoor_proto::LayoutClasses::default(),
        app_moderator,
    });
    model.step(RoomCommand::Join(Box::new(join))).joined();
}

fn role(model: &RoomModel, n: u8) -> Role {
    model.room.state.participants.of_session(session(n)).expect("a member").role
}

#[test]
fn narrowed_grant_holds_at_once() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Moderator);
    model.join(2, "bea", Role::Publisher);
    model.publish(1, 1);
    let scopes = ScopeSet::NONE.with(Scope::Join).with(Scope::Subscribe);
    let outcome = authorize(&mut model, 1, grant(1, Some(Role::Subscriber), scopes));
    assert!(!model.room.has_stream(stream_id(1)));
    assert!(outcome.names().contains(&"role_changed"), "{:?}", outcome.names());
    assert_eq!(model.step(publish(1, 2)).code(), Some(ErrorCode::Forbidden));
    let lock = Moderation::LockRoom(whole_room(None));
    assert_eq!(model.moderate(1, lock).code(), Some(ErrorCode::Forbidden));
    // A wider grant holds at once too.
    authorize(&mut model, 1, grant(2, Some(Role::Moderator), ScopeSet::ALL));
    assert_eq!(model.moderate(1, Moderation::LockRoom(whole_room(None))).code(), None);
}

#[test]
fn narrowed_grant_takes_app_moderation_away() {
    let mut model = RoomModel::new();
    let mut join = request(1, "ada", Role::Moderator);
    join.app_moderator = true;
    model.step(RoomCommand::Join(Box::new(join))).joined();
    authorize(&mut model, 1, grant(1, Some(Role::Moderator), ScopeSet::ALL));
    assert!(!model.room.state.participants.of_session(session(1)).expect("a member").app_moderator);
}

#[test]
fn room_that_is_no_longer_granted_is_left() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    model.join(2, "bea", Role::Publisher);
    let outcome = authorize(&mut model, 1, grant(1, None, ScopeSet::ALL));
    assert_eq!(model.room.participant_of(session(1)), None);
    assert!(outcome.names().contains(&"removed"));
    let reasons: Vec<_> = outcome
        .pushes()
        .into_iter()
        .filter_map(|push| match push {
            Push::ParticipantLeft(left) => Some(left.reason),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [LeaveReason::NotGranted]);
}

#[test]
fn membership_by_token_is_limited_by_scopes_alone() {
    let mut model = RoomModel::new();
    join_by_token(&mut model, 1, Role::Moderator, true);
    authorize(&mut model, 1, grant(1, None, ScopeSet::ALL.without(Scope::Moderate)));
    let member = model.room.state.participants.of_session(session(1)).expect("it stays");
    assert_eq!((member.role, member.app_moderator), (Role::Moderator, true));
    assert!(!member.capabilities.moderate && member.capabilities.publish);
    authorize(&mut model, 1, grant(2, Some(Role::Subscriber), ScopeSet::ALL));
    let member = model.room.state.participants.of_session(session(1)).expect("it stays");
    assert!(member.capabilities.moderate, "the token's role");
}

#[test]
fn set_role_stays_within_the_scopes() {
    let mut model = RoomModel::new();
    model.join(1, "host", Role::Moderator);
    model.join(2, "ada", Role::Subscriber);
    model.moderate(1, role_of(2, Role::Moderator));
    let without = ScopeSet::ALL.without(Scope::Moderate);
    authorize(&mut model, 2, grant(1, Some(Role::Subscriber), without));
    assert_eq!(role(&model, 2), Role::Publisher, "as far as the scopes allow");
    let refused = model.moderate(1, role_of(2, Role::Moderator));
    assert_eq!(refused.code(), Some(ErrorCode::InvalidArgument));
    authorize(&mut model, 2, grant(2, Some(Role::Subscriber), ScopeSet::ALL));
    assert_eq!(role(&model, 2), Role::Moderator, "it was set");
}

#[test]
fn older_grant_has_no_effect() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    authorize(&mut model, 1, grant(2, Some(Role::Subscriber), ScopeSet::ALL));
    let outcome = authorize(&mut model, 1, grant(1, Some(Role::Moderator), ScopeSet::ALL));
    assert!(outcome.pushes().is_empty());
    assert_eq!(role(&model, 1), Role::Subscriber);
    let mut outdated = request(1, "ada", Role::Moderator);
    (outdated.participant, outdated.grant_version) = (participant_id(9), 1);
    let outdated = model.step(RoomCommand::Join(Box::new(outdated)));
    assert_eq!(outdated.code(), Some(ErrorCode::NotAllowedNow));
    assert_eq!(role(&model, 1), Role::Subscriber);
}
