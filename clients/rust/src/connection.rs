//! One connection, from its first frame to its end: matches replies with requests, and emits events.
//!
//! Invariant: no request is sent before the replay of a resume ends or, after a new start, before the rooms are joined
//! again; so requests run in order. At most the announced number of requests is in flight; the rest wait in the queue.
//! Not here: opening the socket (`handshake`), and state that outlives it (`link`).

use std::ops::ControlFlow;

use futures::{SinkExt as _, StreamExt as _};
use stagedoor_proto::{
    ClientClose, ClientMessage, Command, Disconnect, Error, Pong, Push, Reply, RoomId,
    ServerMessage, SessionState, decode_server,
};
use tokio::sync::mpsc::OwnedPermit;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::dial::Socket;
use crate::handshake::Opened;
use crate::link::{Link, Order};
use crate::liveness::LivenessTimer;
use crate::pending::ReplyTo;
use crate::rooms::RequestContext;
use crate::view::MembershipState;
use crate::{Cause, Disconnected, Event, Renewal};

/// The state of one connection.
pub(crate) struct Connection<'a> {
    link: &'a mut Link,
    socket: Socket,
    liveness: LivenessTimer,
    /// Messages before the reply to the first request.
    early: Vec<ServerMessage>,
    /// Whether those are being handled.
    is_early: bool,
    /// Number of frames of the replay that have not arrived.
    to_replay: u32,
    /// Number of skipped frame numbers before the replay.
    skipped: u64,
    /// The gateway's `disconnect`.
    disconnect: Option<Disconnect>,
}

/// An input of the task.
enum Wake {
    Detach,
    Order(Option<Order>),
    Renewal(Renewal),
    Rejoin,
    Frame(Option<Result<Message, tungstenite::Error>>),
    Abandoned,
    Silent,
}

/// Whether the connection continues or ends.
type Step<T = ()> = ControlFlow<Disconnected, T>;

impl<'a> Connection<'a> {
    /// A connection after the reply to its first request was applied.
    pub(crate) fn new(link: &'a mut Link, opened: Opened) -> Self {
        let Opened { socket, reply, early } = opened;
        let to_replay = match reply {
            Reply::Resumed(resumed) => resumed.replayed_count,
            _ => 0,
        };
        let liveness = LivenessTimer::new(link.liveness_timeout);
        let skipped = link.shared.lock().sequence.counts().skipped;
        let (is_early, disconnect) = (false, None);
        Self { link, socket, liveness, early, is_early, to_replay, skipped, disconnect }
    }

    /// Runs the connection until it ends.
    pub(crate) async fn serve(mut self) -> Disconnected {
        match self.process_inputs().await {
            ControlFlow::Break(end) => {
                Disconnected { disconnect: end.disconnect.or(self.disconnect), ..end }
            }
            ControlFlow::Continue(never) => match never {},
        }
    }

