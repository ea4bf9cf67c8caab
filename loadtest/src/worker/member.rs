//! One session in a room: reads all it is sent, and answers what must be answered.
//!
//! All members of a worker share its one thread and one read buffer, so that what is measured is the server.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::frame::{PONG, TEXT, client_frame};
use super::hold::{Ended, close};
use super::inbox::{Inbox, Kind};
use super::open::Started;

/// What all members of a worker add to.
pub(super) struct Tally {
    /// From a signal's sending to its receipt, in microseconds.
    pub(super) latencies: RefCell<Histogram<u64>>,
    /// How many were told of a verb, and when the last was.
    pub(super) told: Cell<u64>,
    pub(super) last_told_us: Cell<u64>,
    /// When no target of the last verb was open any more.
    pub(super) settled_us: Cell<Option<u64>>,
    pub(super) changed: Notify,
}

/// A room, as far as its members are this worker's.
pub(super) struct Room {
    pub(super) id: String,
    /// How many members here receive what its sender sends.
    pub(super) receivers: Cell<u64>,
    /// When each signal was sent.
    pub(super) sent: RefCell<Vec<Instant>>,
    pub(super) delivered: Cell<u64>,
    pub(super) wanted: Cell<u64>,
    pub(super) reached: Notify,
}

/// A session and its place.
pub(super) struct Member {
    pub(super) number: u32,
    pub(super) room: Rc<Room>,
    stream: TcpStream,
    tally: Rc<Tally>,
    inbox: RefCell<Inbox>,
    /// The signal of the room that comes next.
    next: Cell<usize>,
    waiting: RefCell<Option<oneshot::Sender<String>>>,
    /// What turns the audio of its stream off, where it publishes one.
    silence: RefCell<Option<Vec<u8>>>,
}

impl Member {
    pub(super) fn new(number: u32, started: Started, room: Rc<Room>, tally: Rc<Tally>) -> Self {
        Self {
            number,
            room,
            stream: started.stream,
            tally,
            inbox: RefCell::new(Inbox::beginning_with(started.rest)),
            next: Cell::new(0),
            waiting: RefCell::new(None),
            silence: RefCell::new(None),
        }
    }

    /// Sends a request and hands back its reply, which must succeed. One at a time.
    pub(super) async fn request(&self, command: &Value) -> anyhow::Result<String> {
        let (reply_to, reply) = oneshot::channel();
        *self.waiting.borrow_mut() = Some(reply_to);
        self.send(&client_frame(TEXT, command.to_string().as_bytes())).await?;
        let reply = timeout(REPLY_TIME, reply).await.context("no reply came in time")?;
        let reply = reply.context("the server ended the session")?;
        ensure!(reply.contains(r#""ok":"#), "refused by the gateway: {reply}");
        Ok(reply)
    }

    /// From here on it receives what the room's sender sends.
    pub(super) fn enter(&self, is_sender: bool) {
        self.next.set(self.room.sent.borrow().len());
        if !is_sender {
            self.room.receivers.set(self.room.receivers.get() + 1);
        }
    }

    /// Turns its stream's audio off when it is muted.
    pub(super) fn obey(&self, stream: &str) {
        let update = json!({ "id": 5, "update_stream": { "stream": stream, "has_audio": false } });
        let frame = client_frame(TEXT, update.to_string().as_bytes());
        *self.silence.borrow_mut() = Some(frame);
    }

    pub(super) async fn send(&self, mut bytes: &[u8]) -> std::io::Result<()> {
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

    /// Reads until `stop`, then closes the session.
    pub(super) async fn hold(self: Rc<Self>, stop: CancellationToken) -> Ended {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                ready = self.stream.readable() => if ready.is_err() { return Ended::Lost },
            }
            let mut answers = Vec::new();
            let is_open = BUFFER.with_borrow_mut(|buffer| match self.stream.try_read(buffer) {
                Ok(0) => false,
                Ok(count) => self.take(&buffer[..count], &mut answers),
                Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
            });
            if !is_open || self.send(&answers).await.is_err() {
                return Ended::Lost;
            }
        }
        let Ok(this) = Rc::try_unwrap(self) else { return Ended::Closed };
        let mut stream = this.stream;
        let _ = timeout(CLOSE_TIME, close(&mut stream)).await;
        Ended::Closed
    }

    /// Takes in what was received; `false` when it ends the session.
    fn take(&self, bytes: &[u8], answers: &mut Vec<u8>) -> bool {
        let now = Instant::now();
        let (mut pinged, mut is_open) = (false, true);
        let mut inbox = self.inbox.borrow_mut();
        let taken = inbox.take(bytes, |kind, payload| match kind {
            Kind::Signal => self.count_signal(now),
            Kind::Told => {
                self.tally.told.set(self.tally.told.get() + 1);
                self.tally.last_told_us.set(wall_us());
                self.tally.changed.notify_one();
                answers.extend(self.silence.borrow_mut().take().into_iter().flatten());
            }
            Kind::Receipts => {
                if is_settled(payload) {
                    self.tally.settled_us.set(Some(wall_us()));
                    self.tally.changed.notify_one();
                }
            }
            Kind::Reply => {
                if let Some(reply_to) = self.waiting.borrow_mut().take() {
                    let _ = reply_to.send(String::from_utf8_lossy(payload).into_owned());
                }
            }
            Kind::Ping => pinged = true,
            Kind::SocketPing => answers.extend(client_frame(PONG, payload)),
            Kind::Close => is_open = false,
            Kind::Other => {}
        });
        if pinged {
            let pong = format!(r#"{{"pong":{{"seq":{}}}}}"#, inbox.last_seq());
            answers.extend(client_frame(TEXT, pong.as_bytes()));
        }
        taken.is_ok() && is_open
    }

    fn count_signal(&self, now: Instant) {
        let place = self.next.replace(self.next.get() + 1);
        if let Some(sent) = self.room.sent.borrow().get(place) {
            let micros = u64::try_from((now - *sent).as_micros()).unwrap_or(u64::MAX);
            self.tally.latencies.borrow_mut().saturating_record(micros);
        }
        let delivered = self.room.delivered.get() + 1;
        self.room.delivered.set(delivered);
        if delivered == self.room.wanted.get() {
            self.room.reached.notify_one();
        }
    }
}

/// Whether receipts leave no target open.
fn is_settled(payload: &[u8]) -> bool {
    let push: Value = serde_json::from_slice(payload).unwrap_or_default();
    let counts = &push["moderation"]["counts"];
    counts["pending"] == 0 && counts["offline"] == 0
}

/// The time that all workers share, in microseconds.
pub(super) fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

thread_local! {
    /// What one read takes; a worker has one thread.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 64 * 1024].into());
}

const REPLY_TIME: Duration = Duration::from_secs(30);
const CLOSE_TIME: Duration = Duration::from_secs(10);
