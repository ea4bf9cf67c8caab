//! Floods, a file each, and the logins that are measured beside them.

mod address;
mod context;
mod denials;
mod joins;
mod pings;
mod pipelines;
mod relays;
mod resumes;
mod roster;
mod signals;

use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::context::Flood;
use crate::bounds::client::Entrance;
use crate::bounds::hook::RIGHT_PASSWORD;
use crate::bounds::logins::Logins;
use crate::bounds::stage::Stage;
use crate::figure::Figure;
use crate::report::Measure;

/// Measures logins beside the flood of `figure`, and what the flood costs.
pub(crate) async fn measure(figure: Figure, stage: &Stage) -> anyhow::Result<Vec<Measure>> {
    let entrance = Entrance::new(&stage.target, FLOOD_BLOCK);
    let traffic = Arc::clone(&entrance.traffic);
    let stop = CancellationToken::new();
    let (begun, has_begun) = oneshot::channel();
    let flood = Flood::new(stage.clone(), entrance, begun, stop.clone());
    let (ended, has_ended) = oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let result = runtime
            .map_err(anyhow::Error::from)
            .and_then(|runtime| runtime.block_on(run(figure, flood)));
        let _ = ended.send(result);
    });
    if has_begun.await.is_err() {
        has_ended.await.context("the flood panicked")??;
        anyhow::bail!("the flood ended before it began");
    }

    let credentials = match figure {
        Figure::Denials => json!({ "params": { "password": RIGHT_PASSWORD } }),
        _ => json!({ "guest": {} }),
    };
    let honest = Entrance::new(&stage.target, LOGIN_BLOCK);
    let (cpu, totals, since) = (stage.process.cpu()?, traffic.totals(), Instant::now());
    let logins = Logins::send(&honest, &credentials, &stage.sizes).await;
    let took = since.elapsed().as_secs_f64();
    let cpu = stage.process.cpu()?.since(&cpu).as_secs_f64();
    let [sent, received, _] =
        std::array::from_fn(|index| float(traffic.totals()[index].saturating_sub(totals[index])));
    let mut measures = logins.finish().await?;
    stop.cancel();
    let own = has_ended.await.context("the flood panicked")??;

    measures.push(("gateway_cpu_percent", 100.0 * cpu / took));
    if is_amplified(figure) {
        measures.extend([
            ("bytes_out_per_byte_in", received / sent.max(1.0)),
            ("in_kib_per_s", sent / took / f64::from(1 << 10)),
            ("out_mib_per_s", received / took / f64::from(1 << 20)),
        ]);
    }
    measures.extend(own);
    Ok(measures)
}

/// Runs the flood until it is stopped.
async fn run(figure: Figure, flood: Flood) -> anyhow::Result<Vec<Measure>> {
    match figure {
        Figure::Pipelines => pipelines::run(flood).await,
        Figure::Denials => denials::run(flood).await,
        Figure::Address => address::run(flood).await,
        Figure::Pings => pings::run(flood).await,
        Figure::Relays => relays::run(flood).await,
        Figure::Signals => signals::run(flood).await,
        Figure::Roster => roster::run(flood).await,
        Figure::Resumes => resumes::run(flood).await,
        Figure::Joins => joins::run(flood).await,
        Figure::Quiet | Figure::Cost | Figure::Memory | Figure::Unread => {
            flood.begin().stop.cancelled().await;
            Ok(Vec::new())
        }
    }
}

/// Whether the gateway multiplies the bytes of the flood.
const fn is_amplified(figure: Figure) -> bool {
    matches!(figure, Figure::Signals | Figure::Roster | Figure::Resumes | Figure::Joins)
}

#[expect(clippy::cast_precision_loss, reason = "far less than 2^52")]
const fn float(count: u64) -> f64 {
    count as f64
}

const FLOOD_BLOCK: u32 = 82;
const LOGIN_BLOCK: u32 = 83;
