//! One session in a room: reads all it is sent, and answers what must be answered.
//!
//! All members of a worker share its one thread and one read buffer, so that what is measured is the server. A member
//! lives longer than its connections: how it gets the next one is in `comeback`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use stagedoor_proto::{Disconnect, ServerMessage, decode_server};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, Notify, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::counts::Counts;
use super::frame::{PONG, TEXT, client_frame};
use super::hold::{Ended, close};
use super::inbox::{Inbox, Kind, id_of};
use super::keys::Keys;
use super::open::{Opened, REFUSED};
use super::prepared::Prepared;
use super::signal::{Heard, heard};

/// What all members of a worker share and add to.
pub(super) struct Tally {
    /// What opens connections.
    pub(super) load: std::sync::Arc<Prepared>,
    /// From a signal's sending to its receipt, in microseconds.
    pub(super) latencies: RefCell<Histogram<u64>>,
    /// How long each was away that came back, in microseconds.
    pub(super) outages: RefCell<Histogram<u64>>,
    pub(super) counts: RefCell<Counts>,
    /// How many clients returned or were given up, and how many are away now.
    pub(super) settled: Cell<u64>,
    pub(super) away: Cell<u64>,
    /// How many participants got a command's push, and when the last did.
    pub(super) notified: Cell<u64>,
    pub(super) last_notified_us: Cell<u64>,
    /// When no target of the last command was open any more.
    pub(super) settled_us: Cell<Option<u64>>,
    pub(super) changed: Notify,
}

/// A room, as far as its members are this worker's.
#[derive(Default)]
pub(super) struct Room {
    pub(super) id: String,
    /// How many members here receive what its sender sends.
    pub(super) receivers: Cell<u64>,
    pub(super) delivered: Cell<u64>,
    pub(super) wanted: Cell<u64>,
    pub(super) reached: Notify,
}

/// Where a member's session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// It has a connection.
    Live,
    /// It has none, and is looking for one.
    Away,
    /// It has none and will have none.
    Gone,
}

/// What a member is to do with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Read,
    Ignore,
    Cut,
}

/// A session and its place.
pub(super) struct Member {
    pub(super) number: u32,
    pub(super) room: Rc<Room>,
    pub(super) tally: Rc<Tally>,
    pub(super) stream: RefCell<Option<Rc<TcpStream>>>,
    pub(super) inbox: RefCell<Inbox>,
    /// What brings it back, where it does come back.
    pub(super) keys: RefCell<Option<Keys>>,
    pub(super) link: Cell<Link>,
    /// How often it came back or was given up.
    pub(super) settled: Cell<u64>,
    pub(super) in_room: Cell<bool>,
    /// The place of the last signal heard, and when the newest was sent.
    pub(super) last_order: Cell<Option<u64>>,
    pub(super) heard_us: Cell<u64>,
    /// Its link, or whether it is in the room, is another.
    pub(super) changed: Notify,
    wish: Cell<Wish>,
    wished: Notify,
    /// One request at a time.
    asking: Mutex<()>,
    waiting: RefCell<Option<(u32, oneshot::Sender<String>)>>,
    disconnect: RefCell<Option<Disconnect>>,
    /// What turns the audio of its stream off, where it publishes one.
    silence: RefCell<Option<Vec<u8>>>,
}

impl Member {
    pub(super) fn new(number: u32, opened: Opened, room: Rc<Room>, tally: Rc<Tally>) -> Self {
        let Opened { stream, rest, last_seq, .. } = opened;
        Self {
            number,
            room,
            tally,
            stream: RefCell::new(Some(Rc::new(stream))),
            inbox: RefCell::new(Inbox::beginning_with(rest, last_seq)),
            keys: RefCell::new(None),
            link: Cell::new(Link::Live),
            settled: Cell::new(0),
            in_room: Cell::new(false),
            last_order: Cell::new(None),
            heard_us: Cell::new(0),
            changed: Notify::new(),
            wish: Cell::new(Wish::Read),
            wished: Notify::new(),
            asking: Mutex::new(()),
            waiting: RefCell::new(None),
            disconnect: RefCell::new(None),
            silence: RefCell::new(None),
        }
    }

