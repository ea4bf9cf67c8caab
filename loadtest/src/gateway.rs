//! A gateway process of the load tester's own, for scenarios that stop and start it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use crate::procfs::Process;
use crate::target::Target;

/// Where a gateway listens and keeps its facts, over all its processes. What it kept goes when this is dropped.
pub(crate) struct Site {
    program: PathBuf,
    config: PathBuf,
    directory: PathBuf,
    pub(crate) target: Target,
    /// The server API.
    pub(crate) admin: Target,
    /// The log filter of its processes.
    log: &'static str,
}

/// One process of it. Ends when this is dropped.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) process: Process,
}

impl Site {
    /// Ports that are free now, and an empty directory.
    pub(crate) fn new(program: &Path, config: &Path) -> anyhow::Result<Self> {
        for file in [program, config] {
            ensure!(file.is_file(), "{}: there is no such file", file.display());
        }
        let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
        let [listen, admin_listen] = [listeners[0].local_addr()?, listeners[1].local_addr()?];
        let directory = std::env::temp_dir().join(format!("loadtest-{}", std::process::id()));
        std::fs::create_dir_all(&directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
        let target = Target::parse(&format!("ws://{listen}/v1/connect"))?;
        let admin = Target::parse_http(&format!("http://{admin_listen}"))?;
        let (program, config) = (program.to_owned(), config.to_owned());
        Ok(Self { program, config, directory, target, admin, log: "warn" })
    }

    /// The same, whose processes log errors only.
    pub(crate) fn with_errors_only(mut self) -> Self {
        self.log = "error";
        self
    }

    /// Starts a process, and waits until it takes connections.
    pub(crate) async fn start(&self) -> anyhow::Result<Gateway> {
        let (listen, admin): (SocketAddr, _) = (self.target.address, self.admin.address);
        let mut child = Command::new(&self.program)
            .arg("serve")
            .arg("--config")
            .arg(&self.config)
            .args(["--listen", &listen.to_string(), "--admin-listen", &admin.to_string()])
            .arg("--data")
            .arg(&self.directory)
            .args(["--log", self.log])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        let deadline = Instant::now() + START_TIME;
        while TcpStream::connect(listen).await.is_err() {
            if let Some(status) = child.try_wait()? {
                bail!("the gateway did not start: {status}");
            }
            ensure!(Instant::now() < deadline, "the gateway did not listen in time");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let pid = child.id().context("the gateway has ended")?;
        Ok(Gateway { process: Process::listening(pid, listen)?, child })
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Gateway {
    /// Ends it at once.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("the gateway has ended by itself")
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.child.id().context("the gateway has ended by itself")?.to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().await;
        ensure!(asked.context("cannot run kill")?.success(), "the gateway could not be asked");
        let ended = timeout(STOP_TIME, self.child.wait()).await;
        let status = ended.context("the gateway did not stop in time")??;
        ensure!(status.success(), "the gateway failed while it stopped: {status}");
        Ok(())
    }
}

const START_TIME: Duration = Duration::from_secs(30);
const STOP_TIME: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
