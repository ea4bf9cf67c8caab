//! A node's own state of a room: rate limits, and the order and idempotency keys of signals.
//!
//! It is not replicated and may differ between nodes, so no log entry may depend on it. The handoff includes the order
//! and the keys.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Error, ErrorCode, NewStream, ParticipantId, Ref, RosterPage, Scope, SendSignal, Sent,
    SessionId, SignalSender, StreamId, UpdateStream,
};

use crate::idempotency::Fingerprint;
use crate::rate_limit::{AmountRate, Rate, RateLimiter};
use crate::room::effect::Audience;
use crate::room::errors;
use crate::room::machine::Room;
use crate::room::settings::{PAGE_INTERVAL, RoomSettings};
use crate::room::signal::{signal_audience, signal_sender};
use crate::room::state::participants::{Membership, wire_bytes};
use crate::room::state::refs::{RefOwner, Refs, Requester};
use crate::room::visibility::snapshot::roster_page;
use crate::time::Monotonic;

/// Roster pages that can be requested in a burst.
const PAGE_BURST: u32 = 10;
/// Joins after a leave, and session feeds, that a session may request in a burst: each sends the whole room.
const REPEAT_BURST: u32 = 5;
/// In a room with fewer participants, joins after a leave are not limited: their replies are short.
const SMALL_ROOM: usize = 10;
/// So many rate limits of sessions are held before idle ones are removed.
const MIN_RATES: usize = 64;
/// About the size of a frame with a stream, besides the stream.
const STREAM_OVERHEAD_BYTES: usize = 128;
/// About the size of a signal's frame without its data.
const SIGNAL_OVERHEAD_BYTES: usize = 256;

/// State of a room that belongs to this node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LocalRoom {
    /// Rate limits of the room's sessions, also of those that left. Idle ones are removed.
    #[serde(skip)]
    rates: HashMap<SessionId, SessionRates>,
    /// The number of `rates` at which idle ones are removed.
    #[serde(skip)]
    max_rates: usize,
    /// The order of the last signal.
    order: u64,
    #[serde(skip)]
    signals: SignalBudgets,
    #[serde(skip)]
    stream_changes: StreamBudgets,
    #[serde(default, skip_serializing_if = "Refs::is_empty")]
    signal_refs: Refs<Sent>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct SessionRates {
    /// First roster pages and repeated joins: each sends the whole room.
    snapshots: RateLimiter,
    pages: RateLimiter,
    /// Leaves, for the joins after them.
    leaves: RateLimiter,
    feeds: RateLimiter,
    /// Bytes that this node sends to the session alone, if another node serves it.
    relayed: RateLimiter,
}

/// Bytes of changes of streams, multiplied by their receivers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct StreamBudgets {
    participants: RateLimiter,
    moderators: RateLimiter,
}

/// Separate budgets, so that no kind of sender can use up that of another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct SignalBudgets {
    participants: SignalBudget,
    moderators: SignalBudget,
    server: SignalBudget,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct SignalBudget {
    signals: RateLimiter,
    bytes: RateLimiter,
}

/// The limit that a rejection is due to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalLimit {
    Signals,
    ModeratorSignals,
    SignalBytes,
    RosterInterval,
}

/// A rejection by a node's own state of a room.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalRejection {
    pub error: Error,
    /// `None` if no limit was exceeded.
    pub limit: Option<LocalLimit>,
}

impl From<Error> for LocalRejection {
    fn from(error: Error) -> Self {
        Self { error, limit: None }
    }
}

impl LocalRejection {
    fn rate_limited(limit: LocalLimit, message: &'static str, wait: Duration) -> Self {
        Self { error: errors::rate_limited(message, wait), limit: Some(limit) }
    }
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
    /// `not_in_room`; `rate_limited`: a first page once in `roster_interval`; `invalid_argument`: `after` is no cursor.
    pub fn roster(
        &mut self,
        room: &Room,
        session: SessionId,
        after: Option<&str>,
        now: Monotonic,
    ) -> Result<RosterPage, LocalRejection> {
        let member = room.state.participants.of_session(session);
        let member = member.ok_or_else(errors::not_in_room)?;
        let after = after.map(str::parse::<ParticipantId>).transpose().map_err(|_| {
            Error::new(
                ErrorCode::InvalidArgument,
                "`after` must be the `next` cursor of a previous page",
            )
            .at("after")
        })?;
        if after.is_none() {
            self.take_snapshot(room, session, now)?;
        } else {
            let pages = &mut self.rates.entry(session).or_default().pages;
            pages.take(Rate::every(PAGE_INTERVAL, PAGE_BURST), now).map_err(|wait| {
                let message = "too many roster pages; wait before requesting the next";
                LocalRejection::rate_limited(LocalLimit::RosterInterval, message, wait)
            })?;
        }
        Ok(roster_page(&room.state, member, after))
    }