    async fn process_inputs(&mut self) -> Step<std::convert::Infallible> {
        self.is_early = true;
        for message in std::mem::take(&mut self.early) {
            self.handle_message(message).await?;
        }
        self.is_early = false;
        if self.to_replay == 0 {
            self.link.pending.note_replayed(false);
        }
        loop {
            self.send_what_may().await?;
            match self.wake().await {
                Wake::Order(order) => self.link.queue_request(order),
                Wake::Renewal(renewal) => self.link.apply_renewal(renewal),
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
    /// Cancel-safe, because each awaited future is.
    async fn wake(&mut self) -> Wake {
        let Self { link, socket, liveness, .. } = self;
        let handles_gone = link.are_handles_gone;
        let Link { shared, orders, pending, renewal, pending_rejoins, events, .. } = &mut **link;
        let renewal_done = async {
            match renewal {
                Some(asked) => asked.await,
                None => std::future::pending().await,
            }
        };
        let due = pending_rejoins.due();
        // Requests before frames: their number is bounded by missing replies, so they cannot starve the socket.
        tokio::select! {
            biased;
            () = shared.detached() => Wake::Detach,
            order = orders.recv(), if !handles_gone && pending.has_capacity() => Wake::Order(order),
            renewal = renewal_done => Wake::Renewal(renewal),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Wake::Rejoin,
            frame = socket.next() => Wake::Frame(frame),
            () = events.closed(), if handles_gone => Wake::Abandoned,
            () = liveness.elapsed() => Wake::Silent,
        }
    }

    /// Sends the requests that may be sent now.
    async fn send_what_may(&mut self) -> Step {
        if self.to_replay > 0 {
            return Step::Continue(());
        }
        while let Some(join) = self.link.pending_rejoins.next() {
            let room = join.room.clone();
            self.link.pending.add(Command::Join(join), ReplyTo::Rejoin(room));
        }
        let only_rejoins = !self.link.pending_rejoins.is_done();
        while let Some(text) = self.link.pending.next_to_send(only_rejoins) {
            self.send(text).await?;
        }
        Step::Continue(())
    }

    async fn handle_frame(&mut self, frame: Option<Result<Message, tungstenite::Error>>) -> Step {
        self.liveness.record_frame();
        match frame {
            Some(Ok(Message::Text(text))) => match decode_server(&text) {
                Ok(message) => self.handle_message(message).await,
                Err(_) => ended(Cause::Malformed),
            },
            Some(Ok(Message::Binary(_))) => ended(Cause::Malformed),
            Some(Ok(Message::Close(close))) => {
                // The close frame in answer is queued; this flush is its only chance.
                let _ = timeout(self.liveness.timeout(), self.socket.flush()).await;
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
                self.disconnect = Some(disconnect);
                return Step::Continue(());
            }
            ServerMessage::Push { seq, push } => self.handle_push(seq, push)?,
            ServerMessage::Unknown { seq } => self.handle_unknown(seq)?,
            ServerMessage::Reply { id, seq, result } => self.handle_reply(id, seq, result)?,
        }
        self.note_numbered();
        Step::Continue(())
    }

    /// Counts a numbered frame; the replay may be complete.
    fn note_numbered(&mut self) {
        if self.to_replay > 0 {
            self.to_replay -= 1;
            if self.to_replay == 0 {
                let skipped = self.link.shared.lock().sequence.counts().skipped;
                self.link.pending.note_replayed(skipped > self.skipped);
            }
        }
    }

    fn handle_push(&mut self, seq: u64, push: Box<Push>) -> Step {
        if !self.link.shared.lock().sequence.admit(seq) {
            return Step::Continue(());
        }
        // Reserve a slot first: a push that cannot be emitted counts as not received and must not change any state.
        let slot = self.reserve_slot()?;
        let older = self.is_early || self.to_replay > 0;
        self.link.shared.update(|record| record.apply_push(&push, older));
        if let Push::Degraded(push) = &*push {
            let is_degraded = push.active;
            self.link.shared.update_connection(|connection| connection.is_degraded = is_degraded);
        }
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
        if let Some(slot) = slot {
            slot.send(Event::Push { seq, push });
        }
        self.link.shared.lock().sequence.advance(seq);
        Step::Continue(())
    }

    fn handle_unknown(&mut self, seq: u64) -> Step {
        if self.link.shared.lock().sequence.admit(seq) {
            if let Some(slot) = self.reserve_slot()? {
                slot.send(Event::Unknown { seq });
            }
            self.link.shared.lock().sequence.advance(seq);
        }
        Step::Continue(())
    }

    fn handle_reply(&mut self, id: u32, seq: Option<u64>, result: Result<Reply, Error>) -> Step {
        if seq.is_some_and(|seq| !self.link.shared.lock().sequence.admit(seq)) {
            return Step::Continue(());
        }
        // A reply that emits an event needs a slot first; see `handle_push`.
        let slot = if self.link.pending.is_for_caller(id) { None } else { self.reserve_slot()? };
        let waiter = self.link.pending.take(id);
        let subject = waiter.as_ref().map_or(&RequestContext::Other, |(_, subject)| subject);
        self.link.shared.update(|record| record.apply_reply(subject, &result));
        let event = match waiter {
            Some((ReplyTo::Caller(reply_to), _)) => {
                // The caller dropped its future and does not want the reply.
                let _ = reply_to.send(result.map_err(Into::into));
                None
            }
            Some((ReplyTo::Rejoin(room), _)) => self.rejoined(room, result.map(drop)),
            Some((ReplyTo::Renewal, _)) => result.err().map(Event::RenewalFailed),
            None => Some(Event::LateReply { id, result }),
        };
        if let (Some(slot), Some(event)) = (slot, event) {
            slot.send(event);
        }
        if let Some(seq) = seq {
            self.link.shared.lock().sequence.advance(seq);
        }
        Step::Continue(())
    }

    /// The event of the return to a room, unless the client tries again.
    fn rejoined(&mut self, room: RoomId, result: Result<(), Error>) -> Option<Event> {
        if !self.link.pending_rejoins.answered(&room, result.as_ref().err()) {
            return None;
        }
        if result.is_err() {
            self.link.shared.lock().rooms.leave(&room, MembershipState::Lost);
        }
        Some(Event::Rejoined { room, result })
    }

    /// A slot for an event; `None` if the program dropped its events.
    fn reserve_slot(&self) -> Step<Option<OwnedPermit<Event>>> {
        match self.link.events.clone().try_reserve_owned() {
            Ok(slot) => Step::Continue(Some(slot)),
            Err(TrySendError::Closed(_)) => Step::Continue(None),
            Err(TrySendError::Full(_)) => Step::Break(ending(Cause::Overflow)),
        }
    }

    async fn send(&mut self, text: String) -> Step {
        let sent = self.socket.send(Message::Text(text.into()));
        match timeout(self.liveness.timeout(), sent).await {
            // After a failed write, reading still finds the reason why the connection ended.
            Ok(Ok(()) | Err(_)) => Step::Continue(()),
            Err(_) => ended(Cause::Silent),
        }
    }

    async fn detach(&mut self) -> Step {
        // The session is suspended for its whole window; 1000 would end it.
        let code = CloseCode::from(ClientClose::COMING_BACK);
        let away = CloseFrame { code, reason: "detached".into() };
        let _ = timeout(self.liveness.timeout(), self.socket.close(Some(away))).await;
        ended(Cause::Detached)
    }
}

const fn ending(cause: Cause) -> Disconnected {
    Disconnected { disconnect: None, close_code: None, cause }
}

const fn ended(cause: Cause) -> Step {
    Step::Break(ending(cause))
}
