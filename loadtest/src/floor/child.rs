//! The floor's server as a child process, answering as the gateway answers.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use stagedoor_client::{Frame, Wire};
use stagedoor_proto::{SUBPROTOCOL, ServerMessage, decode_server};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::time::timeout;

use crate::args::Load;
use crate::procfs::Process;
use crate::start::Starts;
use crate::target::Target;

/// The floor's process. Ends when this is dropped.
pub(crate) struct Floor {
    pub(crate) target: Target,
    pub(crate) process: Process,
    /// Its standard input: it serves for as long as this is open.
    _alive: ChildStdin,
    _child: Child,
}

impl Floor {
    /// Starts a floor that answers each start with `answer`.
    pub(crate) async fn spawn(answer: &[String]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Listening {
            listen: SocketAddr,
        }
        let mut child = tokio::process::Command::new(std::env::current_exe()?)
            .arg("serve-floor")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the floor")?;
        let mut input = child.stdin.take().context("the floor has a standard input")?;
        input.write_all(format!("{}\n", serde_json::to_string(answer)?).as_bytes()).await?;
        let output = child.stdout.take().context("the floor has a standard output")?;
        let mut lines = BufReader::new(output).lines();
        let line = timeout(PATIENCE, lines.next_line()).await.context("the floor is silent")??;
        let Listening { listen } = serde_json::from_str(&line.context("the floor has ended")?)?;
        let target = Target::parse(&format!("ws://{listen}/"))?;
        let pid = child.id().context("the floor has ended")?;
        let process = Process::listening(pid, listen)?;
        Ok(Self { target, process, _alive: input, _child: child })
    }
}

/// What the gateway answers a start with: all its texts up to and including the reply.
///
/// Starts one session to see, and ends it.
pub(crate) async fn gateway_answer(load: &Load, target: &Target) -> anyhow::Result<Vec<String>> {
    let asking = async {
        let offer = [("Sec-WebSocket-Protocol", SUBPROTOCOL)];
        let mut wire = Wire::connect(&target.url(), &offer).await?;
        let username = format!("load-probe-{}", std::process::id());
        let starts = Starts::new(&load.app, load.token_secret.as_deref());
        wire.send_json(&starts.message(&username)?).await?;
        let mut answer = Vec::new();
        loop {
            let Frame::Text(text) = wire.recv().await else { bail!("the gateway closed") };
            let message = decode_server(&text)?;
            answer.push(text);
            match message {
                ServerMessage::Reply { result: Ok(_), .. } => break,
                ServerMessage::Reply { result: Err(error), .. } => bail!("refused: {error}"),
                _ if answer.len() == MAX_TEXTS => bail!("no reply among many messages"),
                _ => {}
            }
        }
        wire.close().await?;
        while !matches!(wire.recv().await, Frame::Lost | Frame::Close(..)) {}
        Ok(answer)
    };
    let answered = timeout(PATIENCE, asking).await.context("no answer came in time");
    answered.and_then(|answer| answer).with_context(|| format!("cannot start at {}", target.url()))
}

const PATIENCE: Duration = Duration::from_secs(15);
const MAX_TEXTS: usize = 64;
