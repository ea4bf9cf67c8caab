//! Memory that is still in use after rooms were joined and left.
//!
//! Before the first measurement every session joins and leaves one room as often as its rate allows in a burst, so that
//! the buffers of sessions have grown. Every session confirms what it received, so that none holds it for a replay.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::bounds::client::{Client, Entrance, Pace};
use crate::bounds::stage::Stage;
use crate::report::Measure;

/// Measures the figure.
pub(crate) async fn measure(stage: &Stage) -> anyhow::Result<Vec<Measure>> {
    let sizes = &stage.sizes;
    let entrance = Entrance::new(&stage.target, BLOCK);
    let guests = stream::iter(0..sizes.room_sessions);
    let guests = guests.map(|index| entrance.guest(index, Pace::Full)).buffered(PARALLEL);
    let guests: Vec<Client> = guests.try_collect().await?;

    visit_all(&guests, sizes.rooms_per_session.min(WARM_UP_VISITS), true).await?;
    tokio::time::sleep(SETTLE_TIME).await;
    let before = stage.process.resident_bytes()?;
    let rooms = visit_all(&guests, sizes.rooms_per_session, false).await?;
    tokio::time::sleep(SETTLE_TIME).await;
    let after = stage.process.resident_bytes()?;

    let [before, after, rooms] = [before, after, rooms].map(float);
    Ok(vec![
        ("rooms_joined_and_left", rooms),
        ("growth_mib", (after - before) / f64::from(1 << 20)),
        ("bytes_per_left_room", (after - before) / rooms.max(1.0)),
    ])
}

/// Lets every guest join and leave `count` rooms; returns how many rooms that were.
async fn visit_all(guests: &[Client], count: u32, is_warm_up: bool) -> anyhow::Result<u64> {
    let visits = guests.iter().enumerate().map(|(number, guest)| async move {
        for visit in 0..count {
            let room =
                if is_warm_up { format!("warm-{number}") } else { format!("r-{number}-{visit}") };
            visit_one(guest, &room).await?;
        }
        anyhow::Ok(u64::from(count))
    });
    Ok(futures::future::try_join_all(visits).await?.iter().sum())
}

/// Joins and leaves a room, as soon as the rate limit permits it.
async fn visit_one(guest: &Client, room: &str) -> anyhow::Result<()> {
    let mut attempts = 0;
    while let Err(error) = guest.join(room).await {
        attempts += 1;
        anyhow::ensure!(attempts < MAX_ATTEMPTS && !guest.is_closed(), "{room}: {error}");
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
    guest.leave(room).await?;
    Ok(guest.confirm().await?)
}

#[expect(clippy::cast_precision_loss, reason = "far less than 2^52")]
const fn float(count: u64) -> f64 {
    count as f64
}

const BLOCK: u32 = 80;
const PARALLEL: usize = 16;
const WARM_UP_VISITS: u32 = 5;
const RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// Ten seconds: a session may join five rooms a second by default.
const MAX_ATTEMPTS: u32 = 100;
const SETTLE_TIME: Duration = Duration::from_secs(2);
