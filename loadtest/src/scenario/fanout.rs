//! One room, one sender: what a delivery costs the server, one signal at a time and in bursts.
//!
//! The gateway and a plain writer of the same frames hold as many connections and are driven by turns. The floor writes
//! each frame by itself regardless of what is in flight; the gateway may put several into one write.

use anyhow::ensure;

use crate::args::{Fanout, Load};
use crate::crowd::Crowd;
use crate::fleet::Fleet;
use crate::floor::{Floor, gateway_answer};
use crate::procfs::Process;
use crate::report::{Measure, Report, Server, progress};
use crate::scenario::{crowd, enter, quantile_us, us};
use crate::target::Target;

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Fanout) -> anyhow::Result<()> {
    let load = &options.load;
    let (target, process) = load.server()?;
    let floor = Floor::spawn(&gateway_answer(load, &target).await?).await?;
    let mut gateway_fleet = assemble(load, &target).await?;
    let mut floor_fleet = assemble(load, &floor.target).await?;

    let mut report = Report::new("fanout", load);
    report.compare("burst_over_floors_one", "burst_cpu_us_per_delivery", "one_cpu_us_per_delivery");
    let bar = progress(u64::from(load.runs));
    for _ in 0..load.runs {
        report.add(Server::Gateway, measure(&mut gateway_fleet, process, options).await?);
        report.add(Server::Floor, measure(&mut floor_fleet, floor.process, options).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    for fleet in [gateway_fleet, floor_fleet] {
        let closed = fleet.close().await?;
        ensure!(closed.lost == 0, "{} sessions were ended by the server", closed.lost);
    }
    report.publish()
}

/// Puts all sessions into the room, and lets the first signals go through it.
async fn assemble(load: &Load, target: &Target) -> anyhow::Result<Fleet> {
    let crowd = Crowd { main: load.sessions, ..crowd(0) };
    let mut fleet = enter(load, target, 0, &crowd).await?;
    fleet.signal(WARM_UP, 1).await?;
    Ok(fleet)
}

async fn measure(
    fleet: &mut Fleet,
    process: Process,
    options: &Fanout,
) -> anyhow::Result<Vec<Measure>> {
    let mut measures = Vec::new();
    for (in_flight, [cpu_name, p50, p99, count]) in [
        (1, ["one_cpu_us_per_delivery", "one_p50_us", "one_p99_us", "one_deliveries"]),
        (
            options.in_flight,
            ["burst_cpu_us_per_delivery", "burst_p50_us", "burst_p99_us", "burst_deliveries"],
        ),
    ] {
        let before = process.cpu()?;
        let delivered = fleet.signal(options.signals, in_flight).await?;
        let cpu = process.cpu()?.since(&before);
        let deliveries = u32::try_from(delivered.len())?;
        measures.push((cpu_name, us(cpu) / f64::from(deliveries.max(1))));
        measures.push((p50, quantile_us(&delivered, 0.50)));
        measures.push((p99, quantile_us(&delivered, 0.99)));
        measures.push((count, f64::from(deliveries)));
    }
    Ok(measures)
}

const WARM_UP: u32 = 10;
