//! Signals and relays: admitted by the room, but not logged. They do not change the room.

use stagedoor_proto::{
    Error, ErrorCode, MAX_RELAY_DATA_BYTES, MAX_SIGNAL_DATA_BYTES, ParticipantId, Relay, Scope,
    SendSignal, SessionId, SignalSender,
};

use crate::room::effect::Audience;
use crate::room::errors;
use crate::room::state::RoomState;
use crate::room::visibility::snapshot::counts;

/// A relay to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedRelay {
    pub to: SessionId,
    /// The sender as it appears in the push.
    pub from: ParticipantId,
}

/// Checks a signal. Returns its sender as it appears in the push.
pub(super) fn signal_sender(
    state: &RoomState,
    from: Option<SessionId>,
    signal: &SendSignal,
) -> Result<Option<SignalSender>, Error> {
    let sender = from.map(|session| {
        let member = state.participants.of_session(session).ok_or_else(errors::not_in_room)?;
        member.permit(Scope::Signal)?;
        let username = member.username.clone();
        Ok::<_, Error>(SignalSender { participant: member.id, username })
    });
    let sender = sender.transpose()?;
    if signal.data.as_json().len() > MAX_SIGNAL_DATA_BYTES {
        let message = "signal data is at most 8192 bytes of JSON";
        return Err(Error::new(ErrorCode::TooLarge, message).at("data"));
    }
    Ok(sender)
}

/// The receivers of a signal and their number. A broadcast is not echoed to its sender.
pub(super) fn signal_audience(
    state: &RoomState,
    from: Option<&SignalSender>,
    to: Option<ParticipantId>,
) -> Result<(Audience, u32), Error> {
    if let Some(to) = to {
        let member = state.participants.find(to);
        let member = member.ok_or_else(|| errors::participant_not_found("to"))?;
        return Ok((Audience::One(member.session), 1));
    }
    let sender = from.and_then(|sender| state.participants.find(sender.participant));
    let except = sender.map(|member| member.session);
    let recipients = counts(state).participants - u32::from(except.is_some());
    Ok((Audience::All { except }, recipients))
}

/// See [`Room::relay`](crate::room::Room::relay).
pub(super) fn accept_relay(
    state: &RoomState,
    from: SessionId,
    relay: &Relay,
) -> Result<AcceptedRelay, Error> {
    let sender = state.participants.of_session(from).ok_or_else(errors::not_in_room)?;
    sender.permit(Scope::Relay)?;
    if relay.data.as_json().len() > MAX_RELAY_DATA_BYTES {
        let message = "relay data is at most 48 KiB of JSON";
        return Err(Error::new(ErrorCode::TooLarge, message).at("data"));
    }
    let stream = state.streams.find(relay.stream).ok_or_else(errors::stream_not_found)?;
    let receiver = state.participants.find(relay.to);
    let receiver = receiver.ok_or_else(|| errors::participant_not_found("to"))?;
    let owner = stream.wire.participant;
    let are_both_ends = |publisher: ParticipantId, subscriber: ParticipantId| {
        publisher == owner && stream.subscribers.contains(&subscriber)
    };
    if are_both_ends(sender.id, receiver.id) || are_both_ends(receiver.id, sender.id) {
        Ok(AcceptedRelay { to: receiver.session, from: sender.id })
    } else {
        let message = "relays are only allowed between a stream's publisher and its subscribers";
        Err(Error::new(ErrorCode::NotSubscribed, message).at("to"))
    }
}
