//! Strangers that the auth webhook denies with status 400 and a message, five at a time.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tokio::time::interval;

use super::context::Flood;
use crate::bounds::hook::WRONG_PASSWORD;
use crate::report::Measure;

pub(super) async fn run(flood: Flood) -> anyhow::Result<Vec<Measure>> {
    let entrance = flood.entrance.clone();
    let credentials = json!({ "params": { "password": WRONG_PASSWORD } });
    let attempt = |index: u32| {
        let (entrance, credentials) = (&entrance, &credentials);
        async move {
            let start = entrance.start(index, credentials);
            entrance.open(entrance.source(index), None, &start).await.is_ok()
        }
    };
    let running = flood.begin();
    let (mut ticks, mut first) = (interval(INTERVAL), 0_u32);
    while running.goes_on(&mut ticks).await {
        let admitted = join_all((first..first + STRANGERS).map(attempt)).await;
        anyhow::ensure!(!admitted.contains(&true), "the auth webhook admitted a stranger");
        first = first.wrapping_add(STRANGERS);
    }
    Ok(Vec::new())
}

const STRANGERS: u32 = 5;
const INTERVAL: Duration = Duration::from_millis(200);