    /// Counts a snapshot of the whole room that a session requests: by a first roster page, or by a join although it is
    /// in the room.
    ///
    /// # Errors
    /// `rate_limited`: once in `roster_interval`.
    pub fn take_snapshot(
        &mut self,
        room: &Room,
        session: SessionId,
        now: Monotonic,
    ) -> Result<(), LocalRejection> {
        let rate = Rate::every(room.state.settings.roster_interval, 1);
        let snapshots = &mut self.rates.entry(session).or_default().snapshots;
        snapshots.take(rate, now).map_err(|wait| {
            let message = "the whole room was requested recently; wait before requesting it again";
            LocalRejection::rate_limited(LocalLimit::RosterInterval, message, wait)
        })
    }

    /// Checks a join of a session that is not in the room.
    ///
    /// # Errors
    /// `rate_limited`: after a burst of leaves once in `roster_interval`, unless the room is small.
    pub fn check_join(
        &self,
        room: &Room,
        session: SessionId,
        now: Monotonic,
    ) -> Result<(), LocalRejection> {
        let Some(rates) = self.rates.get(&session) else { return Ok(()) };
        if room.state.participants.len() < SMALL_ROOM {
            return Ok(());
        }
        let mut leaves = rates.leaves;
        leaves.take(repeat_rate(room), now).map_err(|wait| {
            let message = "the room was left and joined too often; wait before joining it again";
            LocalRejection::rate_limited(LocalLimit::RosterInterval, message, wait)
        })
    }

    /// Counts a session feed that a session turns on: it begins with the whole room.
    ///
    /// # Errors
    /// `rate_limited`: after a burst once in `roster_interval`.
    pub fn take_feed(
        &mut self,
        room: &Room,
        session: SessionId,
        now: Monotonic,
    ) -> Result<(), LocalRejection> {
        let feeds = &mut self.rates.entry(session).or_default().feeds;
        feeds.take(repeat_rate(room), now).map_err(|wait| {
            let message = "the session feed was turned on too often; wait before the next time";
            LocalRejection::rate_limited(LocalLimit::RosterInterval, message, wait)
        })
    }

    /// Counts a new stream of a session, if the room would accept it.
    ///
    /// # Errors
    /// `rate_limited`: beyond the rate of the bytes of signals.
    pub fn take_publish(
        &mut self,
        room: &Room,
        session: SessionId,
        new: &NewStream,
        now: Monotonic,
    ) -> Result<(), LocalRejection> {
        let Some(member) = room.state.participants.of_session(session) else { return Ok(()) };
        let most = room.state.settings.streams_per_participant as usize;
        if member.permit(Scope::Publish).is_err() || member.streams.len() >= most {
            return Ok(());
        }
        self.take_stream_bytes(room, member, wire_bytes(new) + member.wire_bytes, now)
    }

    /// Counts an update of a session's own stream.
    ///
    /// # Errors
    /// `rate_limited`: beyond the rate of the bytes of signals.
    pub fn take_update(
        &mut self,
        room: &Room,
        session: SessionId,
        update: &UpdateStream,
        now: Monotonic,
    ) -> Result<(), LocalRejection> {
        let member = room.state.participants.of_session(session);
        let stream = room.state.streams.find(update.stream);
        let (Some(member), Some(stream)) = (member, stream) else { return Ok(()) };
        if stream.wire.participant != member.id {
            return Ok(());
        }
        self.take_stream_bytes(room, member, stream.wire_bytes + wire_bytes(update), now)
    }

