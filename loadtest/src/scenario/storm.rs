//! All connections cut at once, without a close: how soon their clients are back, and what it costs.
//!
//! Clients come back at once, as fast as they can. A client that resumes is back when the gateway says so, one that
//! starts again when it is in its room again. Then a signal goes through every room, which proves that everybody is
//! truly there and, by the numbers of what was heard, that nothing was lost or came twice on the way. The floor is cut
//! alike: it takes the connections and answers, and knows of no sessions.

use std::time::Instant;

use crate::args::{Load, Storm};
use crate::crowd::{By, Crowd};
use crate::fleet::Fleet;
use crate::floor::{Floor, gateway_answer};
use crate::procfs::Process;
use crate::report::{Measure, Report, Server, progress};
use crate::scenario::{crowd, enter, ms, number, quantile_ms, settle, us};

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Storm) -> anyhow::Result<()> {
    let load = &options.load;
    let (target, process) = load.server()?;
    let floor = Floor::spawn(&gateway_answer(load, &target).await?).await?;
    let crowd = Crowd { others: options.per_room, returns: Some(options.by), ..crowd(0) };
    let mut gateway_fleet = enter(load, &target, 0, &crowd).await?;
    let mut floor_fleet = enter(load, &floor.target, 0, &crowd).await?;

    let name = match options.by {
        By::Resume => "storm by resume",
        By::Start => "storm by start",
    };
    let mut report = Report::new(name, load);
    let bar = progress(u64::from(load.runs));
    for _ in 0..load.runs {
        let mut measures = measure(&mut gateway_fleet, process, load).await?;
        measures.extend(check(&mut gateway_fleet).await?);
        report.add(Server::Gateway, measures);
        report.add(Server::Floor, measure(&mut floor_fleet, floor.process, load).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    for fleet in [gateway_fleet, floor_fleet] {
        fleet.close().await?;
    }
    report.publish()
}

async fn measure(fleet: &mut Fleet, process: Process, load: &Load) -> anyhow::Result<Vec<Measure>> {
    fleet.count().await?;
    let files = process.open_files()?;
    let (before, begun) = (process.cpu()?, Instant::now());
    let away = fleet.storm().await?;
    let (took, cpu) = (begun.elapsed(), process.cpu()?.since(&before));
    settle().await;
    let sessions = f64::from(load.sessions);
    Ok(vec![
        ("all_back_ms", ms(took)),
        ("back_p50_ms", quantile_ms(&away, 0.50)),
        ("back_p99_ms", quantile_ms(&away, 0.99)),
        ("back_max_ms", quantile_ms(&away, 1.0)),
        ("not_back", sessions - number(away.len())),
        ("cpu_us_per_comeback", us(cpu) / sessions),
        ("open_files_growth", number(process.open_files()?) - number(files)),
    ])
}

/// What came of it that no session may feel.
async fn check(fleet: &mut Fleet) -> anyhow::Result<Vec<Measure>> {
    let (rooms, whole) = fleet.prove().await?;
    let counts = fleet.count().await?;
    Ok(vec![
        ("rooms_not_whole", f64::from(rooms - whole)),
        ("frames_missed", number(counts.frames_missed)),
        ("frames_repeated", number(counts.frames_repeated)),
        ("signals_missed", number(counts.signals_missed)),
        ("signals_repeated", number(counts.signals_repeated)),
        ("room_resets", number(counts.room_resets)),
        ("errors", number(counts.all_errors())),
    ])
}
