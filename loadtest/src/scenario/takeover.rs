//! Newer starts on every client instance while its connection is up: how soon the older one has heard that it is
//! replaced and is closed, and that exactly one connection is left that answers.

use anyhow::Context as _;
use stagedoor_proto::CloseCode;

use crate::args::Takeover;
use crate::crowd::Crowd;
use crate::fleet::Fleet;
use crate::report::{Report, Server, progress};
use crate::scenario::{crowd, number, quantile_us, us};

/// Participants of the rooms that the survivors enter, to show that they live.
const PER_ROOM: u32 = 10;

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Takeover) -> anyhow::Result<()> {
    let load = &options.load;
    let (target, process) = load.server()?;
    let mut report = Report::new("takeover", load);
    let bar = progress(u64::from(load.runs));
    for run in 0..load.runs {
        let crowd = Crowd { others: PER_ROOM, ..crowd(run) };
        let mut fleet = Fleet::prepare(load, &target, run, Some(&crowd)).await?;
        fleet.start(&bar).await?;
        let before = process.cpu()?;
        let taken = fleet.takeover(options.rivals).await?;
        let cpu = process.cpu()?.since(&before);
        let counts = fleet.count().await?;
        fleet.close().await?;
        let latencies = taken.latencies.context("the workers reported no times")?;
        let starts = f64::from(load.sessions) * f64::from(options.rivals);
        report.add(
            Server::Gateway,
            vec![
                ("replaced_p50_us", quantile_us(&latencies, 0.50)),
                ("replaced_p99_us", quantile_us(&latencies, 0.99)),
                ("replaced_max_us", quantile_us(&latencies, 1.0)),
                ("cpu_us_per_start", us(cpu) / starts),
                ("instances_with_one", f64::from(taken.one_live)),
                ("instances_with_none", f64::from(taken.none_live)),
                ("instances_with_several", f64::from(taken.several_live)),
                ("closed_replaced", number(counts.closed_with(CloseCode::Replaced.code()))),
                ("rejected", number(counts.all_errors())),
            ],
        );
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.publish()
}
