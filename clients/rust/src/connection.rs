//! One task a connection: it owns the socket, matches replies to requests and hands events on.
//!
//! Requests come by a bounded queue, events leave by another. No more requests are under way than the gateway allows;
//! the rest wait in the queue. The task ends when the connection does, when it is told to detach, or when nobody is
//! left who could hear of it; its last event is [`Event::Disconnected`], for which a place is kept.
//! Not here: opening the socket (`handshake`), and what a session knows of itself (`session`).

use std::ops::ControlFlow;
use std::sync::Arc;

use futures::{SinkExt as _, StreamExt as _};
use stagedoor_proto::{ClientMessage, Command, Disconnect, Error, Pong, Push, Reply, Request};
use stagedoor_proto::{ServerMessage, decode_server};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::dial::Socket;
use crate::rooms::Subject;
use crate::session::Shared;
use crate::silence::Silence;
use crate::waiting::{ReplyTo, Waiting};
use crate::{Cause, Disconnected, Event};

/// What a handle asks of the task.
#[derive(Debug)]
pub(crate) enum Order {
    /// Send a command and hand back its reply.
    Request(Command, ReplyTo),
    /// Let go of the connection and leave the session to be resumed.
    Detach,
}

/// The state of one connection, owned by its task.
pub(crate) struct Connection {
    pub(crate) socket: Socket,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) waiting: Waiting,
    pub(crate) silence: Silence,
}

/// What woke the task.
enum Wake {
    Order(Option<Order>),
    Frame(Option<Result<Message, tungstenite::Error>>),
    Abandoned,
    Silent,
}

/// Goes on, or ends the connection.
type Step = ControlFlow<Disconnected>;

impl Connection {
    /// Serves the connection to its end, beginning with what came in before it had a task.
    pub(crate) async fn run(mut self, early: Vec<ServerMessage>) {
        let last_place = self.events.clone().try_reserve_owned();
        let end = self.serve(early).await;
        self.shared.handle_disconnected(&end);
        if let Ok(place) = last_place {
            place.send(Event::Disconnected(end));
        }
    }

    async fn serve(&mut self, early: Vec<ServerMessage>) -> Disconnected {
        let mut said = None;
        for message in early {
            if let ControlFlow::Break(end) = self.handle_message(message, &mut said).await {
                return end;
            }
        }
        let mut handles_gone = false;
        loop {
            // Orders first: they are bounded by the replies they wait for, so they cannot starve the socket.
            let wake = tokio::select! {
                biased;
                order = self.orders.recv(), if !handles_gone && self.waiting.has_room() => Wake::Order(order),
                frame = self.socket.next() => Wake::Frame(frame),
                () = self.events.closed(), if handles_gone => Wake::Abandoned,
                () = self.silence.passed() => Wake::Silent,
            };
            let step = match wake {
                Wake::Order(Some(Order::Request(command, reply_to))) => {
                    self.handle_request(command, reply_to).await
                }
                Wake::Order(None) => {
                    handles_gone = true;
                    Step::Continue(())
                }
                Wake::Order(Some(Order::Detach)) | Wake::Abandoned => self.detach().await,
                Wake::Frame(frame) => self.handle_frame(frame, &mut said).await,
                Wake::Silent => Step::Break(ended(Cause::Silent)),
            };
            if let ControlFlow::Break(end) = step {
                return Disconnected { disconnect: end.disconnect.or(said), ..end };
            }
        }
    }

    async fn handle_request(&mut self, command: Command, reply_to: ReplyTo) -> Step {
        let id = self.waiting.add(reply_to, Subject::of(&command));
        self.send(&ClientMessage::Request(Request { id, command })).await
    }

