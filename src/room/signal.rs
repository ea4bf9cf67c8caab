//! What is not logged but needs the room's say: signals and relays.
//!
//! They change no state of the room but the `order` of signals, their rate, and the idempotency keys they used.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Error, ErrorCode, MAX_RELAY_DATA_BYTES, MAX_SIGNAL_DATA_BYTES, ParticipantId, Relay, Scope,
    SendSignal, Sent, SessionId, SignalSender, Timestamp,
};

use crate::idempotency::Fingerprint;
use crate::rate_limit::{Rate, RateLimiter};
use crate::room::effect::Audience;
use crate::room::errors;
use crate::room::state::Room;
use crate::room::state::refs::{RefOwner, Refs, Requester};

/// What the room keeps of its signals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Signals {
    order: u64,
    rate: RateLimiter,
    #[serde(default, skip_serializing_if = "Refs::is_empty")]
    pub(super) refs: Refs<Sent>,
}

/// A signal that may be handed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedSignal {
    /// To whom; `None`: it was sent before under the same `ref`, and is only answered again.
    pub to: Option<Audience>,
    /// Who sent it, as the push names them; `None`: the server.
    pub from: Option<SignalSender>,
    /// The answer to the sender; its `order` goes into the push too.
    pub sent: Sent,
}

/// A relay that may be handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedRelay {
    /// To whom.
    pub to: SessionId,
    /// Who sent it, as the push names them.
    pub from: ParticipantId,
}

impl Room {
    /// Whether a session (or the server: `None`) may send a signal, to whom, and in which order.
    ///
    /// # Errors
    /// `not_in_room`, `forbidden`, `too_large`, `ref_conflict`, `participant_not_found`, `rate_limited`.
    pub fn signal(
        &mut self,
        from: Option<SessionId>,
        signal: &SendSignal,
        now: Timestamp,
    ) -> Result<AcceptedSignal, Error> {
        let session = from;
        let from = from.map(|session| self.signal_sender(session)).transpose()?;
        if signal.data.as_json().len() > MAX_SIGNAL_DATA_BYTES {
            let message = "signal data is at most 8192 bytes of JSON";
            return Err(Error::new(ErrorCode::TooLarge, message).at("data"));
        }
        let username = from.as_ref().map(|sender| &sender.username);
        let asker =
            session.map_or(Requester::Server, |session| Requester::Session { session, username });
        let key = signal.ref_.as_ref().map(|ref_| (ref_, Fingerprint::of(signal)));
        if let Some((ref_, body)) = key
            && let Some(sent) = self.signals.refs.lookup(asker, ref_, body, now)?
        {
            return Ok(AcceptedSignal { to: None, from, sent });
        }
        let (to, recipients) = self.signal_audience(from.as_ref(), signal.to)?;
        let per_second = self.settings.signals_per_s;
        let taken = self.signals.rate.take(Rate::per_second(per_second, per_second), now);
        taken.map_err(|wait| {
            errors::rate_limited("the room takes no more signals this second", wait)
        })?;
        self.signals.order += 1;
        let sent = Sent { recipients, order: self.signals.order };
        if let Some((ref_, body)) = key {
            let owner = session.zip(username.cloned());
            let owner = owner.map(|(session, username)| RefOwner { username, session });
            self.signals.refs.remember(owner, ref_.clone(), body, now, sent);
        }
        Ok(AcceptedSignal { to: Some(to), from, sent })
    }

    fn signal_sender(&self, session: SessionId) -> Result<SignalSender, Error> {
        let person = self.people.of_session(session).ok_or_else(errors::not_in_room)?;
        person.permit(Scope::Signal)?;
        Ok(SignalSender { participant: person.id, username: person.username.clone() })
    }

    /// Whom a signal is for, and how many they are. One for everybody is not echoed to its sender.
    fn signal_audience(
        &self,
        from: Option<&SignalSender>,
        to: Option<ParticipantId>,
    ) -> Result<(Audience, u32), Error> {
        if let Some(to) = to {
            let person = self.people.find(to).ok_or_else(|| errors::participant_not_found("to"))?;
            return Ok((Audience::One(person.session), 1));
        }
        let sender = from.and_then(|sender| self.people.find(sender.participant));
        let except = sender.map(|person| person.session);
        let recipients = self.counts().participants - u32::from(except.is_some());
        Ok((Audience::All { except }, recipients))
    }

    /// Whether a session may negotiate media with another: one publishes the stream, the other subscribes to it.
    ///
    /// # Errors
    /// `not_in_room`, `forbidden`, `too_large`, `stream_not_found`, `participant_not_found`, `not_subscribed`.
    pub fn relay(&self, from: SessionId, relay: &Relay) -> Result<AcceptedRelay, Error> {
        let sender = self.people.of_session(from).ok_or_else(errors::not_in_room)?;
        sender.permit(Scope::Relay)?;
        if relay.data.as_json().len() > MAX_RELAY_DATA_BYTES {
            let message = "relay data is at most 48 KiB of JSON";
            return Err(Error::new(ErrorCode::TooLarge, message).at("data"));
        }
        let stream = self.streams.get(&relay.stream).ok_or_else(errors::stream_not_found)?;
        let receiver =
            self.people.find(relay.to).ok_or_else(|| errors::participant_not_found("to"))?;
        let owner = stream.wire.participant;
        let are_both_ends = |publisher: ParticipantId, subscriber: ParticipantId| {
            publisher == owner && stream.subscribers.contains(&subscriber)
        };
        if are_both_ends(sender.id, receiver.id) || are_both_ends(receiver.id, sender.id) {
            Ok(AcceptedRelay { to: receiver.session, from: sender.id })
        } else {
            let message =
                "media is negotiated between a stream's publisher and its subscribers only";
            Err(Error::new(ErrorCode::NotSubscribed, message).at("to"))
        }
    }
}
