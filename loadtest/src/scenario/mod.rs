//! What is tried: a file a scenario, each of them `run`, which measures and publishes a report.

pub(crate) mod api;
pub(crate) mod bounds;
pub(crate) mod connect;
pub(crate) mod fanout;
pub(crate) mod figures;
pub(crate) mod floor;
pub(crate) mod idle;
pub(crate) mod moderation;
pub(crate) mod restart;
pub(crate) mod rooms;
pub(crate) mod slow;
pub(crate) mod soak;
pub(crate) mod storm;
pub(crate) mod takeover;

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::args::Load;
use crate::crowd::Crowd;
use crate::fleet::Fleet;
use crate::report::progress;
use crate::target::Target;

/// A crowd whose rooms are those of run `run` alone.
fn crowd(run: u32) -> Crowd {
    Crowd { seed: format!("{}-{run}", std::process::id()), ..Crowd::default() }
}

/// Starts all sessions and puts them into their rooms.
async fn enter(load: &Load, target: &Target, run: u32, crowd: &Crowd) -> anyhow::Result<Fleet> {
    let mut fleet = Fleet::prepare(load, target, run, Some(crowd)).await?;
    let bar = progress(u64::from(load.sessions));
    fleet.start(&bar).await?;
    bar.finish_and_clear();
    fleet.join(0, load.sessions).await?;
    settle().await;
    Ok(fleet)
}

/// Waits for what the last phase left behind: a large room sends its counts once a second.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1_500)).await;
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn quantile_us(latencies: &Histogram<u64>, quantile: f64) -> f64 {
    us(Duration::from_micros(latencies.value_at_quantile(quantile)))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn quantile_ms(latencies: &Histogram<u64>, quantile: f64) -> f64 {
    quantile_us(latencies, quantile) / 1e3
}

/// A number of things; no run has so many that a float would round it.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
const fn number(count: u64) -> f64 {
    count as f64
}
