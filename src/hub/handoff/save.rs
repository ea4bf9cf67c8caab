//! Saves a stopped gateway.

use std::sync::Arc;

use serde::Serialize;

use super::{FORMAT, HandoffHeader, RoomRow, SessionRow};
use crate::hub::context::Context;
use crate::hub::rooms::Rooms;
use crate::hub::sessions::{SessionHandle, Sessions};
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
    let rooms: Vec<_> = rooms
        .all()
        .iter()
        .filter_map(|room| {
            let (inner, app) = (room.lock(), Arc::clone(&room.key().app));
            let row = RoomRow { app, tag: room.tag(), room: &inner.room, local: &inner.local };
            inner.room.is_open().then(|| encode(&row))
        })
        .collect();
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
        saved_at: context.clock.now(),
        last,
        tag,
        rooms: rooms.len(),
        sessions: sessions.len(),
        bodies: bodies.len(),
    };
    tracing::info!(sessions = header.sessions, rooms = header.rooms, "handing over");
    Some(Handoff { head: encode(&header), rooms, sessions, bodies })
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
    let now = context.clock.now();
    let saved = session.update(|session| SavedSession::of(session, now, bodies));
    Some(SessionRow {
        meta: session.meta().clone(),
        auth: session.auth(),
        last_frame: now.wall_at(session.activity().last_frame()),
        generation,
        session: saved,
    })
}

fn encode<T: Serialize>(value: &T) -> Arc<[u8]> {
    serde_json::to_vec(value).expect("a snapshot has a JSON form").into()
}
