//! The server API: what minting a token costs, how soon a mute is heard and durable, and what a look at the metrics
//! takes.
//!
//! Tokens are minted before any session starts, so that nothing else runs on the server's account. The metrics are read
//! then and again with all sessions there; the number of lines is what must not grow with them, as the numbers on them
//! get longer. The muted is one more session than `--sessions`, the only one in a room; calls do not wait for it to
//! obey (`wait_ms=0`), and so are answered as soon as the command is durable.

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures::future::{try_join, try_join_all};
use hdrhistogram::Histogram;
use serde::Deserialize;
use serde_json::json;
use stagedoor_proto::{RoomId, Secret};

use crate::args::Api;
use crate::fleet::Fleet;
use crate::http::Backend;
use crate::procfs::Process;
use crate::publisher::Publisher;
use crate::report::{Measure, Report, Server, progress};
use crate::scenario::{number, quantile_ms, quantile_us, settle, us};
use crate::start::Starts;
use crate::target::Target;
use crate::worker::SIGNIFICANT_DIGITS;

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Api) -> anyhow::Result<()> {
    let load = &options.load;
    let (target, process) = load.server()?;
    let admin = Target::parse_http(&options.admin)?;
    process.must_listen(admin.address)?;
    let backend = Backend::new(admin, &load.app, &options.server_key)?;
    let mut report = Report::new("api", load);
    let bar = progress(u64::from(load.runs));
    for run in 0..load.runs {
        let name = format!("load-api-{}-{run}", std::process::id());
        report
            .add(Server::Gateway, measure(options, &target, process, &backend, run, &name).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    report.publish()
}

/// One run; `name` is its own.
async fn measure(
    options: &Api,
    target: &Target,
    process: Process,
    backend: &Backend,
    run: u32,
    name: &str,
) -> anyhow::Result<Vec<Measure>> {
    let mut measures = Vec::new();
    let session = backend.post("sessions", &json!({ "username": name }));
    let names = ["mint_session_cpu_us", "mint_session_p50_us", "mint_session_p99_us"];
    measures.extend(mint(options, process, backend, &session, names).await?);
    let names = ["mint_room_cpu_us", "mint_room_p50_us", "mint_room_p99_us"];
    let room = backend.post("tokens/room", &room_token(name, name));
    measures.extend(mint(options, process, backend, &room, names).await?);

    let names = [
        "scrape_before_p50_ms",
        "scrape_before_p99_ms",
        "scrape_before_bytes",
        "scrape_before_lines",
    ];
    measures.extend(scrape(options, backend, names).await?);
    let mut fleet = Fleet::prepare(&options.load, target, run, None).await?;
    fleet.start(&progress(u64::from(options.load.sessions))).await?;
    settle().await;
    let names = ["scrape_p50_ms", "scrape_p99_ms", "scrape_bytes", "scrape_lines"];
    measures.extend(scrape(options, backend, names).await?);

    measures.extend(mute(options, target, backend, name).await?);
    let closed = fleet.close().await?;
    ensure!(closed.lost == 0, "{} sessions were ended by the server", closed.lost);
    Ok(measures)
}

/// Sends the same call over and over on all connections; the server's CPU of each, and its latency.
async fn mint(
    options: &Api,
    process: Process,
    backend: &Backend,
    call: &[u8],
    names: [&'static str; 3],
) -> anyhow::Result<Vec<Measure>> {
    let connecting = (0..options.connections).map(|_| async {
        let mut connection = backend.connect().await?;
        // Accepting a connection is no part of a call.
        connection.call(call).await?;
        anyhow::Ok(connection)
    });
    let connections = try_join_all(connecting).await?;
    let before = process.cpu()?;
    let calling =
        (0..options.connections).zip(connections).map(|(first, mut connection)| async move {
            let mut took = Vec::new();
            for _ in (first..options.calls).step_by(options.connections as usize) {
                let begun = Instant::now();
                connection.call(call).await?;
                took.push(begun.elapsed());
            }
            anyhow::Ok(took)
        });
    let took = try_join_all(calling).await?;
    let cpu = process.cpu()?.since(&before);
    let latencies = histogram(took.into_iter().flatten())?;
    let quantiles = [0.50, 0.99].map(|quantile| quantile_us(&latencies, quantile));
    let values = [us(cpu) / f64::from(options.calls)].into_iter().chain(quantiles);
    Ok(names.into_iter().zip(values).collect())
}

/// Reads the metrics, time after time; how long that takes, and how long what is read.
async fn scrape(
    options: &Api,
    backend: &Backend,
    names: [&'static str; 4],
) -> anyhow::Result<Vec<Measure>> {
    let (mut connection, request) = (backend.connect().await?, backend.scrape());
    let mut metrics = connection.call(&request).await?;
    let mut took = Vec::new();
    for _ in 0..options.scrapes {
        let begun = Instant::now();
        metrics = connection.call(&request).await?;
        took.push(begun.elapsed());
    }
    let latencies = histogram(took)?;
    let lines = metrics.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    let [p50, p99] = [0.50, 0.99].map(|quantile| quantile_ms(&latencies, quantile));
    let values = [p50, p99, number(u64::try_from(metrics.len())?), number(u64::try_from(lines)?)];
    Ok(names.into_iter().zip(values).collect())
}

/// Mutes a participant and lifts the mute, repeatedly: when the push arrives, and when the call is answered.
async fn mute(
    options: &Api,
    target: &Target,
    backend: &Backend,
    name: &str,
) -> anyhow::Result<Vec<Measure>> {
    #[derive(Deserialize)]
    struct Minted {
        token: Secret,
    }
    let mut connection = backend.connect().await?;
    let minted = connection.call(&backend.post("tokens/room", &room_token(name, name))).await?;
    let Minted { token } = serde_json::from_slice(&minted)?;
    let starts = Starts::new(&options.load.app, options.load.token_secret.as_deref());
    let room: RoomId = name.parse()?;
    let mut publisher = Publisher::enter(target, &starts, name, &room, token).await?;

    let stream = json!({ "stream": publisher.stream() });
    let commands = [("force_mute", true), ("lift_mute", false)].map(|(command, active)| {
        (backend.post(&format!("rooms/{room}/{command}?wait_ms=0"), &stream), active)
    });
    let (mut notified, mut answered) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    for _ in 0..options.mutes {
        for (command, (call, active)) in commands.iter().enumerate() {
            let begun = Instant::now();
            let calling = async {
                connection.call(call).await?;
                anyhow::Ok(begun.elapsed())
            };
            let hearing = async {
                publisher.hears(*active).await?;
                anyhow::Ok(begun.elapsed())
            };
            let (answer, push) = try_join(calling, hearing).await?;
            answered[command].push(answer);
            notified[command].push(push);
            // Acknowledges the mute; and there is something to mute again once it is lifted.
            publisher.turn_audio(!active).await?;
        }
    }
    publisher.close().await?;

    let names = [
        ["mute_notified_p50_ms", "mute_notified_p99_ms"],
        ["lift_notified_p50_ms", "lift_notified_p99_ms"],
        ["mute_answered_p50_ms", "mute_answered_p99_ms"],
        ["lift_answered_p50_ms", "lift_answered_p99_ms"],
    ];
    let mut measures = Vec::new();
    for ([p50, p99], took) in names.into_iter().zip(notified.into_iter().chain(answered)) {
        let latencies = histogram(took)?;
        measures.push((p50, quantile_ms(&latencies, 0.50)));
        measures.push((p99, quantile_ms(&latencies, 0.99)));
    }
    Ok(measures)
}

/// What is asked for to let one user publish in one room.
fn room_token(room: &str, username: &str) -> serde_json::Value {
    json!({ "room": room, "role": "publisher", "username": username })
}

/// In microseconds.
fn histogram(took: impl IntoIterator<Item = Duration>) -> anyhow::Result<Histogram<u64>> {
    let mut latencies = Histogram::new(SIGNIFICANT_DIGITS)?;
    for took in took {
        latencies.record(u64::try_from(took.as_micros())?)?;
    }
    Ok(latencies)
}
