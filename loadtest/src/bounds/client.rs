//! A session of a figure: sends commands, reads everything, and counts the bytes of both directions.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::target::Target;
use crate::worker::{Inbox, Kind, Opened, connect, id_of, open, upgrade_request};
use crate::worker::{PONG, TEXT, client_frame, pong, wall_us};

/// Bytes between the clients of a figure and the gateway, as the clients count them.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
    /// Connections that the gateway closed.
    closed: AtomicU64,
}

impl Traffic {
    pub(crate) fn count_sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_closed(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes sent, bytes received, connections closed.
    pub(crate) fn totals(&self) -> [u64; 3] {
        [&self.sent, &self.received, &self.closed].map(|count| count.load(Ordering::Relaxed))
    }
}

/// How the clients of a figure connect and start.
#[derive(Clone)]
pub(crate) struct Entrance {
    target: Target,
    /// Which block of source addresses the clients come from.
    block: u32,
    pub(crate) traffic: Arc<Traffic>,
}

/// How a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As fast as it can.
    Full,
    /// At most so many bytes each [`SLOW_INTERVAL`], with a small receive buffer.
    Slow(usize),
}

/// A connected session. Its connection is cut when this is dropped.
pub(crate) struct Client {
    shared: Arc<Shared>,
    /// What the gateway answered to its start.
    pub(crate) answer: Vec<u8>,
    next_id: AtomicU32,
    reader: JoinHandle<()>,
}

struct Shared {
    stream: TcpStream,
    /// Held while a frame is written, so that frames do not mix.
    writing: tokio::sync::Mutex<()>,
    traffic: Arc<Traffic>,
    is_slow: AtomicBool,
    /// The number of the last frame received.
    last_seq: AtomicU64,
    /// The request that waits for its reply.
    waiting: Mutex<Option<(u32, oneshot::Sender<String>)>>,
}

impl Entrance {
    pub(crate) fn new(target: &Target, block: u32) -> Self {
        Self { target: target.clone(), block, traffic: Arc::default() }
    }

    /// The address of client `index`. The first [`SOURCES`] clients have one each.
    pub(crate) fn source(&self, index: u32) -> Option<IpAddr> {
        self.target.source(self.block, index, SOURCES)
    }

    /// The frame that starts a guest session, under a name and on an instance that nothing else uses.
    pub(crate) fn guest_start(&self, index: u32) -> Vec<u8> {
        self.start(index, &json!({ "guest": {} }))
    }

    /// The same with other credentials.
    pub(crate) fn start(&self, index: u32, credentials: &Value) -> Vec<u8> {
        let name = format!("load-{}-{index}-{}", self.block, wall_us());
        text_frame(&json!({ "id": FIRST_ID, "start": {
            "app": "demo", "username": name, "instance": name, "credentials": credentials,
        } }))
    }

    /// Opens a connection from `source`, whose first message is `first`.
    pub(crate) async fn open(
        &self,
        source: Option<IpAddr>,
        buffer: Option<u32>,
        first: &[u8],
    ) -> anyhow::Result<Opened> {
        let upgrade = upgrade_request(&self.target);
        self.traffic.count_sent(upgrade.len() + first.len());
        let opening = async {
            let source = source.map(|ip| SocketAddr::new(ip, 0));
            let stream = connect(self.target.address, source, buffer).await?;
            open(stream, &upgrade, first).await
        };
        let opened = timeout(OPEN_TIME, opening).await.context("no answer came in time")??;
        self.traffic.count_received(opened.answer.len() + opened.rest.len());
        Ok(opened)
    }

    /// Starts a guest session.
    pub(crate) async fn guest(&self, index: u32, pace: Pace) -> anyhow::Result<Client> {
        let buffer = matches!(pace, Pace::Slow(_)).then_some(SMALL_BUFFER_BYTES);
        let opened = self.open(self.source(index), buffer, &self.guest_start(index)).await?;
        Ok(Client::new(opened, Arc::clone(&self.traffic), pace))
    }
}

impl Client {
    pub(crate) fn new(opened: Opened, traffic: Arc<Traffic>, pace: Pace) -> Self {
        let Opened { stream, answer, last_seq, rest } = opened;
        let shared = Arc::new(Shared {
            stream,
            writing: tokio::sync::Mutex::default(),
            traffic,
            is_slow: AtomicBool::new(matches!(pace, Pace::Slow(_))),
            last_seq: AtomicU64::new(last_seq),
            waiting: Mutex::default(),
        });
        let inbox = Inbox::beginning_with(rest, last_seq);
        let reader = tokio::spawn(read(Arc::clone(&shared), inbox, pace));
        Self { shared, answer, next_id: AtomicU32::new(FIRST_ID + 1), reader }
    }

    pub(crate) async fn join(&self, room: &str) -> anyhow::Result<Value> {
        self.request(&json!({ "join": { "room": room } })).await
    }

    pub(crate) async fn leave(&self, room: &str) -> anyhow::Result<Value> {
        self.request(&json!({ "leave": { "room": room } })).await
    }

