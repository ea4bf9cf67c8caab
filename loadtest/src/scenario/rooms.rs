//! Many rooms with a steady sender each, beside the floor; and what joining costs by the size of the room.
//!
//! A join is measured into a room that has its size already, so that the room's growing is no part of it.

use std::time::Duration;

use anyhow::ensure;

use crate::args::{Load, Rooms};
use crate::crowd::Crowd;
use crate::fleet::Fleet;
use crate::floor::{Floor, gateway_answer};
use crate::procfs::Process;
use crate::report::{Measure, Report, Server, progress};
use crate::scenario::{crowd, enter, quantile_us, settle, us};
use crate::target::Target;
use crate::worker::protocol::Order;

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Rooms) -> anyhow::Result<()> {
    let sessions = options.paced.rooms * options.paced.per_room;
    let load = &Load { sessions, ..options.load.clone() };
    let (target, process) = load.server()?;
    let floor = Floor::spawn(&gateway_answer(load, &target).await?).await?;
    let mut report = Report::new("rooms", load);
    let bar = progress(u64::from(load.runs));

    let mut joins = Vec::new();
    for run in 0..load.runs {
        joins.push(measure_joins(options, &target, process, run).await?);
        bar.inc(1);
    }
    let mut gateway_fleet = assemble(options, load, &target).await?;
    let mut floor_fleet = assemble(options, load, &floor.target).await?;
    for joins in joins {
        let mut measures = measure(&mut gateway_fleet, process, load).await?;
        measures.extend(joins);
        report.add(Server::Gateway, measures);
        report.add(Server::Floor, measure(&mut floor_fleet, floor.process, load).await?);
    }
    bar.finish_and_clear();
    for fleet in [gateway_fleet, floor_fleet] {
        let closed = fleet.close().await?;
        ensure!(closed.lost == 0, "{} sessions were ended by the server", closed.lost);
    }
    report.publish()
}

/// Puts all sessions into their rooms, and lets the senders begin.
async fn assemble(options: &Rooms, load: &Load, target: &Target) -> anyhow::Result<Fleet> {
    let crowd = Crowd { others: options.paced.per_room, ..crowd(0) };
    let mut fleet = enter(load, target, 0, &crowd).await?;
    fleet.order(Order::KeepSignalling { per_s: options.paced.per_s }).await?;
    Ok(fleet)
}

async fn measure(fleet: &mut Fleet, process: Process, load: &Load) -> anyhow::Result<Vec<Measure>> {
    fleet.sample().await?;
    let before = process.cpu()?;
    tokio::time::sleep(Duration::from_secs(load.hold_s.max(1))).await;
    let delivered = fleet.sample().await?;
    let cpu = process.cpu()?.since(&before);
    let deliveries = f64::from(u32::try_from(delivered.len())?.max(1));
    Ok(vec![
        ("cpu_us_per_delivery", us(cpu) / deliveries),
        ("p50_us", quantile_us(&delivered, 0.50)),
        ("p99_us", quantile_us(&delivered, 0.99)),
        ("deliveries", deliveries),
    ])
}

/// The CPU of a join into a room of each size, and the last over the first.
async fn measure_joins(
    options: &Rooms,
    target: &Target,
    process: Process,
    run: u32,
) -> anyhow::Result<Vec<Measure>> {
    let mut costs = Vec::new();
    for size in &options.join_sizes {
        let sessions = size + options.joins;
        let load = &Load { sessions, ..options.load.clone() };
        let seed = format!("{}-join-{run}-{size}", std::process::id());
        let crowd = Crowd { seed, main: sessions, ..Crowd::default() };
        let mut fleet = Fleet::prepare(load, target, run, Some(&crowd)).await?;
        fleet.start(&progress(u64::from(sessions))).await?;
        fleet.join(0, *size).await?;
        settle().await;
        let before = process.cpu()?;
        fleet.join(*size, sessions).await?;
        let cpu = process.cpu()?.since(&before);
        costs.push(us(cpu) / f64::from(options.joins));
        fleet.close().await?;
    }
    let (Some(first), Some(last)) = (costs.first(), costs.last()) else { return Ok(Vec::new()) };
    Ok(vec![
        ("join_smallest_cpu_us", *first),
        ("join_largest_cpu_us", *last),
        ("join_largest_over_smallest", last / first),
    ])
}
