//! Who watches which stream; only they and its owner may negotiate media.

use stagedoor_proto::{Error, ParticipantId, Push, Reply, Scope, StreamId, StreamSubscription};

use crate::room::effect::{Audience, Effects};
use crate::room::errors;
use crate::room::log::origin::Origin;
use crate::room::state::Room;

impl Room {
    pub(in crate::room) fn subscribe(
        &mut self,
        origin: Origin,
        id: StreamId,
        out: &mut Effects,
    ) -> Result<Reply, Error> {
        let person = self.requester(origin)?;
        person.permit(Scope::Subscribe)?;
        let participant = person.id;
        let stream = self.streams.get_mut(&id).ok_or_else(errors::stream_not_found)?;
        if stream.subscribers.insert(participant) {
            if let Some(person) = self.people.find_mut(participant) {
                person.subscriptions.insert(id);
            }
            self.push_to_owner(id, participant, Push::StreamSubscribed, out);
        }
        Ok(Reply::Subscribed {})
    }

    pub(in crate::room) fn unsubscribe(
        &mut self,
        origin: Origin,
        id: StreamId,
        out: &mut Effects,
    ) -> Result<Reply, Error> {
        let participant = self.requester(origin)?.id;
        if !self.streams.contains_key(&id) {
            return Err(errors::stream_not_found());
        }
        self.end_subscription(participant, id, out);
        Ok(Reply::Unsubscribed {})
    }

    /// Ends all subscriptions of a participant.
    pub(in crate::room) fn drop_subscriptions(
        &mut self,
        participant: ParticipantId,
        out: &mut Effects,
    ) {
        let Some(person) = self.people.find(participant) else { return };
        for id in person.subscriptions.clone() {
            self.end_subscription(participant, id, out);
        }
    }

    fn end_subscription(&mut self, participant: ParticipantId, id: StreamId, out: &mut Effects) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if stream.subscribers.remove(&participant) {
            if let Some(person) = self.people.find_mut(participant) {
                person.subscriptions.remove(&id);
            }
            self.push_to_owner(id, participant, Push::StreamUnsubscribed, out);
        }
    }

    fn push_to_owner(
        &self,
        stream: StreamId,
        participant: ParticipantId,
        push: fn(StreamSubscription) -> Push,
        out: &mut Effects,
    ) {
        let owner =
            self.streams.get(&stream).and_then(|found| self.people.find(found.wire.participant));
        if let Some(owner) = owner {
            let room = self.id.clone();
            out.tell(
                Audience::One(owner.session),
                push(StreamSubscription { room, stream, participant }),
            );
        }
    }
}
