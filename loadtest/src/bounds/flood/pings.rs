//! WebSocket pings, as many as two connections take. One that is closed is opened again.

use futures::future::join_all;

use super::context::{Flood, RETRY_INTERVAL};
use crate::bounds::client::{Entrance, Pace};
use crate::report::Measure;
use crate::worker::{PING, client_frame};

pub(super) async fn run(flood: Flood) -> anyhow::Result<Vec<Measure>> {
    let entrance = flood.entrance.clone();
    let running = flood.begin();
    let flooding = join_all((0..CONNECTIONS).map(|number| ping(&entrance, number)));
    let _ = running.stop.run_until_cancelled(flooding).await;
    Ok(Vec::new())
}

/// Pings from the addresses `number`, `number + CONNECTIONS` and so on, a new one after each close.
async fn ping(entrance: &Entrance, number: u32) {
    let pings = client_frame(PING, b"").repeat(PINGS_PER_WRITE);
    for index in (number..).step_by(CONNECTIONS as usize) {
        if let Ok(client) = entrance.guest(index, Pace::Full).await {
            while !client.is_closed() && client.send(&pings).await.is_ok() {
                tokio::task::yield_now().await;
            }
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

const CONNECTIONS: u32 = 2;
const PINGS_PER_WRITE: usize = 2_000;
