//! Entering a room, and renewing a membership by entering again.
//!
//! All checks come before the first change. A role set by a moderator wins over the one that a token or grant gives.

use std::collections::BTreeSet;
use std::time::Duration;

use stagedoor_proto::{
    Error, ErrorCode, Joined, MAX_CONNECTION_DATA_CHARS, ParticipantId, Role, RoomSnapshot, Scope,
    Timestamp,
};

use crate::rate_limit::RateLimiter;
use crate::room::durable::records::SpentRow;
use crate::room::effect::{Effects, Everywhere};
use crate::room::errors;
use crate::room::events::Happening;
use crate::room::log::commands::{Join, RoomToken};
use crate::room::log::origin::NodeEpoch;
use crate::room::permissions::{capabilities, missing};
use crate::room::settings::Expiry;
use crate::room::state::Room;
use crate::room::state::participants::{Lease, Membership, wire_bytes};

impl Room {
    pub(in crate::room) fn join(
        &mut self,
        join: Join,
        node: NodeEpoch,
        out: &mut Effects,
    ) -> Result<Joined, Error> {
        let role = self.held.role(&join.username).unwrap_or(join.role);
        let present = self.people.of_session(join.session).map(|person| person.id);
        self.admit(&join, role, present)?;
        if let Some(RoomToken { jti: Some(jti), expires, .. }) = &join.token {
            let row = SpentRow { jti: jti.clone(), session: join.session, until: *expires };
            self.held.redeem(row, self.now, out)?;
        }
        let (id, room) = match present {
            Some(id) => {
                self.move_home(id, node, join.generation);
                self.renew(id, role, join, out)
            }
            None => self.enter(role, join, node, out),
        };
        let person = self.people.find(id).expect("it was just entered or renewed");
        let participant = person.to_wire(self.held.is_locked(&person.username));
        Ok(Joined { participant, capabilities: person.capabilities, room })
    }

    /// Whether somebody may enter, or stay.
    fn admit(&self, join: &Join, role: Role, present: Option<ParticipantId>) -> Result<(), Error> {
        if !join.scopes.contains(Scope::Join) {
            return Err(missing(Scope::Join));
        }
        if join.data.as_ref().is_some_and(|data| data.chars().count() > MAX_CONNECTION_DATA_CHARS) {
            let message = "connection data is at most 1000 characters";
            return Err(Error::new(ErrorCode::TooLarge, message).at("data"));
        }
        if let Some(token) = &join.token {
            self.admit_token(token, join)?;
        }
        let guest_instance = join.guest.then_some(&join.instance);
        if let Some(until) = self.held.blocked(&join.username, guest_instance, self.now) {
            return Err(errors::blocked(until, self.now));
        }
        if present.is_some() {
            return Ok(());
        }
        if self.held.locked && role != Role::Moderator && !self.was_here(join) {
            let message = "the room is locked: it admits moderators, and who was in it recently";
            return Err(Error::new(ErrorCode::RoomLocked, message));
        }
        if self.people.len() >= self.settings.participants as usize {
            return Err(Error::new(
                ErrorCode::RoomFull,
                "the room has as many participants as it may",
            ));
        }
        if self.people.find(join.participant).is_some() {
            return Err(errors::id_taken("participant"));
        }
        Ok(())
    }

    fn admit_token(&self, token: &RoomToken, join: &Join) -> Result<(), Error> {
        if self.held.ended.is_some_and(|ended| token.issued <= ended) {
            let message = "the room was ended; a token issued since then is needed";
            return Err(Error::new(ErrorCode::RoomEnded, message).at("token"));
        }
        if token.expires <= self.now {
            return Err(Error::new(ErrorCode::TokenExpired, "the room token ran out").at("token"));
        }
        let redeemed_by = token.jti.as_ref().and_then(|jti| self.held.redeemed_by(jti, self.now));
        if redeemed_by.is_some_and(|session| session != join.session) {
            let message = "a room token with `jti` is for one session, and another one showed it";
            return Err(Error::new(ErrorCode::TokenSpent, message).at("token"));
        }
        Ok(())
    }

    /// Whether the user is in already with another session, or left recently.
    fn was_here(&self, join: &Join) -> bool {
        let guest_instance = join.guest.then_some(&join.instance);
        let is_same = |id: ParticipantId| {
            let person = self.people.find(id);
            person.is_some_and(|person| person.guest_instance.as_ref() == guest_instance)
        };
        self.people.of_user(&join.username).into_iter().any(is_same)
            || self.recent.contains(&join.username, guest_instance, self.now)
    }

    fn enter(
        &mut self,
        role: Role,
        join: Join,
        node: NodeEpoch,
        out: &mut Effects,
    ) -> (ParticipantId, RoomSnapshot) {
        let (id, session) = (join.participant, join.session);
        let lease = self.lease(join.token.as_ref());
        let mut person = Membership {
            id,
            session,
            home: node,
            generation: join.generation,
            username: join.username,
            guest_instance: join.guest.then_some(join.instance),
            role,
            scopes: join.scopes,
            app_moderator: join.app_moderator,
            capabilities: capabilities(role, join.scopes, self.settings.subscriber_signals),
            link: join.link,
            state: join.state,
            data: join.data,
            layout_classes: join.token.map(|token| token.layout_classes).unwrap_or_default(),
            lease,
            streams: BTreeSet::new(),
            subscriptions: BTreeSet::new(),
            wire_bytes: 0,
            rosters: RateLimiter::default(),
            pages: RateLimiter::default(),
        };
        person.wire_bytes = wire_bytes(&person.to_wire(false)) + TEXT_SLACK;
        self.leases.extend(lease.map(|lease| (lease.due(), id)));
        self.people.insert(person);
        self.feed.mark(id);
        out.add(Everywhere::MembershipCreated { session, participant: id });
        self.happened(out, || {
            let person = self.people.find(id).expect("it was just inserted");
            let participant = person.to_wire(self.held.is_locked(&person.username));
            Happening::Joined { participant, session }
        });
        if !self.update_size_class(Some(session), out) {
            self.push_newcomer(id, out);
        }
        (id, self.snapshot_of(id))
    }

    fn renew(
        &mut self,
        id: ParticipantId,
        role: Role,
        join: Join,
        out: &mut Effects,
    ) -> (ParticipantId, RoomSnapshot) {
        let lease = self.lease(join.token.as_ref());
        self.assign(id, role, join.scopes, out);
        if let Some(person) = self.people.find_mut(id) {
            person.app_moderator = join.app_moderator;
            if let Some(token) = join.token {
                person.layout_classes = token.layout_classes;
            }
            if let Some(old) = std::mem::replace(&mut person.lease, lease) {
                self.leases.remove(&(old.due(), id));
            }
        }
        self.leases.extend(lease.map(|lease| (lease.due(), id)));
        (id, self.snapshot_of(id))
    }

    /// When a membership by this token ends, where the app wants it to.
    fn lease(&self, token: Option<&RoomToken>) -> Option<Lease> {
        let expires = token.filter(|_| self.settings.expiry == Expiry::Enforce)?.expires;
        Some(Lease { expires, warn: Some(warn_at(self.now, expires)) })
    }
}

/// At 80 % of what is left.
fn warn_at(now: Timestamp, expires: Timestamp) -> Timestamp {
    let left = u64::try_from(expires.saturating_since(now).as_millis()).unwrap_or(u64::MAX);
    now + Duration::from_millis(left / 5 * 4)
}

/// How much longer a participant may become on the wire: longer words for role, link and mute, and a comma.
const TEXT_SLACK: usize = 16;