    async fn handle_frame(
        &mut self,
        frame: Option<Result<Message, tungstenite::Error>>,
        said: &mut Option<Disconnect>,
    ) -> Step {
        self.silence.heard();
        match frame {
            Some(Ok(Message::Text(text))) => match decode_server(&text) {
                Ok(message) => self.handle_message(message, said).await,
                Err(_) => Step::Break(ended(Cause::Malformed)),
            },
            Some(Ok(Message::Binary(_))) => Step::Break(ended(Cause::Malformed)),
            Some(Ok(Message::Close(close))) => {
                // The answering close frame is queued; it leaves now or not at all.
                let _ = timeout(self.silence.patience(), self.socket.flush()).await;
                let close_code = close.map(|frame| frame.code.into());
                Step::Break(Disconnected { close_code, ..ended(Cause::Closed) })
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Step::Continue(()),
            Some(Err(tungstenite::Error::Capacity(_) | tungstenite::Error::Utf8(_))) => {
                Step::Break(ended(Cause::Malformed))
            }
            Some(Err(_)) | None => Step::Break(ended(Cause::Lost)),
        }
    }

    async fn handle_message(
        &mut self,
        message: ServerMessage,
        said: &mut Option<Disconnect>,
    ) -> Step {
        match message {
            ServerMessage::Ping => {
                let seq = self.shared.lock().sequence.last();
                self.send(&ClientMessage::Pong(Pong { seq })).await
            }
            ServerMessage::Disconnect(disconnect) => {
                *said = Some(disconnect);
                Step::Continue(())
            }
            ServerMessage::Push { seq, push } => self.handle_push(seq, push),
            ServerMessage::Unknown { seq } => self.tell_numbered(seq, Event::Unknown { seq }),
            ServerMessage::Reply { id, seq, result } => self.handle_reply(id, seq, result),
        }
    }

    fn handle_push(&mut self, seq: u64, push: Box<Push>) -> Step {
        if !self.shared.lock().sequence.admit(seq) {
            return Step::Continue(());
        }
        // A place first: what cannot be handed on is not received, and must leave no trace in what is known.
        let place = match self.events.try_reserve() {
            Ok(place) => Some(place),
            Err(TrySendError::Closed(())) => None,
            Err(TrySendError::Full(())) => return Step::Break(ended(Cause::Overflow)),
        };
        self.shared.lock().apply_push(&push);
        if let Some(place) = place {
            place.send(Event::Push { seq, push });
        }
        self.shared.lock().sequence.advance(seq);
        Step::Continue(())
    }

    fn handle_reply(&mut self, id: u32, seq: Option<u64>, result: Result<Reply, Error>) -> Step {
        if seq.is_some_and(|seq| !self.shared.lock().sequence.admit(seq)) {
            return Step::Continue(());
        }
        if let Some((reply_to, subject)) = self.waiting.take(id) {
            self.shared.lock().apply_reply(&subject, &result);
            // Who gave up on the reply does not want it later either.
            let _ = reply_to.send(result);
        } else {
            self.shared.lock().apply_reply(&Subject::Other, &result);
            self.tell(Event::LateReply { id, result })?;
        }
        if let Some(seq) = seq {
            self.shared.lock().sequence.advance(seq);
        }
        Step::Continue(())
    }

    /// Hands a numbered event on, once; it counts as received only when there was room for it.
    fn tell_numbered(&mut self, seq: u64, event: Event) -> Step {
        if self.shared.lock().sequence.admit(seq) {
            self.tell(event)?;
            self.shared.lock().sequence.advance(seq);
        }
        Step::Continue(())
    }

    fn tell(&mut self, event: Event) -> Step {
        match self.events.try_send(event) {
            // A program that dropped its events wants none.
            Ok(()) | Err(TrySendError::Closed(_)) => Step::Continue(()),
            Err(TrySendError::Full(_)) => Step::Break(ended(Cause::Overflow)),
        }
    }

    async fn send(&mut self, message: &ClientMessage) -> Step {
        let text = serde_json::to_string(message).expect("wire types have a JSON form");
        let sent = self.socket.send(Message::Text(text.into()));
        match timeout(self.silence.patience(), sent).await {
            // A failed write says less than what there is still to read: the reading finds the end.
            Ok(Ok(()) | Err(_)) => Step::Continue(()),
            Err(_) => Step::Break(ended(Cause::Silent)),
        }
    }

    async fn detach(&mut self) -> Step {
        // 1001, not 1000: the session stays, to be resumed.
        let away = CloseFrame { code: CloseCode::Away, reason: "detached".into() };
        let _ = timeout(self.silence.patience(), self.socket.close(Some(away))).await;
        Step::Break(ended(Cause::Detached))
    }
}

fn ended(cause: Cause) -> Disconnected {
    Disconnected { disconnect: None, close_code: None, cause }
}
