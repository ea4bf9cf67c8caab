//! Minutes of everything at once: signals, cuts and resumes, departures and returns, removals by moderators.
//!
//! The server is looked at every few seconds. Growth is that from the first minute (the first third, where the whole is
//! shorter) to the end: until then pools and tables fill. Each failure is counted by its kind, and none should occur.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep_until};

use crate::args::{Load, Soak};
use crate::crowd::{By, Crowd};
use crate::procfs::Process;
use crate::report::{Measure, Report, Server, progress};
use crate::scenario::{crowd, enter, number, quantile_us, settle};
use crate::worker::counts::Counts;
use crate::worker::protocol::Order;

/// The server at one moment.
struct Sample {
    at: Duration,
    resident_bytes: u64,
    open_files: u64,
}

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Soak) -> anyhow::Result<()> {
    let load = &Load { runs: 1, ..options.load.clone() };
    let (target, process) = load.server()?;
    let crowd = Crowd {
        others: options.per_room,
        returns: Some(By::Resume),
        moderator_secret: Some(options.moderator_secret.clone()),
        ..crowd(0)
    };
    let mut fleet = enter(load, &target, 0, &crowd).await?;
    fleet.count().await?;
    fleet.order(Order::KeepSignalling { per_s: options.per_s }).await?;
    fleet.order(Order::Churn { per_s: options.churn_per_s }).await?;

    let before = process.cpu()?;
    let (samples, took) = watch(options, process).await?;
    let cpu = process.cpu()?.since(&before);
    fleet.order(Order::Quiet).await?;
    settle().await;
    let (rooms, whole) = fleet.prove().await?;
    let (delivered, counts) = (fleet.sample().await?, fleet.count().await?);
    fleet.close().await?;

    for (kind, count) in &counts.errors {
        eprintln!("loadtest: {count} times: {kind}");
    }
    let mut measures = growth(&samples)?;
    measures.extend([
        ("cpu_percent", 100.0 * cpu.as_secs_f64() / took.as_secs_f64()),
        ("deliveries", number(delivered.len())),
        ("p50_us", quantile_us(&delivered, 0.50)),
        ("p99_us", quantile_us(&delivered, 0.99)),
        ("rooms_not_whole", f64::from(rooms - whole)),
    ]);
    measures.extend(happened(&counts));
    let mut report = Report::new("soak", load);
    report.add(Server::Gateway, measures);
    report.publish()
}

/// Looks at the server until the time is over.
async fn watch(options: &Soak, process: Process) -> anyhow::Result<(Vec<Sample>, Duration)> {
    let begun = Instant::now();
    let length = Duration::from_secs_f64(options.minutes * 60.0);
    let bar = progress(length.as_secs());
    let mut samples = Vec::new();
    loop {
        let at = begun.elapsed();
        let (resident_bytes, open_files) = (process.resident_bytes()?, process.open_files()?);
        samples.push(Sample { at, resident_bytes, open_files });
        bar.set_position(at.as_secs());
        if at >= length {
            bar.finish_and_clear();
            return Ok((samples, at));
        }
        let next = at + Duration::from_secs(options.sample_s);
        sleep_until(begun + next.min(length)).await;
    }
}

/// The last sample beside the first after things have settled.
fn growth(samples: &[Sample]) -> anyhow::Result<Vec<Measure>> {
    let last = samples.last().context("the server was never looked at")?;
    let settled = SETTLED.min(last.at / 3);
    let first = samples.iter().find(|sample| sample.at >= settled).unwrap_or(last);
    let (before, after) = (number(first.resident_bytes), number(last.resident_bytes));
    Ok(vec![
        ("resident_settled_bytes", before),
        ("resident_last_bytes", after),
        ("resident_growth", after / before),
        ("files_settled", number(first.open_files)),
        ("files_last", number(last.open_files)),
    ])
}

fn happened(counts: &Counts) -> Vec<Measure> {
    let act = |name| number(counts.acts.get(name).copied().unwrap_or(0));
    vec![
        ("cuts", act("cut")),
        ("departures", act("leave")),
        ("removals", act("kick")),
        ("returns", number(counts.returns)),
        ("sessions_lost", number(counts.gone)),
        ("signals_missed", number(counts.signals_missed)),
        ("signals_repeated", number(counts.signals_repeated)),
        ("frames_repeated", number(counts.frames_repeated)),
        ("room_resets", number(counts.room_resets)),
        ("errors", number(counts.all_errors())),
    ]
}

/// After which pools and tables are as full as they get.
const SETTLED: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_from_what_had_settled() {
        let sample = |at, resident_bytes| Sample {
            at: Duration::from_secs(at),
            resident_bytes,
            open_files: at,
        };
        for (samples, expected) in [
            (vec![sample(0, 10), sample(60, 20), sample(120, 20), sample(600, 40)], 2.0),
            (vec![sample(0, 10), sample(1, 20), sample(2, 25), sample(6, 25)], 1.0),
            (vec![sample(0, 10)], 1.0),
        ] {
            let growth = growth(&samples).unwrap();
            let ratio = growth.iter().find(|(name, _)| *name == "resident_growth").unwrap().1;
            assert!((ratio - expected).abs() < f64::EPSILON, "{ratio} {expected}");
        }
        assert!(growth(&[]).is_err());
    }
}
