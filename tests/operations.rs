//! `docs/configuration.md`, `docs/operations.md` and `docs/alerts.md` agree with the configuration, the metrics, the
//! dashboard and the alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use stagedoor::config::{Config, ConfigError, ConfigErrors, with_reference};
use stagedoor::telemetry::{Label as _, Limit, Row, TABLE};
use stagedoor_proto::{CloseCode, ErrorCode};

/// What no configuration can leave out.
const LEAST: &str = "[store.sqlite]\npath = \"stagedoor.db\"\n[[apps]]\nid = \"shop\"\n\
    hs256_secrets = [{ kid = \"2026\", secret = \"change-me-change-me-change-me-ab\" }]\n";

/// A place for an unknown key in each table that is not required.
const TABLES: &[&str] = &[
    "[[apps]]\nid = \"other\"\n",
    "[apps.jwks]\n",
    "[apps.jwks]\nurl = \"https://a.example\"\nissuer = \"a\"\naudience = \"b\"\n[apps.jwks.claims]\n",
    "[apps.auth_webhook]\n",
    "[[apps.webhook_endpoints]]\n",
    "[listen]\n",
    "[listen.tls]\n",
    "[listen.admin_tls]\n",
    "[operator]\n",
    "[limits]\n",
    "[keepalive]\n",
    "[resume]\n",
    "[session]\n",
    "[drain]\n",
    "[engine]\n",
    "[log]\n",
];

const DASHBOARD: &str = include_str!("../deploy/grafana/stagedoor.json");
const ALERTS: &str = include_str!("../deploy/prometheus/alerts.yml");
const ALERTS_PAGE: &str = include_str!("../docs/alerts.md");
const LIMITS_PAGE: &str = include_str!("../docs/limits.md");

#[test]
fn the_documented_configuration_is_every_key_at_its_default() {
    let documented = parse(documented()).expect("the documented configuration can be run");
    let least = parse(LEAST).expect("a least configuration can be run");
    assert_eq!(format!("{documented:#?}"), format!("{least:#?}"));
}

#[test]
fn every_key_is_documented() {
    for table in TABLES {
        let keys = keys_of(table);
        assert!(!keys.is_empty(), "{table} has keys");
        for key in keys {
            let is_documented = documented().lines().any(|line| {
                let line = line.trim_start_matches("# ");
                line.starts_with(&format!("{key} = ")) || line.contains(&format!(".{key}]"))
            });
            assert!(is_documented, "`{key}` of {table} is missing from the example");
        }
    }
}

#[test]
fn the_checked_in_schema_is_what_the_types_generate() {
    let checked_in = include_str!("../docs/config.schema.json");
    let renew = "cargo run -- check-config --schema > docs/config.schema.json";
    let generated = format!("{:#}\n", Config::schema().as_value());
    assert!(checked_in == generated, "docs/config.schema.json is stale; run: {renew}");
}

#[test]
fn configuration_reference_is_generated_from_the_schema() {
    let page = include_str!("../docs/configuration.md");
    let renew = "cargo run --example configuration";
    assert!(page == with_reference(page), "docs/configuration.md is stale; run: {renew}");
    for key in TABLES.iter().flat_map(|table| keys_of(table)) {
        let is_listed = page.contains(&format!("\n| `{key}` |"))
            || page.contains(&format!(".{key}]`\n"))
            || page.contains(&format!(".{key}]]`\n"));
        assert!(is_listed, "the reference has no `{key}`");
    }
}

/// The values of a setting in `deploy/systemd/stagedoor.service`.
fn unit_values(setting: &str) -> Vec<&'static str> {
    let unit = include_str!("../deploy/systemd/stagedoor.service");
    let values = unit.lines().filter_map(|line| line.strip_prefix(setting)?.strip_prefix('='));
    values.flat_map(str::split_whitespace).collect()
}

#[test]
fn systemd_unit_waits_for_time_synchronization() {
    for setting in ["Wants", "After"] {
        let units = unit_values(setting);
        assert!(units.contains(&"time-sync.target"), "{setting}: {units:?}");
    }
}

#[test]
fn systemd_unit_leaves_time_for_a_drain() {
    let stop = unit_values("TimeoutStopSec")[0].trim_end_matches('s').parse::<u64>();
    let drain = parse(LEAST).expect("a least configuration can be run").drain;
    assert!(stop.expect("it is in seconds") > drain.deadline.as_secs() + 10);
}

