//! The workers of one run, from the parent's side.
//!
//! Three phases, each ordered here and reported by every worker: prepare, start, close. The sessions stay open between
//! the last two, and where they are in rooms they are driven by further orders. Dropping the fleet kills its workers.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use indicatif::ProgressBar;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::args::Load;
use crate::crowd::Crowd;
use crate::procfs::open_files_limit;
use crate::target::{Target, sources};
use crate::worker::SIGNIFICANT_DIGITS;
use crate::worker::counts::Counts;
use crate::worker::protocol::{Latencies, Order, Plan, Report, RoomCommand};

/// The workers of one run.
pub(crate) struct Fleet {
    workers: Vec<Worker>,
}

/// How the starting went.
pub(crate) struct StartPhase {
    pub(crate) took: Duration,
    /// In microseconds.
    pub(crate) latencies: Histogram<u64>,
}

/// How the closing went.
pub(crate) struct ClosePhase {
    pub(crate) took: Duration,
    /// Sessions that the server had ended before.
    pub(crate) lost: u32,
}

/// What became of instances that were started again.
#[derive(Debug, Default)]
pub(crate) struct Takeover {
    /// How long until each older connection was closed, in microseconds.
    pub(crate) latencies: Option<Histogram<u64>>,
    /// Instances of which exactly one connection answers, none, and several.
    pub(crate) one_live: u32,
    pub(crate) none_live: u32,
    pub(crate) several_live: u32,
}

