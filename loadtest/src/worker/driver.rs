//! The worker's run: read the plan, start, hold or drive, close.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::frame::{TEXT, client_frame};
use super::hold::{Ended, hold};
use super::open::{Started, open, upgrade_request};
use super::protocol::{Latencies, Order, Plan, Report};
use super::rooms::Members;
use crate::start::Starts;

/// Serves the parent to the end. What goes wrong is reported to it and ends the worker.
pub(crate) async fn run() -> anyhow::Result<()> {
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let served = serve(&mut orders).await;
    if let Err(error) = &served {
        tell(&Report::Failed(format!("{error:#}")));
    }
    served
}

async fn serve(orders: &mut Lines<BufReader<Stdin>>) -> anyhow::Result<()> {
    let line = orders.next_line().await?.context("no plan came")?;
    let plan: Plan = serde_json::from_str(&line).context("the plan is unreadable")?;
    let load = Arc::new(Prepared::new(plan)?);
    tell(&Report::Ready);

    expect(orders, Order::Start).await?;
    match load.plan.crowd.clone() {
        None => serve_held(orders, &load).await,
        Some(crowd) => {
            let members = Members::new(crowd, &load.plan.app, load.plan.parallel)?;
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
    let latencies_us =
        start_all(load, |_, started| drop(sessions.spawn(hold(started, stop.clone())))).await?;
    tell(&Report::Started { latencies_us });

    expect(orders, Order::Close).await?;
    stop.cancel();
    let ended = sessions.join_all().await;
    let lost = ended.iter().filter(|ended| **ended == Ended::Lost).count();
    tell(&Report::Closed { lost: u32::try_from(lost)? });
    Ok(())
}

/// Drives sessions in rooms.
async fn serve_rooms(
    orders: &mut Lines<BufReader<Stdin>>,
    load: &Arc<Prepared>,
    mut members: Members,
) -> anyhow::Result<()> {
    let latencies_us = start_all(load, |number, started| members.add(number, started)).await?;
    tell(&Report::Started { latencies_us });
    loop {
        let report = match next(orders).await? {
            Order::Start => bail!("the sessions have started"),
            Order::Join { from, to } => members.join(from, to).await?,
            Order::Publish => members.publish().await?,
            Order::Signal { count, in_flight } => members.signal(count, in_flight).await?,
            Order::KeepSignalling { per_s } => members.keep_signalling(per_s),
            Order::Sample => members.sample(),
            Order::Act(verb) => members.act(verb).await?,
            Order::Close => break,
        };
        tell(&report);
    }
    tell(&Report::Closed { lost: members.close().await? });
    Ok(())
}

/// All that can be made before anything is measured.
struct Prepared {
    plan: Plan,
    upgrade: Vec<u8>,
    starts: Vec<Vec<u8>>,
    next: AtomicU32,
}

impl Prepared {
    fn new(plan: Plan) -> anyhow::Result<Self> {
        let starts = Starts::new(&plan.app, plan.token_secret.as_deref());
        let frame = |number| -> anyhow::Result<Vec<u8>> {
            let message = starts.message(&format!("load-{}-{number}", plan.seed))?;
            Ok(client_frame(TEXT, &serde_json::to_vec(&message)?))
        };
        let numbers = plan.first..plan.first + plan.sessions;
        let starts = numbers.map(frame).collect::<anyhow::Result<_>>()?;
        Ok(Self { upgrade: upgrade_request(&plan.target), starts, next: AtomicU32::new(0), plan })
    }
}

/// Starts all sessions, as many at a time as planned, and hands each on with its number.
async fn start_all(
    load: &Arc<Prepared>,
    mut each: impl FnMut(u32, Started),
) -> anyhow::Result<Latencies> {
    let mut latencies = Histogram::<u64>::new(SIGNIFICANT_DIGITS)?;
    let mut starters = JoinSet::new();
    for _ in 0..load.plan.parallel.min(load.plan.sessions) {
        starters.spawn(start_next(Arc::clone(load)));
    }
    let (mut told, mut done) = (Instant::now(), 0_u32);
    while let Some(started) = starters.join_next().await {
        let Some((number, started, latency)) = started.context("a starter panicked")?? else {
            continue;
        };
        starters.spawn(start_next(Arc::clone(load)));
        latencies.record(u64::try_from(latency.as_micros())?)?;
        each(number, started);
        done += 1;
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            tell(&Report::Progress(done));
        }
    }
    let recorded = latencies.iter_recorded();
    Ok(recorded.map(|value| (value.value_iterated_to(), value.count_at_value())).collect())
}

/// Starts the next session, if one is left.
async fn start_next(load: Arc<Prepared>) -> anyhow::Result<Option<(u32, Started, Duration)>> {
    let index = load.next.fetch_add(1, Ordering::Relaxed);
    let Some(start) = usize::try_from(index).ok().and_then(|index| load.starts.get(index)) else {
        return Ok(None);
    };
    let plan = &load.plan;
    let number = plan.first + index;
    let source = plan.target.source(plan.run, number, plan.sources);
    let begun = Instant::now();
    let opening = open(plan.target.address, source, &load.upgrade, start);
    let opened = timeout(START_TIME, opening).await.context("no answer came in time");
    let started = opened.and_then(|opened| opened).with_context(|| format!("session {number}"))?;
    Ok(Some((number, started, begun.elapsed())))
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
fn tell(report: &Report) {
    println!("{}", serde_json::to_string(report).expect("a report has a JSON form"));
}

/// How long a session may take to start.
const START_TIME: Duration = Duration::from_secs(15);
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// Of latencies: one part in a thousand.
pub(crate) const SIGNIFICANT_DIGITS: u8 = 3;