#[test]
fn the_schema_has_every_key() {
    let schema = Config::schema().to_value();
    let described: Vec<&str> = keys_in(&schema);
    for key in TABLES.iter().flat_map(|table| keys_of(table)) {
        assert!(described.contains(&key.as_str()), "`{key}` is missing from the schema");
    }
}

/// The names of all properties in a schema, at any depth.
fn keys_in(schema: &serde_json::Value) -> Vec<&str> {
    let inner: Vec<&serde_json::Value> = match schema {
        serde_json::Value::Object(table) => table.values().collect(),
        serde_json::Value::Array(list) => list.iter().collect(),
        _ => return Vec::new(),
    };
    let own = schema["properties"].as_object().into_iter().flat_map(|table| table.keys());
    own.map(String::as_str).chain(inner.into_iter().flat_map(keys_in)).collect()
}

/// The keys of a table, from what is said of one that it does not have.
fn keys_of(table: &str) -> Vec<String> {
    let errors = parse(&format!("{LEAST}{table}no_such_key = 1\n")).expect_err(table);
    let unknown = errors.iter().find(
        |error| matches!(error, ConfigError::Value { key, .. } if key.ends_with("no_such_key")),
    );
    let Some(ConfigError::Value { allowed, .. }) = unknown else {
        panic!("{table}: an unknown key is an error of a value");
    };
    allowed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(Path::new("stagedoor.toml"), text)
}

fn documented() -> &'static str {
    let page = include_str!("../docs/configuration.md");
    let block = page.split("```toml\n").nth(1).expect("there is a configuration");
    block.split("```").next().expect("it ends")
}

/// The page's table of metrics, a line each.
fn documented_metrics() -> Vec<&'static str> {
    let page = include_str!("../docs/operations.md");
    page.lines().filter(|line| line.starts_with("| `stagedoor_")).collect()
}

#[test]
fn the_documented_metrics_are_those_there_are() {
    let there_are: Vec<String> = TABLE
        .iter()
        .map(|row| {
            let labels: Vec<String> = row.labels.iter().map(|label| format!("`{label}`")).collect();
            let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
            format!("| `{}` | {} | {labels} | {} |", row.name, row.kind.as_str(), row.help)
        })
        .collect();
    assert_eq!(documented_metrics(), there_are);
}

#[test]
fn limits_are_named_as_in_the_configuration() {
    let keys = keys_of("[limits]\n");
    let page = include_str!("../docs/operations.md");
    let names: Vec<&str> = Limit::all().into_iter().map(Limit::as_str).collect();
    for name in &names {
        let is_explained = page.contains(&format!("`{name}`"));
        assert!(keys.iter().any(|key| key == name) || is_explained, "{name} is explained nowhere");
    }
    for key in &keys {
        // A rate and its burst are one bound.
        let name = key.replace("_burst", "_per_s");
        assert!(names.contains(&&*name), "no counter for hits of `{key}`");
    }
}

#[test]
fn every_limit_is_documented_with_its_cap_and_error() {
    let limits = Limit::all();
    let names: Vec<&str> = limits.iter().map(|limit| limit.as_str()).collect();
    let mut listed = BTreeSet::new();
    for row in rows_of_limits() {
        let [limit, bounds, cap, beyond] = row[..] else { panic!("four cells: {row:?}") };
        assert!(![bounds, beyond].contains(&""), "{row:?}");
        let limit = limit.trim_matches('`');
        assert!(names.contains(&limit), "no counter for hits of {limit}");
        assert!(listed.insert(limit), "{limit} is listed twice");
        let caps: Vec<&str> = quoted(cap).collect();
        assert!(cap == "–" || !caps.is_empty(), "{limit} has a cap, or `–`: {cap}");
        for cap in caps {
            assert!(cap != limit && names.contains(&cap), "{cap} is no limit");
        }
        assert_answers(beyond);
    }
    for key in keys_of("[limits]\n") {
        let name = key.replace("_burst", "_per_s");
        assert!(listed.contains(&*name), "docs/limits.md does not list `{key}`");
    }
    let hits = include_str!("gateway/promise_9_bounded_by_default/counted.rs");
    for limit in limits {
        assert!(listed.contains(limit.as_str()), "docs/limits.md does not list {limit:?}");
        assert!(hits.contains(&format!("Limit::{limit:?} => ")), "no test hits {limit:?}");
    }
}