    /// Sends a command and returns the `ok` of its reply.
    pub(crate) async fn request(&self, command: &Value) -> anyhow::Result<Value> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (reply_to, reply) = oneshot::channel();
        *lock(&self.shared.waiting) = Some((id, reply_to));
        self.send(&request_frame(id, &command.to_string())).await?;
        let reply = timeout(REPLY_TIME, reply).await.context("no reply came in time")?;
        let reply = reply.context("the connection was lost before the reply")?;
        let mut reply: Value = serde_json::from_str(&reply)?;
        ensure!(reply.get("ok").is_some(), "the gateway replied {}", reply["error"]);
        Ok(reply["ok"].take())
    }

    /// Sends a command, an encoded JSON object, without waiting for its reply.
    pub(crate) async fn post(&self, command: &str) -> std::io::Result<()> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.send(&request_frame(id, command)).await
    }

    pub(crate) async fn send(&self, frames: &[u8]) -> std::io::Result<()> {
        self.shared.send(frames).await
    }

    /// Confirms what was received, so that the gateway discards it.
    pub(crate) async fn confirm(&self) -> std::io::Result<()> {
        self.send(&pong(self.last_seq())).await
    }

    /// The number of the last frame received.
    pub(crate) fn last_seq(&self) -> u64 {
        self.shared.last_seq.load(Ordering::Relaxed)
    }

    /// Reads as fast as it can from now on.
    pub(crate) fn read_fast(&self) {
        self.shared.is_slow.store(false, Ordering::Relaxed);
    }

    /// Whether it has read that the gateway closed the connection, or it broke.
    pub(crate) fn is_closed(&self) -> bool {
        self.reader.is_finished()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Shared {
    async fn send(&self, mut bytes: &[u8]) -> std::io::Result<()> {
        let _writing = self.writing.lock().await;
        self.traffic.count_sent(bytes.len());
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Handles what was received, and returns the frames that it is answered with; `None` at the end.
    fn receive(&self, inbox: &mut Inbox, bytes: &[u8]) -> Option<Vec<u8>> {
        self.traffic.count_received(bytes.len());
        let (mut answers, mut is_pinged, mut is_open) = (Vec::new(), false, true);
        let received = inbox.take(bytes, |kind, payload| match kind {
            Kind::Reply => {
                let id = id_of(payload);
                let mut waiting = lock(&self.waiting);
                if let Some((_, reply_to)) = waiting.take_if(|(wanted, _)| id == Some(*wanted)) {
                    let _ = reply_to.send(String::from_utf8_lossy(payload).into_owned());
                }
            }
            Kind::Ping => is_pinged = true,
            Kind::SocketPing => answers.extend(client_frame(PONG, payload)),
            Kind::Close => is_open = false,
            Kind::Signal
            | Kind::Notified
            | Kind::Receipts
            | Kind::Disconnect
            | Kind::Reset
            | Kind::Left
            | Kind::Removed
            | Kind::Other => {}
        });
        self.last_seq.store(inbox.last_seq(), Ordering::Relaxed);
        if is_pinged {
            answers.extend(pong(inbox.last_seq()));
        }
        (received.is_ok() && is_open).then_some(answers)
    }
}

async fn read(shared: Arc<Shared>, mut inbox: Inbox, pace: Pace) {
    let mut buffer = vec![0; if let Pace::Slow(bytes) = pace { bytes } else { READ_BYTES }];
    let mut received = 0;
    while let Some(answers) = shared.receive(&mut inbox, &buffer[..received]) {
        if !answers.is_empty() && shared.send(&answers).await.is_err() {
            break;
        }
        if shared.is_slow.load(Ordering::Relaxed) {
            tokio::time::sleep(SLOW_INTERVAL).await;
        }
        if shared.stream.readable().await.is_err() {
            break;
        }
        received = match shared.stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => 0,
            Err(_) => break,
        };
    }
    shared.traffic.count_closed();
    lock(&shared.waiting).take();
}

/// The frame of a command, which is an encoded JSON object.
fn request_frame(id: u32, command: &str) -> Vec<u8> {
    let command = command.trim_start_matches('{');
    client_frame(TEXT, format!(r#"{{"id":{id},{command}"#).as_bytes())
}

fn text_frame(message: &Value) -> Vec<u8> {
    client_frame(TEXT, message.to_string().as_bytes())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a slow client pauses between two reads.
pub(crate) const SLOW_INTERVAL: Duration = Duration::from_millis(100);
const FIRST_ID: u32 = 1;
const SOURCES: u32 = 2_000;
const READ_BYTES: usize = 32 * 1024;
/// What the kernel keeps of what a slow client does not read, so that most of it stays with the gateway.
const SMALL_BUFFER_BYTES: u32 = 4 * 1024;
const OPEN_TIME: Duration = Duration::from_secs(15);
const REPLY_TIME: Duration = Duration::from_secs(30);
