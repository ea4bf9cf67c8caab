//! Moderation verbs: who may, what was asked before, and what is told of it.
//!
//! A verb is decided before its first change: a refused one leaves the room as it was. Each accepted one is answered,
//! reported and audited here; what it does is in `mute`, `remove` and `roles`.

use stagedoor_proto::{
    Accepted, Actor, Error, ErrorCode, Link, ModerationReport, Outcome, ParticipantId, Push, Ref,
    Reply, Role, RoomStateChange, Scope, StreamId, Target, UnmuteAsked, Username, Who,
};

use crate::idempotency::Fingerprint;
use crate::room::effect::{Appender, Audience, Effects, Everywhere};
use crate::room::errors;
use crate::room::log::commands::Moderation;
use crate::room::log::origin::{NodeEpoch, Origin};
use crate::room::settings::BATCH_INTERVAL;
use crate::room::state::Room;
use crate::room::state::receipts::{Deed, Tally};
use crate::room::state::refs::Owner;

/// Who acts.
pub(in crate::room) struct Acting {
    pub(in crate::room) by: Actor,
    /// The acting participant's user; `None`: the server.
    pub(in crate::room) username: Option<Username>,
    /// The server key or token by which the server acts.
    pub(in crate::room) server: Option<Box<str>>,
    pub(in crate::room) is_app_moderator: bool,
}

impl Acting {
    /// Nobody moderates themselves, nor another membership of the same user.
    pub(in crate::room) fn must_not_be(&self, username: &Username) -> Result<(), Error> {
        if self.username.as_ref() == Some(username) {
            Err(errors::self_moderation())
        } else {
            Ok(())
        }
    }
}

impl Acting {
    /// As whose idempotency keys are.
    fn owner(&self, origin: Origin) -> Option<Owner> {
        match origin {
            Origin::Session { session, .. } => {
                self.username.clone().map(|username| Owner { username, session })
            }
            Origin::Call(_) => None,
        }
    }
}

/// What a verb did.
struct Done {
    tally: Tally,
    role: Option<(ParticipantId, Role)>,
}

impl From<Tally> for Done {
    fn from(tally: Tally) -> Self {
        Self { tally, role: None }
    }
}

impl Room {
    pub(in crate::room) fn moderate(
        &mut self,
        origin: Origin,
        verb: &Moderation,
        server: Option<Box<str>>,
        out: &mut Effects,
    ) {
        let key = verb.ref_().map(|ref_| (ref_, Fingerprint::of(verb)));
        let result = match self.recall(origin, key) {
            Ok(Some(first)) => return out.reply(origin, Ok(first)),
            Ok(None) => self.acting(origin).and_then(|acting| {
                self.try_moderate(origin, &Acting { server, ..acting }, verb, key, out)
            }),
            Err(conflict) => Err(conflict),
        };
        if let Err(error) = result {
            self.count_denial(origin, verb, &error, out);
            out.reply(origin, Err(error));
        }
    }

    fn try_moderate(
        &mut self,
        origin: Origin,
        acting: &Acting,
        verb: &Moderation,
        key: Option<(&Ref, Fingerprint)>,
        out: &mut Effects,
    ) -> Result<(), Error> {
        if self.receipts.is_full() {
            let message = "as many verbs as may wait for their targets; try again shortly";
            return Err(errors::rate_limited(message, BATCH_INTERVAL));
        }
        let Done { tally, role } = self.execute(acting, verb, out)?;
        let accepted = Reply::Accepted(Accepted {
            version: self.version,
            targets: tally.len(),
            participant: role.map(|(participant, _)| participant),
            role: role.map(|(_, role)| role),
        });
        self.remember(acting.owner(origin), key, &accepted);
        out.reply(origin, Ok(accepted));
        let deed = Deed {
            version: self.version,
            verb: verb.verb(),
            by: acting.by.clone(),
            username: acting.username.clone(),
            server: acting.server.clone(),
            node: out.node(),
            origin,
            request: out.cause(),
            ref_: verb.ref_().cloned(),
            reason: verb.reason().cloned(),
            at: self.now,
        };
        let (report, audit) = self.receipts.begin(&self.id, deed, tally);
        send_report(out.node(), origin, report, out);
        out.add(Appender::Audit(Box::new(audit)));
        Ok(())
    }

    fn execute(
        &mut self,
        acting: &Acting,
        verb: &Moderation,
        out: &mut Effects,
    ) -> Result<Done, Error> {
        match verb {
            Moderation::ForceDisconnect(body) => {
                self.force_disconnect(acting, body, out).map(Done::from)
            }
            Moderation::Unblock(body) => self.unblock(acting, body, out).map(Done::from),
            Moderation::ForceUnpublish(body) => {
                self.force_unpublish(acting, body, out).map(Done::from)
            }
            Moderation::ForceMute(body) => self.force_mute(acting, body, out).map(Done::from),
            Moderation::LiftMute(body) => self.lift_mute(acting, body, out).map(Done::from),
            Moderation::ForceMuteAll(body) => Ok(self.force_mute_all(acting, body, out).into()),
            Moderation::DisableForceMute(_) => Ok(self.disable_force_mute(acting, out).into()),
            Moderation::AskUnmute(body) => {
                self.ask_unmute(acting, body.stream, out).map(Done::from)
            }
            Moderation::SetRole(body) => {
                let tally = self.set_role(acting, body, out)?;
                Ok(Done { tally, role: Some((body.participant, body.role)) })
            }
            Moderation::LockRoom(_) => Ok(self.set_locked(true, out).into()),
            Moderation::UnlockRoom(_) => Ok(self.set_locked(false, out).into()),
            Moderation::EndRoom(_) => Ok(self.end_room(acting, out).into()),
        }
    }

