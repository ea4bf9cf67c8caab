//! Stopping without hurting: every session is told to come back, spread over time.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect};

use super::handle::SessionHandle;
use crate::hub::{Hub, Refused};

/// How many batches the closes are spread over.
const BATCHES: u32 = 20;
/// How long whoever had no session yet stays away at least: they find another node, or this one's successor.
const TURNED_AWAY_FOR: Duration = Duration::from_secs(1);

impl Hub {
    /// Parts from every connection within about `spread`, each with a retry time of its own.
    ///
    /// Sessions stay resumable; what becomes of them next is for whoever takes them up.
    pub async fn drain(self: &Arc<Self>, spread: Duration) {
        let mut sessions = self.registry.select(|_| true);
        sessions.retain(|session| session.is_connected());
        let batch = sessions.len().div_ceil(BATCHES as usize).max(1);
        let pause = spread / BATCHES;
        let mut batches = sessions.chunks(batch).peekable();
        while let Some(batch) = batches.next() {
            for session in batch {
                let mut disconnect = Disconnect::new(CloseCode::Draining);
                disconnect.retry_after_ms = Some(self.retry_after(spread));
                session.tell(|session| session.part(disconnect, self.clock.now(), &self.session));
            }
            if batches.peek().is_some() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Resolves when the gateway drains. Cancel-safe.
    pub async fn draining(&self) {
        self.lifecycle.draining().await;
    }

    /// What somebody without a session is told while the gateway drains.
    #[must_use]
    pub fn turned_away(&self) -> Refused {
        Refused::new(CloseCode::Draining, "this node is being shut down; try again")
            .retry_after(TURNED_AWAY_FOR + Duration::from_millis(self.rng.below(1_000)))
    }

    /// Parts from a session that was let in while [`Hub::drain`] was counting those to be told.
    pub fn part_if_draining(&self, session: &SessionHandle) {
        if self.lifecycle.is_draining() {
            let disconnect = self.turned_away().disconnect;
            session.tell(|session| session.part(*disconnect, self.clock.now(), &self.session));
        }
    }

    /// A jittered wait, so that those who were told together do not come back together.
    fn retry_after(&self, spread: Duration) -> u64 {
        let most = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX).max(1_000);
        most / 4 + self.rng.below(most)
    }
}
