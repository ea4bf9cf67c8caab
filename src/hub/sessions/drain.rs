//! Graceful shutdown of sessions: every client is asked to reconnect, spread over time.

use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect, delay_ms};

use super::Sessions;
use super::handle::SessionHandle;

/// Number of batches over which the closes are spread.
const BATCHES: u32 = 20;

impl Sessions {
    /// Closes every connection within about `spread`, each with its own retry time.
    ///
    /// Sessions stay resumable, for the process that restores them.
    pub async fn drain(&self, spread: Duration) {
        let mut sessions = self.select(|_| true);
        sessions.retain(|session| session.status().1);
        let batch = sessions.len().div_ceil(BATCHES as usize).max(1);
        let pause = spread / BATCHES;
        let mut batches = sessions.chunks(batch).peekable();
        while let Some(batch) = batches.next() {
            for session in batch {
                let mut disconnect = Disconnect::new(CloseCode::Draining);
                disconnect.retry_after_ms = Some(self.retry_after(spread));
                self.disconnect(session, disconnect);
            }
            if batches.peek().is_some() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Disconnects a session that was opened while [`Sessions::drain`] was collecting sessions.
    pub fn disconnect_if_draining(&self, session: &SessionHandle) {
        if self.context.lifecycle.is_draining() {
            self.disconnect(session, *self.context.draining_error().disconnect);
        }
    }

    /// Closes the connection of a session, which can be resumed unless `disconnect` ends it.
    pub(in crate::hub) fn disconnect(&self, session: &SessionHandle, disconnect: Disconnect) {
        session.disconnect(disconnect, None, self.context.clock.now());
    }

    /// A jittered wait, so that clients that disconnect together do not reconnect together.
    fn retry_after(&self, spread: Duration) -> u64 {
        let most = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX).max(1_000);
        delay_ms(Duration::from_millis(most / 4 + self.context.rng.below(most)))
    }
}
