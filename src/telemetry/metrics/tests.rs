use std::collections::BTreeSet;
use std::time::Duration;

use stagedoor_proto::CloseCode;

use super::*;

fn counted() -> String {
    let metrics = Metrics::new();
    metrics.auth_hook_duration.observe("webhook", HookOutcome::Denied, Duration::from_millis(7));
    metrics.limits_hit.inc(Limit::Commands);
    metrics.connections_closed.inc(Close::Code(CloseCode::Kicked));
    metrics.connections_closed.inc(Close::Lost);
    metrics.encode()
}

#[test]
fn exposition_matches_the_metric_table() {
    let text = counted();
    let exported: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let listed: Vec<String> =
        TABLE.iter().map(|row| format!("{} {}", row.name, row.kind.as_str())).collect();
    assert_eq!(exported, listed);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = &line[..line.find(['{', ' ']).expect("a sample has a value")];
        let row = TABLE.iter().find(|row| row.samples().any(|sample| sample == name));
        let row = row.unwrap_or_else(|| panic!("{name} is in no row"));
        for label in row.labels {
            assert!(line.contains(&format!("{label}=\"")), "{line} has a {label}");
        }
    }
}

#[test]
fn samples_have_their_labels_and_units() {
    let text = counted();
    for line in [
        "stagedoor_limits_hit_total{limit=\"commands_per_s\"} 1",
        "stagedoor_limits_hit_total{limit=\"joins_per_s\"} 0",
        "stagedoor_connections_closed_total{code=\"4010\",reason=\"kicked\"} 1",
        "stagedoor_connections_closed_total{code=\"none\",reason=\"lost\"} 1",
        "stagedoor_sessions{state=\"tokenExpired\",link=\"suspended\"} 0",
        "stagedoor_auth_hook_duration_seconds_count{hook=\"webhook\",outcome=\"denied\"} 1",
        "# UNIT stagedoor_received_bytes bytes",
        concat!("stagedoor_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        "# EOF",
    ] {
        assert!(text.lines().any(|exported| exported == line), "{line} is missing from\n{text}");
    }
}

#[test]
fn names_are_unique_and_two_gateways_count_apart() {
    let names: BTreeSet<&str> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), TABLE.len());
    let (one, other) = (Metrics::new(), Metrics::new());
    one.slow_consumers_closed.inc();
    assert_eq!((one.slow_consumers_closed.get(), other.slow_consumers_closed.get()), (1, 0));
}
