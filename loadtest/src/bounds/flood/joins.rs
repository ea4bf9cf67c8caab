//! A session that joins, as often as it may send a command, a room that it is in.

use serde_json::json;
use tokio::time::interval;

use super::context::{COMMAND_INTERVAL, Flood};
use crate::report::Measure;

pub(super) async fn run(flood: Flood) -> anyhow::Result<Vec<Measure>> {
    let room = "joins";
    let guests = flood.guests_in(room, 0, flood.sizes().join_participants).await?;
    let join = json!({ "join": { "room": room } }).to_string();
    let running = flood.begin();
    let mut ticks = interval(COMMAND_INTERVAL);
    while running.goes_on(&mut ticks).await {
        let _ = guests[0].post(&join).await;
    }
    Ok(Vec::new())
}
