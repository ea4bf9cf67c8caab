//! Invariants of a room after every entry.

use stagedoor_proto::Link;

use crate::room::permissions::{capabilities, role_within};
use crate::room::state::RoomState;
use crate::room::state::participants::Lease;
use crate::room::state::timers::Timer;
use crate::room::streams::acks::is_mute_locked;
use crate::room::visibility::size::is_below_half;

/// See [`Room::check_invariants`](crate::room::Room::check_invariants).
pub(super) fn check(state: &RoomState) -> Result<(), &'static str> {
    check_participants(state)?;
    check_streams(state)?;
    check_mutes(state)?;
    check_timers(state)?;
    require(state.refs.is_bounded(), "too many refs")?;
    require(state.records.is_bounded(), "a table of durable records is too long")?;
    require(state.recent_leavers.is_bounded(), "too many recent leavers")?;
    require(state.lost_nodes.is_bounded(), "too many lost nodes")?;
    require(state.receipts.is_consistent(&state.timers), "receipts do not match their reports")
}

fn check_participants(state: &RoomState) -> Result<(), &'static str> {
    require(
        state.participants.len() <= state.settings.participants as usize,
        "too many participants",
    )?;
    require(
        state.participants.indexed_by_user() == state.participants.len(),
        "the index by user is wrong",
    )?;
    let closes = state.timers.get(Timer::Close).is_some();
    require(state.participants.is_empty() || !closes, "an occupied room has a closing timer")?;
    let limit = state.settings.roster_limit as usize;
    require(
        state.size.is_large || state.participants.len() <= limit,
        "a large room is not marked as large",
    )?;
    let shrinks = state.size.is_large && is_below_half(state);
    let is_shrinking = state.timers.get(Timer::Shrink).is_some();
    require(shrinks == is_shrinking, "a small room is marked as large")?;
    require(state.participants.is_empty() || !state.has_ended, "an ended room is occupied")?;
    for member in state.participants.iter() {
        require(state.participants.is_indexed(member), "an index of participants is wrong")?;
        let expected = capabilities(member.role, member.scopes, state.settings.subscriber_signals);
        let is_lost = state.lost_nodes.contains(member.home);
        require(!is_lost || member.link == Link::Suspended, "a lost node has a live session")?;
        require(member.capabilities == expected, "capabilities are not those of the role")?;
        let (own, scopes) = (member.basis.role(), member.scopes);
        let held = state.records.role(member.principal(), own);
        require(
            held.is_none() || role_within(held, own, scopes) == member.role,
            "a participant does not have its set role",
        )?;
        let blocked = state.records.blocked(member.principal(), state.now.wall);
        require(blocked.is_none(), "a blocked user is in the room")?;
        require(
            member.streams.is_empty() || member.capabilities.publish,
            "a participant has a stream without the permission",
        )?;
        require(
            member.subscriptions.is_empty() || member.capabilities.subscribe,
            "a participant subscribes without the permission",
        )?;
    }
    let may_watch =
        |id| state.participants.find(id).is_some_and(|member| member.capabilities.moderate);
    require(state.feed.watchers().all(may_watch), "a participant watches without the permission")
}

fn check_streams(state: &RoomState) -> Result<(), &'static str> {
    require(state.streams.len() <= state.settings.streams as usize, "too many streams")?;
    let streams: usize = state.participants.iter().map(|member| member.streams.len()).sum();
    require(streams == state.streams.len(), "a stream has no owner")?;
    let subscriptions: usize =
        state.participants.iter().map(|member| member.subscriptions.len()).sum();
    let subscribers: usize = state.streams.iter().map(|stream| stream.subscribers.len()).sum();
    require(subscriptions == subscribers, "subscriptions do not match subscribers")?;
    for stream in state.streams.iter() {
        let id = stream.wire.id;
        let owner = state.participants.find(stream.wire.participant);
        require(
            owner.is_some_and(|owner| owner.streams.contains(&id)),
            "a stream is missing at its owner",
        )?;
        let most = state.settings.streams_per_participant as usize;
        require(
            owner.is_some_and(|owner| owner.streams.len() <= most),
            "a participant has too many streams",
        )?;
    }
    Ok(())
}

fn check_mutes(state: &RoomState) -> Result<(), &'static str> {
    for stream in state.streams.iter() {
        let id = stream.wire.id;
        require(!(stream.wire.muted && stream.wire.has_audio), "a muted stream has audio on")?;
        let is_locked = is_mute_locked(state, id);
        require(
            !is_locked || !stream.wire.has_audio,
            "a stream has audio on despite a locked mute",
        )?;
        let owner = state.participants.find(stream.wire.participant);
        let is_live = owner.is_some_and(|owner| owner.link == Link::Live);
        let runs = !stream.unacknowledged.is_empty() && is_live;
        let is_running = state.timers.get(Timer::Acknowledgement(id)).is_some();
        require(is_running == runs, "an acknowledgement timer does not match the owner's link")?;
    }
    let mut running = state.timers.armed(Timer::as_acknowledgement);
    require(running.all(|id| state.streams.contains(id)), "a timer without a stream is armed")?;
    let requests: usize = state.streams.iter().map(|stream| stream.unmute_requests.len()).sum();
    let mut timed = state.timers.armed(Timer::as_unmute_request);
    require(
        timed.all(|(version, id)| {
            let stream = state.streams.find(id);
            stream.is_some_and(|stream| stream.unmute_requests.contains(&version))
                && state.receipts.is_open(version, id)
        }),
        "a timer of an unmute request has no request",
    )?;
    let timed = state.timers.armed(Timer::as_unmute_request).count();
    require(timed == requests, "an unmute request has no timer")
}

fn check_timers(state: &RoomState) -> Result<(), &'static str> {
    for member in state.participants.iter() {
        let due = member.lease.map(Lease::due);
        require(state.leases.get(member.id) == due, "a lease does not match its timer")?;
    }
    let mut linked = state.timers.armed(Timer::as_link);
    let is_present = linked.all(|id| state.participants.find(id).is_some());
    require(is_present, "a delayed link has no participant")?;
    let mut leased = state.leases.armed(Some);
    let is_present = leased.all(|id| state.participants.find(id).is_some());
    require(is_present, "a timer without a participant is armed")?;
    let (next, lease) = (state.timers.next_due(), state.leases.next_due());
    require(
        next.is_none_or(|due| due > state.now.monotonic)
            && lease.is_none_or(|due| due > state.now.wall),
        "an expired timer was not handled",
    )
}

fn require(holds: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(otherwise) }
}
