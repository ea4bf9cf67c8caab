//! What a node has of a room beside the replicated state: rates, and the order and idempotency keys of signals.
//!
//! It does not follow from the log and may differ between nodes, so that nothing of the log is decided by it. The
//! handoff to the next process carries the order and the keys.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Error, ErrorCode, ParticipantId, Ref, RosterPage, SendSignal, Sent, SessionId, SignalSender,
    Timestamp,
};

use crate::idempotency::Fingerprint;
use crate::rate_limit::{Rate, RateLimiter};
use crate::room::effect::Audience;
use crate::room::errors;
use crate::room::machine::Room;
use crate::room::settings::{PAGE_INTERVAL, ROSTER_INTERVAL};
use crate::room::signal::{signal_audience, signal_sender};
use crate::room::state::refs::{RefOwner, Refs, Requester};
use crate::room::visibility::snapshot::roster_page;

/// Further pages that may be requested at once.
const PAGE_BURST: u32 = 10;

/// What this node keeps of a room for itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LocalRoom {
    /// How often the node's sessions may request rosters; removed with their memberships.
    #[serde(skip)]
    rosters: HashMap<SessionId, RosterRates>,
    /// The order of the last signal.
    order: u64,
    signal_rate: RateLimiter,
    #[serde(default, skip_serializing_if = "Refs::is_empty")]
    signal_refs: Refs<Sent>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct RosterRates {
    fresh: RateLimiter,
    pages: RateLimiter,
}

/// What became of a signal that the room permits.
#[derive(Clone, Debug, PartialEq)]
pub enum AcceptedSignal {
    /// It was sent before under the same `ref`, and is only answered again.
    Repeated(Sent),
    /// It is to be numbered and delivered.
    New(NewSignal),
}

/// A signal that has no order yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSignal {
    /// Its receivers.
    pub to: Audience,
    /// The sender, as the push names it; `None`: the server.
    pub from: Option<SignalSender>,
    recipients: u32,
    key: Option<SignalKey>,
}

/// Under which key the answer is kept.
#[derive(Clone, Debug, PartialEq)]
struct SignalKey {
    owner: Option<RefOwner>,
    ref_: Ref,
    body: Fingerprint,
}

impl LocalRoom {
    /// A page of everybody whom a session may list; moderators page a large room's participants too.
    ///
    /// # Errors
    /// `not_in_room`; `rate_limited`: a fresh one once in 5 s; `invalid_argument`: `after` is no `next`.
    pub fn roster(
        &mut self,
        room: &Room,
        session: SessionId,
        after: Option<&str>,
        now: Timestamp,
    ) -> Result<RosterPage, Error> {
        let person = room.state.participants.of_session(session);
        let person = person.ok_or_else(errors::not_in_room)?;
        let after = after.map(str::parse::<ParticipantId>).transpose().map_err(|_| {
            Error::new(ErrorCode::InvalidArgument, "`after` is the `next` of the page before")
                .at("after")
        })?;
        let rates = self.rosters.entry(session).or_default();
        let taken = match after {
            None => rates.fresh.take(Rate::every(ROSTER_INTERVAL, 1), now),
            Some(_) => rates.pages.take(Rate::every(PAGE_INTERVAL, PAGE_BURST), now),
        };
        taken
            .map_err(|wait| errors::rate_limited("a fresh roster may be had once in 5 s", wait))?;
        Ok(roster_page(&room.state, person, after))
    }

    /// Whether a session (or the server: `None`) may send a signal, and to whom.
    ///
    /// # Errors
    /// `not_in_room`, `forbidden`, `too_large`, `ref_conflict`, `participant_not_found`, `rate_limited`.
    pub fn accept_signal(
        &mut self,
        room: &Room,
        from: Option<SessionId>,
        signal: &SendSignal,
        now: Timestamp,
    ) -> Result<AcceptedSignal, Error> {
        let sender = signal_sender(&room.state, from, signal)?;
        let username = sender.as_ref().map(|sender| &sender.username);
        let requester =
            from.map_or(Requester::Server, |session| Requester::Session { session, username });
        let key = signal.ref_.as_ref().map(|ref_| (ref_, Fingerprint::of(signal)));
        if let Some((ref_, body)) = key
            && let Some(sent) = self.signal_refs.lookup(requester, ref_, body, now)?
        {
            return Ok(AcceptedSignal::Repeated(sent));
        }
        let (to, recipients) = signal_audience(&room.state, sender.as_ref(), signal.to)?;
        let per_second = room.state.settings.signals_per_s;
        let taken = self.signal_rate.take(Rate::per_second(per_second, per_second), now);
        taken.map_err(|wait| {
            errors::rate_limited("the room takes no more signals this second", wait)
        })?;
        let owner = from.zip(username.cloned());
        let owner = owner.map(|(session, username)| RefOwner { username, session });
        let key = key.map(|(ref_, body)| SignalKey { owner, ref_: ref_.clone(), body });
        Ok(AcceptedSignal::New(NewSignal { to, from: sender, recipients, key }))
    }

    /// The order of the next signal, where no other node sends any.
    #[must_use]
    pub const fn next_order(&self) -> u64 {
        self.order + 1
    }

    /// The order of the newest signal this node knows of.
    #[must_use]
    pub const fn last_order(&self) -> u64 {
        self.order
    }

    /// A signal got its order; the answer to its sender, which is kept under its `ref`.
    pub fn assign_order(&mut self, signal: &mut NewSignal, order: u64, now: Timestamp) -> Sent {
        self.record_order(order);
        let sent = Sent { recipients: signal.recipients, order };
        if let Some(SignalKey { owner, ref_, body }) = signal.key.take() {
            self.signal_refs.insert(owner, ref_, body, now, sent);
        }
        sent
    }

    /// A signal of this order was delivered.
    pub fn record_order(&mut self, order: u64) {
        self.order = self.order.max(order);
    }

    /// A session is no longer in the room.
    pub fn remove(&mut self, session: SessionId) {
        self.rosters.remove(&session);
    }

    /// Nobody is in the room any more.
    pub fn remove_all(&mut self) {
        self.rosters.clear();
    }
}
