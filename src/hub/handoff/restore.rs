//! Reads and restores the snapshot of the previous process.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use stagedoor_proto::{LeaveReason, Link, SessionId};

use super::{FORMAT, HandoffHeader, RoomRow, SessionRow};
use crate::clock::Clock;
use crate::engine::Restore;
use crate::hub::context::Context;
use crate::hub::rooms::{RoomHandle, Rooms, restore_stub};
use crate::hub::sessions::{Capacity, SessionHandle, Sessions};
use crate::room::{LocalRoom, NodeEpoch, Room, RoomCommand, RoomKey};
use crate::session::{Body, SavedSession, Session, SessionSettings};
use crate::store::Handoff;
use crate::time::Now;

/// The validated snapshot of the previous process. The default is empty.
#[derive(Default)]
pub struct HandoffSnapshot {
    last: u64,
    tag: u32,
    rooms: Vec<RoomRow<Room, LocalRoom>>,
    sessions: Vec<SessionRow<Session>>,
}

/// Why the snapshot of the previous process is not restored.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    #[error("unknown format {found}, expected {FORMAT}")]
    Format { found: u32 },
    #[error("expected {expected} {what}, found {found}")]
    Missing {
        /// The kind of row.
        what: &'static str,
        expected: usize,
        found: usize,
    },
    #[error("cannot read {what} row {number}: {reason}")]
    Damaged {
        /// The kind of row.
        what: &'static str,
        /// Index of the row, from 0.
        number: usize,
        /// The error, without content of the row.
        reason: String,
    },
}

impl HandoffSnapshot {
    /// Reads and validates the snapshot; its sessions use the settings of `config`, and `clock` continues the saved
    /// monotonic time.
    ///
    /// # Errors
    /// [`HandoffError`]; the whole snapshot is unusable.
    pub fn read(
        handed: &Handoff,
        settings: &Arc<SessionSettings>,
        clock: &Clock,
    ) -> Result<Self, HandoffError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format: found } = decode("head", 0, &handed.head)?;
        if found != FORMAT {
            return Err(HandoffError::Format { found });
        }
        let head: HandoffHeader = decode("head", 0, &handed.head)?;
        for (what, expected, found) in [
            ("rooms", head.rooms, handed.rooms.len()),
            ("sessions", head.sessions, handed.sessions.len()),
            ("bodies", head.bodies, handed.bodies.len()),
        ] {
            if expected != found {
                return Err(HandoffError::Missing { what, expected, found });
            }
        }
        clock.continue_from(head.saved_at);
        let now = clock.now();
        let bodies: Vec<_> =
            handed.bodies.iter().map(|body| Body::from(Arc::clone(body))).collect();
        let rooms = handed.rooms.iter().enumerate();
        let rooms = rooms.map(|(number, text)| read_room(&head, number, text));
        let sessions = handed.sessions.iter().enumerate().map(|(number, text)| {
            let SessionRow { meta, auth, last_frame, generation, oldest_room_token, session } =
                decode::<SessionRow<SavedSession>>("session", number, text)?;
            let session = session
                .restore(&bodies, Arc::clone(settings), now)
                .map_err(|error| damaged("session", number, &error))?;
            Ok(SessionRow { meta, auth, last_frame, generation, oldest_room_token, session })
        });
        Ok(Self {
            rooms: rooms.collect::<Result<_, _>>()?,
            sessions: sessions.collect::<Result<_, _>>()?,
            last: head.last,
            tag: head.tag,
        })
    }

    /// Whether the snapshot has rooms: all that had participants when the previous process stopped.
    #[must_use]
    pub fn has_rooms(&self) -> bool {
        self.rooms.iter().any(|row| row.tag.is_some())
    }

    /// The highest version in any room's log; new entries come after it.
    #[must_use]
    pub const fn last_version(&self) -> u64 {
        self.last
    }
}

/// Restores the snapshot, before the gateway accepts connections and before any entry is appended.
///
/// Sessions are suspended, as after a lost connection. The first sweep handles expiries while no process ran;
/// pending updates of rooms are sent here.
pub(in crate::hub) async fn restore(
    context: &Context,
    sessions: &Sessions,
    rooms: &Rooms,
    snapshot: HandoffSnapshot,
) {
    let HandoffSnapshot { last: _, tag, rooms: room_rows, sessions: session_rows } = snapshot;
    if room_rows.is_empty() && session_rows.is_empty() {
        return;
    }
    rooms.skip_tags(tag);
    let (saved, now) = (session_rows.len(), context.clock.now());
    let restored: HashMap<SessionId, Arc<SessionHandle>> = session_rows
        .into_iter()
        .filter_map(|row| Some((row.meta.id, restore_session(context, sessions, row, now)?)))
        .collect();
    let rows = restored.values().filter_map(|session| row_of(session)).collect();
    if let Err(error) = sessions.restore_rows(rows).await {
        tracing::error!(%error, "restored sessions without their client instances");
    }
    let mut commands = Vec::new();
    for RoomRow { app, tag, room, local } in room_rows {
        if context.app(&app).is_some() {
            let key = RoomKey { app, room: room.id().clone() };
            let Some(tag) = tag else {
                restore_stub(rooms, &key, &room, now.monotonic);
                continue;
            };
            let handle = rooms.restore(&key, tag, room, local);
            let known = restore_memberships(&handle, &restored);
            let rehomed = rehome(&handle, known, rooms.node());
            commands.extend(rehomed.into_iter().map(|command| (key.clone(), command)));
        }
    }
    for (key, command) in commands {
        rooms.append(&key, command);
    }
    for session in restored.values() {
        sessions.notify(session);
    }
    let (sessions, rooms) = (restored.len(), rooms.count());
    tracing::info!(sessions, rooms, "restored sessions from the previous process");
    if sessions < saved {
        let dropped = saved - sessions;
        tracing::warn!(sessions = dropped, "dropped sessions of apps no longer configured");
    }
}

