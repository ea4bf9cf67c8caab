//! From one node to another: a session that is resumed elsewhere, with the frames its client has not confirmed.
//!
//! The row in the directory has moved before; from then on the former node may not act for the session. Invariants: the
//! rooms see no participant leave; each frame keeps its number; where a room went on between the two nodes, its client
//! is sent a fresh snapshot of it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Link, RoomId, SessionId};

use super::SessionRow;
use super::restore::restore_session;
use super::save::session_row;
use crate::hub::context::Context;
use crate::hub::errors::CallError;
use crate::hub::rooms::Rooms;
use crate::hub::sessions::{SessionHandle, Sessions};
use crate::room::RoomKey;
use crate::session::{Bodies, Body, RoomTag, SavedSession, Session};

/// A session on its way to another node.
#[derive(Serialize, Deserialize)]
pub(in crate::hub) struct MovedSession {
    row: SessionRow<SavedSession>,
    /// The frames' bodies, which the row names by their place.
    bodies: Vec<Box<str>>,
    rooms: Vec<MovedRoom>,
}

/// A room that the session is in, as it was when its former node sent the last of it.
#[derive(Serialize, Deserialize)]
struct MovedRoom {
    room: RoomId,
    /// The mark of its frames on the former node.
    tag: RoomTag,
    version: u64,
    /// The order of its last message.
    order: u64,
}

/// Gives up a session that another node has taken over by `generation`. Nothing of it is left here; a connection that
/// still carries it is closed.
pub(in crate::hub) async fn give(
    context: &Context,
    sessions: &Sessions,
    rooms: &Rooms,
    id: SessionId,
    generation: u64,
) -> Option<MovedSession> {
    let session = sessions.find(id)?;
    if session.activity().held_by().is_none_or(|held| held >= generation) {
        return None;
    }
    // Whatever another node has of its rooms comes first: the less its next node has to send it anew.
    rooms.catch_up(&session).await;
    if session.has_ended() {
        return None;
    }
    let rooms = rooms.detach(&session);
    session.update(|session| SavedSession::supersede(session, context.clock.wall()));
    let mut bodies = Bodies::default();
    let row = session_row(context, &session, &mut bodies)?;
    sessions.give_away(&session);
    let rooms = rooms
        .into_iter()
        .map(|(room, tag, version, order)| MovedRoom { room, tag, version, order })
        .collect();
    let bodies = bodies.into_list().iter().map(text_of).collect();
    Some(MovedSession { row, bodies, rooms })
}

/// Goes on with a session that another node gave up, by `generation`; it waits for its client as if the connection had
/// been lost. `None` when its app is not served here, or what came makes no sense.
pub(in crate::hub) async fn accept(
    context: &Context,
    sessions: &Sessions,
    rooms: &Rooms,
    moved: MovedSession,
    generation: u64,
) -> Result<Option<Arc<SessionHandle>>, CallError> {
    let MovedSession { row, bodies, rooms: moved_rooms } = moved;
    let SessionRow { meta, auth, last_frame, generation: _, session: mut saved } = row;
    let mut tags = HashMap::new();
    let mut handles = Vec::new();
    for moved in moved_rooms {
        let key = RoomKey { app: Arc::clone(&meta.user.app), room: moved.room.clone() };
        // Answered after this node has applied all that the former node had.
        if let Some(room) = rooms.find_up_to_date(&key).await? {
            tags.insert(moved.tag, room.tag());
            handles.push((room, moved));
        }
    }
    saved.map_tags(|tag| tags.get(&tag).copied());
    let bodies: Vec<Body> = bodies.iter().map(|body| body.as_bytes().into()).collect();
    let session = match saved.restore(&bodies, Arc::clone(&context.session)) {
        Ok(session) => session,
        Err(error) => {
            tracing::error!(%error, "a session of another node cannot be gone on with");
            return Ok(None);
        }
    };
    let row = SessionRow { meta, auth, last_frame, generation: Some(generation), session };
    let Some(session) = restore_session(context, sessions, row) else { return Ok(None) };
    for (room, moved) in handles {
        let mut inner = room.lock();
        let of_session = |(id, _, _): &(SessionId, Link, _)| *id == session.id();
        let Some((id, _, state)) = inner.room.sessions().find(of_session) else { continue };
        // Whatever the room knows of its link, it is to learn on which node it is now.
        let (tag, link) = (room.tag(), Link::Suspended);
        session.update_memberships(|rooms, _| rooms.insert(tag, &moved.room, link, state));
        inner.sessions.insert(id, Arc::clone(&session));
        if (inner.room.version(), inner.local.last_order()) != (moved.version, moved.order) {
            session.update(Session::require_reset);
        }
        room.update_due(&inner, context.clock.wall());
    }
    Ok(Some(session))
}

/// Frames are JSON.
fn text_of(body: &Body) -> Box<str> {
    String::from_utf8_lossy(body).into()
}
