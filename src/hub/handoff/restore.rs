//! Reading what the previous process saved, as a whole, and going on with it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use stagedoor_proto::{LeaveReason, Link, SessionId};

use super::{FORMAT, HandoffHeader, RoomRow, SessionRow};
use crate::config::Config;
use crate::engine::Restore;
use crate::hub::context::{Context, session_settings};
use crate::hub::rooms::{RoomHandle, Rooms};
use crate::hub::sessions::{SessionHandle, Sessions};
use crate::room::{LocalRoom, NodeEpoch, Room, RoomCommand, RoomKey};
use crate::session::{SavedSession, Session};
use crate::store::Handoff;

/// What the previous process saved, read and found sound. The default is nothing.
#[derive(Default)]
pub struct HandoffSnapshot {
    last: u64,
    tag: u32,
    rooms: Vec<RoomRow<Room, LocalRoom>>,
    sessions: Vec<SessionRow<Session>>,
}

/// Why nothing of what the previous process saved is restored.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    /// Another version of the gateway wrote it.
    #[error("it has format {found}; this gateway reads {FORMAT}")]
    Format {
        /// Which form it has.
        found: u32,
    },
    /// Rows are missing, or there are too many.
    #[error("it has {found} {what}, and should have {told}")]
    Missing {
        /// Of which kind.
        what: &'static str,
        /// How many there should be.
        told: usize,
        /// How many there are.
        found: usize,
    },
    /// A row cannot be read.
    #[error("its {what} number {number} cannot be read: {reason}")]
    Damaged {
        /// Of which kind.
        what: &'static str,
        /// Which one, from 0.
        number: usize,
        /// What is wrong with it, without saying what it says.
        reason: String,
    },
}

impl HandoffSnapshot {
    /// Reads all of it; its sessions go by the settings of `config`.
    ///
    /// # Errors
    /// [`HandoffError`]: none of it is to be used.
    pub fn read(handed: &Handoff, config: &Config) -> Result<Self, HandoffError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format: found } = decode("head", 0, &handed.head)?;
        if found != FORMAT {
            return Err(HandoffError::Format { found });
        }
        let head: HandoffHeader = decode("head", 0, &handed.head)?;
        for (what, told, found) in [
            ("rooms", head.rooms, handed.rooms.len()),
            ("sessions", head.sessions, handed.sessions.len()),
            ("bodies", head.bodies, handed.bodies.len()),
        ] {
            if told != found {
                return Err(HandoffError::Missing { what, told, found });
            }
        }
        let settings = Arc::new(session_settings(config));
        let rooms = handed.rooms.iter().enumerate();
        let rooms = rooms.map(|(number, text)| read_room(&head, number, text));
        let sessions = handed.sessions.iter().enumerate().map(|(number, text)| {
            let SessionRow { meta, auth, last_frame, generation, session } =
                decode::<SessionRow<SavedSession>>("session", number, text)?;
            let session = session
                .restore(&handed.bodies, Arc::clone(&settings))
                .map_err(|error| damaged("session", number, &error))?;
            Ok(SessionRow { meta, auth, last_frame, generation, session })
        });
        Ok(Self {
            rooms: rooms.collect::<Result<_, _>>()?,
            sessions: sessions.collect::<Result<_, _>>()?,
            last: head.last,
            tag: head.tag,
        })
    }

    /// Whether there are rooms in it: all that had participants when the previous process stopped.
    #[must_use]
    pub const fn has_rooms(&self) -> bool {
        !self.rooms.is_empty()
    }

    /// The version in rooms' logs after which the next ones come.
    #[must_use]
    pub const fn last_version(&self) -> u64 {
        self.last
    }
}

/// Goes on with what the previous process saved; before clients are served, and before anything is appended.
///
/// Sessions wait for their clients as if their connections had been lost. What became of them while no process ran is
/// for the first sweep, and what their rooms do not know yet reaches them here.
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
    let saved = session_rows.len();
    let restored: HashMap<SessionId, Arc<SessionHandle>> = session_rows
        .into_iter()
        .filter_map(|row| Some((row.meta.id, restore_session(context, sessions, row)?)))
        .collect();
    let rows = restored.values().filter_map(|session| row_of(session)).collect();
    if let Err(error) = sessions.restore_rows(rows).await {
        tracing::error!(%error, "sessions were taken up that hold no client instance");
    }
    let mut commands = Vec::new();
    for RoomRow { app, tag, room, local } in room_rows {
        if context.app(&app).is_some() {
            let key = RoomKey { app, room: room.id().clone() };
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
    tracing::info!(sessions, rooms, "took up what the gateway before left");
    if sessions < saved {
        let dropped = saved - sessions;
        tracing::warn!(
            sessions = dropped,
            "sessions of apps that are not configured any more are over"
        );
    }
}

/// `None` when its app is no longer served.
pub(super) fn restore_session(
    context: &Context,
    sessions: &Sessions,
    row: SessionRow<Session>,
) -> Option<Arc<SessionHandle>> {
    let SessionRow { mut meta, auth, last_frame, generation, session } = row;
    let app = Arc::clone(context.app(&meta.user.app)?);
    // One text for all sessions of an app.
    meta.user.app = Arc::clone(app.id());
    let session = Arc::new(SessionHandle::new(app, meta, session, auth, last_frame));
    // However many there may be now: these are here already.
    sessions.insert(&session, usize::MAX);
    session.activity().set_held_by(generation);
    Some(session)
}

/// What the directory is to know of a session; nothing of one that holds no instance.
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

/// Brings a room and its sessions together; the sessions that the room knows, each with its handle if it has one.
fn restore_memberships(
    room: &RoomHandle,
    sessions: &HashMap<SessionId, Arc<SessionHandle>>,
) -> Vec<(SessionId, Option<Arc<SessionHandle>>)> {
    let mut inner = room.lock();
    let (mut here, mut known) = (HashMap::new(), Vec::new());
    for (id, _, state) in inner.room.sessions() {
        let session = sessions.get(&id);
        if let Some(session) = session {
            // No connection is left, and the room's log says so before anything else.
            let (link, tag, room) = (Link::Suspended, room.tag(), &room.key().room);
            session.update_memberships(|rooms, _| rooms.insert(tag, room, link, state));
            here.insert(id, Arc::clone(session));
        }
        known.push((id, session.map(Arc::clone)));
    }
    inner.sessions = here;
    known
}

/// What the log of a restored room begins with: the node that served its sessions is gone, and `home` serves those that
/// are still there.
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
    if row.room.version() > head.last || row.tag.0.get() > head.tag {
        return Err(damaged("room", number, &"it is newer than the whole"));
    }
    Ok(row)
}

fn decode<T: DeserializeOwned>(
    what: &'static str,
    number: usize,
    text: &[u8],
) -> Result<T, HandoffError> {
    serde_json::from_slice(text).map_err(|error| {
        // The place alone: the message may repeat what stands there.
        let reason = format!("{:?} error at byte {}", error.classify(), error.column());
        HandoffError::Damaged { what, number, reason }
    })
}

fn damaged(what: &'static str, number: usize, reason: &dyn std::fmt::Display) -> HandoffError {
    HandoffError::Damaged { what, number, reason: reason.to_string() }
}
