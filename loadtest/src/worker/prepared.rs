//! All that can be made before anything is measured: the requests and the frames that open connections.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use stagedoor_proto::Credentials;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frame::{TEXT, client_frame};
use super::open::{Opened, connect, open, upgrade_request};
use super::protocol::Plan;
use crate::start::Starts;

/// A worker's plan, and what it makes of it.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    upgrade: Vec<u8>,
    makes: Starts,
    starts: Vec<Vec<u8>>,
    next: AtomicU32,
    ports: AtomicU32,
}

impl Prepared {
    pub(super) fn new(plan: Plan) -> anyhow::Result<Self> {
        let makes = Starts::new(&plan.app, plan.token_secret.as_deref());
        let frame = |number| -> anyhow::Result<Vec<u8>> {
            let message = makes.message(&plan.name_of(number))?;
            Ok(client_frame(TEXT, &serde_json::to_vec(&message)?))
        };
        let numbers = plan.first..plan.first + plan.sessions;
        let starts = numbers.map(frame).collect::<anyhow::Result<_>>()?;
        let upgrade = upgrade_request(&plan.target);
        // Apart from those of the other workers, and of the runs just before.
        let ports = AtomicU32::new(plan.first.wrapping_add(std::process::id().wrapping_mul(7_919)));
        Ok(Self { upgrade, makes, starts, next: AtomicU32::new(0), ports, plan })
    }

    /// Starts the next session, if one is left; its number, and how long it took.
    pub(super) async fn start_next(&self) -> anyhow::Result<Option<(u32, Opened, Duration)>> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        if index >= self.plan.sessions {
            return Ok(None);
        }
        let number = self.plan.first + index;
        let begun = Instant::now();
        let started = self.start(number).await.with_context(|| format!("session {number}"))?;
        Ok(Some((number, started, begun.elapsed())))
    }

    /// Starts session `number`, or another one on its instance.
    pub(super) async fn start(&self, number: u32) -> anyhow::Result<Opened> {
        let index = usize::try_from(number - self.plan.first)?;
        self.open(number, &self.starts[index]).await
    }

    /// Opens a connection for session `number`, whose first message is `first`.
    pub(super) async fn open(&self, number: u32, first: &[u8]) -> anyhow::Result<Opened> {
        let opening = async {
            let stream = self.connect(number).await?;
            open(stream, &self.upgrade, first).await
        };
        timeout(OPEN_TIME, opening).await.context("no answer came in time")?
    }

    /// Connects from the next port of the session's address.
    ///
    /// A kernel that is left to find a free port searches among all that it remembers, which takes longer than all else
    /// once thousands of connections were just cut.
    async fn connect(&self, number: u32) -> anyhow::Result<TcpStream> {
        let plan = &self.plan;
        let is_deaf = plan.crowd.as_ref().is_some_and(|crowd| crowd.is_deaf(number));
        let buffer = is_deaf.then_some(DEAF_BUFFER_BYTES);
        let source = plan.target.source(plan.run, number, plan.sources);
        let mut attempts = 0;
        loop {
            let from = source.map(|source| SocketAddr::new(source, self.port()));
            match connect(plan.target.address, from, buffer).await {
                Ok(stream) => return Ok(stream),
                Err(error) if attempts < MAX_PORTS_TRIED && is_taken(&error) => attempts += 1,
                Err(error) => {
                    let address = plan.target.address;
                    return Err(error).with_context(|| format!("cannot reach {address}"));
                }
            }
        }
    }

    fn port(&self) -> u16 {
        let count = self.ports.fetch_add(1, Ordering::Relaxed);
        FIRST_PORT + u16::try_from(count % PORTS).expect("fewer than 65 536")
    }

    /// The frame that starts on the instance of session `number` with an access token.
    pub(super) fn start_again(&self, number: u32, access_token: &str) -> anyhow::Result<Vec<u8>> {
        let credentials = Credentials::Token(access_token.parse()?);
        let message = self.makes.with(&self.plan.name_of(number), credentials)?;
        Ok(client_frame(TEXT, &serde_json::to_vec(&message)?))
    }
}

/// Whether another process has the port.
fn is_taken(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable)
}

/// Above those that servers listen on, and as many as there are above.
const FIRST_PORT: u16 = 10_000;
const PORTS: u32 = 50_000;
const MAX_PORTS_TRIED: u32 = 64;
/// How long a connection may take to be open.
const OPEN_TIME: Duration = Duration::from_secs(15);
/// So little that what a deaf client does not read is soon the server's to keep.
const DEAF_BUFFER_BYTES: u32 = 4 * 1024;
