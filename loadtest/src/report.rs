//! The final report: a table for people, JSON for programs.

use std::fmt;
use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::args::Load;
use crate::procfs::Machine;

/// A number with its name, which ends in its unit.
pub(crate) type Measure = (&'static str, f64);

/// Which server a run was against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Server {
    Gateway,
    Floor,
}

/// One run and what was measured in it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) server: Server,
    pub(crate) measures: Vec<Measure>,
}

/// The least, the middle and the greatest of several runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { min, median: f64::midpoint(low, high), max })
    }
}

/// All runs of a scenario.
pub(crate) struct Report<'a> {
    scenario: &'static str,
    load: &'a Load,
    machine: Machine,
    runs: Vec<Run>,
    across: Vec<Across>,
}

/// One measure of the gateway over another of the floor.
struct Across {
    name: &'static str,
    gateway: &'static str,
    floor: &'static str,
}

impl<'a> Report<'a> {
    pub(crate) fn new(scenario: &'static str, load: &'a Load) -> Self {
        Self { scenario, load, machine: Machine::describe(), runs: Vec::new(), across: Vec::new() }
    }

    /// Also reports the gateway's median of one measure over the floor's of another.
    pub(crate) fn compare(
        &mut self,
        name: &'static str,
        gateway: &'static str,
        floor: &'static str,
    ) {
        self.across.push(Across { name, gateway, floor });
    }

    pub(crate) fn add(&mut self, server: Server, measures: Vec<Measure>) {
        self.runs.push(Run { server, measures });
    }

    /// Prints the table, and writes the JSON where the command line asks for it.
    pub(crate) fn publish(&self) -> anyhow::Result<()> {
        print!("{self}");
        if let Some(path) = &self.load.json {
            write(path, &self.to_json())?;
        }
        Ok(())
    }

    fn to_json(&self) -> Value {
        let runs: Vec<Value> = self
            .runs
            .iter()
            .map(|run| {
                let measures: Map<String, Value> = run
                    .measures
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), json!(value)))
                    .collect();
                json!({ "server": run.server, "measures": measures })
            })
            .collect();
        let mut summary = Map::new();
        for (key, server) in [("gateway", Server::Gateway), ("floor", Server::Floor)] {
            let rows = self
                .names()
                .filter_map(|name| Some((name.to_owned(), json!(self.spread(server, name)?))));
            let rows: Map<String, Value> = rows.collect();
            if !rows.is_empty() {
                summary.insert(key.to_owned(), rows.into());
            }
        }
        let ratios =
            self.names().filter_map(|name| Some((name.to_owned(), json!(self.ratio(name)?))));
        let across = self.across().map(|(name, ratio)| (name.to_owned(), json!(ratio)));
        let ratios = ratios.chain(across);
        json!({
            "scenario": self.scenario,
            "url": self.load.url,
            "sessions": self.load.sessions,
            "parallel": self.load.parallel,
            "credentials": if self.load.token_secret.is_some() { "token_hs256" } else { "guest" },
            "machine": self.machine,
            "loadtest": { "version": env!("CARGO_PKG_VERSION"), "profile": PROFILE },
            "runs": runs,
            "summary": summary,
            "gateway_to_floor": ratios.collect::<Map<String, Value>>(),
        })
    }

    /// The names of the measures, in the order of the first run.
    fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.runs.iter().take(1).flat_map(|run| run.measures.iter().map(|(name, _)| *name))
    }

    fn spread(&self, server: Server, name: &str) -> Option<Spread> {
        let runs = self.runs.iter().filter(|run| run.server == server);
        let measures = runs.flat_map(|run| &run.measures).filter(|(other, _)| *other == name);
        Spread::of(measures.map(|(_, value)| *value).collect())
    }

    /// The gateway's median over the floor's, where both were run.
    fn ratio(&self, name: &str) -> Option<f64> {
        self.ratio_of(name, name)
    }

    fn ratio_of(&self, gateway: &str, floor: &str) -> Option<f64> {
        let floor = self.spread(Server::Floor, floor)?.median;
        let ratio = self.spread(Server::Gateway, gateway)?.median / floor;
        ratio.is_finite().then_some(ratio)
    }

    fn across(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        self.across
            .iter()
            .filter_map(|across| Some((across.name, self.ratio_of(across.gateway, across.floor)?)))
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Load { url, sessions, parallel, runs, token_secret, .. } = self.load;
        let who = if token_secret.is_some() { "HS256 session tokens" } else { "guests" };
        writeln!(
            f,
            "{}: {sessions} sessions ({who}), {parallel} at a time, {runs} runs, {url}",
            self.scenario
        )?;
        writeln!(f, "{}, {PROFILE} build\n", self.machine)?;
        let columns = ("", "server", "min", "median", "max");
        writeln!(
            f,
            "{:<26}{:<9}{:>12}{:>12}{:>12}",
            columns.0, columns.1, columns.2, columns.3, columns.4
        )?;
        for name in self.names() {
            for (label, server) in [("gateway", Server::Gateway), ("floor", Server::Floor)] {
                if let Some(Spread { min, median, max }) = self.spread(server, name) {
                    writeln!(f, "{name:<26}{label:<9}{min:>12.2}{median:>12.2}{max:>12.2}")?;
                }
            }
            if let Some(ratio) = self.ratio(name) {
                writeln!(f, "{:<26}{:<9}{:>12}{ratio:>12.2}", "", "ratio", "")?;
            }
        }
        for (name, ratio) in self.across() {
            writeln!(f, "{name:<26}{:<9}{:>12}{ratio:>12.2}", "ratio", "")?;
        }
        Ok(())
    }
}

pub(crate) fn write(path: &Path, report: &Value) -> anyhow::Result<()> {
    let text = format!("{report:#}\n");
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// A bar of `total` steps on standard error, when that is a terminal.
pub(crate) fn progress(total: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg:>16} {wide_bar} {pos}/{len} {elapsed}");
    ProgressBar::new(total).with_style(style.expect("the template is well-formed"))
}

pub(crate) const PROFILE: &str = if cfg!(debug_assertions) { "debug" } else { "release" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_any_number_of_runs_but_none() {
        for (values, expected) in [
            (vec![3.0], Some((3.0, 3.0, 3.0))),
            (vec![4.0, 1.0], Some((1.0, 2.5, 4.0))),
            (vec![9.0, 1.0, 2.0], Some((1.0, 2.0, 9.0))),
            (vec![], None),
        ] {
            let expected = expected.map(|(min, median, max)| Spread { min, median, max });
            assert_eq!(Spread::of(values), expected);
        }
    }
}
