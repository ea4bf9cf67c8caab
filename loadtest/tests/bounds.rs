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
    assert_eq!(figures["unread"]["held_on_listen"], 0.0, "{figures:#}");
    assert_eq!(figures["unread"]["held_on_admin_listen"], 0.0, "{figures:#}");
    for figure in ["quiet", "pipelines", "denials", "address", "pings", "relays"] {
        assert!(value(figure, "login_p99_ms") >= value(figure, "login_p50_ms"), "{figures:#}");
    }
    for figure in ["signals", "roster", "resumes", "joins"] {
        assert!(value(figure, "bytes_out_per_byte_in") > 0.0, "{figure}: {figures:#}");
    }
}
