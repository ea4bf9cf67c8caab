//! The session feed: state, link, role and mute of every session in the room, for moderators who watch it.
//!
//! A snapshot comes first, then changes. Pushes are at least [`BATCH_INTERVAL`] apart and bounded in size; a long
//! snapshot continues in the next push. An entry replaces the previous one of its participant, so repetitions are
//! harmless.

use std::collections::BTreeSet;

use stagedoor_proto::{
    Error, FeedEntry, Link, ParticipantId, Push, Reply, Scope, SessionFeed, SessionFeedSet,
    SessionId,
};

use crate::room::effect::{Audience, Effects};
use crate::room::log::origin::Origin;
use crate::room::settings::BATCH_INTERVAL;
use crate::room::state::RoomState;
use crate::room::state::feed::Progress;
use crate::room::state::participants::{Membership, wire_bytes};
use crate::room::state::timers::Timer;

pub(in crate::room) fn set_session_feed(
    state: &mut RoomState,
    origin: Origin,
    enabled: bool,
    out: &mut Effects,
) -> Result<Reply, Error> {
    let member = state.requester(origin)?;
    member.permit(Scope::Moderate)?;
    let (id, session) = (member.id, member.session);
    if enabled {
        let progress = send_snapshot(state, id, session, None, out);
        state.feed.watch(id, progress);
    } else {
        state.feed.unwatch(id);
    }
    Ok(Reply::SessionFeedSet(SessionFeedSet { enabled }))
}

/// Sends due pushes.
pub(in crate::room) fn send_feed(state: &mut RoomState, out: &mut Effects) {
    if state.feed.is_idle() {
        state.timers.stop(Timer::SessionFeed);
        return;
    }
    let due = state.feed.sent + BATCH_INTERVAL;
    if state.now.monotonic < due {
        state.timers.set(Timer::SessionFeed, due);
        return;
    }
    state.feed.sent = state.now.monotonic;
    for (id, last) in state.feed.unfinished() {
        if let Some(session) = state.participants.find(id).map(|member| member.session) {
            let progress = send_snapshot(state, id, session, Some(last), out);
            state.feed.watch(id, progress);
        }
    }
    send_changes(state, out);
    let due = (!state.feed.is_idle()).then_some(state.now.monotonic + BATCH_INTERVAL);
    state.timers.reset(Timer::SessionFeed, due);
}

fn send_changes(state: &mut RoomState, out: &mut Effects) {
    let (mut changes, mut bytes) = (Vec::new(), 0);
    while let Some((id, gone)) = state.feed.pop_changed() {
        let member = state.participants.find(id);
        let present = member.map(|member| feed_entry(state, member));
        let Some(change) = present.or_else(|| gone.clone()) else { continue };
        bytes += wire_bytes(&change) + 1;
        if bytes > state.settings.page_bytes() {
            state.feed.requeue(id, gone);
            break;
        }
        changes.push(change);
    }
    if !changes.is_empty() {
        push_changes(state, changes, out);
    }
}

/// Pushes changes to all watchers. A watcher never sees itself as suspended: it is connected when it reads the push.
fn push_changes(state: &RoomState, changes: Vec<FeedEntry>, out: &mut Effects) {
    let watchers: BTreeSet<_> = state.feed.watchers().collect();
    let is_own =
        |entry: &&FeedEntry| entry.link == Link::Suspended && watchers.contains(&entry.participant);
    let own: Vec<_> = changes.iter().filter(is_own).map(|entry| entry.participant).collect();
    let feed = |changes| {
        let (room, version) = (state.id.clone(), state.version);
        Push::SessionFeed(SessionFeed { room, version, snapshot: false, changes })
    };
    if own.is_empty() {
        return out.push(Audience::Watchers, feed(changes));
    }
    for id in &own {
        let Some(member) = state.participants.find(*id) else { continue };
        let mut changes = changes.clone();
        for entry in changes.iter_mut().filter(|entry| entry.participant == *id) {
            entry.link = Link::Live;
        }
        out.push(Audience::One(member.session), feed(changes));
    }
    let others = watchers.into_iter().filter(|id| !own.contains(id));
    let others = others.filter_map(|id| state.participants.find(id));
    out.push(Audience::Sessions(others.map(|member| member.session).collect()), feed(changes));
}

/// Sends the part of the snapshot after `after`. Returns the progress.
fn send_snapshot(
    state: &RoomState,
    id: ParticipantId,
    session: SessionId,
    after: Option<ParticipantId>,
    out: &mut Effects,
) -> Progress {
    let (mut changes, mut bytes, mut progress) = (Vec::new(), 0, Progress::Whole);
    let mut last = after.unwrap_or(id);
    for member in state.participants.after(after).filter_map(|id| state.participants.find(id)) {
        let mut change = feed_entry(state, member);
        if member.id == id {
            change.link = Link::Live;
        }
        bytes += wire_bytes(&change) + 1;
        if bytes > state.settings.page_bytes() {
            progress = Progress::UpTo(last);
            break;
        }
        last = member.id;
        changes.push(change);
    }
    let (room, version) = (state.id.clone(), state.version);
    let feed = SessionFeed { room, version, snapshot: after.is_none(), changes };
    out.push(Audience::One(session), Push::SessionFeed(feed));
    progress
}

/// A participant as the feed shows it.
pub(in crate::room) fn feed_entry(state: &RoomState, member: &Membership) -> FeedEntry {
    let mut streams = member.streams.iter().filter_map(|id| state.streams.find(*id));
    FeedEntry {
        participant: member.id,
        username: member.username.clone(),
        state: Some(member.state),
        link: member.link,
        role: member.role,
        mute_locked: state.records.is_locked(member.principal()),
        muted: streams.any(|stream| stream.wire.muted),
    }
}

/// The entry of a participant that left, and whose streams ended.
pub(in crate::room) fn last_entry(member: &Membership, mute_locked: bool) -> FeedEntry {
    FeedEntry {
        participant: member.id,
        username: member.username.clone(),
        state: None,
        link: member.link,
        role: member.role,
        mute_locked,
        muted: false,
    }
}
