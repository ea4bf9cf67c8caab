//! A command over a whole room: how soon the last participant gets it, how soon all is enforced, and what the rooms
//! beside it feel meanwhile.
//!
//! The same runs on the floor, whose commands only broadcast a frame. Each run has rooms of its own, because the second
//! command ends the room of the first.

use std::time::Duration;

use anyhow::ensure;

use crate::args::{Load, Moderation};
use crate::crowd::Crowd;
use crate::floor::{Floor, gateway_answer};
use crate::procfs::Process;
use crate::report::{Measure, Report, Server, progress};
use crate::scenario::{crowd, enter, quantile_us, settle, us};
use crate::target::Target;
use crate::worker::protocol::{Order, RoomCommand};

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Moderation) -> anyhow::Result<()> {
    let others = options.paced.rooms * options.paced.per_room;
    let load = &Load { sessions: options.load.sessions + others, ..options.load.clone() };
    let (target, process) = load.server()?;
    let floor = Floor::spawn(&gateway_answer(load, &target).await?).await?;
    let mut report = Report::new("moderation", load);
    let bar = progress(u64::from(load.runs));
    let floors = &Moderation { publishers: 0, ..options.clone() };
    for run in 0..load.runs {
        report.add(Server::Gateway, measure(options, load, &target, process, run).await?);
        report.add(Server::Floor, measure(floors, load, &floor.target, floor.process, run).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.publish()
}

async fn measure(
    options: &Moderation,
    load: &Load,
    target: &Target,
    process: Process,
    run: u32,
) -> anyhow::Result<Vec<Measure>> {
    let crowd = Crowd {
        main: options.load.sessions,
        others: options.paced.per_room,
        publishers: options.publishers,
        moderator_secret: Some(options.moderator_secret.clone()),
        ..crowd(run)
    };
    let mut fleet = enter(load, target, run, &crowd).await?;
    fleet.order(Order::Publish).await?;
    fleet.order(Order::KeepSignalling { per_s: options.paced.per_s }).await?;
    settle().await;

    fleet.sample().await?;
    tokio::time::sleep(Duration::from_secs(load.hold_s.max(1))).await;
    let mut measures = vec![("others_before_p99_us", quantile_us(&fleet.sample().await?, 0.99))];
    for (command, [notified_name, enforced_name, cpu_name, others]) in [
        (
            RoomCommand::ForceMuteAll,
            [
                "mute_all_notified_ms",
                "mute_all_enforced_ms",
                "mute_all_cpu_us_each",
                "others_mute_all_p99_us",
            ],
        ),
        (
            RoomCommand::EndRoom,
            [
                "end_room_notified_ms",
                "end_room_enforced_ms",
                "end_room_cpu_us_each",
                "others_end_room_p99_us",
            ],
        ),
    ] {
        fleet.sample().await?;
        let (before, begun) = (process.cpu()?, tokio::time::Instant::now());
        let (notified, enforced) = fleet.act(command).await?;
        let cpu = process.cpu()?.since(&before);
        tokio::time::sleep_until(begun + BOUND).await;
        let felt = fleet.sample().await?;
        measures.push((notified_name, us(notified) / 1e3));
        measures.push((enforced_name, us(enforced) / 1e3));
        measures.push((cpu_name, us(cpu) / f64::from(options.load.sessions)));
        measures.push((others, quantile_us(&felt, 0.99)));
        settle().await;
    }
    let closed = fleet.close().await?;
    ensure!(closed.lost == 0, "{} sessions were ended by the server", closed.lost);
    Ok(measures)
}

/// The deadline for all notifications; the effect on others is measured for as long.
const BOUND: Duration = Duration::from_millis(500);