    /// Counts a change of a stream that is sent to everybody in the room.
    fn take_stream_bytes(
        &mut self,
        room: &Room,
        member: &Membership,
        bytes: usize,
        now: Monotonic,
    ) -> Result<(), LocalRejection> {
        let StreamBudgets { participants, moderators } = &mut self.stream_changes;
        let is_moderator = member.permit(Scope::Moderate).is_ok();
        let budget = if is_moderator { moderators } else { participants };
        let frame = (bytes + STREAM_OVERHEAD_BYTES) as u64;
        let bytes = frame.saturating_mul(room.state.participants.len() as u64);
        budget.take_amount(byte_rate(&room.state.settings), bytes, now).map_err(|wait| {
            let message = "streams of the room change too often; wait before the next change";
            LocalRejection::rate_limited(LocalLimit::SignalBytes, message, wait)
        })
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
    ) -> Result<AcceptedSignal, LocalRejection> {
        let sender = signal_sender(&room.state, from, signal)?;
        let requester = from.map_or(Requester::Server, |session| room.state.ref_requester(session));
        let key = signal.ref_.as_ref().map(|ref_| (ref_, Fingerprint::of(signal)));
        if let Some((ref_, body)) = key
            && let Some(sent) = self.signal_refs.lookup(requester, ref_, body, now)?
        {
            return Ok(AcceptedSignal::Repeated(sent));
        }
        let (to, recipients) = signal_audience(&room.state, sender.as_ref(), signal.to)?;
        let member = from.and_then(|session| room.state.participants.of_session(session));
        let is_moderator = member.is_some_and(|member| member.permit(Scope::Moderate).is_ok());
        let frame = signal.data.as_json().len() + SIGNAL_OVERHEAD_BYTES;
        let bytes = (frame as u64).saturating_mul(u64::from(recipients));
        let (settings, budgets) = (&room.state.settings, &mut self.signals);
        let (budget, limit) = match (from, is_moderator) {
            (None, _) => (&mut budgets.server, LocalLimit::ModeratorSignals),
            (Some(_), true) => (&mut budgets.moderators, LocalLimit::ModeratorSignals),
            (Some(_), false) => (&mut budgets.participants, LocalLimit::Signals),
        };
        budget.take(settings, limit, bytes, now)?;
        let owner = member.map(|member| RefOwner::of(member.principal(), member.session));
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

    /// Call when a session left the room. It may join again.
    pub fn remove(&mut self, room: &Room, session: SessionId, now: Monotonic) {
        let leaves = &mut self.rates.entry(session).or_default().leaves;
        // Beyond the rate the session may not join again, which it would have to before the next leave.
        let _ = leaves.take(repeat_rate(room), now);
        if self.rates.len() >= self.max_rates {
            self.rates.retain(|_, rates| !rates.is_idle(now));
            self.max_rates = (self.rates.len() * 2).max(MIN_RATES);
        }
    }

    /// Call when all sessions left the room.
    pub fn remove_all(&mut self) {
        self.rates.clear();
    }
}

/// The owner of a stream, who is notified of a new subscription. `None` if the room would not accept one.
#[must_use]
pub fn receiver_of_subscription(
    room: &Room,
    from: SessionId,
    stream: StreamId,
) -> Option<SessionId> {
    let member = room.state.participants.of_session(from)?;
    let stream = room.state.streams.find(stream)?;
    let is_new =
        member.permit(Scope::Subscribe).is_ok() && !stream.subscribers.contains(&member.id);
    let owner = room.state.participants.find(stream.wire.participant)?;
    is_new.then_some(owner.session)
}

impl SessionRates {
    fn is_idle(&self, now: Monotonic) -> bool {
        let Self { snapshots, pages, leaves, feeds, relayed } = self;
        [snapshots, pages, leaves, feeds, relayed].iter().all(|limiter| limiter.is_idle(now))
    }
}

const fn byte_rate(settings: &RoomSettings) -> AmountRate {
    AmountRate::new(settings.signal_bytes_per_s, settings.signal_bytes_per_s)
}

fn repeat_rate(room: &Room) -> Rate {
    Rate::every(room.state.settings.roster_interval, REPEAT_BURST)
}

impl SignalBudget {
    /// Takes one signal that sends `bytes` to all its receivers. A rejected signal counts for neither rate.
    fn take(
        &mut self,
        settings: &RoomSettings,
        limit: LocalLimit,
        bytes: u64,
        now: Monotonic,
    ) -> Result<(), LocalRejection> {
        let per_second = match limit {
            LocalLimit::ModeratorSignals => settings.moderator_signals_per_s,
            LocalLimit::Signals | LocalLimit::SignalBytes | LocalLimit::RosterInterval => {
                settings.signals_per_s
            }
        };
        let mut taken = *self;
        let signals = taken.signals.take(Rate::per_second(per_second, per_second), now);
        signals.map_err(|wait| {
            LocalRejection::rate_limited(limit, "signal rate limit of the room exceeded", wait)
        })?;
        taken.bytes.take_amount(byte_rate(settings), bytes, now).map_err(|wait| {
            let message = "signal byte limit of the room exceeded; send less or smaller signals";
            LocalRejection::rate_limited(LocalLimit::SignalBytes, message, wait)
        })?;
        *self = taken;
        Ok(())
    }
}
