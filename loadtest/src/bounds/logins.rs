//! Logins of honest users at a steady rate, each from an address of its own.
//!
//! A user whose login is rejected tries again. The time counts from when the login was due, so that a gateway that
//! stalls delays those that wait too.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::bounds::client::Entrance;
use crate::report::Measure;
use crate::sizes::Sizes;
use crate::worker::{SIGNIFICANT_DIGITS, close};

/// Logins that were sent and may not have finished.
pub(crate) struct Logins {
    /// How long each took; `None` for one that failed.
    pending: JoinSet<Option<Duration>>,
    login_timeout: Duration,
}

impl Logins {
    /// Sends logins with `credentials` for `sizes.flood_time`.
    pub(crate) async fn send(entrance: &Entrance, credentials: &Value, sizes: &Sizes) -> Self {
        let login_timeout = sizes.login_timeout;
        let mut pending = JoinSet::new();
        let (begun, mut ticks) = (Instant::now(), interval(sizes.login_interval));
        for index in 0.. {
            let due = ticks.tick().await;
            if begun.elapsed() >= sizes.flood_time {
                break;
            }
            let (entrance, credentials) = (entrance.clone(), credentials.clone());
            pending.spawn(async move {
                let login = login(&entrance, index, &credentials, due);
                timeout(login_timeout, login).await.ok()
            });
        }
        Self { pending, login_timeout }
    }

    /// Waits until all have finished or failed. One that failed counts with the whole timeout.
    pub(crate) async fn finish(self) -> anyhow::Result<Vec<Measure>> {
        let mut latencies = Histogram::<u64>::new(SIGNIFICANT_DIGITS)?;
        let (mut count, mut failed) = (0_u32, 0_u32);
        for latency in self.pending.join_all().await {
            count += 1;
            failed += u32::from(latency.is_none());
            let micros = latency.unwrap_or(self.login_timeout).as_micros();
            latencies.record(u64::try_from(micros)?)?;
        }
        let milliseconds = |quantile| {
            Duration::from_micros(latencies.value_at_quantile(quantile)).as_secs_f64() * 1e3
        };
        Ok(vec![
            ("login_p50_ms", milliseconds(0.50)),
            ("login_p99_ms", milliseconds(0.99)),
            ("logins_failed_percent", 100.0 * f64::from(failed) / f64::from(count.max(1))),
        ])
    }
}

/// Logs in, as often as it takes, and ends the session.
async fn login(entrance: &Entrance, index: u32, credentials: &Value, due: Instant) -> Duration {
    loop {
        let start = entrance.start(index, credentials);
        if let Ok(mut opened) = entrance.open(entrance.source(index), None, &start).await {
            let took = due.elapsed();
            let _ = timeout(CLOSE_TIME, close(&mut opened.stream)).await;
            return took;
        }
        sleep(RETRY_INTERVAL).await;
    }
}

const RETRY_INTERVAL: Duration = Duration::from_millis(100);
const CLOSE_TIME: Duration = Duration::from_secs(1);
