//! `connect` against the gateway and, by turns, against the plainest server that does the same system calls.
//!
//! The floor answers with the bytes of a start that the gateway itself gave a moment before.

use crate::args::Load;
use crate::floor::{Floor, gateway_answer};
use crate::report::{Report, Server, progress};
use crate::scenario::connect::measure;

/// Runs the scenario and publishes its report.
pub(crate) async fn run(load: &Load) -> anyhow::Result<()> {
    let (target, process) = load.server()?;
    let floor = Floor::spawn(&gateway_answer(load, &target).await?).await?;
    let mut report = Report::new("floor", load);
    let bar = progress(u64::from(load.sessions));
    for run in 0..load.runs {
        bar.set_message(format!("gateway {} of {}", run + 1, load.runs));
        report.add(Server::Gateway, measure(load, &target, process, run, &bar).await?);
        bar.set_message(format!("floor {} of {}", run + 1, load.runs));
        let measured = measure(load, &floor.target, floor.process, run, &bar).await?;
        report.add(Server::Floor, measured);
    }
    bar.finish_and_clear();
    report.publish()
}
