//! Saves a stopped gateway.

use std::sync::Arc;

use serde::Serialize;

use super::{FORMAT, HandoffHeader, RoomRow, SessionRow};
use crate::hub::context::Context;
use crate::hub::rooms::{Rooms, stubs};
use crate::hub::session_meta::SessionMeta;
use crate::hub::sessions::{SessionHandle, Sessions};
use crate::room::{LocalRoom, RoomKey, RoomStub};
use crate::session::{Bodies, SavedSession};
use crate::store::Handoff;

/// The snapshot for the next process; `None` without sessions and rooms.
///
/// The logs of the rooms are closed, and `last` is the highest version in them. Sessions send nothing afterwards: a
/// connection that is still open gets a `disconnect` that asks for a resume.
pub(in crate::hub) fn save(
    context: &Context,
    sessions: &Sessions,
    rooms: &Rooms,
    last: u64,
) -> Option<Handoff> {
    let tag = rooms.last_tag();
    let now = context.clock.now();
    let on_node = rooms.all();
    let on_node = on_node.iter().filter_map(|room| {
        let inner = room.lock();
        if inner.room.is_open() {
            let (app, tag) = (Arc::clone(&room.key().app), Some(room.tag()));
            return Some(encode(&RoomRow { app, tag, room: &inner.room, local: &inner.local }));
        }
        RoomStub::of(&inner.room, now.monotonic).map(|stub| stub_row(room.key(), stub))
    });
    let stubs = stubs(rooms).into_iter().map(|(key, stub)| stub_row(&key, stub));
    let rooms: Vec<_> = on_node.chain(stubs).collect();
    let mut bodies = Bodies::default();
    let all = sessions.select(|_| true);
    let rows = all.iter().filter_map(|one| session_row(context, one, &mut bodies));
    let sessions: Vec<_> = rows.map(|row| encode(&row)).collect();
    let bodies = bodies.into_list();
    if rooms.is_empty() && sessions.is_empty() {
        return None;
    }
    let header = HandoffHeader {
        format: FORMAT,
        saved_at: now,
        last,
        tag,
        rooms: rooms.len(),
        sessions: sessions.len(),
        bodies: bodies.len(),
    };
    tracing::info!(sessions = header.sessions, rooms = header.rooms, "handing over");
    Some(Handoff { head: encode(&header), rooms, sessions, bodies })
}

fn stub_row(key: &RoomKey, stub: RoomStub) -> Arc<[u8]> {
    let (app, room) = (Arc::clone(&key.app), stub.into_room(key.room.clone()));
    encode(&RoomRow { app, tag: None, room, local: LocalRoom::default() })
}

/// The row of a session; `None` if its start was not confirmed, so that no client knows it.
pub(super) fn session_row(
    context: &Context,
    session: &SessionHandle,
    bodies: &mut Bodies,
) -> Option<SessionRow<SavedSession>> {
    let generation = session.activity().held_by();
    if generation.is_none() && !session.has_ended() {
        return None;
    }
    let (meta, now) = (session.meta(), context.clock.now());
    let saved = session.update(|session| SavedSession::of(session, now, bodies));
    Some(SessionRow {
        meta: SessionMeta { peer: session.activity().peer(meta), ..meta.clone() },
        auth: session.auth(),
        last_frame: now.wall_at(session.activity().last_frame()),
        generation,
        oldest_room_token: session.activity().oldest_room_token(),
        session: saved,
    })
}

fn encode<T: Serialize>(value: &T) -> Arc<[u8]> {
    serde_json::to_vec(value).expect("a snapshot has a JSON form").into()
}
