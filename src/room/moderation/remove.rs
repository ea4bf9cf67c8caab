//! Removing people and streams, and ending the room.
//!
//! A removal is final for as long as its block says: by any token, on any instance. It is done when it is in the log;
//! those removed are told, and their unsent frames of this room withdrawn.

use std::collections::BTreeSet;
use std::time::Duration;

use stagedoor_proto::{
    Actor, BlockScope, Error, ErrorCode, ForceDisconnect, ForceUnpublish, InstanceId, LeaveReason,
    Outcome, ParticipantId, Push, Reason, Removed, RoomEnded, Scope, StreamEndReason, Target,
    Timestamp, Unblock, Who,
};

use crate::room::durable::records::BlockRow;
use crate::room::effect::{Appender, Audience, Effects, Everywhere, Fact, RemovedUser};
use crate::room::errors;
use crate::room::moderation::moderate::ModeratorContext;
use crate::room::permissions::missing;
use crate::room::settings::ROOM_TOKEN_LIFE;
use crate::room::state::Room;
use crate::room::state::participants::Membership;
use crate::room::state::receipts::ModerationProgress;

impl Room {
    pub(in crate::room) fn force_disconnect(
        &mut self,
        moderator: &ModeratorContext,
        body: &ForceDisconnect,
        out: &mut Effects,
    ) -> Result<ModerationProgress, Error> {
        let username = self.user_of(&body.who)?;
        moderator.ensure_not_self(&username)?;
        let is_from_app = body.block.scope == BlockScope::App;
        let length = self.block_length(moderator, body)?;
        let leaving = match &body.who {
            Who::Participant(id) if length.is_zero() && !is_from_app => vec![*id],
            Who::Participant(_) | Who::Username(_) => self.people.of_user(&username),
        };
        if leaving.is_empty() && length.is_zero() && !is_from_app {
            return Err(errors::participant_not_found("username"));
        }
        let until = (!length.is_zero()).then_some(self.now + length);
        let instances = self.guest_instances(&leaving);
        let leaving = match until {
            Some(_) => self.with_guests_on(&instances, leaving, moderator)?,
            None => leaving,
        };
        if let Some(until) = until.filter(|_| !is_from_app) {
            let row = BlockRow { username: username.clone(), instances: instances.clone(), until };
            self.held.block(row, self.now, out)?;
        }
        if is_from_app {
            let (username, reason) = (username.clone(), body.reason.clone());
            let instances = instances.into_iter().collect();
            let request = out.cause();
            let user = RemovedUser { username, instances, until, reason, request };
            if until.is_some() {
                out.add(Appender::BlockUser(user.clone()));
            }
            out.add(Everywhere::EndSessions(user));
        }
        self.recent.remove(&username);
        let aim = match &body.who {
            Who::Participant(id) => self.target_participant(*id),
            Who::Username(_) => Target { username: Some(username), ..Target::default() },
        };
        let told = RemovalNotice { by: &moderator.by, reason: body.reason.as_ref(), until };
        let mut tally = ModerationProgress { aim: aim.clone(), ..ModerationProgress::default() };
        for id in leaving {
            tally.targets.push((self.target_participant(id), Outcome::Enforced));
            self.remove(id, told, out);
        }
        // Whoever is not here is kept out all the same.
        if tally.targets.is_empty() { Ok(ModerationProgress::done(aim)) } else { Ok(tally) }
    }

    fn block_length(
        &self,
        moderator: &ModeratorContext,
        body: &ForceDisconnect,
    ) -> Result<Duration, Error> {
        let asked = body.block.for_ms.map(Duration::from_millis);
        match body.block.scope {
            BlockScope::Room => Ok(asked.unwrap_or(self.settings.default_block)),
            BlockScope::App if !moderator.is_app_moderator => {
                let message = "removing from the app is for app moderators";
                Err(Error { message: message.to_owned(), ..missing(Scope::Moderate) })
            }
            BlockScope::App => {
                let most = self.settings.max_block;
                let length = asked.unwrap_or(self.settings.default_block.min(most));
                if length > most {
                    let most = most.as_millis();
                    let message = format!("a block from the app is of at most {most} ms");
                    return Err(Error::new(ErrorCode::InvalidArgument, message).at("block.for_ms"));
                }
                Ok(length)
            }
        }
    }

