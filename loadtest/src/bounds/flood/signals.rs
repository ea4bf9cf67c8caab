//! The largest signals, as fast as one session may send them, into a large room.

use serde_json::json;
use tokio::time::interval;

use super::context::{COMMAND_INTERVAL, Flood};
use crate::report::Measure;

pub(super) async fn run(flood: Flood) -> anyhow::Result<Vec<Measure>> {
    let room = "signals";
    let count = flood.sizes().signal_receivers;
    let receivers = flood.guests_in(room, 0, count).await?;
    let senders = flood.guests_in(room, count, 1).await?;
    let data = "x".repeat(MAX_DATA_BYTES - QUOTES);
    let signal = json!({ "signal": { "room": room, "type": "flood", "data": data } }).to_string();
    let running = flood.begin();
    let mut ticks = interval(COMMAND_INTERVAL);
    while running.goes_on(&mut ticks).await {
        let _ = senders[0].post(&signal).await;
    }
    let closed = receivers.iter().filter(|receiver| receiver.is_closed()).count();
    Ok(vec![("receivers_closed", f64::from(u32::try_from(closed)?))])
}

/// The largest data that a signal may carry.
const MAX_DATA_BYTES: usize = stagedoor_proto::MAX_SIGNAL_DATA_BYTES;
const QUOTES: usize = 2;
