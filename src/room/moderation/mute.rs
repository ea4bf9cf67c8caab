//! Mutes: of a stream, of a person, of the room.
//!
//! A lock is of (room, user): all their audio, on any stream and instance, until it is lifted. The room's own mute is
//! another: later streams start muted while it stands, and its lock binds everybody but those it spares. A mute turns a
//! stream's audio off in the room's books at once, and receivers silence it, so the owner's acknowledgement changes
//! nothing they see; lifting gives leave to speak and turns nothing on.
//!
//! Invariant: a stream with audio on is not muted, and its owner may have it on.

use std::collections::BTreeMap;

use stagedoor_proto::{
    Actor, Error, ForceMute, ForceMuteAll, MuteForced, MuteTarget, Outcome, ParticipantId, Push,
    RoomMute, SessionId, StreamId, Target, Username, Who,
};

use crate::room::durable::records::Voice;
use crate::room::effect::{Audience, Effects};
use crate::room::errors;
use crate::room::moderation::moderate::ModeratorContext;
use crate::room::state::Room;
use crate::room::state::receipts::ModerationProgress;

/// What a mute is aimed at, found.
struct ResolvedTarget {
    username: Username,
    target: Target,
    part: MuteScope,
}

/// How much of a user's audio is meant.
#[derive(Clone, Copy)]
enum MuteScope {
    Stream(StreamId),
    Participant(ParticipantId),
    All,
}

impl Room {
    /// Whether new streams of a user start muted.
    pub(in crate::room) fn starts_muted(&self, username: &Username) -> bool {
        match self.held.voice(username) {
            Some(Voice::Locked) => true,
            Some(Voice::Spared) => false,
            None => self.held.mute.active,
        }
    }

    /// Whether the owner of a stream may not turn its audio on.
    pub(in crate::room) fn is_mute_locked(&self, id: StreamId) -> bool {
        let Some(stream) = self.streams.get(&id) else { return false };
        let Some(owner) = self.people.find(stream.wire.participant) else { return false };
        match self.held.voice(&owner.username) {
            Some(Voice::Locked) => true,
            Some(Voice::Spared) => false,
            None => self.held.mute.active && self.held.mute.lock && !stream.is_spared,
        }
    }

    pub(in crate::room) fn force_mute(
        &mut self,
        moderator: &ModeratorContext,
        body: &ForceMute,
        out: &mut Effects,
    ) -> Result<ModerationProgress, Error> {
        let aim = self.aim(&body.target)?;
        moderator.ensure_not_self(&aim.username)?;
        let is_here = self.people.has_user(&aim.username);
        if body.lock {
            self.held.set_voice(&aim.username, Some(Voice::Locked), out)?;
        } else if !is_here {
            return Err(errors::participant_not_found("username"));
        } else if self.held.voice(&aim.username) == Some(Voice::Spared) {
            self.held.set_voice(&aim.username, None, out)?;
        }
        let part = if body.lock { MuteScope::All } else { aim.part };
        let tally = self.mute_part(&aim.username, part, true, moderator, out);
        if is_here {
            Ok(ModerationProgress { aim: aim.target, ..tally })
        } else {
            Ok(ModerationProgress::done(aim.target))
        }
    }

    pub(in crate::room) fn lift_mute(
        &mut self,
        moderator: &ModeratorContext,
        body: &ForceMute,
        out: &mut Effects,
    ) -> Result<ModerationProgress, Error> {
        let aim = self.aim(&body.target)?;
        moderator.ensure_not_self(&aim.username)?;
        let is_here = self.people.has_user(&aim.username);
        let under_room = self.held.mute.active;
        let was_locked = self.held.is_locked(&aim.username);
        if !is_here && !was_locked && !under_room {
            return Err(errors::participant_not_found("username"));
        }
        let voice = under_room.then_some(Voice::Spared);
        self.held.set_voice(&aim.username, voice, out)?;
        // A lock is of all their audio, and so is its end.
        let part = if was_locked || under_room { MuteScope::All } else { aim.part };
        let tally = self.mute_part(&aim.username, part, false, moderator, out);
        if is_here {
            Ok(ModerationProgress { aim: aim.target, ..tally })
        } else {
            Ok(ModerationProgress::done(aim.target))
        }
    }

