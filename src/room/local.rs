//! A node's own state of a room: rate limits, and the order and idempotency keys of signals.
//!
//! It is not replicated and may differ between nodes, so no log entry may depend on it. The handoff includes the order
//! and the keys.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Error, ErrorCode, ParticipantId, Ref, RosterPage, SendSignal, Sent, SessionId, SignalSender,
};

use crate::idempotency::Fingerprint;
use crate::rate_limit::{AmountRate, Rate, RateLimiter};
use crate::room::effect::Audience;
use crate::room::errors;
use crate::room::machine::Room;
use crate::room::settings::{PAGE_INTERVAL, ROSTER_INTERVAL};
use crate::room::signal::{signal_audience, signal_sender};
use crate::room::state::refs::{RefOwner, Refs, Requester};
use crate::room::visibility::snapshot::roster_page;
use crate::time::Monotonic;

/// Roster pages that can be requested in a burst.
const PAGE_BURST: u32 = 10;

/// State of a room that belongs to this node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LocalRoom {
    /// Rate limits of the room's sessions. Removed with their memberships.
    #[serde(skip)]
    rates: HashMap<SessionId, SessionRates>,
    /// The order of the last signal.
    order: u64,
    signal_rate: RateLimiter,
    #[serde(default, skip_serializing_if = "Refs::is_empty")]
    signal_refs: Refs<Sent>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct SessionRates {
    fresh: RateLimiter,
    pages: RateLimiter,
    /// Bytes that this node sends to the session alone, if another node serves it.
    relayed: RateLimiter,
}

/// The result of admitting a signal.
#[derive(Clone, Debug, PartialEq)]
pub enum AcceptedSignal {
    /// A repetition under the same `ref`; its sender gets the first answer.
    Repeated(Sent),
    /// To be numbered and delivered.
    New(NewSignal),
}

/// A signal without an order.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSignal {
    pub to: Audience,
    /// The sender as it appears in the push. `None`: the server.
    pub from: Option<SignalSender>,
    recipients: u32,
    key: Option<SignalKey>,
}

/// The key under which the answer is stored.
#[derive(Clone, Debug, PartialEq)]
struct SignalKey {
    owner: Option<RefOwner>,
    ref_: Ref,
    body: Fingerprint,
}

impl LocalRoom {
    /// A page of the participants that a session can list. Moderators can also page through a large room.
    ///
    /// # Errors
    /// `not_in_room`; `rate_limited`: a first page once in 5 s; `invalid_argument`: `after` is not a cursor.
    pub fn roster(
        &mut self,
        room: &Room,
        session: SessionId,
        after: Option<&str>,
        now: Monotonic,
    ) -> Result<RosterPage, Error> {
        let member = room.state.participants.of_session(session);
        let member = member.ok_or_else(errors::not_in_room)?;
        let after = after.map(str::parse::<ParticipantId>).transpose().map_err(|_| {
            Error::new(
                ErrorCode::InvalidArgument,
                "`after` must be the `next` cursor of a previous page",
            )
            .at("after")
        })?;
        let rates = self.rates.entry(session).or_default();
        let taken = match after {
            None => rates.fresh.take(Rate::every(ROSTER_INTERVAL, 1), now),
            Some(_) => rates.pages.take(Rate::every(PAGE_INTERVAL, PAGE_BURST), now),
        };
        taken.map_err(|wait| {
            errors::rate_limited("a first roster page can be requested once in 5 s", wait)
        })?;
        Ok(roster_page(&room.state, member, after))
    }

    /// Counts bytes that this node sends to a session of another node alone.
    ///
    /// # Errors
    /// How long to wait until they are allowed.
    pub fn take_relayed(
        &mut self,
        to: SessionId,
        rate: AmountRate,
        bytes: usize,
        now: Monotonic,
    ) -> Result<(), Duration> {
        self.rates.entry(to).or_default().relayed.take_amount(rate, bytes as u64, now)
    }

    /// Admits a signal of a session, or of the server (`None`), and resolves its receivers.
    ///
    /// # Errors
    /// `not_in_room`, `forbidden`, `too_large`, `ref_conflict`, `participant_not_found`, `rate_limited`.
    pub fn accept_signal(
        &mut self,
        room: &Room,
        from: Option<SessionId>,
        signal: &SendSignal,
        now: Monotonic,
    ) -> Result<AcceptedSignal, Error> {
        let sender = signal_sender(&room.state, from, signal)?;
        let requester = from.map_or(Requester::Server, |session| room.state.ref_requester(session));
        let key = signal.ref_.as_ref().map(|ref_| (ref_, Fingerprint::of(signal)));
        if let Some((ref_, body)) = key
            && let Some(sent) = self.signal_refs.lookup(requester, ref_, body, now)?
        {
            return Ok(AcceptedSignal::Repeated(sent));
        }
        let (to, recipients) = signal_audience(&room.state, sender.as_ref(), signal.to)?;
        let per_second = room.state.settings.signals_per_s;
        let taken = self.signal_rate.take(Rate::per_second(per_second, per_second), now);
        taken
            .map_err(|wait| errors::rate_limited("signal rate limit of the room exceeded", wait))?;
        let owner = from.and_then(|session| room.state.participants.of_session(session));
        let owner = owner.map(|member| RefOwner::of(member.principal(), member.session));
        let key = key.map(|(ref_, body)| SignalKey { owner, ref_: ref_.clone(), body });
        Ok(AcceptedSignal::New(NewSignal { to, from: sender, recipients, key }))
    }

    /// The order of the next signal, if no other node sends any.
    #[must_use]
    pub const fn next_order(&self) -> u64 {
        self.order + 1
    }

    /// The order of the newest signal known to this node.
    #[must_use]
    pub const fn last_order(&self) -> u64 {
        self.order
    }

    /// Assigns an order to a signal. Returns the answer to its sender, which is stored under its `ref`.
    pub fn assign_order(&mut self, signal: &mut NewSignal, order: u64, now: Monotonic) -> Sent {
        self.record_order(order);
        let sent = Sent { recipients: signal.recipients, order };
        if let Some(SignalKey { owner, ref_, body }) = signal.key.take() {
            self.signal_refs.insert(owner, ref_, body, now, sent);
        }
        sent
    }

    /// Call when a signal of this order was delivered.
    pub fn record_order(&mut self, order: u64) {
        self.order = self.order.max(order);
    }

    /// Call when a session left the room.
    pub fn remove(&mut self, session: SessionId) {
        self.rates.remove(&session);
    }

    /// Call when all sessions left the room.
    pub fn remove_all(&mut self) {
        self.rates.clear();
    }
}