struct Worker {
    orders: ChildStdin,
    reports: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Fleet {
    /// Starts the workers of run `run` and waits until each has made its frames.
    pub(crate) async fn prepare(
        load: &Load,
        target: &Target,
        run: u32,
        crowd: Option<&Crowd>,
    ) -> anyhow::Result<Self> {
        let plans = plans(load, target, run, crowd)?;
        let workers = try_join_all(plans.iter().map(Worker::spawn));
        let workers = timeout(PREPARE_TIME, workers).await.context("the workers are silent")??;
        Ok(Self { workers })
    }

    /// Starts all sessions.
    pub(crate) async fn start(&mut self, bar: &ProgressBar) -> anyhow::Result<StartPhase> {
        let begun = Instant::now();
        let starting = self.workers.iter_mut().map(|worker| worker.start(bar));
        let started = timeout(START_TIME, try_join_all(starting)).await;
        let started = started.context("the sessions did not all start in time")??;
        let took = begun.elapsed();
        Ok(StartPhase { took, latencies: merge(started)? })
    }

    /// Puts the sessions with these numbers into their rooms; how long each took, in microseconds.
    pub(crate) async fn join(&mut self, from: u32, to: u32) -> anyhow::Result<Histogram<u64>> {
        let reports = self.order(Order::Join { from, to }).await?;
        merge(reports.into_iter().filter_map(|report| match report {
            Report::Joined { latencies_us } => Some(latencies_us),
            _ => None,
        }))
    }

    /// Lets every sender send; how long each delivery took, in microseconds.
    pub(crate) async fn signal(
        &mut self,
        count: u32,
        in_flight: u32,
    ) -> anyhow::Result<Histogram<u64>> {
        sampled(self.order(Order::Signal { count, in_flight }).await?)
    }

    /// What was delivered since this was last asked.
    pub(crate) async fn sample(&mut self) -> anyhow::Result<Histogram<u64>> {
        sampled(self.order(Order::Sample).await?)
    }

    /// Runs a command of room 0's moderator; how long until the last participant got it, and until all was enforced.
    pub(crate) async fn act(
        &mut self,
        command: RoomCommand,
    ) -> anyhow::Result<(Duration, Duration)> {
        let (mut sent, mut notified, mut enforced) = (0, 0, 0);
        for report in self.order(Order::Act(command)).await? {
            if let Report::Acted { sent_at_us, last_notified_at_us, enforced_at_us } = report {
                sent = sent_at_us.unwrap_or(sent);
                notified = last_notified_at_us.max(notified);
                enforced = enforced_at_us.unwrap_or(enforced);
            }
        }
        let since_sent = |at: u64| Duration::from_micros(at.saturating_sub(sent));
        Ok((since_sent(notified), since_sent(enforced)))
    }

    /// Cuts every connection at once; how long each client was away, in microseconds.
    pub(crate) async fn storm(&mut self) -> anyhow::Result<Histogram<u64>> {
        back(self.order(Order::Storm).await?)
    }

    /// Waits until every client has lost its connection and is back; how long each was away, in microseconds.
    pub(crate) async fn all_back(&mut self) -> anyhow::Result<Histogram<u64>> {
        back(self.order(Order::AwaitBack).await?)
    }

    /// Starts again on every instance; what became of the older connections and the newer ones.
    pub(crate) async fn takeover(&mut self, rivals: u32) -> anyhow::Result<Takeover> {
        let (mut all, mut parts) = (Takeover::default(), Vec::new());
        for report in self.order(Order::Takeover { rivals }).await? {
            if let Report::TakenOver { latencies_us, one_live, none_live, several_live } = report {
                parts.push(latencies_us);
                all.one_live += one_live;
                all.none_live += none_live;
                all.several_live += several_live;
            }
        }
        Ok(Takeover { latencies: Some(merge(parts)?), ..all })
    }

    /// Lets a signal go through every room; how many rooms there are, and in how many everybody heard it.
    pub(crate) async fn prove(&mut self) -> anyhow::Result<(u32, u32)> {
        let reports = self.order(Order::Prove).await?;
        Ok(reports.iter().fold((0, 0), |(all_rooms, all_whole), report| match report {
            Report::Proved { rooms, whole } => (all_rooms + rooms, all_whole + whole),
            _ => (all_rooms, all_whole),
        }))
    }

    /// What was counted since this was last asked.
    pub(crate) async fn count(&mut self) -> anyhow::Result<Counts> {
        let mut all = Counts::default();
        for report in self.order(Order::Count).await? {
            if let Report::Counted(counts) = report {
                all += *counts;
            }
        }
        Ok(all)
    }

    /// Gives every worker an order; what each reports when it is carried out.
    pub(crate) async fn order(&mut self, order: Order) -> anyhow::Result<Vec<Report>> {
        let carried_out = self.workers.iter_mut().map(|worker| async move {
            worker.send_line(&order).await?;
            worker.report().await
        });
        let reports = timeout(ORDER_TIME, try_join_all(carried_out)).await;
        reports.with_context(|| format!("{order:?} was not carried out in time"))?
    }

    /// Closes all sessions.
    pub(crate) async fn close(mut self) -> anyhow::Result<ClosePhase> {
        let begun = Instant::now();
        let closing = self.workers.iter_mut().map(Worker::close);
        let lost = timeout(CLOSE_TIME, try_join_all(closing)).await;
        let lost = lost.context("the sessions did not all close in time")??;
        Ok(ClosePhase { took: begun.elapsed(), lost: lost.iter().sum() })
    }
}

impl Worker {
    async fn spawn(plan: &Plan) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("worker")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()) // What goes wrong there is reported here.
            .kill_on_drop(true)
            .spawn()
            .context("cannot start a worker")?;
        let orders = child.stdin.take().context("a worker has a standard input")?;
        let output = child.stdout.take().context("a worker has a standard output")?;
        let reports = BufReader::new(output).lines();
        let mut worker = Self { orders, reports, _child: child };
        worker.send_line(plan).await?;
        match worker.report().await? {
            Report::Ready => Ok(worker),
            other => bail!("a worker said {other:?} instead of being ready"),
        }
    }

    async fn start(&mut self, bar: &ProgressBar) -> anyhow::Result<Latencies> {
        self.send_line(&Order::Start).await?;
        let mut seen = 0;
        loop {
            match self.report().await? {
                Report::Progress(done) => {
                    bar.inc(u64::from(done.saturating_sub(seen)));
                    seen = done;
                }
                Report::Started { latencies_us } => return Ok(latencies_us),
                other => bail!("a worker said {other:?} while starting"),
            }
        }
    }

    async fn close(&mut self) -> anyhow::Result<u32> {
        self.send_line(&Order::Close).await?;
        match self.report().await? {
            Report::Closed { lost } => Ok(lost),
            other => bail!("a worker said {other:?} while closing"),
        }
    }

    async fn send_line<T: serde::Serialize>(&mut self, line: &T) -> anyhow::Result<()> {
        let line = format!("{}\n", serde_json::to_string(line)?);
        self.orders.write_all(line.as_bytes()).await.context("a worker has ended")
    }

    async fn report(&mut self) -> anyhow::Result<Report> {
        let line = self.reports.next_line().await?.context("a worker has ended")?;
        match serde_json::from_str(&line).context("a worker's report is unreadable")? {
            Report::Failed(why) => bail!(why),
            report => Ok(report),
        }
    }
}

