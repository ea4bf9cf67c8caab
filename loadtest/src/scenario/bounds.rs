//! The bounds and the costs of one gateway program, each figure on a process of its own.
//!
//! The gateway runs with its default limits, apart from the cost figure, which needs the raised ones of
//! `loadtest/gateway.toml`, and from the limits that a figure makes small in order to reach them soon.

use serde_json::{Map, Value, json};

use crate::args::Bounds;
use crate::bounds::config::{ConfigFile, Schema, Settings};
use crate::bounds::hook::Hook;
use crate::bounds::stage::Stage;
use crate::bounds::{cost, flood, memory, unread};
use crate::figure::Figure;
use crate::gateway::Site;
use crate::procfs::Machine;
use crate::report::{Measure, PROFILE, progress, write};
use crate::sizes::Sizes;

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
    let hook = Hook::start().await?;
    let config =
        ConfigFile::write(&options.common.config, schema, &settings(figure, &sizes, &hook))?;
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
        _ => flood::measure(figure, &stage).await,
    };
    gateway.kill().await?;
    measures
}

/// What a figure configures.
fn settings(figure: Figure, sizes: &Sizes, hook: &Hook) -> Settings {
    let mut settings = Settings::default();
    match figure {
        Figure::Cost => settings.are_limits_raised = true,
        Figure::Denials => settings.auth_webhook = Some(hook.url.clone()),
        Figure::Roster => settings.roster_limit = sizes.roster_limit,
        Figure::Address => {
            // A node that is full soon; an address has a tenth of it, as by default.
            let node = sizes.sessions_per_node;
            settings.limits = vec![
                ("sessions_per_node", node.to_string()),
                ("sessions_per_address", (node / 10).to_string()),
                ("starts_per_s_per_address", "10000".to_owned()),
            ];
        }
        _ => {}
    }
    if let Some(time) = sizes.handshake_timeout {
        settings.limits.push(("handshake_timeout", format!("\"{}ms\"", time.as_millis())));
    }
    settings
}
