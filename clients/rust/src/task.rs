//! One task a session: it serves one connection after another, and comes back between them.
//!
//! It ends when the session does, when it is detached, or when no receiver of its events is left; its last event
//! is [`Event::Ended`], for which a place is kept. Not here: what goes on while a connection lasts (`connection`), and
//! the way back (`comeback`).

use stagedoor_proto::CloseCode;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::handshake::Opened;
use crate::link::Link;
use crate::{Ending, Event};

impl Link {
    /// Serves the session to its end.
    pub(crate) async fn run(mut self, opened: Opened) {
        let last_place = self.events.clone().try_reserve_owned();
        let ending = self.live(opened).await;
        self.shared.handle_ended(&ending);
        if ending.close_code() == Some(CloseCode::Normal.code()) {
            self.waiting.note_ended();
        }
        if let Ok(place) = last_place {
            place.send(Event::Ended(ending));
        }
    }

    async fn live(&mut self, mut opened: Opened) -> Ending {
        loop {
            let since = Instant::now();
            let end = Connection::new(self, opened).serve().await;
            // Boxed: it is large and short-lived, what serves a connection is small and stays.
            opened = match Box::pin(self.come_back(end, since.elapsed())).await {
                Ok(opened) => opened,
                Err(ending) => return ending,
            };
        }
    }
}
