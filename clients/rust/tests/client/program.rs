//! The real gateway as a process.
//!
//! The executable is next to that of the test: `cargo test --workspace` builds it. A test of this crate alone uses an
//! existing one, and builds it if there is none.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A running gateway in development mode. It is killed with the test.
pub(crate) struct Program {
    child: Child,
    ready: Value,
}

impl Program {
    /// A gateway without persistence, on a free port.
    pub(crate) fn run() -> Self {
        Self::run_with("127.0.0.1:0", None)
    }

    pub(crate) fn run_with(listen: &str, data: Option<&Path>) -> Self {
        let mut command = stagedoor();
        command.args(["serve", "--dev", "--log", "error", "--ready-json", "--listen", listen]);
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the gateway was built");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("the gateway writes");
        Self { child, ready: serde_json::from_str(&line).expect("a JSON line") }
    }

    /// The address of its listener.
    pub(crate) fn listen(&self) -> &str {
        self.ready["listen"].as_str().expect("an address")
    }

    pub(crate) fn url(&self) -> String {
        url(self.listen())
    }

    /// Mints a token with `stagedoor tokens mint`, with arguments such as `session …` or `room …`.
    pub(crate) fn token(&self, arguments: &[&str]) -> String {
        let secret = self.ready["app_secret"].as_str().expect("a secret");
        let mut command = stagedoor();
        command.args(["tokens", "mint"]).args(arguments).env("STAGEDOOR_APP_SECRET", secret);
        let output = command.output().expect("the gateway was built");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("a token").trim_end().to_owned()
    }

    /// Sends `POST` to a path of the app in the server API.
    pub(crate) async fn post(&self, path: &str) {
        self.post_json(path, "{}").await;
    }

    /// Sends `POST` with a body.
    pub(crate) async fn post_json(&self, path: &str, body: &str) {
        let key = self.ready["server_key"].as_str().expect("a key");
        let request = format!(
            "POST /api/v1/apps/demo/{path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(self.listen()).await.expect("a gateway");
        stream.write_all(request.as_bytes()).await.expect("a gateway");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }

    /// Stops the gateway, and waits for its exit on another thread.
    pub(crate) async fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        let pending = tokio::task::spawn_blocking(move || self.child.wait().map(drop));
        pending.await.expect("no panic").expect("it ends");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The process may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The URL of a gateway at `listen`.
pub(crate) fn url(listen: &str) -> String {
    format!("ws://{listen}/v1/connect")
}

fn stagedoor() -> Command {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let test = std::env::current_exe().expect("this program has a path");
        let profile = test.ancestors().nth(2).expect("target/profile/deps/test");
        let program = profile.join("stagedoor");
        if !program.exists() {
            let target = profile.parent().expect("target/profile");
            let mut build = Command::new(env!("CARGO"));
            build.current_dir(env!("CARGO_MANIFEST_DIR")).arg("build").arg("--target-dir");
            build.arg(target).args(["--package", "stagedoor"]);
            assert!(build.status().expect("cargo runs").success());
        }
        program
    });
    let mut command = Command::new(&*PROGRAM);
    command.env_clear().stdin(Stdio::null());
    command
}
