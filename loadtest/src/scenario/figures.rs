//! `bounds` of two gateway programs side by side: figures before and after a change.
//!
//! Every figure of a program is measured in a process of its own. The two programs alternate, and the one that begins
//! alternates too, so that neither always has the quieter machine.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::args::Figures;
use crate::comparison::{Comparison, Verdict};
use crate::figure::Figure;
use crate::procfs::Machine;
use crate::report::{PROFILE, Spread, progress, write};

/// The measures of one figure of one program, by name.
type Measures = BTreeMap<String, f64>;

/// A row of the table.
struct Row {
    figure: Figure,
    name: String,
    comparison: Comparison,
}

/// Runs the scenario and publishes its report.
pub(crate) async fn run(options: &Figures) -> anyhow::Result<()> {
    let begun = Instant::now();
    let figures = options.common.selected();
    let total: u32 = figures.iter().map(|figure| 2 * options.runs_of(*figure)).sum();
    let bar = progress(u64::from(total));
    let (mut rows, mut runs) = (Vec::new(), Vec::new());
    for &figure in figures {
        bar.set_message(figure.name());
        let mut pairs = Vec::new();
        for run in 0..options.runs_of(figure) {
            let [before, after] = measure_pair(options, figure, run).await?;
            runs.push(json!({ "figure": figure, "run": run, "before": before, "after": after }));
            pairs.push((before, after));
            bar.inc(2);
        }
        rows.extend(compare(figure, &pairs));
    }
    bar.finish_and_clear();
    print!("{}", table(options, &rows));
    println!("\ntook {} s", begun.elapsed().as_secs());
    let Some(path) = &options.common.json else { return Ok(()) };
    write(path, &to_json(options, &rows, &runs))
}

/// Measures both programs, in an order that alternates from run to run.
async fn measure_pair(
    options: &Figures,
    figure: Figure,
    run: u32,
) -> anyhow::Result<[Measures; 2]> {
    if run.is_multiple_of(2) {
        let before = measure(options, &options.before, figure).await?;
        Ok([before, measure(options, &options.after, figure).await?])
    } else {
        let after = measure(options, &options.after, figure).await?;
        Ok([measure(options, &options.before, figure).await?, after])
    }
}

/// Measures a figure of a program in a process of its own.
async fn measure(options: &Figures, program: &Path, figure: Figure) -> anyhow::Result<Measures> {
    let json = std::env::temp_dir().join(format!("loadtest-figures-{}.json", std::process::id()));
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("bounds").arg("--gateway").arg(program).args(["--figure", &figure.name()]);
    command.arg("--config").arg(&options.common.config).arg("--json").arg(&json);
    if options.common.quick {
        command.arg("--quick");
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("cannot run a scenario")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let what = || format!("{} of {}: {}", figure.name(), program.display(), said.trim());
    ensure!(output.status.success(), what());
    let text = std::fs::read(&json).with_context(what)?;
    std::fs::remove_file(&json).with_context(what)?;
    let mut report: Value = serde_json::from_slice(&text).with_context(what)?;
    serde_json::from_value(report["figures"][figure.name()].take()).with_context(what)
}

/// A row for each measure that both programs have in each run.
fn compare(figure: Figure, pairs: &[(Measures, Measures)]) -> Vec<Row> {
    let names = pairs.iter().take(1).flat_map(|(before, _)| before.keys());
    let row = |name: &String| {
        let values =
            pairs.iter().map(|(before, after)| Some((*before.get(name)?, *after.get(name)?)));
        let comparison = Comparison::of(&values.collect::<Option<Vec<_>>>()?)?;
        Some(Row { figure, name: name.clone(), comparison })
    };
    names.filter_map(row).collect()
}

fn table(options: &Figures, rows: &[Row]) -> String {
    let (before, after) = (options.before.display(), options.after.display());
    let mut text = format!("before  {before}\nafter   {after}\n");
    let mut line = |line: &str| writeln!(text, "{line}").expect("a text takes every line");
    line(&format!("{}, {PROFILE} build; median (least to greatest)\n", Machine::describe()));
    let heads = ["figure", "measure", "before", "after", "ratio", "verdict"];
    line(&columns(heads.map(str::to_owned)));
    for Row { figure, name, comparison } in rows {
        let Comparison { before, after, ratio, verdict } = comparison;
        let ratio = ratio.as_ref().map_or_else(|| "-".to_owned(), |ratio| cell(ratio, Some(3)));
        let verdict = describe(*figure, *verdict);
        line(&columns([
            figure.name(),
            name.clone(),
            cell(before, None),
            cell(after, None),
            ratio,
            verdict,
        ]));
    }
    text
}

fn columns([figure, measure, before, after, ratio, verdict]: [String; 6]) -> String {
    format!("{figure:<11}{measure:<27}{before:>30}{after:>30}{ratio:>24}  {verdict}")
}

/// A median with its range. Without a number of digits, large values have none and small ones two.
fn cell(spread: &Spread, digits: Option<usize>) -> String {
    let Spread { min, median, max } = spread;
    let digits = digits.unwrap_or(if *max < MANY { 2 } else { 0 });
    format!("{median:.digits$} ({min:.digits$} to {max:.digits$})")
}

/// The verdict, and of a cost whether it is permitted.
fn describe(figure: Figure, verdict: Verdict) -> String {
    match (figure.is_cost(), verdict) {
        (true, Verdict::Higher) => "higher: a regression".to_owned(),
        (true, Verdict::Lower | Verdict::Equal) => format!("{verdict}: permitted"),
        (true, Verdict::Unclear) | (false, _) => verdict.to_string(),
    }
}

fn to_json(options: &Figures, rows: &[Row], runs: &[Value]) -> Value {
    let row = |Row { figure, name, comparison }: &Row| json!({ "figure": figure, "measure": name, "comparison": comparison });
    json!({
        "scenario": "figures",
        "before": options.before,
        "after": options.after,
        "machine": Machine::describe(),
        "loadtest": { "version": env!("CARGO_PKG_VERSION"), "profile": PROFILE },
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "runs": runs,
    })
}

/// From here on fractions are below the noise.
const MANY: f64 = 1_000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_measures_of_every_run_are_compared() {
        let measures = |names: &[&str]| -> Measures {
            names.iter().map(|name| ((*name).to_owned(), 2.0)).collect()
        };
        let pairs = [
            (measures(&["a", "b"]), measures(&["a", "b"])),
            (measures(&["a", "b"]), measures(&["a", "c"])),
        ];
        let rows = compare(Figure::Cost, &pairs);
        assert_eq!(rows.iter().map(|row| &*row.name).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn only_a_cost_can_be_a_regression() {
        assert_eq!(describe(Figure::Cost, Verdict::Higher), "higher: a regression");
        assert_eq!(describe(Figure::Cost, Verdict::Equal), "equal: permitted");
        assert_eq!(describe(Figure::Quiet, Verdict::Higher), "higher");
    }
}
