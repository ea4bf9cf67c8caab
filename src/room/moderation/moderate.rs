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
use crate::room::state::receipts::{ModerationAction, ModerationProgress};
use crate::room::state::refs::RefOwner;

/// Who acts.
pub(in crate::room) struct ModeratorContext {
    pub(in crate::room) by: Actor,
    /// The acting participant's user; `None`: the server.
    pub(in crate::room) username: Option<Username>,
    /// The server key or token by which the server acts.
    pub(in crate::room) server: Option<Box<str>>,
    pub(in crate::room) is_app_moderator: bool,
}

impl ModeratorContext {
    /// Nobody moderates themselves, nor another membership of the same user.
    pub(in crate::room) fn ensure_not_self(&self, username: &Username) -> Result<(), Error> {
        if self.username.as_ref() == Some(username) {
            Err(errors::self_moderation())
        } else {
            Ok(())
        }
    }
}

impl ModeratorContext {
    /// As whose idempotency keys are.
    fn owner(&self, origin: Origin) -> Option<RefOwner> {
        match origin {
            Origin::Session { session, .. } => {
                self.username.clone().map(|username| RefOwner { username, session })
            }
            Origin::Call(_) => None,
        }
    }
}

/// What a verb did.
struct ActionResult {
    tally: ModerationProgress,
    role: Option<(ParticipantId, Role)>,
}

impl From<ModerationProgress> for ActionResult {
    fn from(tally: ModerationProgress) -> Self {
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
        let result = match self.lookup(origin, key) {
            Ok(Some(first)) => return out.reply(origin, Ok(first)),
            Ok(None) => self.moderator(origin).and_then(|moderator| {
                self.try_moderate(origin, &ModeratorContext { server, ..moderator }, verb, key, out)
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
        moderator: &ModeratorContext,
        verb: &Moderation,
        key: Option<(&Ref, Fingerprint)>,
        out: &mut Effects,
    ) -> Result<(), Error> {
        if self.receipts.is_full() {
            let message = "as many verbs as may wait for their targets; try again shortly";
            return Err(errors::rate_limited(message, BATCH_INTERVAL));
        }
        let ActionResult { tally, role } = self.execute(moderator, verb, out)?;
        let accepted = Reply::Accepted(Accepted {
            version: self.version,
            targets: tally.len(),
            participant: role.map(|(participant, _)| participant),
            role: role.map(|(_, role)| role),
        });
        self.remember(moderator.owner(origin), key, &accepted);
        out.reply(origin, Ok(accepted));
        let deed = ModerationAction {
            version: self.version,
            verb: verb.verb(),
            by: moderator.by.clone(),
            username: moderator.username.clone(),
            server: moderator.server.clone(),
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
        moderator: &ModeratorContext,
        verb: &Moderation,
        out: &mut Effects,
    ) -> Result<ActionResult, Error> {
        match verb {
            Moderation::ForceDisconnect(body) => {
                self.force_disconnect(moderator, body, out).map(ActionResult::from)
            }
            Moderation::Unblock(body) => self.unblock(moderator, body, out).map(ActionResult::from),
            Moderation::ForceUnpublish(body) => {
                self.force_unpublish(moderator, body, out).map(ActionResult::from)
            }
            Moderation::ForceMute(body) => {
                self.force_mute(moderator, body, out).map(ActionResult::from)
            }
            Moderation::LiftMute(body) => {
                self.lift_mute(moderator, body, out).map(ActionResult::from)
            }
            Moderation::ForceMuteAll(body) => Ok(self.force_mute_all(moderator, body, out).into()),
            Moderation::DisableForceMute(_) => Ok(self.disable_force_mute(moderator, out).into()),
            Moderation::AskUnmute(body) => {
                self.ask_unmute(moderator, body.stream, out).map(ActionResult::from)
            }
            Moderation::SetRole(body) => {
                let tally = self.set_role(moderator, body, out)?;
                Ok(ActionResult { tally, role: Some((body.participant, body.role)) })
            }
            Moderation::LockRoom(_) => Ok(self.set_locked(true, out).into()),
            Moderation::UnlockRoom(_) => Ok(self.set_locked(false, out).into()),
            Moderation::EndRoom(_) => Ok(self.end_room(moderator, out).into()),
        }
    }

    fn moderator(&self, origin: Origin) -> Result<ModeratorContext, Error> {
        match origin {
            Origin::Session { .. } => {
                let person = self.requester(origin)?;
                person.permit(Scope::Moderate)?;
                Ok(ModeratorContext {
                    by: Actor::Participant(person.id),
                    username: Some(person.username.clone()),
                    server: None,
                    is_app_moderator: person.app_moderator,
                })
            }
            Origin::Call(_) => Ok(ModeratorContext {
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
        moderator: &ModeratorContext,
        stream: StreamId,
        out: &mut Effects,
    ) -> Result<ModerationProgress, Error> {
        let target = self.target_stream(stream)?;
        let owner =
            target.participant.and_then(|id| self.people.find(id)).expect("it was just found");
        moderator.ensure_not_self(&owner.username)?;
        let asked = UnmuteAsked { room: self.id.clone(), stream, by: moderator.by.clone() };
        out.tell(Audience::One(owner.session), Push::UnmuteAsked(asked));
        let targets = vec![(target.clone(), initial_outcome(owner.link))];
        Ok(ModerationProgress { aim: target, targets, ..ModerationProgress::default() })
    }

    fn set_locked(&mut self, locked: bool, out: &mut Effects) -> ModerationProgress {
        if self.held.locked != locked {
            self.held.locked = locked;
            self.held.keep_room(out);
            let (room, version, mute) = (self.id.clone(), self.version, self.held.mute);
            let change = RoomStateChange { room, version, mute, locked };
            out.tell(Audience::All { except: None }, Push::RoomState(change));
        }
        ModerationProgress::done(Target::default())
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
pub(in crate::room) const fn initial_outcome(link: Link) -> Outcome {
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
