//! The worker's run: read the plan, start, hold or drive, close.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};
use tokio::task::{JoinSet, LocalSet};
use tokio_util::sync::CancellationToken;

use super::hold::{Ended, hold};
use super::latency::{SIGNIFICANT_DIGITS, recorded};
use super::open::Opened;
use super::prepared::Prepared;
use super::protocol::{Latencies, Order, Plan, Report};
use super::rooms::Members;

/// Serves the parent to the end. What goes wrong is reported to it and ends the worker.
pub(crate) async fn run() -> anyhow::Result<()> {
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let served = serve(&mut orders).await;
    if let Err(error) = &served {
        report_line(&Report::Failed(format!("{error:#}")));
    }
    served
}

async fn serve(orders: &mut Lines<BufReader<Stdin>>) -> anyhow::Result<()> {
    let line = orders.next_line().await?.context("no plan came")?;
    let plan: Plan = serde_json::from_str(&line).context("the plan is unreadable")?;
    let load = Arc::new(Prepared::new(plan)?);
    report_line(&Report::Ready);

    expect(orders, Order::Start).await?;
    match load.plan.crowd.clone() {
        None => serve_held(orders, &load).await,
        Some(crowd) => {
            let members = Members::new(crowd, Arc::clone(&load))?;
            LocalSet::new().run_until(serve_rooms(orders, &load, members)).await
        }
    }
}

/// Holds sessions that do nothing.
async fn serve_held(
    orders: &mut Lines<BufReader<Stdin>>,
    load: &Arc<Prepared>,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let mut sessions = JoinSet::new();
    let held = |_, opened| {
        sessions.spawn(hold(opened, stop.clone()));
        Ok(())
    };
    let latencies_us = start_all(load, held).await?;
    report_line(&Report::Started { latencies_us });

    expect(orders, Order::Close).await?;
    stop.cancel();
    let ended = sessions.join_all().await;
    let lost = ended.iter().filter(|ended| **ended == Ended::Lost).count();
    report_line(&Report::Closed { lost: u32::try_from(lost)? });
    Ok(())
}

/// Drives sessions in rooms.
async fn serve_rooms(
    orders: &mut Lines<BufReader<Stdin>>,
    load: &Arc<Prepared>,
    mut members: Members,
) -> anyhow::Result<()> {
    let latencies_us = start_all(load, |number, started| members.add(number, started)).await?;
    report_line(&Report::Started { latencies_us });
    loop {
        let report = match next(orders).await? {
            Order::Start => bail!("the sessions have started"),
            Order::Join { from, to } => members.join(from, to).await?,
            Order::Publish => members.publish().await?,
            Order::Signal { count, in_flight } => members.signal(count, in_flight).await?,
            Order::KeepSignalling { per_s } => members.keep_signalling(per_s),
            Order::Sample => members.sample(),
            Order::Act(command) => members.act(command).await?,
            Order::Storm => members.storm().await,
            Order::AwaitBack => members.all_back().await,
            Order::Takeover { rivals } => members.takeover(rivals).await?,
            Order::Churn { per_s } => members.churn(per_s),
            Order::Deafen => members.deafen(),
            Order::Listen => members.listen(),
            Order::Quiet => members.quiet().await,
            Order::Prove => members.prove().await,
            Order::Count => members.count(),
            Order::Close => break,
        };
        report_line(&report);
    }
    report_line(&Report::Closed { lost: members.close().await? });
    Ok(())
}

/// Starts all sessions, as many at a time as planned, and hands each on with its number.
async fn start_all(
    load: &Arc<Prepared>,
    mut each: impl FnMut(u32, Opened) -> anyhow::Result<()>,
) -> anyhow::Result<Latencies> {
    let mut latencies = Histogram::<u64>::new(SIGNIFICANT_DIGITS)?;
    let mut starters = Starting::new();
    for _ in 0..load.plan.parallel.min(load.plan.sessions) {
        spawn_next(&mut starters, load);
    }
    let (mut notified, mut done) = (Instant::now(), 0_u32);
    while let Some(started) = starters.join_next().await {
        let Some((number, started, latency)) = started.context("a starter panicked")?? else {
            continue;
        };
        spawn_next(&mut starters, load);
        latencies.record(u64::try_from(latency.as_micros())?)?;
        each(number, started)?;
        done += 1;
        if notified.elapsed() >= PROGRESS_INTERVAL {
            notified = Instant::now();
            report_line(&Report::Progress(done));
        }
    }
    Ok(recorded(&latencies))
}

/// The starting of the next session, where one is left: its number, itself, and how long it took.
type Starting = JoinSet<anyhow::Result<Option<(u32, Opened, Duration)>>>;

fn spawn_next(starters: &mut Starting, load: &Arc<Prepared>) {
    let load = Arc::clone(load);
    starters.spawn(async move { load.start_next().await });
}

async fn expect(orders: &mut Lines<BufReader<Stdin>>, expected: Order) -> anyhow::Result<()> {
    let order = next(orders).await?;
    ensure!(order == expected, "expected {expected:?}, not {order:?}");
    Ok(())
}

async fn next(orders: &mut Lines<BufReader<Stdin>>) -> anyhow::Result<Order> {
    let line = orders.next_line().await?.context("the parent is gone")?;
    Ok(serde_json::from_str(&line)?)
}

/// A parent that no longer listens is noticed when it no longer orders.
fn report_line(report: &Report) {
    println!("{}", serde_json::to_string(report).expect("a report has a JSON form"));
}

const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