#[test]
fn metrics_in_the_list_of_limits_exist() {
    for name in quoted(LIMITS_PAGE).filter(|word| word.starts_with("stagedoor_")) {
        assert!(TABLE.iter().any(|row| row.name == name), "there is no {name}");
    }
}

/// The rows of `docs/limits.md` that begin with the name of a limit.
fn rows_of_limits() -> Vec<Vec<&'static str>> {
    let rows = LIMITS_PAGE.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Asserts that an answer names only error codes, close codes and HTTP statuses that exist.
fn assert_answers(beyond: &str) {
    for code in quoted(beyond) {
        assert!(ErrorCode::ALL.iter().any(|known| known.as_str() == code), "no error {code}");
    }
    let words = beyond.split(|c: char| !c.is_ascii_alphanumeric());
    for number in words.filter_map(|word| word.parse::<u16>().ok()).filter(|n| *n >= 1_000) {
        assert!(CloseCode::ALL.iter().any(|known| known.code() == number), "no code {number}");
    }
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_metrics_there_are() {
    let samples: Vec<String> = TABLE.iter().flat_map(Row::samples).collect();
    let mut asked = BTreeSet::new();
    for text in [DASHBOARD, ALERTS] {
        for (at, _) in text.match_indices("stagedoor_") {
            let end = text[at..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let name = &text[at..at + end.expect("a name ends")];
            assert!(samples.iter().any(|sample| sample == name), "there is no {name}");
            asked.insert(name);
        }
    }
    for row in TABLE {
        assert!(row.samples().any(|sample| asked.contains(&*sample)), "{} is unused", row.name);
    }
}

#[test]
fn the_dashboard_asks_by_labels_there_are() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("it has panels");
    assert!(panels.len() >= 20);
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "panels have numbers of their own");
    for target in panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets")) {
        let (expr, legend) = (target["expr"].as_str(), target["legendFormat"].as_str());
        let (expr, legend) = (expr.expect("a query"), legend.expect("a legend"));
        let asked = TABLE.iter().filter(|row| expr.contains(row.name));
        let row = asked.max_by_key(|row| row.name.len()).expect("it is of a metric");
        for label in legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
            assert!(row.labels.contains(&label), "{expr} has no {label}");
        }
    }
}

#[test]
fn alerts_have_severity_and_runbook_section() {
    let sections: BTreeMap<String, &str> = ALERTS_PAGE
        .split("\n## ")
        .skip(1)
        .map(|section| section.split_once('\n').expect("a heading has a section"))
        .map(|(title, section)| (title.to_lowercase().replace(' ', "-"), section))
        .collect();
    let alerts: Vec<&str> = ALERTS.split("- alert: ").skip(1).collect();
    assert_eq!(alerts.len(), 17);
    assert_eq!(alerts.len(), sections.len(), "each alert has one section");
    for alert in alerts {
        let name = alert.lines().next().expect("it has a name");
        let value = |key: &str| {
            let found = alert.lines().find_map(|line| line.trim().strip_prefix(key));
            found.unwrap_or_else(|| panic!("{name} has no {key}"))
        };
        assert!(value("for: ").ends_with('m'), "{name}");
        assert!(["critical", "warning"].contains(&value("severity: ")), "{name}");
        assert!(value("summary: ").len() > 10 && value("expr: ").len() > 5, "{name}");
        let (file, anchor) = value("runbook_url: ").split_once('#').expect("it names a heading");
        assert_eq!(file, "docs/alerts.md", "{name}");
        let section = sections.get(anchor).unwrap_or_else(|| panic!("{name}: no #{anchor}"));
        for part in ["**Meaning.** ", "**First look.** ", "**Action.** "] {
            assert!(section.contains(part), "{name}: its section has no {part}");
        }
        let minutes = value("for: ").trim_end_matches('m');
        let unit = if minutes == "1" { "minute" } else { "minutes" };
        let row = format!("](#{anchor}) | {} | {minutes} {unit} |", value("severity: "));
        assert!(ALERTS_PAGE.contains(&row), "{name}: the table has no {row}");
    }
}
