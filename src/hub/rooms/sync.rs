//! A session changed: its rooms are told.
//!
//! Whether it is connected, and its state, are told to each of its rooms through the room's log. One caller at a time
//! does it for a session, and looks again when it is done: so what is told last is how it is.

use std::sync::Arc;

use stagedoor_proto::{Push, RoomReset};

use crate::hub::Hub;
use crate::hub::sessions::SessionHandle;
use crate::hub::sessions::Untold;
use crate::room::{Audience, RoomCommand};

impl Hub {
    /// Tells the rooms of a session what they do not know of it yet. Never from within `apply`.
    pub(in crate::hub) fn settle(&self, session: &Arc<SessionHandle>) {
        let id = session.id();
        while let Some((place, untold)) = session.begin_telling() {
            match untold {
                Untold::Ended(ending) => {
                    let (reason, cause) = (ending.code.leave_reason(), session.ended_by());
                    self.append(
                        place.key(),
                        RoomCommand::Leave { session: id, reason, origin: None, cause },
                    );
                }
                Untold::Changed { link, state } => {
                    if let Some(link) = link {
                        self.append(place.key(), RoomCommand::Link { session: id, link });
                    }
                    if let Some(state) = state {
                        self.append(place.key(), RoomCommand::SessionState { session: id, state });
                    }
                }
            }
            session.end_telling();
        }
        self.note_ending(session);
        if session.catch_up() {
            self.reset_rooms(session);
        }
    }

    /// Tells a session its rooms anew.
    fn reset_rooms(&self, session: &Arc<SessionHandle>) {
        for place in session.rooms() {
            let inside = place.lock();
            if let Ok(snapshot) = inside.room.snapshot_for(session.id()) {
                self.count_reset(&snapshot);
                let reset = Push::RoomReset(RoomReset { room: place.key().room.clone(), snapshot });
                self.push_to(&place, &inside, &Audience::One(session.id()), &reset);
            }
        }
    }
}
