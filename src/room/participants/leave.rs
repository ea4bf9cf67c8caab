//! Leaving a room, for whatever reason; and what sessions tell of themselves while they are in it.

use stagedoor_proto::{
    Error, LeaveReason, Link, Outcome, ParticipantId, ParticipantLeft, ParticipantLink, Push,
    Reply, SessionId, SessionState, StreamEndReason,
};

use crate::room::effect::{Audience, Effects, Everywhere};
use crate::room::errors;
use crate::room::state::Room;
use crate::room::state::participants::Membership;

impl Room {
    pub(in crate::room) fn leave(
        &mut self,
        session: SessionId,
        reason: LeaveReason,
        out: &mut Effects,
    ) -> Result<Reply, Error> {
        let person = self.people.of_session(session).ok_or_else(errors::not_in_room)?;
        let id = person.id;
        if let Some(person) = self.remove_participant(id, reason, out)
            && !matches!(reason, LeaveReason::ForceDisconnected | LeaveReason::Banned)
        {
            self.recent.add(person.username, person.guest_instance, self.now);
        }
        Ok(Reply::Left {})
    }

    /// Ends a membership with its streams and subscriptions, and tells the others.
    pub(in crate::room) fn remove_participant(
        &mut self,
        id: ParticipantId,
        reason: LeaveReason,
        out: &mut Effects,
    ) -> Option<Membership> {
        let about = self.about(id);
        let streams = self.people.find(id)?.streams.clone();
        for stream in streams {
            self.end_stream(stream, StreamEndReason::from(reason), Outcome::Enforced, out);
        }
        self.drop_subscriptions(id, out);
        let person = self.people.remove(id)?;
        if let Some(lease) = person.lease {
            self.leases.remove(&(lease.due(), id));
        }
        self.feed.remove_participant(&person, self.held.is_locked(&person.username));
        if let Some(about) = about {
            let (room, version) = (self.id.clone(), self.version);
            let left = ParticipantLeft { room, version, participant: id, reason };
            out.tell(about, Push::ParticipantLeft(left));
        }
        self.happened_left(&person, reason, out);
        out.add(Everywhere::RemoveMemberships(Audience::One(person.session)));
        Some(person)
    }

    /// Ends all memberships at once; nobody is left to be told of the others.
    pub(in crate::room) fn remove_all(&mut self) {
        let streams: Vec<_> = self.streams.keys().copied().collect();
        for stream in streams {
            self.resolve_mutes(stream, Outcome::Enforced);
        }
        self.people = crate::room::state::participants::Participants::default();
        self.streams.clear();
        self.leases.clear();
        self.feed.clear();
        self.recent.clear();
    }

    pub(in crate::room) fn change_link(
        &mut self,
        session: SessionId,
        link: Link,
        out: &mut Effects,
    ) {
        let Some(person) = self.people.of_session_mut(session) else { return };
        if person.link == link {
            return;
        }
        person.link = link;
        let (id, streams) = (person.id, person.streams.clone());
        for stream in streams {
            self.restart_mute_clock(stream, link);
        }
        self.feed.mark(id);
        if let Some(about) = self.about(id) {
            let (room, version) = (self.id.clone(), self.version);
            let push =
                Push::ParticipantLink(ParticipantLink { room, version, participant: id, link });
            out.tell(about.except(session), push);
        }
    }

    pub(in crate::room) fn change_session_state(
        &mut self,
        session: SessionId,
        state: SessionState,
    ) {
        let Some(person) = self.people.of_session_mut(session) else { return };
        if person.state != state {
            person.state = state;
            self.feed.mark(person.id);
        }
    }
}
