//! One connection, from its first frame to its end: replies find their requests, events are handed on.
//!
//! Invariant: nothing is sent before the replay of a resume is over and, after a fresh start, the rooms are entered
//! again; so what was asked first is carried out first. No more requests are under way than the gateway allows; the
//! rest wait in the queue. Not here: opening the socket (`handshake`), and what outlives it (`link`).

use std::ops::ControlFlow;

use futures::{SinkExt as _, StreamExt as _};
use stagedoor_proto::{ClientMessage, Command, Disconnect, Error, Pong, Push, Reply, RoomId};
use stagedoor_proto::{ServerMessage, SessionState, decode_server};
use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::dial::Socket;
use crate::handshake::Opened;
use crate::link::{Link, Order};
use crate::rooms::Subject;
use crate::silence::Silence;
use crate::view::Standing;
use crate::waiting::ReplyTo;
use crate::{Cause, Disconnected, Event, Renewal};

/// The state of one connection.
pub(crate) struct Connection<'a> {
    link: &'a mut Link,
    socket: Socket,
    silence: Silence,
    /// What came before the reply to the first message.
    early: Vec<ServerMessage>,
    /// How many frames of the replay are still to come.
    to_replay: u32,
    /// How many numbers had been skipped before the replay.
    skipped: u64,
    /// The gateway's `disconnect`.
    said: Option<Disconnect>,
}

/// What woke the task.
enum Wake {
    Detach,
    Order(Option<Order>),
    Renewal(Renewal),
    Rejoin,
    Frame(Option<Result<Message, tungstenite::Error>>),
    Abandoned,
    Silent,
}

/// Goes on, or ends the connection.
type Step<T = ()> = ControlFlow<Disconnected, T>;

impl<'a> Connection<'a> {
    /// A connection whose first message was answered, and taken in.
    pub(crate) fn new(link: &'a mut Link, opened: Opened) -> Self {
        let Opened { socket, reply, early } = opened;
        let to_replay = match reply {
            Reply::Resumed(resumed) => resumed.replayed_count,
            _ => 0,
        };
        let silence = Silence::new(link.patience);
        let skipped = link.shared.lock().sequence.counts().skipped;
        Self { link, socket, silence, early, to_replay, skipped, said: None }
    }

    /// Serves the connection to its end.
    pub(crate) async fn serve(mut self) -> Disconnected {
        match self.go_on().await {
            ControlFlow::Break(end) => {
                Disconnected { disconnect: end.disconnect.or(self.said), ..end }
            }
            ControlFlow::Continue(never) => match never {},
        }
    }

    async fn go_on(&mut self) -> Step<std::convert::Infallible> {
        for message in std::mem::take(&mut self.early) {
            self.handle_message(message).await?;
        }
        if self.to_replay == 0 {
            self.link.waiting.note_replayed(false);
        }
        loop {
            self.send_what_may().await?;
            match self.wake().await {
                Wake::Order(order) => self.link.take_in(order),
                Wake::Renewal(renewal) => self.link.take_in_renewal(renewal),
                Wake::Rejoin => {}
                Wake::Detach | Wake::Abandoned => self.detach().await?,
                Wake::Frame(frame) => self.handle_frame(frame).await?,
                Wake::Silent => ended(Cause::Silent)?,
            }
        }
    }

    /// Waits for the next input.
    ///
    /// # Cancel safety
    /// Safe, as is each thing it waits for: nothing is taken that is not handed back.
    async fn wake(&mut self) -> Wake {
        let Self { link, socket, silence, .. } = self;
        let handles_gone = link.are_handles_gone;
        let Link { shared, orders, waiting, renewal, rejoining, events, .. } = &mut **link;
        let renewal_done = async {
            match renewal {
                Some(asked) => asked.await,
                None => std::future::pending().await,
            }
        };
        let due = rejoining.due();
        // Orders before frames: they are bounded by the replies they wait for, so they cannot starve the socket.
        tokio::select! {
            biased;
            () = shared.detached() => Wake::Detach,
            order = orders.recv(), if !handles_gone && waiting.has_room() => Wake::Order(order),
            renewal = renewal_done => Wake::Renewal(renewal),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Wake::Rejoin,
            frame = socket.next() => Wake::Frame(frame),
            () = events.closed(), if handles_gone => Wake::Abandoned,
            () = silence.passed() => Wake::Silent,
        }
    }

    /// Sends the requests whose turn it is.
    async fn send_what_may(&mut self) -> Step {
        if self.to_replay > 0 {
            return Step::Continue(());
        }
        while let Some(join) = self.link.rejoining.next() {
            let room = join.room.clone();
            self.link.waiting.add(Command::Join(join), ReplyTo::Rejoin(room));
        }
        let only_rejoins = !self.link.rejoining.is_done();
        while let Some(text) = self.link.waiting.next_to_send(only_rejoins) {
            self.send(text).await?;
        }
        Step::Continue(())
    }

