//! A `start` or `resume` that is not decided yet.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::hub::context::Context;
use crate::hub::errors::StartError;

/// When a `start` or `resume` arrived, and whether its client is still connected.
///
/// The transport makes it when it has read the complete message, and reports the end of the connection to it. Nothing
/// that such an attempt leads to is dropped half-way: its authority is checked at each commit point instead.
pub struct Attempt {
    /// Microseconds of the node's clock.
    arrival: u64,
    disconnected: CancellationToken,
}

impl Attempt {
    /// An attempt that arrives now.
    #[must_use]
    pub fn arriving(clock: &Clock) -> Self {
        Self { arrival: clock.micros(), disconnected: CancellationToken::new() }
    }

    /// The connection has ended.
    pub fn disconnect(&self) {
        self.disconnected.cancel();
    }

    /// Whether its connection has not ended, as far as the transport knows.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        !self.disconnected.is_cancelled()
    }

    /// The time since its arrival. Of two attempts the one with the smaller age arrived later.
    pub(super) fn age(&self, clock: &Clock) -> Duration {
        clock.since(self.arrival)
    }

    /// Whether the attempt may go on after a wait: its client is connected, and the node accepts sessions.
    ///
    /// Blocks and newer attempts are decided by the store and the directory, each in one step with its write.
    pub(super) fn check(&self, context: &Context) -> Result<(), StartError> {
        if !self.is_connected() {
            return Err(StartError::disconnected());
        }
        if context.lifecycle.is_draining() {
            return Err(context.draining_error());
        }
        Ok(())
    }

    /// Waits for something that changes nothing, as long as the attempt may go on.
    pub(super) async fn wait_for<T, E: Into<StartError>>(
        &self,
        context: &Context,
        decided: impl Future<Output = Result<T, E>>,
    ) -> Result<T, StartError> {
        self.check(context)?;
        let mut decided = pin!(decided);
        // Most answers are ready at once, and need no registration for the end of the wait.
        let first = poll_fn(|cx| Poll::Ready(decided.as_mut().poll(cx))).await;
        let decided = match first {
            Poll::Ready(decided) => decided,
            Poll::Pending => tokio::select! {
                biased;
                () = self.disconnected.cancelled() => return Err(StartError::disconnected()),
                () = context.lifecycle.draining() => return Err(context.draining_error()),
                decided = decided => decided,
            },
        };
        self.check(context)?;
        decided.map_err(Into::into)
    }
}
