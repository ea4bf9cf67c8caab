//! Joining a room, and renewing a membership by joining again.
//!
//! All checks precede the first change. A role set by a moderator takes precedence over the one of the token or grant.

use std::collections::BTreeSet;
use std::time::Duration;

use stagedoor_proto::{
    Error, ErrorCode, Joined, Link, MAX_CONNECTION_DATA_CHARS, ParticipantId, Role, RoomSnapshot,
    Scope, Timestamp,
};

use crate::principal::Principal;
use crate::rate_limit::RateLimiter;
use crate::revocation::{Issued, Revocation};
use crate::room::durable::rows::{RedeemedToken, TokenHolder};
use crate::room::effect::{Effects, Everywhere};
use crate::room::errors;
use crate::room::events::RoomEvent;
use crate::room::log::commands::{Join, RoomToken};
use crate::room::log::origin::NodeEpoch;
use crate::room::participants::home::move_home;
use crate::room::participants::roles::assign;
use crate::room::permissions::{capabilities, missing, role_within};
use crate::room::settings::Expiry;
use crate::room::state::RoomState;
use crate::room::state::participants::{Basis, Lease, Membership, wire_bytes};
use crate::room::visibility::audience::push_newcomer;
use crate::room::visibility::size::update_size_class;
use crate::room::visibility::snapshot::snapshot_of;

pub(in crate::room) fn join(
    state: &mut RoomState,
    join: Join,
    node: NodeEpoch,
    out: &mut Effects,
) -> Result<Joined, Error> {
    let guest = join.as_guest();
    let who = Principal { username: &join.username, guest: guest.as_ref() };
    let role = role_within(state.records.role(who, join.role), join.role, join.scopes);
    let present = state.participants.of_session(join.session).map(|member| member.id);
    check_admission(state, &join, who, role, present)?;
    if let Some(RoomToken { jti: Some(jti), expires, .. }) = &join.token {
        let (session, holder) = (join.session, holder(state, &join));
        let row = RedeemedToken { jti: jti.clone(), session, holder, until: *expires };
        state.records.redeem(row, state.now.wall, &mut out.changes)?;
    }
    state.records.remove_expired_blocks(who, state.now.wall);
    let (id, room) = match present {
        Some(id) => {
            move_home(state, id, node, join.generation);
            renew(state, id, role, join, out)
        }
        None => add_participant(state, role, join, node, out),
    };
    let member = state.participants.find(id).expect("it was just inserted or renewed");
    let mut participant = member.to_wire(state.records.is_locked(member.principal()));
    participant.link = Link::Live;
    Ok(Joined { participant, capabilities: member.capabilities, room })
}

/// Checks whether a session may join or stay.
fn check_admission(
    state: &RoomState,
    join: &Join,
    who: Principal<'_>,
    role: Role,
    present: Option<ParticipantId>,
) -> Result<(), Error> {
    if !join.scopes.contains(Scope::Join) {
        return Err(missing(Scope::Join));
    }
    if join.data.as_ref().is_some_and(|data| data.chars().count() > MAX_CONNECTION_DATA_CHARS) {
        let message = "connection data is at most 1000 characters";
        return Err(Error::new(ErrorCode::TooLarge, message).at("data"));
    }
    if let Some(token) = &join.token {
        check_token(state, token, join)?;
    }
    if let Some(until) = state.records.blocked(who, state.now.wall) {
        return Err(errors::blocked(until));
    }
    if let Some(member) = present.and_then(|id| state.participants.find(id)) {
        // The grant changed while the request was on its way.
        let is_outdated = join.grant_version < member.grant_version;
        return if is_outdated { Err(errors::outdated_grant()) } else { Ok(()) };
    }
    if state.records.locked && role != Role::Moderator && !was_recently_present(state, who) {
        let message = "room is locked; only moderators and recent participants may join";
        return Err(Error::new(ErrorCode::RoomLocked, message));
    }
    if state.participants.len() >= state.settings.participants as usize {
        return Err(Error::new(ErrorCode::RoomFull, "room is full"));
    }
    if state.participants.find(join.participant).is_some() {
        return Err(errors::id_taken("participant"));
    }
    Ok(())
}

fn check_token(state: &RoomState, token: &RoomToken, join: &Join) -> Result<(), Error> {
    if let Some(ended) = state.records.ended {
        let revocation = Revocation::new(ended, state.settings.revocation_leeway);
        if revocation.voids(Issued::ByApp(Some(token.issued)), state.now.wall) {
            let message = "room was ended; fetch a token issued since then";
            let error = Error::new(ErrorCode::RoomEnded, message).at("token");
            return Err(match revocation.retry_after(state.now.wall) {
                Some(wait) => error.retry_after(wait),
                None => error,
            });
        }
    }
    if token.expires <= state.now.wall {
        return Err(Error::new(ErrorCode::TokenExpired, "room token has expired; fetch a new one")
            .at("token"));
    }
    let shown_by =
        token.jti.as_ref().and_then(|jti| state.records.redeemed_by(jti, state.now.wall));
    // A page that was reloaded may have another session.
    let is_other = |row: &RedeemedToken| {
        row.session != join.session && (row.holder.is_none() || row.holder != holder(state, join))
    };
    if shown_by.is_some_and(is_other) {
        let message = "room token was used by another user or client instance; fetch a new one";
        return Err(Error::new(ErrorCode::TokenUsed, message).at("token"));
    }
    Ok(())
}

