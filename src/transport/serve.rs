//! A connection in the life of its session: all ready input first, then one write of what there is to say.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{FutureExt as _, Stream as _};
use stagedoor_proto::{
    ClientMessage, CloseCode, DecodeError, Disconnect, Timestamp, decode_client,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as WireCloseCode;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::input::InputWaker;
use super::socket::Gate;
use crate::hub::{Hub, SessionHandle, Written};
use crate::telemetry::Limit;

/// Messages taken in one turn, so that one busy peer does not hold up the others.
const INPUTS_PER_TURN: usize = 32;
/// Frames and bytes gathered for one write.
const BATCH_FRAMES: usize = 16;
const BATCH_BYTES: usize = 16 * 1024;

/// Why a connection no longer serves its session.
pub(super) enum Exit {
    /// The gateway parts from it.
    Parted(Box<Disconnect>),
    /// The peer sent a close frame.
    ClosedByPeer,
    /// The socket failed or ended.
    Lost,
}

/// Serves until the connection ends. What is left of the session is settled when it returns.
pub(super) async fn serve<S>(
    ws: &mut WebSocketStream<Gate<S>>,
    hub: &Arc<Hub>,
    session: &Arc<SessionHandle>,
    generation: u64,
) -> Exit
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let input = InputWaker::new();
    let mut serving = Serving { ws, hub, session, generation, input, placing: None };
    let exit = poll_fn(|cx| serving.poll(cx)).await;
    hub.sessions.handle_loss(session, generation);
    exit
}

