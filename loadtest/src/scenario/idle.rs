//! Sessions that do nothing: what each costs in the server's resident memory. The kernel's share is not in it.
//!
//! The memory of every run is compared with that before the first: an allocator keeps what an earlier run made it take,
//! so compared with the run before it the second run would seem to be free. Pings are answered meanwhile.

use std::time::Duration;

use anyhow::ensure;

use crate::args::Load;
use crate::fleet::Fleet;
use crate::report::{Report, Server, progress};
use crate::scenario::number;

/// Runs the scenario and publishes its report.
pub(crate) async fn run(load: &Load) -> anyhow::Result<()> {
    let (target, process) = load.server()?;
    let empty = number(process.resident_bytes()?);
    let mut report = Report::new("idle", load);
    let bar = progress(u64::from(load.sessions));
    for run in 0..load.runs {
        bar.reset();
        bar.set_message(format!("run {} of {}", run + 1, load.runs));
        let mut fleet = Fleet::prepare(load, &target, run, None).await?;
        let before = number(process.resident_bytes()?);
        fleet.start(&bar).await?;
        let started = process.cpu()?;
        tokio::time::sleep(Duration::from_secs(load.hold_s)).await;
        let (held, idling) = (number(process.resident_bytes()?), process.cpu()?.since(&started));
        let closed = fleet.close().await?;
        ensure!(closed.lost == 0, "run {run}: the server ended {} sessions by itself", closed.lost);
        let sessions = f64::from(load.sessions);
        report.add(
            Server::Gateway,
            vec![
                ("bytes_per_session", (held - empty) / sessions),
                ("resident_before_bytes", before),
                ("resident_held_bytes", held),
                ("resident_after_bytes", number(process.resident_bytes()?)),
                ("idle_cpu_ms", idling.as_secs_f64() * 1e3),
            ],
        );
    }
    bar.finish_and_clear();
    report.publish()
}
