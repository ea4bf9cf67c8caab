//! Sessions start, many at a time: how fast, how soon, and for how much of the server's CPU.
//!
//! All of them stay open until the last has started; the CPU is of that phase alone. Closing is timed apart.

use std::time::Duration;

use anyhow::ensure;
use indicatif::ProgressBar;

use crate::args::Load;
use crate::fleet::Fleet;
use crate::procfs::Process;
use crate::report::{Measure, Report, Server, progress};
use crate::target::Target;

/// Runs the scenario and publishes its report.
pub(crate) async fn run(load: &Load) -> anyhow::Result<()> {
    let (target, process) = load.server()?;
    let mut report = Report::new("connect", load);
    let bar = progress(u64::from(load.sessions));
    for run in 0..load.runs {
        bar.set_message(format!("run {} of {}", run + 1, load.runs));
        report.add(Server::Gateway, measure(load, &target, process, run, &bar).await?);
    }
    bar.finish_and_clear();
    report.publish()
}

/// One run against `target`, which `process` serves.
pub(super) async fn measure(
    load: &Load,
    target: &Target,
    process: Process,
    run: u32,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Measure>> {
    bar.reset();
    let mut fleet = Fleet::prepare(load, target, run, None).await?;
    let before = process.cpu()?;
    let started = fleet.start(bar).await?;
    let cpu = process.cpu()?.since(&before);
    let closed = fleet.close().await?;
    ensure!(closed.lost == 0, "run {run}: the server ended {} sessions by itself", closed.lost);
    let sessions = f64::from(load.sessions);
    let latency =
        |quantile| micros(Duration::from_micros(started.latencies.value_at_quantile(quantile)));
    Ok(vec![
        ("sessions_per_s", sessions / started.took.as_secs_f64()),
        ("cpu_us_per_session", micros(cpu) / sessions),
        ("start_p50_us", latency(0.50)),
        ("start_p99_us", latency(0.99)),
        ("start_max_us", latency(1.0)),
        ("close_us_per_session", micros(closed.took) / sessions),
    ])
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
