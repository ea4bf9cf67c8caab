//! Reading what the gateway before left, as a whole, and going on with it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use stagedoor_proto::{LeaveReason, SessionId};

use super::{About, FORMAT, Head, RoomRow, SessionRow};
use crate::engine::Restore;
use crate::hub::App;
use crate::hub::Hub;
use crate::hub::rooms::Place;
use crate::hub::sessions::{Arrival, Credit, Identity, SessionHandle};
use crate::room::{Room, RoomCommand, RoomKey};
use crate::session::Session;
use crate::store::{HandOver, UserKey};

/// What the gateway before left, read and found sound. The default is nothing.
#[derive(Default)]
pub struct Inheritance {
    last: u64,
    tag: u32,
    rooms: Vec<RoomRow<Room>>,
    sessions: Vec<(About, Session)>,
}

/// Why nothing of what the gateway before left is taken up.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
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

impl Inheritance {
    /// Reads all of it.
    ///
    /// # Errors
    /// [`Unreadable`]: none of it is to be used.
    pub fn read(handed: &HandOver) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format: found } = decode("head", 0, &handed.head)?;
        if found != FORMAT {
            return Err(Unreadable::Format { found });
        }
        let head: Head = decode("head", 0, &handed.head)?;
        for (what, told, found) in [
            ("rooms", head.rooms, handed.rooms.len()),
            ("sessions", head.sessions, handed.sessions.len()),
            ("bodies", head.bodies, handed.bodies.len()),
        ] {
            if told != found {
                return Err(Unreadable::Missing { what, told, found });
            }
        }
        let rooms = handed.rooms.iter().enumerate();
        let rooms = rooms.map(|(number, text)| read_room(&head, number, text));
        let sessions = handed.sessions.iter().enumerate().map(|(number, text)| {
            let SessionRow { about, session } = decode("session", number, text)?;
            let session = Session::restore(session, &handed.bodies)
                .map_err(|error| damaged("session", number, &error))?;
            Ok((about, session))
        });
        Ok(Self {
            rooms: rooms.collect::<Result<_, _>>()?,
            sessions: sessions.collect::<Result<_, _>>()?,
            last: head.last,
            tag: head.tag,
        })
    }

    /// Whether there are rooms in it: all that anybody was in when the gateway before stopped.
    #[must_use]
    pub const fn has_rooms(&self) -> bool {
        !self.rooms.is_empty()
    }

    /// The place in rooms' logs after which the next ones come.
    #[must_use]
    pub const fn last_place(&self) -> u64 {
        self.last
    }
}

impl Hub {
    /// Goes on with what the gateway before left; before anybody is served, and before anything is appended.
    ///
    /// Sessions wait for their clients as if their connections had been lost. What became of them while nobody ran is
    /// for the first sweep, and what their rooms do not know yet is told to them here.
    pub async fn take_up(&self, inheritance: Inheritance) {
        let Inheritance { last: _, tag, rooms, sessions } = inheritance;
        if rooms.is_empty() && sessions.is_empty() {
            return;
        }
        self.rooms.give_tags_after(tag);
        let told = sessions.len();
        let sessions: HashMap<SessionId, Arc<SessionHandle>> = sessions
            .into_iter()
            .filter_map(|(about, session)| Some((about.id, self.take_up_session(about, session)?)))
            .collect();
        let rows = sessions.values().filter_map(row_of).collect();
        if let Err(error) = self.engine.restore(rows).await {
            tracing::error!(%error, "sessions were taken up that hold no client instance");
        }
        let mut lost = Vec::new();
        for RoomRow { app, tag, room } in rooms {
            if self.app(&app).is_some() {
                let place = self.rooms.restore(RoomKey { app, room: room.id().clone() }, tag, room);
                lost.extend(reunite(&place, &sessions));
            }
        }
        for (key, session) in lost {
            let reason = LeaveReason::NetworkLost;
            let left = RoomCommand::Leave { session, reason, origin: None, cause: None };
            self.append(&key, left);
        }
        for session in sessions.values() {
            self.settle(session);
        }
        let (taken, rooms) = (sessions.len(), self.rooms.all().len());
        tracing::info!(sessions = taken, rooms, "took up what the gateway before left");
        if taken < told {
            let dropped = told - taken;
            tracing::warn!(
                sessions = dropped,
                "sessions of apps that are not configured any more are over"
            );
        }
    }

    /// `None` when its app is no longer served.
    fn take_up_session(&self, about: About, session: Session) -> Option<Arc<SessionHandle>> {
        let app: Arc<App> = Arc::clone(self.app(&about.app)?);
        let identity = Identity {
            id: about.id,
            user: UserKey { app: Arc::clone(app.id()), username: about.username },
            app,
            instance: about.instance,
            guest: about.guest,
            family: about.family,
            client: about.client,
            arrival: Arrival { address: about.address, user_agent: about.user_agent },
            started: about.started,
        };
        let credit = Credit { grant: about.grant, auth: about.auth };
        let session = Arc::new(SessionHandle::new(identity, session, credit, about.heard));
        // However many there may be now: these are here already.
        self.registry.insert(&session, usize::MAX);
        session.set_held_by(about.generation);
        Some(session)
    }
}

/// What the directory is to know of a session; nothing of one that holds no instance.
fn row_of(session: &Arc<SessionHandle>) -> Option<Restore> {
    Some(Restore {
        user: session.user().clone(),
        instance: session.instance().clone(),
        session: session.id(),
        generation: session.held_by()?,
        record: None,
    })
}

/// Brings a room and its sessions together; those that the room knows and nobody else does are named.
fn reunite(
    place: &Arc<Place>,
    sessions: &HashMap<SessionId, Arc<SessionHandle>>,
) -> Vec<(RoomKey, SessionId)> {
    let mut inside = place.lock();
    let (mut here, mut lost) = (HashMap::new(), Vec::new());
    for (id, link, state) in inside.room.sessions() {
        match sessions.get(&id) {
            Some(session) => {
                session.re_enter(place, link, state);
                here.insert(id, Arc::clone(session));
            }
            None => lost.push((place.key().clone(), id)),
        }
    }
    inside.sessions = here;
    lost
}

fn read_room(head: &Head, number: usize, text: &[u8]) -> Result<RoomRow<Room>, Unreadable> {
    let row: RoomRow<Room> = decode("room", number, text)?;
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
) -> Result<T, Unreadable> {
    serde_json::from_slice(text).map_err(|error| {
        // The place alone: the message may repeat what stands there.
        let reason = format!("{:?} error at byte {}", error.classify(), error.column());
        Unreadable::Damaged { what, number, reason }
    })
}

fn damaged(what: &'static str, number: usize, reason: &dyn std::fmt::Display) -> Unreadable {
    Unreadable::Damaged { what, number, reason: reason.to_string() }
}
