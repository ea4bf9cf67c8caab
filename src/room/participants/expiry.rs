//! What time alone brings about: memberships whose token ran out, and streams whose owners ignore a mute.

use stagedoor_proto::{
    Actor, LeaveReason, Outcome, ParticipantId, Push, Removed, SessionId, StreamEndReason,
    Timestamp, TokenExpiring,
};

use crate::room::effect::{Audience, Effects, Everywhere};
use crate::room::state::Room;

impl Room {
    pub(in crate::room) fn expire(&mut self, out: &mut Effects) {
        while let Some((at, id)) = self.leases.first().copied()
            && at <= self.now
        {
            self.leases.pop_first();
            let person = self.people.find_mut(id).expect("a lease is a participant's");
            let session = person.session;
            let lease = person.lease.as_mut().expect("a lease in the queue is its participant's");
            let expires = lease.expires;
            if lease.warn.take().is_some() && expires > self.now {
                self.leases.insert((expires, id));
                self.warn(session, expires, out);
            } else {
                self.end_lease(id, session, out);
            }
        }
        while let Some((at, stream)) = self.deadlines.first().copied()
            && at <= self.now
        {
            self.deadlines.pop_first();
            self.end_stream(stream, StreamEndReason::ForceUnpublished, Outcome::Ignored, out);
        }
    }

    fn warn(&self, session: SessionId, expires: Timestamp, out: &mut Effects) {
        let push = TokenExpiring { expires_at_ms: expires, room: Some(self.id.clone()) };
        out.tell(Audience::One(session), Push::TokenExpiring(push));
    }

    fn end_lease(&mut self, id: ParticipantId, session: SessionId, out: &mut Effects) {
        let room = self.id.clone();
        let removed = Removed { room, by: Actor::Server {}, reason: None, until_ms: None };
        out.add(Everywhere::Withdraw(Audience::One(session)));
        out.tell(Audience::One(session), Push::Removed(removed));
        if let Some(person) = self.remove_participant(id, LeaveReason::TokenExpired, out) {
            self.recent.add(person.username, person.guest_instance, self.now);
        }
    }
}
