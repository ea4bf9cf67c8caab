//! Roles that change while their holders are in the room.
//!
//! A role set by a moderator is of (room, user): all their memberships, and those to come. Whoever may do less from now
//! on has its streams, subscriptions and feed ended as far as they rest on what was taken.

use stagedoor_proto::{
    Error, Outcome, ParticipantId, Push, Role, RoleChanged, SetRole, StreamEndReason, Username,
};

use crate::room::durable::records::BlockRow;
use crate::room::effect::{Audience, Effects, Everywhere};
use crate::room::errors;
use crate::room::moderation::moderate::ModeratorContext;
use crate::room::permissions::{ScopeSet, capabilities, is_kept};
use crate::room::state::Room;
use crate::room::state::receipts::ModerationProgress;

impl Room {
    pub(in crate::room) fn set_role(
        &mut self,
        moderator: &ModeratorContext,
        body: &SetRole,
        out: &mut Effects,
    ) -> Result<ModerationProgress, Error> {
        let person = self.people.find(body.participant);
        let person = person.ok_or_else(|| errors::participant_not_found("participant"))?;
        let username = person.username.clone();
        moderator.ensure_not_self(&username)?;
        self.held.set_role(&username, body.role, out)?;
        let mut tally = ModerationProgress {
            aim: self.target_participant(body.participant),
            ..ModerationProgress::default()
        };
        for id in self.people.of_user(&username) {
            tally.targets.push((self.target_participant(id), Outcome::Enforced));
        }
        self.set_role_of(&username, body.role, out);
        Ok(tally)
    }

    fn set_role_of(&mut self, username: &Username, role: Role, out: &mut Effects) {
        let people =
            self.people.of_user(username).into_iter().filter_map(|id| self.people.find(id));
        let changing = people.filter(|person| person.role != role);
        let changing: Vec<_> =
            changing.map(|person| (person.id, person.scopes, person.capabilities)).collect();
        for (id, scopes, _) in &changing {
            self.assign(*id, role, *scopes, out);
        }
        // Only now, so that no room sent anew misses what happens to the next of them.
        for (id, _, before) in changing {
            let Some(person) = self.people.find(id) else { continue };
            let after = person.capabilities;
            let (room, version) = (self.id.clone(), self.version);
            let changed =
                RoleChanged { room, version, participant: id, role, capabilities: Some(after) };
            out.tell(Audience::One(person.session), Push::RoleChanged(changed));
            // Frames were withdrawn, or other streams are seen than before: both are made good by the room anew.
            if !is_kept(before, after) || before.subscribe != after.subscribe {
                self.reset_one(id, out);
            }
        }
    }

    /// Gives a participant a role and scopes, and tells the others.
    pub(in crate::room) fn assign(
        &mut self,
        id: ParticipantId,
        role: Role,
        scopes: ScopeSet,
        out: &mut Effects,
    ) {
        let Some(person) = self.people.find_mut(id) else { return };
        person.scopes = scopes;
        let (session, former, before) = (person.session, person.role, person.capabilities);
        let streams = person.streams.clone();
        let after = capabilities(role, scopes, self.settings.subscriber_signals);
        if former == role && before == after {
            return;
        }
        if !is_kept(before, after) {
            out.add(Everywhere::Withdraw(Audience::One(session)));
        }
        if before.publish && !after.publish {
            for stream in streams {
                self.end_stream(stream, StreamEndReason::ForceUnpublished, Outcome::Enforced, out);
            }
        }
        if before.subscribe && !after.subscribe {
            self.drop_subscriptions(id, out);
        }
        if before.moderate && !after.moderate {
            self.feed.unwatch(id);
        }
        let about = self.about(id);
        self.people.assign(id, role, after);
        self.feed.mark(id);
        if former != role {
            if let Some(about) = about {
                let (room, version) = (self.id.clone(), self.version);
                let changed =
                    RoleChanged { room, version, participant: id, role, capabilities: None };
                out.tell(about.except(session), Push::RoleChanged(changed));
            }
            if let Some(newly) = self.promotion_audience(id, former, role) {
                self.push_joined(id, newly, out);
            }
        }
    }

    /// A user goes on under another name, and what moderators laid on the former one goes with them.
    pub(in crate::room) fn carry(&mut self, from: &Username, to: &Username, out: &mut Effects) {
        if from == to {
            return;
        }
        if self.held.is_locked(from) {
            self.lock_mute(to, out);
        }
        // Where a table is full there is nobody to be told: the fact stays with the former name.
        if let Some(role) = self.held.role(from)
            && self.held.set_role(to, role, out).is_ok()
        {
            self.set_role_of(to, role, out);
        }
        if let Some(row) = self.held.block_of(from).filter(|row| row.until > self.now).cloned() {
            let row = BlockRow { username: to.clone(), ..row };
            if self.held.block(row, self.now, out).is_ok() {
                self.remove_blocked(out);
            }
        }
    }
}
