//! Subscribers that relay the largest data, as fast as they may, to publishers that read one megabit a second.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::time::{interval, sleep};

use super::context::{COMMAND_INTERVAL, Flood};
use crate::bounds::client::{Client, Pace, SLOW_INTERVAL};
use crate::report::Measure;

/// A publisher and the subscriber of its stream.
struct Pair {
    publisher: Client,
    subscriber: Client,
    /// The encoded command.
    relay: String,
}

pub(super) async fn run(flood: Flood) -> anyhow::Result<Vec<Measure>> {
    let mut pairs = Vec::new();
    for number in 0..flood.sizes().relay_pairs {
        pairs.push(pair(&flood, number).await.context("cannot prepare the relays")?);
    }
    let running = flood.begin();
    let mut ticks = interval(COMMAND_INTERVAL);
    while running.goes_on(&mut ticks).await {
        for Pair { subscriber, relay, .. } in &pairs {
            // A rejected relay is answered, and one to a closed publisher too.
            let _ = subscriber.post(relay).await;
        }
    }
    // A slow reader finds the end of its connection behind all that the kernels still hold.
    for pair in &pairs {
        pair.publisher.read_fast();
    }
    sleep(DRAIN_TIME).await;
    let closed = pairs.iter().filter(|pair| pair.publisher.is_closed()).count();
    let share = 100.0 * f64::from(u32::try_from(closed)?) / f64::from(u32::try_from(pairs.len())?);
    Ok(vec![("publishers_closed_percent", share)])
}

async fn pair(flood: &Flood, number: u32) -> anyhow::Result<Pair> {
    let room = format!("relays-{number}");
    let pace = Pace::Slow(BYTES_PER_S * SLOW_INTERVAL.as_millis() as usize / 1_000);
    let publisher = flood.entrance.guest(2 * number, pace).await?;
    let joined = publisher.join(&room).await?;
    let stream = json!({ "kind": "camera", "has_audio": true, "has_video": true });
    let reply =
        publisher.request(&json!({ "publish": { "room": room, "stream": stream } })).await?;
    let stream = reply["published"]["stream"]["id"].clone();

    let subscriber = flood.entrance.guest(2 * number + 1, Pace::Full).await?;
    subscriber.join(&room).await?;
    subscriber.request(&json!({ "subscribe": { "stream": stream } })).await?;
    let to = &joined["joined"]["participant"]["id"];
    let data = "x".repeat(MAX_DATA_BYTES - QUOTES);
    let relay = json!({ "relay": { "to": to, "stream": stream, "data": data } }).to_string();
    Ok(Pair { publisher, subscriber, relay })
}

const DRAIN_TIME: Duration = Duration::from_secs(1);
/// One megabit a second.
const BYTES_PER_S: usize = 125_000;
/// The largest data that may be relayed.
const MAX_DATA_BYTES: usize = stagedoor_proto::MAX_RELAY_DATA_BYTES;
const QUOTES: usize = 2;