    async fn handle_frame(&mut self, frame: Option<Result<Message, tungstenite::Error>>) -> Step {
        self.silence.heard();
        match frame {
            Some(Ok(Message::Text(text))) => match decode_server(&text) {
                Ok(message) => self.handle_message(message).await,
                Err(_) => ended(Cause::Malformed),
            },
            Some(Ok(Message::Binary(_))) => ended(Cause::Malformed),
            Some(Ok(Message::Close(close))) => {
                // The answering close frame is queued; it leaves now or not at all.
                let _ = timeout(self.silence.patience(), self.socket.flush()).await;
                let close_code = close.map(|frame| frame.code.into());
                Step::Break(Disconnected { disconnect: None, close_code, cause: Cause::Closed })
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Step::Continue(()),
            Some(Err(tungstenite::Error::Capacity(_) | tungstenite::Error::Utf8(_))) => {
                ended(Cause::Malformed)
            }
            Some(Err(_)) | None => ended(Cause::Lost),
        }
    }

    async fn handle_message(&mut self, message: ServerMessage) -> Step {
        self.link.shared.lock().settle_secret();
        match message {
            ServerMessage::Ping => {
                let seq = self.link.shared.lock().sequence.last();
                let pong = serde_json::to_string(&ClientMessage::Pong(Pong { seq }));
                return self.send(pong.expect("wire types have a JSON form")).await;
            }
            ServerMessage::Disconnect(disconnect) => {
                self.said = Some(disconnect);
                return Step::Continue(());
            }
            ServerMessage::Push { seq, push } => self.handle_push(seq, push)?,
            ServerMessage::Unknown { seq } => self.handle_unknown(seq)?,
            ServerMessage::Reply { id, seq, result } => self.handle_reply(id, seq, result)?,
        }
        self.note_numbered();
        Step::Continue(())
    }

    /// One more frame with a number has come: the replay may be over.
    fn note_numbered(&mut self) {
        if self.to_replay > 0 {
            self.to_replay -= 1;
            if self.to_replay == 0 {
                let skipped = self.link.shared.lock().sequence.counts().skipped;
                self.link.waiting.note_replayed(skipped > self.skipped);
            }
        }
    }

    fn handle_push(&mut self, seq: u64, push: Box<Push>) -> Step {
        if !self.link.shared.lock().sequence.admit(seq) {
            return Step::Continue(());
        }
        // A place first: what cannot be handed on is not received, and must leave no trace in what is known.
        let place = self.place()?;
        self.link.shared.lock().apply_push(&push);
        if let Push::TokenExpiring(expiring) = &*push
            && expiring.room.is_none()
        {
            self.link.ask_for_renewal();
        }
        if let Push::SessionState(change) = &*push
            && change.state == SessionState::TokenExpired
        {
            self.link.check_expiry();
        }
        if let Some(place) = place {
            place.send(Event::Push { seq, push });
        }
        self.link.shared.lock().sequence.advance(seq);
        Step::Continue(())
    }

    fn handle_unknown(&mut self, seq: u64) -> Step {
        if self.link.shared.lock().sequence.admit(seq) {
            if let Some(place) = self.place()? {
                place.send(Event::Unknown { seq });
            }
            self.link.shared.lock().sequence.advance(seq);
        }
        Step::Continue(())
    }

    fn handle_reply(&mut self, id: u32, seq: Option<u64>, result: Result<Reply, Error>) -> Step {
        if seq.is_some_and(|seq| !self.link.shared.lock().sequence.admit(seq)) {
            return Step::Continue(());
        }
        // What emits an event needs its place first; see `handle_push`.
        let place = if self.link.waiting.is_for_caller(id) { None } else { self.place()? };
        let waiter = self.link.waiting.take(id);
        let subject = waiter.as_ref().map_or(&Subject::Other, |(_, subject)| subject);
        self.link.shared.lock().apply_reply(subject, &result);
        let event = match waiter {
            Some((ReplyTo::Caller(reply_to), _)) => {
                // Who gave up on the reply does not want it later either.
                let _ = reply_to.send(result.map_err(Into::into));
                None
            }
            Some((ReplyTo::Rejoin(room), _)) => self.rejoined(room, result.map(drop)),
            Some((ReplyTo::NoCaller, _)) => None,
            None => Some(Event::LateReply { id, result }),
        };
        if let (Some(place), Some(event)) = (place, event) {
            place.send(event);
        }
        if let Some(seq) = seq {
            self.link.shared.lock().sequence.advance(seq);
        }
        Step::Continue(())
    }

    /// The event of the return to a room, unless it is tried again.
    fn rejoined(&mut self, room: RoomId, result: Result<(), Error>) -> Option<Event> {
        if !self.link.rejoining.answered(&room, result.as_ref().err()) {
            return None;
        }
        if result.is_err() {
            self.link.shared.lock().rooms.leave(&room, Standing::Lost);
        }
        Some(Event::Rejoined { room, result })
    }

    /// A place for an event; `None` for a program that dropped its events and wants none.
    fn place(&self) -> Step<Option<OwnedPermit<Event>>> {
        match self.link.events.clone().try_reserve_owned() {
            Ok(place) => Step::Continue(Some(place)),
            Err(TrySendError::Closed(_)) => Step::Continue(None),
            Err(TrySendError::Full(_)) => Step::Break(ending(Cause::Overflow)),
        }
    }

    async fn send(&mut self, text: String) -> Step {
        let sent = self.socket.send(Message::Text(text.into()));
        match timeout(self.silence.patience(), sent).await {
            // A failed write says less than what there is still to read: the reading finds the end.
            Ok(Ok(()) | Err(_)) => Step::Continue(()),
            Err(_) => ended(Cause::Silent),
        }
    }

    async fn detach(&mut self) -> Step {
        // 1001, not 1000: the session stays, to be resumed.
        let away = CloseFrame { code: CloseCode::Away, reason: "detached".into() };
        let _ = timeout(self.silence.patience(), self.socket.close(Some(away))).await;
        ended(Cause::Detached)
    }
}

const fn ending(cause: Cause) -> Disconnected {
    Disconnected { disconnect: None, close_code: None, cause }
}

const fn ended(cause: Cause) -> Step {
    Step::Break(ending(cause))
}
