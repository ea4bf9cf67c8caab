//! The bounds and the costs of one gateway program, each figure on a process of its own.
//!
//! The gateway runs with its default limits, apart from the cost figure, which needs the raised ones of
//! `loadtest/gateway.toml`, and from the limits that a figure makes small in order to reach them soon.

use serde_json::{Map, Value, json};

use crate::args::Bounds;
use crate::bounds::config::{ConfigFile, Schema, Settings};
use crate::bounds::sizes::Sizes;
use crate::bounds::stage::Stage;
use crate::bounds::{cost, memory, unread};
use crate::figure::Figure;
use crate::gateway::Site;
use crate::procfs::Machine;
use crate::report::{Measure, PROFILE, progress, write};

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Bounds) -> anyhow::Result<()> {
    let schema = Schema::of(&options.gateway).await?;
    let figures = options.common.selected();
    let bar = progress(figures.len() as u64);
    let mut all = Map::new();
    for &figure in figures {
        bar.set_message(figure.name());
        let measures = measure(options, &schema, figure).await?;
        for (name, value) in &measures {
            println!("{:<11}{name:<28}{value:>14.2}", figure.name());
        }
        let measures = measures.into_iter().map(|(name, value)| (name.to_owned(), json!(value)));
        all.insert(figure.name(), measures.collect::<Map<_, _>>().into());
        bar.inc(1);
    }
    bar.finish_and_clear();
    let Some(path) = &options.common.json else { return Ok(()) };
    let report: Value = json!({
        "scenario": "bounds",
        "gateway": options.gateway,
        "machine": Machine::describe(),
        "loadtest": { "version": env!("CARGO_PKG_VERSION"), "profile": PROFILE },
        "figures": all,
    });
    write(path, &report)
}

async fn measure(
    options: &Bounds,
    schema: &Schema,
    figure: Figure,
) -> anyhow::Result<Vec<Measure>> {
    let sizes = options.common.sizes();
    let config = ConfigFile::write(&options.common.config, schema, &settings(figure, &sizes))?;
    let site = Site::new(&options.gateway, config.path())?.with_errors_only();
    let gateway = site.start().await?;
    let stage = Stage {
        target: site.target.clone(),
        admin: site.admin.clone(),
        process: gateway.process,
        sizes,
    };
    let measures = match figure {
        Figure::Cost => cost::measure(&stage).await,
        Figure::Memory => memory::measure(&stage).await,
        Figure::Unread => unread::measure(&stage).await,
    };
    gateway.kill().await?;
    measures
}

/// What a figure configures.
fn settings(figure: Figure, sizes: &Sizes) -> Settings {
    let are_limits_raised = figure == Figure::Cost;
    let timeout = sizes.handshake_timeout;
    let timeout = timeout.map(|time| ("handshake_timeout", format!("\"{}ms\"", time.as_millis())));
    Settings { are_limits_raised, limits: timeout.into_iter().collect() }
}