    pub(in crate::room) fn force_mute_all(
        &mut self,
        moderator: &ModeratorContext,
        body: &ForceMuteAll,
        out: &mut Effects,
    ) -> ModerationProgress {
        self.held.clear_exemptions(out);
        // A mute without a lock does not loosen a lock.
        let lock = body.lock || (self.held.mute.active && self.held.mute.lock);
        self.held.mute = RoomMute { active: true, lock };
        self.held.keep_room(out);
        for stream in self.streams.values_mut() {
            stream.is_spared = false;
        }
        let mut spared = Vec::new();
        for id in &body.except {
            if let Some(stream) = self.streams.get_mut(id) {
                stream.is_spared = true;
                spared.push(*id);
            }
        }
        let all: Vec<_> = self
            .streams
            .iter()
            .filter(|(_, stream)| !stream.is_spared)
            .map(|(id, _)| *id)
            .collect();
        let mut tally = ModerationProgress { is_tracked: true, ..ModerationProgress::default() };
        for id in all {
            match self.mute_audio(id) {
                Outcome::Enforced => tally.enforced += 1,
                outcome @ (Outcome::Pending | Outcome::Offline | Outcome::Ignored) => {
                    let target = self.target_stream(id).expect("it is one of the room's");
                    tally.targets.push((target, outcome));
                }
            }
        }
        self.push_room_mute(moderator, &spared, out);
        tally
    }

    pub(in crate::room) fn disable_force_mute(
        &mut self,
        moderator: &ModeratorContext,
        out: &mut Effects,
    ) -> ModerationProgress {
        if self.held.mute.active {
            self.held.mute = RoomMute::default();
            self.held.clear_exemptions(out);
            self.held.keep_room(out);
            for stream in self.streams.values_mut() {
                stream.is_spared = false;
            }
            self.push_room_mute(moderator, &[], out);
        }
        ModerationProgress::done(Target::default())
    }

    /// Lays a lock that was laid on somebody's former name.
    pub(in crate::room) fn lock_mute(&mut self, username: &Username, out: &mut Effects) {
        let by = Actor::Server {};
        let moderator =
            ModeratorContext { by, username: None, server: None, is_app_moderator: true };
        if self.held.set_voice(username, Some(Voice::Locked), out).is_ok() {
            self.mute_part(username, MuteScope::All, true, &moderator, out);
        }
    }

    fn aim(&self, target: &MuteTarget) -> Result<ResolvedTarget, Error> {
        match target {
            MuteTarget::Stream(id) => {
                let target = self.target_stream(*id)?;
                let username = target.username.clone().expect("a stream's target names its user");
                Ok(ResolvedTarget { username, target, part: MuteScope::Stream(*id) })
            }
            MuteTarget::Person { who, .. } => {
                let username = self.user_of(who)?;
                Ok(match who {
                    Who::Participant(id) => ResolvedTarget {
                        username,
                        target: self.target_participant(*id),
                        part: MuteScope::Participant(*id),
                    },
                    Who::Username(_) => {
                        let target =
                            Target { username: Some(username.clone()), ..Target::default() };
                        ResolvedTarget { username, target, part: MuteScope::All }
                    }
                })
            }
        }
    }