    /// Sends a request with the number `id` and hands back its reply, which must succeed.
    pub(super) async fn request(&self, id: u32, name: &str, body: Value) -> anyhow::Result<String> {
        let _turn = self.asking.lock().await;
        let (reply_to, reply) = oneshot::channel();
        *self.waiting.borrow_mut() = Some((id, reply_to));
        let request = json!({ "id": id, name: body });
        self.send(&client_frame(TEXT, request.to_string().as_bytes())).await?;
        let reply = timeout(REPLY_TIME, reply).await.context("no reply came in time")?;
        let reply = reply.context("the connection was lost before the reply")?;
        // The floor's replies have no more than a name, which is enough.
        if reply.contains(r#""ok":"#) {
            return Ok(reply);
        }
        match decode_server(&reply)? {
            ServerMessage::Reply { result: Err(error), .. } => Err(error).context(REFUSED),
            other => bail!("the gateway replied {other:?}"),
        }
    }

    /// Enters its room, as a moderator with `token`.
    pub(super) async fn join(&self, token: Option<String>) -> anyhow::Result<()> {
        let is_sender = self.is_sender();
        let mut join = json!({ "room": self.room.id });
        if let Some(token) = token {
            join["token"] = token.into();
        }
        self.request(2, "join", join).await?;
        self.enter(is_sender);
        Ok(())
    }

    /// Whether it sends the signals of its room.
    pub(super) fn is_sender(&self) -> bool {
        self.tally.load.plan.crowd.as_ref().is_some_and(|crowd| crowd.is_sender(self.number))
    }

    /// From here on it receives what the room's sender sends.
    pub(super) fn enter(&self, is_sender: bool) {
        self.last_order.set(None);
        if !self.in_room.replace(true) && !is_sender {
            self.room.receivers.set(self.room.receivers.get() + 1);
        }
    }

    /// From here on it does not; for those who are no senders.
    pub(super) fn exit(&self) {
        if self.in_room.replace(false) {
            self.room.receivers.set(self.room.receivers.get() - 1);
        }
        self.changed.notify_one();
    }

    /// Turns its stream's audio off when it is muted.
    pub(super) fn obey(&self, stream: &str) {
        let update = json!({ "id": 5, "update_stream": { "stream": stream, "has_audio": false } });
        let frame = client_frame(TEXT, update.to_string().as_bytes());
        *self.silence.borrow_mut() = Some(frame);
    }

    /// Ends the connection without a word.
    pub(super) fn cut(&self) {
        self.wish(Wish::Cut);
    }

    /// Stops reading, or reads again.
    pub(super) fn ignore(&self, ignore: bool) {
        self.wish(if ignore { Wish::Ignore } else { Wish::Read });
    }

    pub(super) const fn is_ignoring(&self) -> bool {
        matches!(self.wish.get(), Wish::Ignore)
    }

    fn wish(&self, wish: Wish) {
        self.wish.set(wish);
        self.wished.notify_one();
    }

    pub(super) async fn send(&self, mut bytes: &[u8]) -> std::io::Result<()> {
        let stream = self.stream.borrow().clone();
        let stream = stream.ok_or(std::io::ErrorKind::NotConnected)?;
        while !bytes.is_empty() {
            match stream.try_write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads until `stop`, over as many connections as it takes, then closes the session.
    pub(super) async fn hold(self: Rc<Self>, stop: CancellationToken) -> Ended {
        while !self.read(&stop).await {
            // A pending request on it gets no reply.
            self.waiting.take();
            self.stream.take();
            let disconnect = self.disconnect.take();
            if self.wish.replace(Wish::Read) != Wish::Cut {
                let code = disconnect.as_ref().map_or(BROKEN, |disconnect| disconnect.code.code());
                *self.tally.counts.borrow_mut().closes.entry(code).or_default() += 1;
            }
            let coming_back = self.come_back(disconnect);
            let is_back = tokio::select! {
                biased;
                () = stop.cancelled() => return Ended::Lost,
                is_back = coming_back => is_back,
            };
            if !is_back {
                return Ended::Lost;
            }
        }
        let stream = self.stream.take();
        drop(self);
        if let Some(Ok(mut stream)) = stream.map(Rc::try_unwrap) {
            let _ = timeout(CLOSE_TIME, close(&mut stream)).await;
        }
        Ended::Closed
    }

    /// Reads from the present connection; `true` when it is to be closed, `false` when it is lost.
    async fn read(&self, stop: &CancellationToken) -> bool {
        let stream = self.stream.borrow().clone();
        let Some(stream) = stream else { return false };
        // What came with the answer may be whole frames already.
        let mut answers = Vec::new();
        if !self.take(&[], &mut answers) || self.send(&answers).await.is_err() {
            return false;
        }
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return true,
                () = self.wished.notified() => {}
                ready = stream.readable(), if self.wish.get() == Wish::Read => {
                    if ready.is_err() {
                        return false;
                    }
                }
            }
            match self.wish.get() {
                Wish::Read => {}
                Wish::Ignore => continue,
                Wish::Cut => return false,
            }
            let mut answers = Vec::new();
            let is_open = BUFFER.with_borrow_mut(|buffer| match stream.try_read(buffer) {
                Ok(0) => false,
                Ok(count) => self.take(&buffer[..count], &mut answers),
                Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
            });
            if !is_open || self.send(&answers).await.is_err() {
                return false;
            }
        }
    }