fn sampled(reports: Vec<Report>) -> anyhow::Result<Histogram<u64>> {
    merge(reports.into_iter().filter_map(|report| match report {
        Report::Sampled { latencies_us } => Some(latencies_us),
        _ => None,
    }))
}

fn back(reports: Vec<Report>) -> anyhow::Result<Histogram<u64>> {
    merge(reports.into_iter().filter_map(|report| match report {
        Report::Back { latencies_us } => Some(latencies_us),
        _ => None,
    }))
}

fn merge(parts: impl IntoIterator<Item = Latencies>) -> anyhow::Result<Histogram<u64>> {
    let mut latencies = Histogram::new(SIGNIFICANT_DIGITS)?;
    for (value, count) in parts.into_iter().flatten() {
        latencies.record_n(value, count)?;
    }
    Ok(latencies)
}

/// Shares the sessions of a run among as few workers as their limits allow.
fn plans(
    load: &Load,
    target: &Target,
    run: u32,
    crowd: Option<&Crowd>,
) -> anyhow::Result<Vec<Plan>> {
    let files = open_files_limit().unwrap_or(u32::MAX).saturating_sub(OTHER_FILES);
    let most = files.min(MAX_SESSIONS_PER_WORKER);
    ensure!(most > 0, "too few open files are allowed: raise `ulimit -n`");
    // Who shares a worker waits for the others in it: those of the big room are not to hold up the rooms beside it.
    let main = crowd.map_or(0, |crowd| crowd.main.min(load.sessions));
    let mut shares = Vec::new();
    for (from, to) in [(0, main), (main, load.sessions)] {
        let workers = (to - from).div_ceil(most).max(load.workers);
        let share = (to - from).div_ceil(workers);
        let mut first = from;
        while first < to {
            let next = to.min(first + share);
            // A room is one worker's, but for the big one.
            let whole = crowd.map_or(next, |crowd| crowd.whole_rooms(next));
            let next = if next < to && whole > first { whole } else { next };
            shares.push((first, next - first));
            first = next;
        }
    }
    let workers = u32::try_from(shares.len())?;
    ensure!(workers <= MAX_WORKERS, "{workers} workers would be needed: raise `ulimit -n`");
    let seed = format!("{}-{run}", std::process::id());
    let plan = |(first, sessions)| Plan {
        target: target.clone(),
        run,
        sources: sources(load.sessions, load.parallel),
        first,
        sessions,
        parallel: load.parallel.div_ceil(workers),
        app: load.app.clone(),
        token_secret: load.token_secret.clone(),
        seed: seed.clone(),
        crowd: crowd.cloned(),
    };
    Ok(shares.into_iter().map(plan).collect())
}

/// What a process opens besides its sessions.
const OTHER_FILES: u32 = 64;
/// Below the 20 000 descriptors that a process commonly may open.
const MAX_SESSIONS_PER_WORKER: u32 = 19_000;
const MAX_WORKERS: u32 = 256;
const PREPARE_TIME: Duration = Duration::from_mins(1);
const START_TIME: Duration = Duration::from_mins(5);
const ORDER_TIME: Duration = Duration::from_mins(5);
const CLOSE_TIME: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Task};

    fn load(sessions: u32, workers: u32) -> Load {
        let (sessions, workers) = (sessions.to_string(), workers.to_string());
        let args = ["loadtest", "connect", "--sessions", &sessions, "--workers", &workers];
        match Args::parse_from(args).task {
            Task::Connect(load) => load,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_session_is_some_workers_and_no_worker_has_too_many() {
        let target = Target::parse("ws://127.0.0.1:1/").unwrap();
        let rooms = Crowd { main: 7, others: 10, ..Crowd::default() };
        for (sessions, workers, crowd) in
            [(1, 1, None), (100, 3, None), (40_000, 1, None), (100, 3, Some(&rooms)), (2, 4, None)]
        {
            let plans = plans(&load(sessions, workers), &target, 0, crowd).unwrap();
            let mut next = 0;
            for plan in &plans {
                assert_eq!(plan.first, next);
                assert!(
                    (1..=MAX_SESSIONS_PER_WORKER).contains(&plan.sessions) && plan.parallel > 0
                );
                next += plan.sessions;
                let divides = crowd.is_some_and(|crowd| crowd.whole_rooms(next) != next);
                assert!(next == sessions || !divides, "a room is divided before {next}");
            }
            assert_eq!(next, sessions);
            assert!(plans.len() >= workers.min(sessions) as usize, "{sessions} {workers}");
        }
    }
}
