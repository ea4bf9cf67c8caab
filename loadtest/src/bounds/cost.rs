//! CPU and latency of a start, a join and a delivery.
//!
//! Sessions start, join rooms of [`PER_ROOM`], and one of each room sends signals one at a time. The first pass on a
//! gateway process is not counted; of the others the medians are reported.

use std::time::Duration;

use anyhow::ensure;

use crate::args::Load;
use crate::bounds::stage::Stage;
use crate::crowd::Crowd;
use crate::fleet::Fleet;
use crate::report::{Measure, Spread, progress};
use crate::sizes::PER_ROOM;

/// Measures the figure.
pub(crate) async fn measure(stage: &Stage) -> anyhow::Result<Vec<Measure>> {
    let mut passes = Vec::new();
    for pass in 0..stage.sizes.cost_passes {
        let measures = measure_pass(stage, pass).await?;
        if pass > 0 {
            passes.push(measures);
        }
    }
    let names = passes.iter().take(1).flatten().map(|(name, _)| *name);
    Ok(names.filter_map(|name| Some((name, median(&passes, name)?))).collect())
}

fn median(passes: &[Vec<Measure>], name: &str) -> Option<f64> {
    let values = passes.iter().flatten().filter(|(other, _)| *other == name);
    Some(Spread::of(values.map(|(_, value)| *value).collect())?.median)
}

async fn measure_pass(stage: &Stage, pass: u32) -> anyhow::Result<Vec<Measure>> {
    let (target, process, sessions) = (&stage.target, stage.process, stage.sizes.cost_sessions);
    let load = load(stage);
    let seed = format!("cost-{}-{pass}", std::process::id());
    let crowd = Crowd { seed, others: PER_ROOM, ..Crowd::default() };
    let mut fleet = Fleet::prepare(&load, target, pass, Some(&crowd)).await?;

    let before = process.cpu()?;
    let started = fleet.start(&progress(u64::from(sessions))).await?;
    let start_cpu = process.cpu()?.since(&before);

    let before = process.cpu()?;
    let joined = fleet.join(0, sessions).await?;
    let join_cpu = process.cpu()?.since(&before);

    tokio::time::sleep(SETTLE_TIME).await;
    fleet.sample().await?;
    let before = process.cpu()?;
    let delivered = fleet.signal(stage.sizes.cost_signals, 1).await?;
    let delivery_cpu = process.cpu()?.since(&before);
    let closed = fleet.close().await?;
    ensure!(closed.lost == 0, "the gateway ended {} sessions", closed.lost);

    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let each = |cpu: Duration, count: u64| {
        micros(cpu) / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX))
    };
    let p50 = |latencies: &hdrhistogram::Histogram<u64>| {
        micros(Duration::from_micros(latencies.value_at_quantile(0.50)))
    };
    Ok(vec![
        ("start_cpu_us", each(start_cpu, u64::from(sessions))),
        ("start_p50_us", p50(&started.latencies)),
        ("join_cpu_us", each(join_cpu, u64::from(sessions))),
        ("join_p50_us", p50(&joined)),
        ("delivery_cpu_us", each(delivery_cpu, delivered.len())),
        ("delivery_p50_us", p50(&delivered)),
    ])
}

fn load(stage: &Stage) -> Load {
    Load {
        url: stage.target.url(),
        sessions: stage.sizes.cost_sessions,
        parallel: PARALLEL,
        server_pid: None,
        workers: 1,
        app: "demo".to_owned(),
        token_secret: None,
        guest: true,
        runs: 1,
        hold_s: 0,
        json: None,
    }
}

const PARALLEL: u32 = 16;
/// What joins leave behind is done then.
const SETTLE_TIME: Duration = Duration::from_millis(500);