/// Returns `None` if the app is no longer configured.
pub(super) fn restore_session(
    context: &Context,
    sessions: &Sessions,
    row: SessionRow<Session>,
    now: Now,
) -> Option<Arc<SessionHandle>> {
    let SessionRow { mut meta, auth, last_frame, generation, oldest_room_token, session } = row;
    let app = Arc::clone(context.app(&meta.user.app)?);
    let last_frame = now.monotonic_at(last_frame);
    // Shares one text among all sessions of an app.
    meta.user.app = Arc::clone(app.id());
    let session = Arc::new(SessionHandle::new(app, meta, session, auth, last_frame));
    // Ignores the current limits, because these sessions exist already.
    let _ = sessions.insert(&session, Capacity::UNLIMITED);
    session.activity().set_held_by(generation);
    session.update_memberships(|rooms, _| rooms.assume_left());
    if let Some(issued) = oldest_room_token {
        session.activity().record_room_token(issued);
    }
    Some(session)
}

/// The directory row of a session; `None` if it holds no instance.
fn row_of(session: &SessionHandle) -> Option<Restore> {
    Some(Restore {
        user: session.user().clone(),
        guest: session.meta().guest.then(|| session.meta().proof()),
        instance: session.meta().instance.clone(),
        session: session.id(),
        generation: session.activity().held_by()?,
        record: None,
    })
}

/// Attaches restored sessions to their room. Returns the sessions of the room, each with its handle if it was restored.
fn restore_memberships(
    room: &RoomHandle,
    sessions: &HashMap<SessionId, Arc<SessionHandle>>,
) -> Vec<(SessionId, Option<Arc<SessionHandle>>)> {
    let mut inner = room.lock();
    let (mut here, mut known) = (HashMap::default(), Vec::new());
    for (id, _, state) in inner.room.sessions() {
        let session = sessions.get(&id);
        if let Some(session) = session {
            // No session has a connection; the first entry in the log of the room says so.
            let (link, tag, room) = (Link::Suspended, room.tag(), &room.key().room);
            let grant = inner.room.grant_version(id);
            session.update_memberships(|rooms, _| rooms.insert(tag, room, link, state, grant));
            here.insert(id, Arc::clone(session));
        }
        known.push((id, session.map(Arc::clone)));
    }
    inner.sessions = here;
    known
}

/// The first entry in the log of a restored room: the previous node is gone, and `home` serves the sessions that
/// still exist.
fn rehome(
    room: &RoomHandle,
    known: Vec<(SessionId, Option<Arc<SessionHandle>>)>,
    home: NodeEpoch,
) -> Vec<RoomCommand> {
    let mut homes = room.lock().room.homes();
    homes.remove(&home);
    let lost = homes.into_iter().map(|epoch| RoomCommand::NodeLost { epoch });
    let sessions = known.into_iter().map(|(session, handle)| {
        if let Some(handle) = handle {
            let generation = handle.activity().held_by().unwrap_or_default();
            RoomCommand::Link { session, link: Link::Suspended, home, generation }
        } else {
            let reason = LeaveReason::NetworkLost;
            RoomCommand::Leave { session, reason, origin: None, cause: None }
        }
    });
    lost.chain(sessions).collect()
}

fn read_room(
    head: &HandoffHeader,
    number: usize,
    text: &[u8],
) -> Result<RoomRow<Room, LocalRoom>, HandoffError> {
    let row: RoomRow<Room, LocalRoom> = decode("room", number, text)?;
    row.room.check_invariants().map_err(|broken| damaged("room", number, &broken))?;
    if row.room.version() > head.last || row.tag.is_some_and(|tag| tag.0.get() > head.tag) {
        return Err(damaged("room", number, &"it is newer than the snapshot"));
    }
    Ok(row)
}

fn decode<T: DeserializeOwned>(
    what: &'static str,
    number: usize,
    text: &[u8],
) -> Result<T, HandoffError> {
    serde_json::from_slice(text).map_err(|error| {
        // Only the position: the message may repeat content.
        let reason = format!("{:?} error at byte {}", error.classify(), error.column());
        HandoffError::Damaged { what, number, reason }
    })
}

fn damaged(what: &'static str, number: usize, reason: &dyn std::fmt::Display) -> HandoffError {
    HandoffError::Damaged { what, number, reason: reason.to_string() }
}
