//! The load tester against its own floor.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const LOADTEST: &str = env!("CARGO_BIN_EXE_loadtest");

/// A floor and where it listens; ends with its standard input.
struct Floor {
    child: Child,
    listen: String,
}

impl Floor {
    fn spawn() -> Self {
        let mut command = Command::new(LOADTEST);
        command.arg("serve-floor").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the load tester was built");
        child.stdin.as_mut().expect("piped").write_all(b"\n").expect("the floor reads");
        let mut line = String::new();
        let output = child.stdout.as_mut().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("the floor writes");
        let ready: Value = serde_json::from_str(&line).expect("a JSON line");
        let listen = ready["listen"].as_str().expect("an address").to_owned();
        Self { child, listen }
    }

    fn url(&self) -> String {
        format!("ws://{}/v1/connect", self.listen)
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn loadtest(scenario: &str, url: &str, pid: u32, more: &[&str]) -> Output {
    let mut command = Command::new(LOADTEST);
    command.args([scenario, "--url", url, "--server-pid", &pid.to_string(), "--sessions", "50"]);
    command.args(["--parallel", "8", "--runs", "2", "--hold-s", "0"]).args(more);
    command.stdin(Stdio::null()).output().expect("the load tester was built")
}

fn error(output: &Output) -> String {
    assert!(!output.status.success(), "it succeeded");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn each_scenario_reports_all_its_numbers() {
    let floor = Floor::spawn();
    let json = std::env::temp_dir().join(format!("loadtest-{}.json", std::process::id()));
    for (scenario, credentials, names, servers) in [
        (
            "connect",
            ["--token-secret", "s"].as_slice(),
            ["sessions_per_s", "cpu_us_per_session"],
            1,
        ),
        ("floor", &["--guest"], ["start_p50_us", "start_p99_us"], 2),
        ("idle", &["--guest"], ["bytes_per_session", "resident_held_bytes"], 1),
    ] {
        let path = json.to_str().unwrap();
        let more = [credentials, &["--json", path]].concat();
        let output = loadtest(scenario, &floor.url(), floor.child.id(), &more);
        let table = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{scenario}: {}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
        assert_eq!((&report["scenario"], &report["sessions"]), (&scenario.into(), &50.into()));
        assert_eq!(report["runs"].as_array().unwrap().len(), 2 * servers);
        assert_eq!(report["summary"].as_object().unwrap().len(), servers);
        assert!(report["machine"]["cpus"].as_u64().unwrap() > 0);
        for name in names {
            let spread = &report["summary"]["gateway"][name];
            let [min, median, max] =
                ["min", "median", "max"].map(|part| spread[part].as_f64().unwrap());
            assert!(min <= median && median <= max, "{scenario} {name}: {spread}");
            assert!(name == "bytes_per_session" || min > 0.0, "{scenario} {name}: {spread}");
            assert!(table.contains(name), "{table}");
            let ratio = report["gateway_to_floor"][name].as_f64();
            assert_eq!(ratio.is_some(), servers == 2, "{scenario} {name}");
        }
    }
    std::fs::remove_file(&json).unwrap();
}

#[test]
fn what_cannot_be_measured_is_said_clearly() {
    let floor = Floor::spawn();
    let (url, pid) = (floor.url(), floor.child.id());
    for (case, url, pid, expected) in [
        ("remote", "ws://192.0.2.1:80/", pid, "loopback addresses only"),
        ("no WebSocket", "http://127.0.0.1/", pid, "expected ws://"),
        ("wrong process", &url, std::process::id(), "does not listen on port"),
        ("no process", &url, u32::MAX, "there is no process"),
        ("no server", "ws://127.0.0.1:1/", pid, "nothing listens on port 1"),
    ] {
        let error = error(&loadtest("connect", url, pid, &[]));
        assert!(error.contains(expected), "{case}: {error}");
    }
}

#[test]
fn a_floor_answers_with_the_texts_it_was_given() {
    let refusal =
        r#"["{\"id\":1,\"error\":{\"code\":\"auth_denied\",\"message\":\"guests are off\"}}"]"#;
    let mut command = Command::new(LOADTEST);
    command.arg("serve-floor").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "{refusal}").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let listen = ready["listen"].as_str().unwrap().to_owned();
    let floor = Floor { child, listen };
    let error = error(&loadtest("connect", &floor.url(), floor.child.id(), &[]));
    assert!(error.contains("session") && error.contains("auth_denied: guests are off"), "{error}");
}