struct Serving<'a, S> {
    ws: &'a mut WebSocketStream<Gate<S>>,
    hub: &'a Arc<Hub>,
    session: &'a Arc<SessionHandle>,
    generation: u64,
    input: Arc<InputWaker>,
    /// The request that has yet to get its place in a room's log; none is taken before it has.
    placing: Option<oneshot::Receiver<()>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Serving<'_, S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        self.input.register(cx.waker());
        if self.input.take_mark()
            && let ControlFlow::Break(exit) = self.take_input(cx)
        {
            return Poll::Ready(exit);
        }
        self.poll_output(cx)
    }

    /// Takes what input there is; what is left for another turn leaves the mark.
    fn take_input(&mut self, cx: &mut Context<'_>) -> ControlFlow<Exit> {
        let input = Arc::clone(&self.input);
        let waker = input.waker();
        let mut reading = Context::from_waker(&waker);
        for _ in 0..INPUTS_PER_TURN {
            if let Some(placing) = &mut self.placing {
                if placing.poll_unpin(cx).is_pending() {
                    input.mark();
                    return ControlFlow::Continue(());
                }
                self.placing = None;
            }
            match std::pin::Pin::new(&mut *self.ws).poll_next(&mut reading) {
                Poll::Pending => return ControlFlow::Continue(()),
                Poll::Ready(message) => match self.handle_input(message) {
                    ControlFlow::Continue(()) => {}
                    // What waits to be said is written before anything else is read: the socket may be at its end.
                    ControlFlow::Break(None) => {
                        input.mark();
                        return ControlFlow::Continue(());
                    }
                    ControlFlow::Break(Some(exit)) => return ControlFlow::Break(exit),
                },
            }
        }
        input.mark();
        cx.waker().wake_by_ref();
        ControlFlow::Continue(())
    }

    /// Breaks with an exit, or without one where the session was broken off and its client is to be told.
    fn handle_input(
        &mut self,
        input: Option<Result<Message, WsError>>,
    ) -> ControlFlow<Option<Exit>> {
        let now = self.hub.clock().now();
        match input {
            Some(Ok(message)) if !self.session.note_activity(self.generation, now) => {
                // Late, of an older connection: it changes nothing, and what is written next says so.
                match message {
                    Message::Close(_) => ControlFlow::Break(Some(Exit::ClosedByPeer)),
                    _ => ControlFlow::Continue(()),
                }
            }
            Some(Ok(message)) => match message {
                Message::Text(text) => self.handle_text(&text, now),
                Message::Binary(_) => {
                    self.break_off(CloseCode::Malformed, "messages are text frames of JSON")
                }
                Message::Close(frame) => {
                    if frame.is_some_and(|frame| frame.code == WireCloseCode::Normal) {
                        let _ = self.break_off(CloseCode::Normal, CloseCode::Normal.reason());
                    }
                    ControlFlow::Break(Some(Exit::ClosedByPeer))
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                    ControlFlow::Continue(())
                }
            },
            Some(Err(error)) => match violation(&error, self.ws.get_ref().is_flooded(), self.hub) {
                Some(close) => self.break_off(close, close.reason()),
                None => ControlFlow::Break(Some(Exit::Lost)),
            },
            None => ControlFlow::Break(Some(Exit::Lost)),
        }
    }

    fn handle_text(&mut self, text: &str, now: Timestamp) -> ControlFlow<Option<Exit>> {
        match decode_client(text) {
            Ok(ClientMessage::Request(request)) => {
                self.placing = self.hub.requests.handle(self.session, request, now);
            }
            Ok(ClientMessage::Pong(pong)) => {
                self.hub.requests.handle_pong(self.session, pong.seq, now);
            }
            Err(error @ DecodeError::UnknownCommand { .. }) => self.answer(&error, now),
            Err(error) if error.id().is_some() => self.answer(&error, now),
            Err(error) => {
                count_depth(&error, self.hub);
                return self.break_off(CloseCode::Malformed, &error.to_string());
            }
        }
        ControlFlow::Continue(())
    }

    /// A request that cannot be read, but whose number can, is answered; the session goes on.
    fn answer(&self, error: &DecodeError, now: Timestamp) {
        let id = error.id().expect("only errors with a request's number are answered");
        self.hub.requests.refuse(self.session, id, error.to_error(), now);
    }

    /// Ends the session by what came in here; the connection learns of it with the next output.
    fn break_off(&self, close: CloseCode, why: &str) -> ControlFlow<Option<Exit>> {
        let mut disconnect = Disconnect::new(close);
        why.clone_into(&mut disconnect.reason);
        self.hub.sessions.end_from(self.session, self.generation, disconnect);
        ControlFlow::Break(None)
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        loop {
            let gathered = self.gather(cx);
            if let Gathered::Parted(disconnect) = gathered {
                return Poll::Ready(Exit::Parted(disconnect));
            }
            match self.ws.get_mut().poll_drain(cx) {
                Poll::Ready(Ok(())) if matches!(gathered, Gathered::More) => {}
                Poll::Ready(Ok(())) => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(Exit::Lost),
                // The peer may never read again: besides the socket, only being parted from can end this wait.
                Poll::Pending => {
                    // An answer to the peer's ping may wait for room behind what is written now: reading sends it.
                    self.input.mark();
                    return match self.session.parted(self.generation, cx.waker()) {
                        Some(disconnect) => Poll::Ready(Exit::Parted(disconnect)),
                        None => Poll::Pending,
                    };
                }
            }
        }
    }

    /// Gathers frames for one write, behind what waits already.
    fn gather(&mut self, cx: &mut Context<'_>) -> Gathered {
        let gate = self.ws.get_mut();
        let mut frames = 0;
        let is_full =
            |gate: &Gate<S>, frames| frames >= BATCH_FRAMES || gate.unwritten() >= BATCH_BYTES;
        if is_full(gate, frames) {
            // The peer does not read, and is told nothing new before it has. Being parted from is seen once the write blocks.
            return Gathered::More;
        }
        let written = self.session.write(self.generation, cx.waker(), |seq, body| {
            gate.push_text(seq, body);
            frames += 1;
            !is_full(gate, frames)
        });
        match written {
            Written::More => Gathered::More,
            Written::All => Gathered::All,
            Written::Parted(disconnect) => Gathered::Parted(disconnect),
        }
    }
}

enum Gathered {
    /// There is more.
    More,
    /// That is all for now.
    All,
    /// That is all there will be.
    Parted(Box<Disconnect>),
}

/// The close code of an error that is the peer's fault; `None` when the connection just failed. A bound is counted.
pub(super) fn violation(error: &WsError, is_flooded: bool, hub: &Hub) -> Option<CloseCode> {
    let limit = match error {
        _ if is_flooded => Limit::Fragments,
        WsError::Capacity(_) => Limit::MessageInBytes,
        WsError::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => return None,
        WsError::Protocol(_) | WsError::Utf8(_) => return Some(CloseCode::Malformed),
        _ => return None,
    };
    hub.metrics().limits_hit.inc(limit);
    Some(CloseCode::TooLarge)
}

/// Counts a message that is nested too deep.
pub(super) fn count_depth(error: &DecodeError, hub: &Hub) {
    if matches!(error, DecodeError::TooDeep) {
        hub.metrics().limits_hit.inc(Limit::JsonDepth);
    }
}
