//! Moves a session that is resumed on another node, with the frames that its client has not acknowledged.
//!
//! The row in the directory moves first; from then on the previous node may not act for the session. Invariants: the
//! participants stay in their rooms; frames keep their number; if a room changed between the two nodes, the client
//! receives a new snapshot of it.

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

/// A session that moves to another node.
#[derive(Serialize, Deserialize)]
pub(in crate::hub) struct MovedSession {
    row: SessionRow<SavedSession>,
    /// The bodies of the frames; the row refers to them by index.
    bodies: Vec<Box<str>>,
    rooms: Vec<MovedRoom>,
}

/// A room of the session, at the last state that its previous node sent.
#[derive(Serialize, Deserialize)]
struct MovedRoom {
    room: RoomId,
    /// The tag of its frames on the previous node.
    tag: RoomTag,
    version: u64,
    /// The order of its last signal.
    order: u64,
}

/// Releases a session that another node claimed with `generation`. No state of it remains here; a connection that
/// still serves it is closed.
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
    // Catch up with the entries of other nodes first: the session's next node then has less to send again.
    rooms.catch_up(&session).await;
    if session.has_ended() {
        return None;
    }
    let rooms = rooms.detach(&session);
    session.update(|session| SavedSession::supersede(session, context.clock.now()));
    let mut bodies = Bodies::default();
    let row = session_row(context, &session, &mut bodies)?;
    // It has not ended, so it is not added to the history.
    drop(session.take_termination());
    session.activity().set_held_by(None);
    sessions.remove(session.id());
    let rooms = rooms
        .into_iter()
        .map(|(room, tag, version, order)| MovedRoom { room, tag, version, order })
        .collect();
    let bodies = bodies.into_list().iter().map(text_of).collect();
    Some(MovedSession { row, bodies, rooms })
}

/// Restores a session that another node released, with `generation`. It is suspended, as after a lost connection.
/// Returns `None` if its app is not served here, or if its state is inconsistent.
pub(in crate::hub) async fn accept(
    context: &Context,
    sessions: &Sessions,
    rooms: &Rooms,
    moved: MovedSession,
    generation: u64,
) -> Result<Option<Arc<SessionHandle>>, CallError> {
    let MovedSession { row, bodies, rooms: moved_rooms } = moved;
    let SessionRow { meta, auth, last_frame, oldest_room_token, session: mut saved, .. } = row;
    let mut tags = HashMap::new();
    let mut handles = Vec::new();
    for moved in moved_rooms {
        let key = RoomKey { app: Arc::clone(&meta.user.app), room: moved.room.clone() };
        // The answer comes after this node has applied all entries and messages that the previous node had.
        if let Some(room) = rooms.find_up_to_date(&key).await? {
            tags.insert(moved.tag, room.tag());
            handles.push((room, moved));
        }
    }
    saved.map_tags(|tag| tags.get(&tag).copied());
    let bodies: Vec<Body> = bodies.iter().map(|body| Body::from(body.as_bytes())).collect();
    let now = context.clock.now();
    let session = match saved.restore(&bodies, Arc::clone(&context.session), now) {
        Ok(session) => session,
        Err(error) => {
            tracing::error!(%error, "a session of another node cannot be gone on with");
            return Ok(None);
        }
    };
    let generation = Some(generation);
    let row = SessionRow { meta, auth, last_frame, generation, oldest_room_token, session };
    let Some(session) = restore_session(context, sessions, row, now) else { return Ok(None) };
    for (room, moved) in handles {
        let mut inner = room.lock();
        let of_session = |(id, _, _): &(SessionId, Link, _)| *id == session.id();
        let Some((id, _, state)) = inner.room.sessions().find(of_session) else { continue };
        // The room must learn on which node the session is now, regardless of the link state it knows.
        let (tag, link, grant) = (room.tag(), Link::Suspended, inner.room.grant_version(id));
        session.update_memberships(|rooms, _| rooms.insert(tag, &moved.room, link, state, grant));
        inner.sessions.insert(id, Arc::clone(&session));
        if (inner.room.version(), inner.local.last_order()) != (moved.version, moved.order) {
            session.update(Session::require_reset);
        }
        room.update_due(&inner, context.clock.monotonic());
    }
    Ok(Some(session))
}

/// Frames are JSON.
fn text_of(body: &Arc<[u8]>) -> Box<str> {
    String::from_utf8_lossy(body).into()
}