/// The holder of the room token of a join: the client instance of its user.
fn holder(state: &RoomState, join: &Join) -> Option<TokenHolder> {
    let is_shared = join.guest && state.settings.shared_guest_names;
    let (username, instance) = (join.username.clone(), join.instance.clone());
    (!is_shared).then_some(TokenHolder { username, instance })
}

/// Whether the user is in the room with another session, or left recently.
fn was_recently_present(state: &RoomState, who: Principal<'_>) -> bool {
    let is_same = |id: ParticipantId| {
        state.participants.find(id).is_some_and(|member| member.principal().is_same(who))
    };
    state.participants.of_user(who.username).into_iter().any(is_same)
        || state.recent_leavers.may_rejoin(who, state.now.monotonic)
}

fn add_participant(
    state: &mut RoomState,
    role: Role,
    join: Join,
    node: NodeEpoch,
    out: &mut Effects,
) -> (ParticipantId, RoomSnapshot) {
    let (id, session) = (join.participant, join.session);
    let (lease, basis) = (lease(state, join.token.as_ref()), basis_of(&join));
    let mut member = Membership {
        id,
        session,
        home: node,
        generation: join.generation,
        guest: join.as_guest(),
        username: join.username,
        role,
        basis,
        grant_version: join.grant_version,
        scopes: join.scopes,
        app_moderator: join.app_moderator || basis.app_moderator(),
        capabilities: capabilities(role, join.scopes, state.settings.subscriber_signals),
        link: join.link,
        link_pushes: RateLimiter::default(),
        state: join.state,
        data: join.data,
        layout_classes: join.token.map(|token| token.layout_classes).unwrap_or_default(),
        lease,
        streams: BTreeSet::new(),
        subscriptions: BTreeSet::new(),
        wire_bytes: 0,
    };
    member.wire_bytes = wire_bytes(&member.to_wire(false)) + TEXT_SLACK;
    state.leases.reset(id, lease.map(Lease::due));
    state.participants.insert(member);
    state.has_ended = false;
    state.feed.mark_changed(id);
    out.add(Everywhere::MembershipCreated { session, participant: id });
    out.emit(|| {
        let member = state.participants.find(id).expect("it was just inserted");
        let participant = member.to_wire(state.records.is_locked(member.principal()));
        RoomEvent::Joined { participant, session }
    });
    if !update_size_class(state, Some(session), out) {
        push_newcomer(state, id, out);
    }
    (id, snapshot_of(state, id))
}

fn renew(
    state: &mut RoomState,
    id: ParticipantId,
    role: Role,
    join: Join,
    out: &mut Effects,
) -> (ParticipantId, RoomSnapshot) {
    let (lease, basis) = (lease(state, join.token.as_ref()), basis_of(&join));
    assign(state, id, role, join.scopes, out);
    if let Some(member) = state.participants.find_mut(id) {
        (member.basis, member.grant_version) = (basis, join.grant_version);
        member.app_moderator = join.app_moderator || basis.app_moderator();
        if let Some(token) = join.token {
            member.layout_classes = token.layout_classes;
        }
        member.lease = lease;
    }
    state.leases.reset(id, lease.map(Lease::due));
    (id, snapshot_of(state, id))
}

fn basis_of(join: &Join) -> Basis {
    let role = join.role;
    match &join.token {
        Some(token) => Basis::Token { role, app_moderator: token.app_moderator },
        None => Basis::Grant { role },
    }
}

/// The end of a membership with this token, if the app enforces it.
fn lease(state: &RoomState, token: Option<&RoomToken>) -> Option<Lease> {
    let expires = token.filter(|_| state.settings.expiry == Expiry::Enforce)?.expires;
    Some(Lease { expires, warn: Some(warn_at(state.now.wall, expires)) })
}

/// After 80 % of the remaining time.
fn warn_at(now: Timestamp, expires: Timestamp) -> Timestamp {
    let left = u64::try_from(expires.saturating_since(now).as_millis()).unwrap_or(u64::MAX);
    now + Duration::from_millis(left / 5 * 4)
}

/// Bytes by which a participant's wire form can grow: longer values of role, link and mute, and a comma.
const TEXT_SLACK: usize = 16;
