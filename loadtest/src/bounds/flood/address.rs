//! Guests of one address, which start as many sessions as the node holds and keep them.

use futures::{StreamExt as _, stream};

use super::context::{Flood, RETRY_INTERVAL};
use crate::bounds::client::{Client, Entrance, Pace};
use crate::report::Measure;

pub(super) async fn run(flood: Flood) -> anyhow::Result<Vec<Measure>> {
    let (entrance, most) = (flood.entrance.clone(), flood.sizes().sessions_per_node);
    let starts = stream::iter(0..most).map(|index| start(&entrance, index));
    let first: Vec<_> = starts.buffer_unordered(PARALLEL).collect().await;
    let mut clients: Vec<Client> = first.into_iter().flatten().collect();
    let stop = flood.begin().stop;
    let flooding = async {
        for index in most.. {
            match start(&entrance, index).await {
                Some(client) => clients.push(client),
                None => tokio::time::sleep(RETRY_INTERVAL).await,
            }
            if clients.len() >= MAX_SESSIONS {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    stop.run_until_cancelled(flooding).await;
    let held = clients.iter().filter(|client| !client.is_closed()).count();
    Ok(vec![("sessions_of_address", f64::from(u32::try_from(held)?))])
}

async fn start(entrance: &Entrance, index: u32) -> Option<Client> {
    let start = entrance.guest_start(index);
    let opened = entrance.open(entrance.source(0), None, &start).await.ok()?;
    Some(Client::new(opened, entrance.traffic.clone(), Pace::Full))
}

const PARALLEL: usize = 8;
const MAX_SESSIONS: usize = 2_000;