    /// Mutes a part of a user's audio, or lifts its mute, and tells of it.
    fn mute_part(
        &mut self,
        username: &Username,
        part: MuteScope,
        active: bool,
        moderator: &ModeratorContext,
        out: &mut Effects,
    ) -> ModerationProgress {
        let mut tally = ModerationProgress { is_tracked: active, ..ModerationProgress::default() };
        let participants = match part {
            MuteScope::Stream(id) => {
                tally.targets.extend(self.mute_stream(id, active));
                self.push_stream_mute(id, username, active, moderator, out);
                return tally;
            }
            MuteScope::Participant(id) => vec![id],
            MuteScope::All => self.people.of_user(username),
        };
        for id in participants {
            let streams =
                self.people.find(id).map(|person| person.streams.clone()).unwrap_or_default();
            if streams.is_empty() {
                tally.targets.push((self.target_participant(id), Outcome::Enforced));
            }
            for stream in streams {
                tally.targets.extend(self.mute_stream(stream, active));
            }
            self.feed.mark(id);
            self.push_participant_mute(id, active, moderator, out);
        }
        tally
    }

    fn mute_stream(&mut self, id: StreamId, active: bool) -> Option<(Target, Outcome)> {
        let target = self.target_stream(id).ok()?;
        if active {
            return Some((target, self.mute_audio(id)));
        }
        self.streams.get_mut(&id)?.wire.muted = false;
        self.resolve_mutes(id, Outcome::Enforced);
        Some((target, Outcome::Enforced))
    }

    fn mute_push(&self, moderator: &ModeratorContext, active: bool, lock: bool) -> MuteForced {
        let (room, version, by) = (self.id.clone(), self.version, moderator.by.clone());
        MuteForced {
            room,
            version,
            stream: None,
            participant: None,
            except: Vec::new(),
            active,
            lock,
            by,
        }
    }

    fn push_stream_mute(
        &self,
        id: StreamId,
        username: &Username,
        active: bool,
        moderator: &ModeratorContext,
        out: &mut Effects,
    ) {
        let Some(stream) = self.streams.get(&id) else { return };
        let lock = active && self.held.is_locked(username);
        let push = MuteForced { stream: Some(id), ..self.mute_push(moderator, active, lock) };
        self.push_of_stream(stream.wire.participant, None, Push::MuteForced(push), out);
    }

    /// Tells those to whom a participant is listed, and itself.
    fn push_participant_mute(
        &self,
        id: ParticipantId,
        active: bool,
        moderator: &ModeratorContext,
        out: &mut Effects,
    ) {
        let Some(person) = self.people.find(id) else { return };
        let lock = active && self.held.is_locked(&person.username);
        let push = MuteForced { participant: Some(id), ..self.mute_push(moderator, active, lock) };
        let push = Push::MuteForced(push);
        let about = self.about(id);
        if !about.as_ref().is_some_and(|about| self.is_in(about, person.session)) {
            out.tell(Audience::One(person.session), push.clone());
        }
        if let Some(about) = about {
            out.tell(about, push);
        }
    }

    /// Tells everybody, once. Whoever is not told of streams is told only which of its own are spared.
    fn push_room_mute(&self, moderator: &ModeratorContext, spared: &[StreamId], out: &mut Effects) {
        let RoomMute { active, lock } = self.held.mute;
        let push = self.mute_push(moderator, active, lock);
        let mute = |except: Vec<StreamId>| Push::MuteForced(MuteForced { except, ..push.clone() });
        if spared.is_empty() {
            out.tell(Audience::All { except: None }, mute(Vec::new()));
            return;
        }
        out.tell(Audience::Viewers { except: None }, mute(spared.to_vec()));
        let mut own: BTreeMap<SessionId, Vec<StreamId>> = BTreeMap::new();
        for id in spared {
            let owner =
                self.streams.get(id).and_then(|stream| self.people.find(stream.wire.participant));
            if let Some(owner) = owner.filter(|owner| !owner.capabilities.subscribe) {
                own.entry(owner.session).or_default().push(*id);
            }
        }
        let blind = self.people.iter().filter(|person| !person.capabilities.subscribe);
        let rest = blind.map(|person| person.session).filter(|session| !own.contains_key(session));
        out.tell(Audience::Sessions(rest.collect()), mute(Vec::new()));
        for (session, except) in own {
            out.tell(Audience::One(session), mute(except));
        }
    }
}
