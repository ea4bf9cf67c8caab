//! The room: applies log entries.
//!
//! An entry runs expired timers, then its command, then the follow-ups: size class, reports, session feed and closing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Counts, Error, Link, OwnParticipant, ParticipantId, Ref, Relay, Reply, RoomId, RoomSnapshot,
    SessionId, SessionState, Stream, StreamId, Timestamp, Username,
};

use crate::idempotency::Fingerprint;
use crate::principal::Principal;
use crate::room::durable::changes::{DurableChange, DurableKey};
use crate::room::durable::records::DurableRecords;
use crate::room::effect::{Audience, Effect, Effects, Everywhere};
use crate::room::events::RoomEvent;
use crate::room::invariants;
use crate::room::log::commands::{Moderation, OpenRoom, RecreateRoom, RoomCommand};
use crate::room::log::entry::Entry;
use crate::room::log::origin::NodeEpoch;
use crate::room::moderation::migrate::migrate_user;
use crate::room::moderation::moderate::{adds_records, moderate};
use crate::room::moderation::reports::send_reports;
use crate::room::participants::authorize::authorize;
use crate::room::participants::expiry::{expire, extend_leases};
use crate::room::participants::home::{check_home, mark_node_lost, move_home};
use crate::room::participants::join::join;
use crate::room::participants::leave::leave;
use crate::room::participants::link::{change_link, change_session_state, push_due_links};
use crate::room::settings::{LEAVER_RETENTION, RETENTION};
use crate::room::signal::{AcceptedRelay, accept_relay};
use crate::room::state::RoomState;
use crate::room::state::timers::{RoomDue, Timer};
use crate::room::streams::publish::{publish, unpublish, update_stream};
use crate::room::streams::subscriptions::{subscribe, unsubscribe};
use crate::room::visibility::audience::for_each_session;
use crate::room::visibility::session_feed::{send_feed, set_session_feed};
use crate::room::visibility::size::update_size_class;
use crate::room::visibility::snapshot::{counts, snapshot_for};
use crate::room::visibility::summary::{ParticipantInfo, RoomSummary, participants, summary};
use crate::time::{MAX_UNNOTICED_STEP, Monotonic, Now};

/// A room, the result of a log of commands.
///
/// Its serialized form is a checkpoint; entries of higher versions can be applied to it. A checkpoint from another
/// process must pass [`Room::check_invariants`] first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Room {
    pub(super) state: RoomState,
}

impl Room {
    /// A room with an empty log. The first entry opens it.
    #[must_use]
    pub fn new(id: RoomId) -> Self {
        Self { state: RoomState::new(id) }
    }

    /// Applies the next log entry. `has_events`: whether this node emits events for the room.
    ///
    /// An entry that is not newer than the last one was applied before and does nothing. Monotonic time never
    /// goes back: an earlier time becomes that of the last entry.
    pub fn apply(&mut self, entry: Entry, has_events: bool) -> Vec<Effect> {
        let mut out = Effects::new(entry.origin, has_events);
        let state = &mut self.state;
        if entry.version <= state.version {
            return out.into_list();
        }
        state.version = entry.version;
        let is_step = entry.now.wall_step_since(state.now) > MAX_UNNOTICED_STEP;
        let monotonic = state.now.monotonic.max(entry.now.monotonic);
        state.now = Now { wall: entry.now.wall, monotonic };
        if state.is_open {
            if is_step {
                extend_leases(state);
            }
            expire(state, &mut out);
            push_due_links(state, &mut out);
        }
        let was_empty = state.participants.is_empty();
        out.set_cause(entry.command.request());
        run_command(state, entry.origin, entry.command, &mut out);
        if state.participants.is_empty() == was_empty {
            // A change of emptiness before the command came from a timer.
            out.set_cause(None);
        }
        if state.is_open {
            update_size_class(state, None, &mut out);
            send_reports(state, &mut out);
            send_feed(state, &mut out);
            schedule_close(state, &mut out);
        }
        out.into_list()
    }

    /// When to append a [`RoomCommand::Tick`], if no other entry comes before.
    #[must_use]
    pub fn next_due(&self) -> RoomDue {
        RoomDue {
            wall: self.state.leases.next_due().unwrap_or(Timestamp::MAX),
            monotonic: self.state.timers.next_due().unwrap_or(Monotonic::MAX),
        }
    }

    #[must_use]
    pub const fn id(&self) -> &RoomId {
        &self.state.id
    }

