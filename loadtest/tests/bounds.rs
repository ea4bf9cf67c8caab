//! The scenarios of bounds against a real gateway, with sizes that show that every figure can be measured.

#[path = "common/program.rs"]
mod program;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use program::{config, program};
use serde_json::Value;

const LOADTEST: &str = env!("CARGO_BIN_EXE_loadtest");

/// Runs a scenario with `--quick` and returns its report and its standard output.
fn quick(scenario: &str, arguments: &[&str]) -> (Value, String) {
    let json: PathBuf =
        std::env::temp_dir().join(format!("loadtest-test-{scenario}-{}.json", std::process::id()));
    let mut command = Command::new(LOADTEST);
    command.arg(scenario).args(arguments).arg("--quick").arg("--json").arg(&json);
    command.arg("--config").arg(config()).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().expect("the load tester was built");
    assert!(status.success(), "{scenario}: {}", String::from_utf8_lossy(&stderr));
    let report = std::fs::read(&json).expect("a report was written");
    std::fs::remove_file(&json).expect("it can be removed");
    let report = serde_json::from_slice(&report).expect("a report is JSON");
    (report, String::from_utf8_lossy(&stdout).into_owned())
}

#[test]
fn every_figure_of_a_program_is_measured() {
    let program = program().to_str().unwrap();
    let (report, _) = quick("bounds", &["--gateway", program]);
    let figures = &report["figures"];
    let value = |figure: &str, name: &str| {
        figures[figure][name].as_f64().unwrap_or_else(|| panic!("{figure} {name}: {figures:#}"))
    };
    for name in ["start_cpu_us", "join_p50_us", "delivery_cpu_us"] {
        assert!(value("cost", name) > 0.0, "{name}: {figures:#}");
    }
    assert_eq!(figures["memory"]["rooms_joined_and_left"], 10.0);
    // How many are held in so short a time is no matter of this test.
    for name in ["held_on_listen", "held_on_admin_listen"] {
        assert!((0.0..=3.0).contains(&value("unread", name)), "{figures:#}");
    }
    for figure in ["quiet", "pipelines", "denials", "address", "pings", "relays"] {
        assert!(value(figure, "login_p99_ms") >= value(figure, "login_p50_ms"), "{figures:#}");
    }
    for figure in ["signals", "roster", "resumes", "joins"] {
        assert!(value(figure, "bytes_out_per_byte_in") > 0.0, "{figure}: {figures:#}");
    }
}

#[test]
fn two_programs_are_compared_in_one_table() {
    let program = program().to_str().unwrap();
    let programs = ["--before", program, "--after", program];
    let (report, table) =
        quick("figures", &[&programs[..], &["--figure", "unread", "--runs", "2"]].concat());
    assert_eq!(report["runs"].as_array().unwrap().len(), 2);
    let rows = report["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["measure"] == "held_on_listen").unwrap();
    assert!(row["comparison"]["after"]["median"].is_f64(), "{report:#}");
    assert!(row["comparison"]["verdict"].is_string(), "{report:#}");
    assert!(table.contains("held_on_admin_listen"), "{table}");
}
