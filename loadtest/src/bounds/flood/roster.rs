//! Guests that all join and all leave a room, so that it crosses the roster limit in both directions.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::interval;

use super::context::Flood;
use crate::bounds::client::Pace;
use crate::report::Measure;

pub(super) async fn run(flood: Flood) -> anyhow::Result<Vec<Measure>> {
    let room = "roster";
    let (stayers, hoppers) = (flood.sizes().roster_stayers, flood.sizes().roster_hoppers);
    let _stayers = flood.guests_in(room, 0, stayers).await?;
    let entering =
        (stayers..stayers + hoppers).map(|index| flood.entrance.guest(index, Pace::Full));
    let guests = futures::future::try_join_all(entering).await?;
    let running = flood.begin();
    let (mut ticks, mut cycles) = (interval(JOIN_INTERVAL), 0_u32);
    while running.goes_on(&mut ticks).await {
        // A join that the rate limit rejects is tried in the next cycle.
        join_all(guests.iter().map(|guest| guest.join(room))).await;
        join_all(guests.iter().map(|guest| guest.leave(room))).await;
        cycles += 1;
    }
    Ok(vec![("join_and_leave_cycles", f64::from(cycles))])
}

/// As many joins as a session may send by default: 5 a second.
const JOIN_INTERVAL: Duration = Duration::from_millis(200);
