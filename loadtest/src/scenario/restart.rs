//! The gateway stopped in order under traffic and started again on the same port and store: who is back, how soon, and
//! what of their rooms is left.
//!
//! The gateway is the scenario's own. Clients do what the protocol asks of them: they stay away for `retry_after_ms`,
//! with a random part, and then resume. A session that the next process does not know is counted as lost, and its
//! client gives up. Each run is one restart, with sessions of its own; what one process leaves to the next stays for
//! the run.

use std::time::Instant;

use crate::args::{Load, Restart};
use crate::crowd::{By, Crowd};
use crate::gateway::{Gateway, Site};
use crate::report::{Measure, Report, Server, progress};
use crate::scenario::{crowd, enter, ms, number, quantile_ms, settle, us};
use crate::worker::protocol::Order;

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Restart) -> anyhow::Result<()> {
    let site = Site::new(&options.gateway, &options.config)?;
    let load = &Load { url: site.target.url(), ..options.load.clone() };
    let mut report = Report::new("restart", load);
    let bar = progress(u64::from(load.runs));
    let mut gateway = site.start().await?;
    for run in 0..load.runs {
        let (next, measures) = measure(options, load, &site, gateway, run).await?;
        gateway = next;
        report.add(Server::Gateway, measures);
        bar.inc(1);
    }
    bar.finish_and_clear();
    gateway.stop().await?;
    report.publish()
}

async fn measure(
    options: &Restart,
    load: &Load,
    site: &Site,
    gateway: Gateway,
    run: u32,
) -> anyhow::Result<(Gateway, Vec<Measure>)> {
    let crowd = Crowd { others: options.per_room, returns: Some(By::Resume), ..crowd(run) };
    let mut fleet = enter(load, &site.target, run, &crowd).await?;
    fleet.order(Order::KeepSignalling { per_s: options.per_s }).await?;
    settle().await;
    fleet.count().await?;

    let begun = Instant::now();
    let restarting = async {
        gateway.stop().await?;
        let stopped = begun.elapsed();
        let next = site.start().await?;
        let before = next.process.cpu()?;
        anyhow::Ok((next, before, stopped, begun.elapsed()))
    };
    let returning = async {
        let away = fleet.all_back().await?;
        anyhow::Ok((away, begun.elapsed()))
    };
    let ((next, before, stopped, listening), (away, back)) =
        futures::future::try_join(restarting, returning).await?;
    let cpu = next.process.cpu()?.since(&before);

    settle().await;
    fleet.order(Order::Quiet).await?;
    settle().await;
    let (rooms, whole) = fleet.prove().await?;
    let counts = fleet.count().await?;
    fleet.close().await?;
    let measures = vec![
        ("stopped_ms", ms(stopped)),
        ("listening_again_ms", ms(listening)),
        ("all_back_ms", ms(back)),
        ("away_p50_ms", quantile_ms(&away, 0.50)),
        ("away_p99_ms", quantile_ms(&away, 0.99)),
        ("away_max_ms", quantile_ms(&away, 1.0)),
        ("cpu_us_per_session", us(cpu) / f64::from(load.sessions)),
        ("sessions_back", number(away.len())),
        ("sessions_lost", f64::from(load.sessions) - number(away.len())),
        ("rooms_not_whole", f64::from(rooms - whole)),
        ("participants_left", number(counts.participants_left)),
        ("room_resets", number(counts.room_resets)),
        ("frames_missed", number(counts.frames_missed)),
        ("frames_repeated", number(counts.frames_repeated)),
        ("signals_missed", number(counts.signals_missed)),
        ("signals_repeated", number(counts.signals_repeated)),
    ];
    Ok((next, measures))
}