    /// The version of the last applied entry.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.state.version
    }

    /// Whether the room is open. Otherwise the next entry must be [`RoomCommand::Open`].
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.state.is_open
    }

    /// The sessions in the room, with link and state as logged.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, Link, SessionState)> {
        let members = self.state.participants.iter();
        members.map(|member| (member.session, member.link, member.state))
    }

    /// The nodes that serve the sessions in the room, as logged. A process that replaces another appends
    /// [`RoomCommand::NodeLost`] for each of them except itself.
    #[must_use]
    pub fn homes(&self) -> BTreeSet<NodeEpoch> {
        self.state.participants.iter().map(|member| member.home).collect()
    }

    /// The version of a session's grant that was applied last; 0 for a session that is not in the room.
    #[must_use]
    pub fn grant_version(&self, session: SessionId) -> u64 {
        self.state.participants.of_session(session).map_or(0, |member| member.grant_version)
    }

    #[cfg(test)]
    #[must_use]
    pub fn participant_of(&self, session: SessionId) -> Option<ParticipantId> {
        self.state.participants.of_session(session).map(|member| member.id)
    }

    /// The participant of a session, as that session sees it.
    #[must_use]
    pub fn own_participant(&self, session: SessionId) -> Option<OwnParticipant> {
        let member = self.state.participants.of_session(session)?;
        Some(OwnParticipant {
            room: self.state.id.clone(),
            participant: member.id,
            role: member.role,
            capabilities: member.capabilities,
        })
    }

    #[must_use]
    pub fn has_stream(&self, stream: StreamId) -> bool {
        self.state.streams.contains(stream)
    }

    #[must_use]
    pub fn is_at_stream_limit(&self) -> bool {
        self.state.is_at_stream_limit()
    }

    /// Whether the session, in the room or not, or another session of its user used this `ref`.
    #[must_use]
    pub fn has_used_ref(&self, session: SessionId, ref_: &Ref) -> bool {
        let state = &self.state;
        state.refs.contains(state.ref_requester(session), ref_, state.now.monotonic)
    }

    /// Whether a command may add to what the store holds of the room or of the app.
    #[must_use]
    pub fn adds_records(&self, command: &Moderation) -> bool {
        adds_records(&self.state, command)
    }

    /// Whether the room has a mute, role or block of a user.
    #[must_use]
    pub fn has_records_of(&self, user: Principal<'_>) -> bool {
        self.state.records.has_any_of(user, self.state.now.wall)
    }

    /// The current state of these keys, as changes to persist.
    #[must_use]
    pub fn durable_changes(&self, keys: &BTreeSet<DurableKey>) -> Vec<DurableChange> {
        let state = &self.state;
        if !state.is_open {
            return Vec::new();
        }
        state.records.changes_for(keys, !state.participants.is_empty(), state.now.wall)
    }

    /// Calls `send` for every session of an audience, in the same order on every node.
    pub fn for_each_session(&self, audience: &Audience, send: impl FnMut(SessionId)) {
        for_each_session(&self.state, audience, send);
    }

    /// The room as a session sees it; the content of a `room_reset`.
    ///
    /// # Errors
    /// `not_in_room`.
    pub fn snapshot_for(&self, session: SessionId) -> Result<RoomSnapshot, Error> {
        snapshot_for(&self.state, session)
    }

    /// Admits a relay between the publisher of a stream and one of its subscribers.
    ///
    /// # Errors
    /// `not_in_room`, `forbidden`, `too_large`, `stream_not_found`, `participant_not_found`, `not_subscribed`.
    pub fn relay(&self, from: SessionId, relay: &Relay) -> Result<AcceptedRelay, Error> {
        accept_relay(&self.state, from, relay)
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        counts(&self.state)
    }

    #[must_use]
    pub fn summary(&self) -> RoomSummary {
        summary(&self.state)
    }

    /// The participants after `after`, in the order of their ids; of one user, if `user` names one.
    pub fn participants(
        &self,
        user: Option<&Username>,
        after: Option<ParticipantId>,
    ) -> impl Iterator<Item = ParticipantInfo> {
        participants(&self.state, user, after)
    }

    /// The streams after `after`, in the order of their ids.
    pub fn streams_after(&self, after: Option<StreamId>) -> impl Iterator<Item = &Stream> {
        self.state.streams.after(after).map(|stream| &stream.wire)
    }

    /// Checks the invariants, in tests, in fuzzing, and of a restored checkpoint.
    ///
    /// # Errors
    /// The first violated invariant.
    pub fn check_invariants(&self) -> Result<(), &'static str> {
        invariants::check(&self.state)
    }
}

fn run_command(state: &mut RoomState, node: NodeEpoch, command: RoomCommand, out: &mut Effects) {
    let origin = command.origin();
    let is_allowed =
        state.is_open || matches!(command, RoomCommand::Open(_)) || is_repeated(state, &command);
    let permitted = if is_allowed {
        check_home(state, node, &command)
    } else {
        Err(Error::engine_unavailable("durable state of the room is not loaded yet; retry"))
    };
    let result = permitted.and_then(|()| execute(state, node, command, out));
    if let Some((origin, reply)) = origin.zip(result.transpose()) {
        out.reply(origin, reply);
    }
}