    /// Takes in what was received; `false` when it ends the connection.
    fn take(&self, bytes: &[u8], answers: &mut Vec<u8>) -> bool {
        let now_us = wall_us();
        let (mut pinged, mut is_open) = (false, true);
        let mut inbox = self.inbox.borrow_mut();
        let taken = inbox.take(bytes, |kind, payload| match kind {
            Kind::Signal => self.count_signal(heard(payload), now_us),
            Kind::Notified => {
                self.tally.notified.set(self.tally.notified.get() + 1);
                self.tally.last_notified_us.set(wall_us());
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
                let mut waiting = self.waiting.borrow_mut();
                let id = id_of(payload);
                if let Some((_, reply_to)) = waiting.take_if(|(wanted, _)| id == Some(*wanted)) {
                    let _ = reply_to.send(String::from_utf8_lossy(payload).into_owned());
                }
            }
            Kind::Ping => pinged = true,
            Kind::SocketPing => answers.extend(client_frame(PONG, payload)),
            Kind::Disconnect => *self.disconnect.borrow_mut() = parse_disconnect(payload),
            Kind::Reset => {
                self.tally.counts.borrow_mut().room_resets += 1;
                self.last_order.set(None);
            }
            Kind::Left => self.tally.counts.borrow_mut().participants_left += 1,
            Kind::Removed => self.exit(),
            Kind::Close => is_open = false,
            Kind::Other => {}
        });
        if pinged {
            answers.extend(pong(inbox.last_seq()));
        }
        let (missed, repeated) = inbox.take_gaps();
        if missed + repeated > 0 {
            let mut counts = self.tally.counts.borrow_mut();
            counts.frames_missed += missed;
            counts.frames_repeated += repeated;
        }
        taken.is_ok() && is_open
    }

    fn count_signal(&self, heard: Option<Heard>, now_us: u64) {
        if let Some(Heard { order, sent_us }) = heard {
            let micros = now_us.saturating_sub(sent_us);
            self.tally.latencies.borrow_mut().saturating_record(micros);
            self.heard_us.set(self.heard_us.get().max(sent_us));
            let mut counts = self.tally.counts.borrow_mut();
            match self.last_order.get() {
                Some(last) if order <= last => counts.signals_repeated += 1,
                Some(last) => counts.signals_missed += order - last - 1,
                None => {}
            }
            self.last_order.set(self.last_order.get().max(Some(order)));
        }
        let delivered = self.room.delivered.get() + 1;
        self.room.delivered.set(delivered);
        if delivered == self.room.wanted.get() {
            self.room.reached.notify_one();
        }
    }
}

/// The answer to the gateway's ping.
pub(crate) fn pong(last_seq: u64) -> Vec<u8> {
    client_frame(TEXT, format!(r#"{{"pong":{{"seq":{last_seq}}}}}"#).as_bytes())
}

fn parse_disconnect(payload: &[u8]) -> Option<Disconnect> {
    match decode_server(std::str::from_utf8(payload).ok()?).ok()? {
        ServerMessage::Disconnect(disconnect) => Some(disconnect),
        _ => None,
    }
}

/// Whether receipts leave no target open.
fn is_settled(payload: &[u8]) -> bool {
    let push: Value = serde_json::from_slice(payload).unwrap_or_default();
    let counts = &push["moderation"]["counts"];
    counts["pending"] == 0 && counts["offline"] == 0
}

/// The time that all workers share, in microseconds.
pub(crate) fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

thread_local! {
    /// What one read takes; a worker has one thread.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 64 * 1024].into());
}

const REPLY_TIME: Duration = Duration::from_secs(30);
const CLOSE_TIME: Duration = Duration::from_secs(10);
/// RFC 6455, 7.4.1: what stands for a connection that ended without a close code.
const BROKEN: u16 = 1006;
