//! Sends one push to many sessions: encodes it once, and wakes the connections of a large room in batches.
//!
//! A push to thousands of sessions would schedule thousands of tasks before all others, and encoding and queueing take
//! long on a thread that also polls sockets. Therefore in a large room this work runs outside the async runtime,
//! and connections are woken in batches: the last of thousands waits a fraction of a second, so that other rooms
//! do not wait.

#![deny(clippy::wildcard_enum_match_arm)]

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{Delivery, Push, ResetEncoder, RoomSnapshot, SessionId, encode_push};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::interval;

use super::handle::{RoomHandle, RoomInner};
use crate::hub::context::Context;
use crate::hub::sessions::SessionHandle;
use crate::room::Audience;
use crate::session::{Body, Session};

/// Connections of a large room woken per [`WAKE_INTERVAL`]: a quarter of what two processors can write to.
const WAKE_BATCH: usize = 32;
const WAKE_INTERVAL: Duration = Duration::from_millis(1);

/// Encodes a push once and shares it among its receivers.
pub(super) fn push_to(
    context: &Context,
    room: &RoomHandle,
    inner: &RoomInner,
    to: &Audience,
    push: &Push,
) {
    let body: Body = encode_push(push).into();
    let now = context.clock.now();
    let urgent = match push.delivery() {
        Delivery::Own => {
            broadcast(context, inner, to, |_, session| {
                session.push(Body::clone(&body), now);
            });
            return;
        }
        Delivery::Urgent => true,
        Delivery::Room => false,
    };
    broadcast(context, inner, to, |_, session| {
        session.push_room(&body, room.tag(), urgent, now);
    });
}

/// Sends a `room_reset` to each of its receivers. The snapshot is encoded once.
pub(super) fn push_reset(
    context: &Context,
    room: &RoomHandle,
    inner: &RoomInner,
    to: &Audience,
    snapshot: &RoomSnapshot,
) {
    let encoder = ResetEncoder::new(room.key().room.clone(), snapshot);
    let now = context.clock.now();
    broadcast(context, inner, to, |id, session| {
        if let Some(own) = inner.room.own_participant(id) {
            let body = encoder.body(own.participant, own.role, own.capabilities);
            session.push_room(&body.into(), room.tag(), false, now);
        }
    });
}

fn broadcast(
    context: &Context,
    inner: &RoomInner,
    to: &Audience,
    send: impl Fn(SessionId, &mut Session),
) {
    if !inner.is_large() || matches!(to, Audience::One(_)) {
        inner.for_each_session(to, |handle| handle.update(|session| send(handle.id(), session)));
        return;
    }
    let mut deferred = Vec::new();
    run_blocking(true, || {
        inner.for_each_session(to, |session| {
            let id = session.id();
            if session.update_deferred(|session, _| send(id, session)) {
                deferred.push(Arc::clone(session));
            }
        });
    });
    context.lifecycle.spawn(wake_in_turns(deferred));
}

/// Removes all sessions from a room, with `push` as the last frame. Unsent frames are discarded.
pub(super) fn close_room(context: &Context, room: &RoomHandle, inner: &RoomInner, push: &Push) {
    let body: Body = encode_push(push).into();
    let (now, tag) = (context.clock.now(), room.tag());
    // One pass: ten thousand sessions rarely fit the processor's cache, so a second pass would load them again.
    let deferred = inner.sessions.values().filter(|session| {
        session.update_deferred(|session, rooms| {
            rooms.remove(tag);
            session.discard_unsent(tag);
            session.push(Body::clone(&body), now);
        })
    });
    context.lifecycle.spawn(wake_in_turns(deferred.map(Arc::clone).collect()));
}

async fn wake_in_turns(deferred: Vec<Arc<SessionHandle>>) {
    let mut turns = interval(WAKE_INTERVAL);
    for turn in deferred.chunks(WAKE_BATCH) {
        turns.tick().await;
        for session in turn {
            session.flush_wake();
        }
    }
}

/// Runs long work while another thread takes over the tasks and sockets of this one.
pub(super) fn run_blocking<R>(is_long: bool, work: impl FnOnce() -> R) -> R {
    let has_others = || {
        Handle::try_current().is_ok_and(|here| here.runtime_flavor() == RuntimeFlavor::MultiThread)
    };
    if is_long && has_others() { tokio::task::block_in_place(work) } else { work() }
}