/// Whether a moderation command uses a `ref` whose answer is stored: then it changes nothing.
fn is_repeated(state: &RoomState, command: &RoomCommand) -> bool {
    let RoomCommand::Moderate { origin, command, .. } = command else { return false };
    let key = command.ref_().map(|ref_| (ref_, Fingerprint::of(command)));
    !matches!(state.lookup_reply(*origin, key), Ok(None))
}

/// Executes a command. `None`: the command has no reply, or sent it in order with its pushes.
fn execute(
    state: &mut RoomState,
    node: NodeEpoch,
    command: RoomCommand,
    out: &mut Effects,
) -> Result<Option<Reply>, Error> {
    let reply = match command {
        RoomCommand::Open(open_room) => {
            open(state, *open_room);
            return Ok(None);
        }
        RoomCommand::Recreate(new) => {
            recreate(state, *new);
            return Ok(None);
        }
        RoomCommand::Tick => return Ok(None),
        RoomCommand::Link { session, link, home, generation } => {
            if let Some(id) = state.participants.of_session(session).map(|member| member.id) {
                move_home(state, id, home, generation);
                change_link(state, session, link, out);
            }
            return Ok(None);
        }
        RoomCommand::NodeLost { epoch } => {
            mark_node_lost(state, epoch, out);
            return Ok(None);
        }
        RoomCommand::SessionState { session, state: new } => {
            change_session_state(state, session, new);
            return Ok(None);
        }
        RoomCommand::Authorize { session, grant, .. } => {
            authorize(state, session, grant, out);
            return Ok(None);
        }
        RoomCommand::MigrateUser { from, to, from_guest, to_guest, .. } => {
            let from = Principal { username: &from, guest: from_guest.as_ref() };
            migrate_user(state, from, Principal { username: &to, guest: to_guest.as_ref() }, out);
            return Ok(None);
        }
        RoomCommand::Moderate { origin, command, server } => {
            moderate(state, origin, &command, server.map(|caller| caller.name), out);
            return Ok(None);
        }
        RoomCommand::Join(body) => {
            join(state, *body, node, out).map(|joined| Reply::Joined(Box::new(joined)))
        }
        RoomCommand::Leave { session, reason, .. } => leave(state, session, reason, out),
        RoomCommand::Publish { origin, stream, new } => publish(state, origin, stream, new, out),
        RoomCommand::UpdateStream { origin, update } => update_stream(state, origin, update, out),
        RoomCommand::Unpublish { origin, stream, ref_ } => {
            unpublish(state, origin, stream, ref_.as_ref(), out)
        }
        RoomCommand::Subscribe { origin, stream } => subscribe(state, origin, stream, out),
        RoomCommand::Unsubscribe { origin, stream } => unsubscribe(state, origin, stream, out),
        RoomCommand::SetSessionFeed { origin, enabled } => {
            set_session_feed(state, origin, enabled, out)
        }
    };
    reply.map(Some)
}

/// Opens the room. A concurrent `Open` of another node does nothing.
fn open(state: &mut RoomState, open_room: OpenRoom) {
    if state.is_open {
        return;
    }
    state.is_open = true;
    state.settings = open_room.settings;
    state.records = DurableRecords::from(open_room.durable_state);
    state.timers.set(Timer::Close, state.now.monotonic + LEAVER_RETENTION);
}

/// Gives an ended room the state with which it was created again. Penalties and idempotency keys stay.
fn recreate(state: &mut RoomState, new: RecreateRoom) {
    if !state.has_ended {
        return;
    }
    state.has_ended = false;
    state.settings = new.settings;
    (state.records.mute, state.records.locked) = (new.mute, new.locked);
    state.timers.set(Timer::Close, state.now.monotonic + LEAVER_RETENTION);
}

/// Arms the closing timer of an empty room, stops that of an occupied one, and closes the room when it runs out.
fn schedule_close(state: &mut RoomState, out: &mut Effects) {
    let is_empty = state.participants.is_empty();
    match state.timers.get(Timer::Close) {
        None if is_empty => {
            state.timers.set(Timer::Close, state.now.monotonic + LEAVER_RETENTION);
            out.changes.push(DurableChange::Emptied { keep_until: state.now.wall + RETENTION });
            if !out.ends_room() {
                out.emit(|| RoomEvent::Ended { by: None });
            }
        }
        Some(_) if !is_empty => {
            state.timers.stop(Timer::Close);
            out.emit(|| RoomEvent::Opened);
            out.changes.push(DurableChange::Occupied);
        }
        Some(at) if at <= state.now.monotonic => {
            out.add(Everywhere::Closed);
            let (version, now) = (state.version, state.now);
            // A node that keeps the room must decide like one that removed it.
            *state = RoomState { version, now, ..RoomState::new(state.id.clone()) };
        }
        Some(_) if !out.changes.is_empty() => {
            out.changes.push(DurableChange::Emptied { keep_until: state.now.wall + RETENTION });
        }
        None | Some(_) => {}
    }
}