    fn guest_instances(&self, ids: &[ParticipantId]) -> BTreeSet<InstanceId> {
        let people = ids.iter().filter_map(|id| self.people.find(*id));
        people.filter_map(|person| person.guest_instance.clone()).collect()
    }

    /// A block of a guest is of its instance, so it is of other guests there too.
    fn with_guests_on(
        &self,
        instances: &BTreeSet<InstanceId>,
        mut leaving: Vec<ParticipantId>,
        moderator: &ModeratorContext,
    ) -> Result<Vec<ParticipantId>, Error> {
        if instances.is_empty() {
            return Ok(leaving);
        }
        for person in self.people.iter() {
            let is_there = person.guest_instance.as_ref().is_some_and(|id| instances.contains(id));
            if is_there && !leaving.contains(&person.id) {
                moderator.ensure_not_self(&person.username)?;
                leaving.push(person.id);
            }
        }
        Ok(leaving)
    }

    /// Removes everybody who may not be here.
    pub(in crate::room) fn remove_blocked(&mut self, out: &mut Effects) {
        let until = |person: &Membership| {
            self.held.blocked(&person.username, person.guest_instance.as_ref(), self.now)
        };
        let blocked = self.people.iter().filter_map(|person| Some((person.id, until(person)?)));
        let blocked: Vec<_> = blocked.collect();
        for (id, until) in blocked {
            let until = Some(until);
            self.remove(id, RemovalNotice { by: &Actor::Server {}, reason: None, until }, out);
        }
    }

    fn remove(&mut self, id: ParticipantId, removal: RemovalNotice<'_>, out: &mut Effects) {
        let Some(session) = self.people.find(id).map(|person| person.session) else { return };
        let removed = Removed {
            room: self.id.clone(),
            by: removal.by.clone(),
            reason: removal.reason.cloned(),
            until_ms: removal.until,
        };
        out.add(Everywhere::Withdraw(Audience::One(session)));
        out.tell(Audience::One(session), Push::Removed(removed));
        self.remove_participant(id, LeaveReason::ForceDisconnected, out);
    }

    pub(in crate::room) fn unblock(
        &mut self,
        moderator: &ModeratorContext,
        body: &Unblock,
        out: &mut Effects,
    ) -> Result<ModerationProgress, Error> {
        moderator.ensure_not_self(&body.username)?;
        self.held.unblock(&body.username, out);
        Ok(ModerationProgress::done(Target {
            username: Some(body.username.clone()),
            ..Target::default()
        }))
    }

    pub(in crate::room) fn force_unpublish(
        &mut self,
        moderator: &ModeratorContext,
        body: &ForceUnpublish,
        out: &mut Effects,
    ) -> Result<ModerationProgress, Error> {
        let target = self.target_stream(body.stream)?;
        if let Some(username) = &target.username {
            moderator.ensure_not_self(username)?;
        }
        self.end_stream(body.stream, StreamEndReason::ForceUnpublished, Outcome::Enforced, out);
        Ok(ModerationProgress::done(target))
    }

    pub(in crate::room) fn end_room(
        &mut self,
        moderator: &ModeratorContext,
        out: &mut Effects,
    ) -> ModerationProgress {
        self.held.ended = Some(self.now);
        out.keep(Fact::Ended { at: self.now, keep_until: self.now + ROOM_TOKEN_LIFE });
        let enforced = self.counts().participants;
        self.happened_end(&moderator.by, out);
        self.remove_all();
        let ended = RoomEnded { room: self.id.clone(), by: moderator.by.clone() };
        out.add(Everywhere::CloseRoom(Box::new(Push::RoomEnded(ended))));
        ModerationProgress { enforced, ..ModerationProgress::default() }
    }
}

/// What the removed are told.
#[derive(Clone, Copy)]
struct RemovalNotice<'a> {
    by: &'a Actor,
    reason: Option<&'a Reason>,
    until: Option<Timestamp>,
}
