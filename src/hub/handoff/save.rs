//! Writing down a gateway that has stopped.

use std::sync::Arc;

use serde::Serialize;

use super::{About, FORMAT, Head, RoomRow, SessionRow};
use crate::hub::Hub;
use crate::hub::sessions::SessionHandle;
use crate::session::Bodies;
use crate::store::HandOver;

impl Hub {
    /// What the next process goes on with; `None` when there is nothing.
    ///
    /// The rooms' logs are closed, and `last` was the last place in any of them. Sessions say nothing more here: a
    /// connection that is still open is told to come back.
    #[must_use]
    pub fn hand_over(&self, last: u64) -> Option<HandOver> {
        let rooms: Vec<_> = self
            .rooms
            .all()
            .iter()
            .filter_map(|place| {
                let (inside, app) = (place.lock(), Arc::clone(&place.key().app));
                let row = RoomRow { app, tag: place.tag(), room: &inside.room };
                inside.room.is_open().then(|| part(&row))
            })
            .collect();
        let mut bodies = Bodies::default();
        let sessions = self.registry.select(|_| true);
        let rows = sessions.iter().filter_map(|session| self.session_row(session, &mut bodies));
        let sessions: Vec<_> = rows.map(|row| part(&row)).collect();
        let bodies = bodies.into_list();
        if rooms.is_empty() && sessions.is_empty() {
            return None;
        }
        let head = Head {
            format: FORMAT,
            last,
            tag: self.rooms.last_tag(),
            rooms: rooms.len(),
            sessions: sessions.len(),
            bodies: bodies.len(),
        };
        tracing::info!(sessions = head.sessions, rooms = head.rooms, "handing over");
        Some(HandOver { head: part(&head), rooms, sessions, bodies })
    }

    /// A session's row; `None` for one whose start was not confirmed, and that nobody was told of.
    fn session_row(&self, session: &Arc<SessionHandle>, bodies: &mut Bodies) -> Option<SessionRow> {
        let generation = session.held_by();
        if generation.is_none() && !session.has_ended() {
            return None;
        }
        let now = self.clock.now();
        let saved = session.tell(|session| session.save(now, &self.session, bodies));
        let (credit, arrival) = (session.credit(), session.arrival().clone());
        let about = About {
            id: session.id(),
            app: Arc::clone(&session.user().app),
            username: session.user().username.clone(),
            instance: session.instance().clone(),
            guest: session.is_guest(),
            family: session.family(),
            client: session.client().cloned().map(Box::new),
            address: arrival.address,
            user_agent: arrival.user_agent,
            started: session.started(),
            heard: session.last_activity(),
            grant: credit.grant,
            auth: credit.auth,
            generation,
        };
        Some(SessionRow { about, session: saved })
    }
}

fn part<T: Serialize>(value: &T) -> Arc<[u8]> {
    serde_json::to_vec(value).expect("what is handed over has a JSON form").into()
}
