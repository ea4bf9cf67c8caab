//! What is tried: a file a scenario, each of them `run(&Load)`, which measures and publishes a report.

pub(crate) mod connect;
pub(crate) mod fanout;
pub(crate) mod floor;
pub(crate) mod idle;
pub(crate) mod moderation;
pub(crate) mod rooms;

use std::time::Duration;

use hdrhistogram::Histogram;

/// Lets what the last phase left behind come to its end: a large room tells its numbers once a second.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1_500)).await;
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn quantile_us(latencies: &Histogram<u64>, quantile: f64) -> f64 {
    us(Duration::from_micros(latencies.value_at_quantile(quantile)))
}