    fn acting(&self, origin: Origin) -> Result<Acting, Error> {
        match origin {
            Origin::Session { .. } => {
                let person = self.requester(origin)?;
                person.permit(Scope::Moderate)?;
                Ok(Acting {
                    by: Actor::Participant(person.id),
                    username: Some(person.username.clone()),
                    server: None,
                    is_app_moderator: person.app_moderator,
                })
            }
            Origin::Call(_) => Ok(Acting {
                by: Actor::Server {},
                username: None,
                server: None,
                is_app_moderator: true,
            }),
        }
    }

    fn count_denial(&self, origin: Origin, verb: &Moderation, error: &Error, out: &mut Effects) {
        let is_denial = matches!(error.code, ErrorCode::Forbidden | ErrorCode::SelfModeration);
        if is_denial && let Ok(person) = self.requester(origin) {
            out.add(Appender::Denied { username: person.username.clone(), verb: verb.verb() });
        }
    }

    /// Whose a target is: a participant here, or any user by name.
    pub(in crate::room) fn user_of(&self, who: &Who) -> Result<Username, Error> {
        match who {
            Who::Username(username) => Ok(username.clone()),
            Who::Participant(id) => {
                let person = self.people.find(*id);
                let person = person.ok_or_else(|| errors::participant_not_found("participant"))?;
                Ok(person.username.clone())
            }
        }
    }

    /// A stream as the target of a verb, and whose it is.
    pub(in crate::room) fn target_stream(&self, id: StreamId) -> Result<Target, Error> {
        let stream = self.streams.get(&id).ok_or_else(errors::stream_not_found)?;
        let owner = self.people.find(stream.wire.participant).expect("a stream's owner is here");
        let username = Some(owner.username.clone());
        Ok(Target { participant: Some(owner.id), stream: Some(id), username })
    }

    /// A participant as the target of a verb.
    pub(in crate::room) fn target_participant(&self, id: ParticipantId) -> Target {
        let username = self.people.find(id).map(|person| person.username.clone());
        Target { participant: Some(id), stream: None, username }
    }

    fn ask_unmute(
        &self,
        acting: &Acting,
        stream: StreamId,
        out: &mut Effects,
    ) -> Result<Tally, Error> {
        let target = self.target_stream(stream)?;
        let owner =
            target.participant.and_then(|id| self.people.find(id)).expect("it was just found");
        acting.must_not_be(&owner.username)?;
        let asked = UnmuteAsked { room: self.id.clone(), stream, by: acting.by.clone() };
        out.tell(Audience::One(owner.session), Push::UnmuteAsked(asked));
        let targets = vec![(target.clone(), outcome_of_telling(owner.link))];
        Ok(Tally { aim: target, targets, ..Tally::default() })
    }

    fn set_locked(&mut self, locked: bool, out: &mut Effects) -> Tally {
        if self.held.locked != locked {
            self.held.locked = locked;
            self.held.keep_room(out);
            let (room, version, mute) = (self.id.clone(), self.version, self.held.mute);
            let change = RoomStateChange { room, version, mute, locked };
            out.tell(Audience::All { except: None }, Push::RoomState(change));
        }
        Tally::done(Target::default())
    }

    /// Sends the reports that are due, to moderators who still are.
    pub(in crate::room) fn send_reports(&mut self, out: &mut Effects) {
        while let Some((node, origin, report)) = self.receipts.poll_report(&self.id, self.now) {
            let may_know = match origin {
                Origin::Session { .. } => {
                    self.requester(origin).is_ok_and(|person| person.capabilities.moderate)
                }
                Origin::Call(_) => true,
            };
            if may_know {
                send_report(node, origin, report, out);
            }
        }
        for audit in self.settled.drain(..) {
            out.add(Appender::Audit(Box::new(audit)));
        }
    }
}

/// What telling somebody comes to.
pub(in crate::room) const fn outcome_of_telling(link: Link) -> Outcome {
    match link {
        Link::Live => Outcome::Pending,
        Link::Suspended => Outcome::Offline,
    }
}

fn send_report(node: NodeEpoch, origin: Origin, report: ModerationReport, out: &mut Effects) {
    match origin {
        Origin::Session { session, .. } => {
            out.tell(Audience::One(session), Push::Moderation(report));
        }
        Origin::Call(call) => {
            out.add(Everywhere::Report { node, call, report: Box::new(report) });
        }
    }
}
