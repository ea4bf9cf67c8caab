//! Rooms in which a share of the participants does not read: what those who do feel of it, what it does to the server's
//! memory, and how many it disconnects.
//!
//! Each run is measured twice, in rooms of its own each: without and with them. The deaf ask for small receive buffers,
//! so that what they do not read is soon the server's, and say all the while that they live; otherwise it would take
//! them for lost before it takes them for slow. When it has disconnected one whose buffers are full, its reason may
//! have found no place there: such a client finds its connection closed without a word.

use std::time::Duration;

use stagedoor_proto::CloseCode;

use crate::args::{Load, Slow};
use crate::crowd::Crowd;
use crate::fleet::Fleet;
use crate::procfs::Process;
use crate::report::{Measure, Report, Server, progress};
use crate::scenario::{crowd, enter, number, quantile_us, settle};
use crate::target::Target;
use crate::worker::protocol::Order;

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Slow) -> anyhow::Result<()> {
    let sessions = options.paced.rooms * options.paced.per_room;
    let load = &Load { sessions, ..options.load.clone() };
    let (target, process) = load.server()?;
    let mut report = Report::new("slow", load);
    let bar = progress(u64::from(load.runs));
    for run in 0..load.runs {
        let names = ["without_p50_us", "without_p99_us", "without_max_us", "without_deliveries"];
        let mut fleet = assemble(options, load, &target, 2 * run).await?;
        let mut measures = measure(&mut fleet, load, names).await?;
        fleet.close().await?;

        let names = ["with_p50_us", "with_p99_us", "with_max_us", "with_deliveries"];
        let mut fleet = assemble(options, load, &target, 2 * run + 1).await?;
        let before = process.resident_bytes()?;
        fleet.order(Order::Deafen).await?;
        measures.extend(measure(&mut fleet, load, names).await?);
        measures.extend(part(&mut fleet, process, before).await?);
        fleet.close().await?;
        report.add(Server::Gateway, measures);
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.publish()
}

/// Puts all sessions into their rooms, and lets the senders begin.
async fn assemble(options: &Slow, load: &Load, target: &Target, run: u32) -> anyhow::Result<Fleet> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 90")]
    let deaf_percent = (options.share * 100.0).round() as u32;
    let crowd = Crowd { others: options.paced.per_room, deaf_percent, ..crowd(run) };
    let mut fleet = enter(load, target, run, &crowd).await?;
    fleet.order(Order::KeepSignalling { per_s: options.paced.per_s }).await?;
    Ok(fleet)
}

async fn measure(
    fleet: &mut Fleet,
    load: &Load,
    names: [&'static str; 4],
) -> anyhow::Result<Vec<Measure>> {
    fleet.sample().await?;
    tokio::time::sleep(Duration::from_secs(load.hold_s.max(1))).await;
    let delivered = fleet.sample().await?;
    let quantiles = [0.50, 0.99, 1.0].map(|quantile| quantile_us(&delivered, quantile));
    let values = quantiles.into_iter().chain([number(delivered.len())]);
    Ok(names.into_iter().zip(values).collect())
}

/// What the server still keeps for the deaf, and what they find when they read again.
async fn part(fleet: &mut Fleet, process: Process, before: u64) -> anyhow::Result<Vec<Measure>> {
    let after = process.resident_bytes()?;
    fleet.order(Order::Quiet).await?;
    fleet.count().await?;
    fleet.order(Order::Listen).await?;
    settle().await;
    let counts = fleet.count().await?;
    let slow = counts.closed_with(CloseCode::SlowConsumer.code());
    let closed: u64 = counts.closes.values().sum();
    Ok(vec![
        ("resident_before_bytes", number(before)),
        ("resident_after_bytes", number(after)),
        ("closed_as_slow", number(slow)),
        ("closed_without_a_word", number(counts.closed_with(BROKEN))),
        ("closed_otherwise", number(closed - slow - counts.closed_with(BROKEN))),
    ])
}

/// What a connection that ended without a close code is counted under.
const BROKEN: u16 = 1006;
