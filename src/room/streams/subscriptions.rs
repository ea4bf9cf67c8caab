//! Subscriptions to streams. Only a stream's owner and subscribers may negotiate media.

use stagedoor_proto::{Error, ParticipantId, Push, Reply, Scope, StreamId, StreamSubscription};

use crate::room::effect::{Audience, Effects};
use crate::room::errors;
use crate::room::log::origin::Origin;
use crate::room::state::RoomState;

pub(in crate::room) fn subscribe(
    state: &mut RoomState,
    origin: Origin,
    id: StreamId,
    out: &mut Effects,
) -> Result<Reply, Error> {
    let member = state.requester(origin)?;
    member.permit(Scope::Subscribe)?;
    let participant = member.id;
    let stream = state.streams.find_mut(id).ok_or_else(errors::stream_not_found)?;
    if stream.subscribers.insert(participant) {
        if let Some(member) = state.participants.find_mut(participant) {
            member.subscriptions.insert(id);
        }
        push_to_owner(state, id, participant, Push::StreamSubscribed, out);
    }
    Ok(Reply::Subscribed {})
}

pub(in crate::room) fn unsubscribe(
    state: &mut RoomState,
    origin: Origin,
    id: StreamId,
    out: &mut Effects,
) -> Result<Reply, Error> {
    let participant = state.requester(origin)?.id;
    if !state.streams.contains(id) {
        return Err(errors::stream_not_found());
    }
    end_subscription(state, participant, id, out);
    Ok(Reply::Unsubscribed {})
}

pub(in crate::room) fn drop_subscriptions(
    state: &mut RoomState,
    participant: ParticipantId,
    out: &mut Effects,
) {
    let Some(member) = state.participants.find(participant) else { return };
    for id in member.subscriptions.clone() {
        end_subscription(state, participant, id, out);
    }
}

fn end_subscription(
    state: &mut RoomState,
    participant: ParticipantId,
    id: StreamId,
    out: &mut Effects,
) {
    let Some(stream) = state.streams.find_mut(id) else { return };
    if stream.subscribers.remove(&participant) {
        if let Some(member) = state.participants.find_mut(participant) {
            member.subscriptions.remove(&id);
        }
        push_to_owner(state, id, participant, Push::StreamUnsubscribed, out);
    }
}

fn push_to_owner(
    state: &RoomState,
    stream: StreamId,
    participant: ParticipantId,
    push: fn(StreamSubscription) -> Push,
    out: &mut Effects,
) {
    let owner = state
        .streams
        .find(stream)
        .and_then(|found| state.participants.find(found.wire.participant));
    if let Some(owner) = owner {
        let room = state.id.clone();
        out.push(
            Audience::One(owner.session),
            push(StreamSubscription { room, stream, participant }),
        );
    }
}
