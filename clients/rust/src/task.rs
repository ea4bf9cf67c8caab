//! The task of a session: it runs one connection after another, and reconnects between them.
//!
//! The task ends when the session ends or is detached, or when all handles and the events are dropped. Its last event
//! is [`Event::Ended`], with a reserved slot. Not here: the work on a connection (`connection`), and reconnection
//! (`reconnector`).

use stagedoor_proto::CloseCode;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::handshake::Opened;
use crate::link::Link;
use crate::{Ending, Event};

impl Link {
    /// Runs the session until it ends.
    pub(crate) async fn run(mut self, opened: Opened) {
        let reserved_slot = self.events.clone().try_reserve_owned();
        let ending = self.live(opened).await;
        self.shared.handle_ended(&ending);
        if ending.close_code() == Some(CloseCode::Normal.code()) {
            self.pending.note_ended();
        }
        if let Ok(slot) = reserved_slot {
            slot.send(Event::Ended(ending));
        }
    }

    async fn live(&mut self, mut opened: Opened) -> Ending {
        loop {
            let since = Instant::now();
            let end = Connection::new(self, opened).serve().await;
            // Boxed, because it is large and short-lived; the future of a connection is small and long-lived.
            opened = match Box::pin(self.reconnect(end, since.elapsed())).await {
                Ok(opened) => opened,
                Err(ending) => return ending,
            };
        }
    }
}
