//! A gateway process for the tests of the load tester, and the load tester run against it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

pub(crate) mod program;

use program::{config, program};

const LOADTEST: &str = env!("CARGO_BIN_EXE_loadtest");

/// A running gateway with an empty store; it is killed with the test.
pub(crate) struct Gateway {
    child: Child,
    directory: PathBuf,
    listen: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    pub(crate) fn start(name: &str) -> Self {
        let [listen, admin] = free_addresses();
        let directory =
            std::env::temp_dir().join(format!("loadtest-test-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory can be made");
        let mut command = Command::new(program());
        command.arg("serve").arg("--config").arg(config()).arg("--data").arg(&directory);
        command.args(["--listen", &listen.to_string(), "--admin-listen", &admin.to_string()]);
        command.args(["--log", "error"]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.spawn().expect("the gateway was built");
        while [listen, admin].iter().any(|address| TcpStream::connect(address).is_err()) {
            assert_eq!(
                child.try_wait().expect("it is our child"),
                None,
                "the gateway did not start"
            );
            std::thread::yield_now();
        }
        Self { child, directory, listen, admin }
    }

    /// Where its server API is.
    pub(crate) fn admin(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// Runs a scenario against it, as a few sessions; what it reports of the gateway, each number its median.
    pub(crate) fn measure(&self, scenario: &str, arguments: &[&str]) -> Value {
        let (url, pid) = (format!("ws://{}/v1/connect", self.listen), self.child.id().to_string());
        let mut all = vec!["--url", &url, "--server-pid", &pid];
        all.extend(arguments);
        measure(scenario, &self.directory, &all)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Two addresses without a listener.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0"));
    let listeners = listeners.map(|listener| listener.expect("there is a free port"));
    listeners.each_ref().map(|listener| listener.local_addr().expect("it has an address"))
}

/// Runs a scenario; what it reports, each number its median under the server's name.
pub(crate) fn measure(scenario: &str, directory: &Path, arguments: &[&str]) -> Value {
    let json = directory.join(format!("{scenario}.json"));
    let mut command = Command::new(LOADTEST);
    command.arg(scenario).args(arguments).arg("--json").arg(&json).stdin(Stdio::null());
    let Output { status, stdout, stderr } = command.output().expect("the load tester was built");
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{scenario}: {said}{}", String::from_utf8_lossy(&stdout));
    let text = std::fs::read(json).expect("a report was written");
    let report: Value = serde_json::from_slice(&text).expect("a report is JSON");
    assert!(report["runs"].as_array().is_some_and(|runs| !runs.is_empty()));
    report["summary"].clone()
}

/// Asserts that the medians of a server's measures are these.
pub(crate) fn assert_counts(summary: &Value, server: &str, expected: &[(&str, f64)]) {
    for (name, count) in expected {
        let measured = summary[server][name]["median"].as_f64();
        assert_eq!(measured, Some(*count), "{name}: {summary:#}");
    }
}
