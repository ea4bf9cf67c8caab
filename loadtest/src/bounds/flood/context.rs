//! What every flood gets.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::oneshot;
use tokio::time::Interval;
use tokio_util::sync::CancellationToken;

use crate::bounds::client::{Client, Entrance, Pace};
use crate::bounds::stage::Stage;
use crate::sizes::Sizes;

/// A flood that has not begun.
pub(super) struct Flood {
    pub(super) stage: Stage,
    pub(super) entrance: Entrance,
    begun: oneshot::Sender<()>,
    stop: CancellationToken,
}

/// A flood that is measured from now on.
pub(super) struct Running {
    pub(super) stop: CancellationToken,
}

impl Flood {
    pub(super) fn new(
        stage: Stage,
        entrance: Entrance,
        begun: oneshot::Sender<()>,
        stop: CancellationToken,
    ) -> Self {
        Self { stage, entrance, begun, stop }
    }

    pub(super) const fn sizes(&self) -> &Sizes {
        &self.stage.sizes
    }

    /// Starts the guests `first` up to `first + count`, which all join `room`.
    pub(super) async fn guests_in(
        &self,
        room: &str,
        first: u32,
        count: u32,
    ) -> anyhow::Result<Vec<Client>> {
        let guests = stream::iter(first..first + count).map(|index| async move {
            let guest = self.entrance.guest(index, Pace::Full).await?;
            guest.join(room).await?;
            anyhow::Ok(guest)
        });
        guests.buffered(PARALLEL).try_collect().await
    }

    /// Says that all is prepared.
    pub(super) fn begin(self) -> Running {
        let _ = self.begun.send(());
        Running { stop: self.stop }
    }
}

impl Running {
    /// Waits for the next tick; `false` when the flood is stopped.
    pub(super) async fn goes_on(&self, ticks: &mut Interval) -> bool {
        self.stop.run_until_cancelled(ticks.tick()).await.is_some()
    }
}

/// As many commands as a session may send by default: 50 a second.
pub(super) const COMMAND_INTERVAL: Duration = Duration::from_millis(20);
/// Between two attempts after a rejection.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_millis(50);
const PARALLEL: usize = 16;
