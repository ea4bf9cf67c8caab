//! Serves an established session on its connection: first reads ready input, then writes pending output.

#![deny(clippy::wildcard_enum_match_arm)]

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::{FutureExt as _, Stream as _};
use stagedoor_proto::{
    ClientClose, ClientMessage, CloseCode, DecodeError, Disconnect, decode_client,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use super::frame::Excess;
use super::input::InputWaker;
use super::settings::Settings;
use super::socket::BufferedSocket;
use crate::hub::{Hub, SessionConnection, Written};
use crate::session::ConnectionLoss;
use crate::telemetry::Limit;
use crate::time::Now;

/// Messages handled per poll, so that a busy peer does not delay others.
const INPUTS_PER_TURN: usize = 32;
/// Maximum frames and bytes per write.
const BATCH_FRAMES: usize = 16;
const BATCH_BYTES: usize = 16 * 1024;

/// Why a connection stops serving its session.
pub(super) enum Exit {
    /// The gateway closes it.
    ClosedByServer(Box<Disconnect>),
    /// The peer sent a close frame.
    ClosedByPeer(ClientClose),
    /// The socket failed or ended.
    Lost,
}

/// Serves until the connection ends, and detaches the session from it.
pub(super) async fn serve<S>(
    ws: &mut WebSocketStream<BufferedSocket<S>>,
    hub: &Hub,
    settings: Settings,
    connection: SessionConnection,
) -> Exit
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let input = InputWaker::new();
    let connection = &connection;
    let mut serving = Serving { ws, hub, settings, connection, input, placing: None };
    let exit = poll_fn(|cx| serving.poll(cx)).await;
    let loss = match exit {
        Exit::ClosedByPeer(ClientClose::GoesAway) => ConnectionLoss::GoingAway,
        Exit::ClosedByPeer(ClientClose::Ends | ClientClose::Suspends)
        | Exit::ClosedByServer(_)
        | Exit::Lost => ConnectionLoss::Other,
    };
    hub.sessions.handle_lost_connection(connection, loss);
    exit
}

struct Serving<'a, S> {
    ws: &'a mut WebSocketStream<BufferedSocket<S>>,
    hub: &'a Hub,
    settings: Settings,
    connection: &'a SessionConnection,
    input: Arc<InputWaker>,
    /// Resolves when the last request has its position in the room's log; no further input is read before.
    placing: Option<oneshot::Receiver<()>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Serving<'_, S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        self.input.register(cx.waker());
        if self.input.take_flag()
            && let ControlFlow::Break(exit) = self.take_input(cx)
        {
            return Poll::Ready(exit);
        }
        self.poll_output(cx)
    }

    /// Handles ready input. If some is left for the next poll, it sets the input flag.
    fn take_input(&mut self, cx: &mut Context<'_>) -> ControlFlow<Exit> {
        let input = Arc::clone(&self.input);
        let waker = input.waker();
        let mut reading = Context::from_waker(&waker);
        for _ in 0..INPUTS_PER_TURN {
            if let Some(placing) = &mut self.placing {
                if placing.poll_unpin(cx).is_pending() {
                    input.flag();
                    return ControlFlow::Continue(());
                }
                self.placing = None;
            }
            match std::pin::Pin::new(&mut *self.ws).poll_next(&mut reading) {
                Poll::Pending => return ControlFlow::Continue(()),
                Poll::Ready(message) => match self.handle_input(message) {
                    ControlFlow::Continue(()) => {}
                    // Write pending output before the next read: the socket may be at its end.
                    ControlFlow::Break(None) => {
                        input.flag();
                        return ControlFlow::Continue(());
                    }
                    ControlFlow::Break(Some(exit)) => return ControlFlow::Break(exit),
                },
            }
        }
        input.flag();
        cx.waker().wake_by_ref();
        ControlFlow::Continue(())
    }

    /// Breaks with an exit, or without one if the session was aborted and its client is yet to be notified.
    fn handle_input(
        &mut self,
        input: Option<Result<Message, WsError>>,
    ) -> ControlFlow<Option<Exit>> {
        let now = self.hub.clock().now();
        match input {
            Some(Ok(Message::Text(text))) => self.handle_text(&text, now),
            Some(Ok(Message::Binary(_))) => {
                self.connection.touch(now);
                self.abort(CloseCode::Malformed, "expected a text frame with JSON")
            }
            Some(Ok(Message::Close(frame))) => {
                self.connection.touch(now);
                let close = ClientClose::of(frame.map(|frame| frame.code.into()));
                if close == ClientClose::Ends {
                    let _ = self.abort(CloseCode::Normal, CloseCode::Normal.reason());
                }
                ControlFlow::Break(Some(Exit::ClosedByPeer(close)))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {
                if self.ws.get_ref().is_amid_message() {
                    self.hub.requests.handle_frame_amid_message(self.connection, now);
                } else {
                    self.hub.requests.handle_keepalive(self.connection, None, now);
                }
                ControlFlow::Continue(())
            }
            Some(Err(error)) => match violation(&error, self.ws.get_ref(), self.hub) {
                Some(close) => self.abort(close, close.reason()),
                None => ControlFlow::Break(Some(Exit::Lost)),
            },
            None => ControlFlow::Break(Some(Exit::Lost)),
        }
    }

    /// Handles a text message. The hub ignores messages of a connection that no longer owns the session.
    fn handle_text(&mut self, text: &str, now: Now) -> ControlFlow<Option<Exit>> {
        let decoded = decode_client(text);
        if !self.settings.admits(text.len(), decoded.as_ref().ok()) {
            self.hub.metrics().limits_hit.inc(Limit::MessageInBytes);
            return self.abort(CloseCode::TooLarge, CloseCode::TooLarge.reason());
        }
        match decoded {
            Ok(ClientMessage::Request(request)) => {
                self.placing = self.hub.requests.handle(self.connection, request, now);
            }
            Ok(ClientMessage::Pong(pong)) => {
                self.hub.requests.handle_keepalive(self.connection, Some(pong.seq), now);
            }
            Err(error) => {
                count_depth(&error, self.hub);
                if let Some(id) = error.id() {
                    // An invalid request with a valid id gets an error reply; the session continues.
                    self.hub.requests.refuse(self.connection, id, &error.to_error(), now);
                } else {
                    self.connection.touch(now);
                    return self.abort(CloseCode::Malformed, &error.to_string());
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Ends the session because of invalid input. The connection closes with the next output.
    fn abort(&self, close: CloseCode, why: &str) -> ControlFlow<Option<Exit>> {
        let mut disconnect = Disconnect::new(close);
        why.clone_into(&mut disconnect.reason);
        self.hub.sessions.end_from(self.connection, disconnect);
        ControlFlow::Break(None)
    }

    fn poll_output(&mut self, cx: &mut Context<'_>) -> Poll<Exit> {
        loop {
            let gathered = self.gather(cx);
            if let WriteBatch::Close(disconnect) = gathered {
                return Poll::Ready(Exit::ClosedByServer(disconnect));
            }
            match self.ws.get_mut().poll_drain(cx) {
                Poll::Ready(Ok(())) if matches!(gathered, WriteBatch::More) => {}
                Poll::Ready(Ok(())) => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(Exit::Lost),
                // The peer may never read again: only the socket or a close by the gateway ends this wait.
                Poll::Pending => {
                    // An answer to the peer's ping may be queued behind this output: the next read sends it.
                    self.input.flag();
                    return match self.connection.poll_close(cx.waker()) {
                        Some(disconnect) => Poll::Ready(Exit::ClosedByServer(disconnect)),
                        None => Poll::Pending,
                    };
                }
            }
        }
    }

    /// Appends frames to the output buffer for one write.
    fn gather(&mut self, cx: &mut Context<'_>) -> WriteBatch {
        let socket = self.ws.get_mut();
        let mut frames = 0;
        let is_full = |socket: &BufferedSocket<S>, frames| {
            frames >= BATCH_FRAMES || socket.unwritten() >= BATCH_BYTES
        };
        if is_full(socket, frames) {
            // The peer does not read: add nothing. A close is noticed when the write blocks.
            return WriteBatch::More;
        }
        let written = self.connection.write(cx.waker(), |seq, body| {
            socket.push_text(seq, body);
            frames += 1;
            !is_full(socket, frames)
        });
        match written {
            Written::More => WriteBatch::More,
            Written::All => WriteBatch::All,
            Written::Close(disconnect) => WriteBatch::Close(disconnect),
        }
    }
}

enum WriteBatch {
    /// More frames are pending.
    More,
    /// All frames are in the buffer.
    All,
    /// All frames are in the buffer, and no more will follow.
    Close(Box<Disconnect>),
}

/// The close code of a protocol violation, which is counted; `None` if the connection just failed.
pub(super) fn violation<S>(
    error: &WsError,
    socket: &BufferedSocket<S>,
    hub: &Hub,
) -> Option<CloseCode>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (limit, code) = match (error, socket.excess()) {
        (_, Some(Excess::Fragments)) => (Limit::FragmentsPerMessage, CloseCode::TooLarge),
        (_, Some(Excess::Memory)) => (Limit::MessagesInBytesTotal, CloseCode::Overloaded),
        (WsError::Capacity(_), None) => (Limit::MessageInBytes, CloseCode::TooLarge),
        (WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake), None) => return None,
        // A proxy that shuts down closes its connections, and may not mask its close frame (Caddy 2.6 does not).
        (WsError::Protocol(ProtocolError::UnmaskedFrameFromClient), None) if socket.has_close() => {
            return None;
        }
        (WsError::Protocol(_) | WsError::Utf8(_), None) => return Some(CloseCode::Malformed),
        (
            WsError::ConnectionClosed
            | WsError::AlreadyClosed
            | WsError::Io(_)
            | WsError::Tls(_)
            | WsError::WriteBufferFull(_)
            | WsError::AttackAttempt
            | WsError::Url(_)
            | WsError::Http(_)
            | WsError::HttpFormat(_),
            None,
        ) => return None,
    };
    hub.metrics().limits_hit.inc(limit);
    Some(code)
}

/// Counts a message that exceeds the nesting limit.
pub(super) fn count_depth(error: &DecodeError, hub: &Hub) {
    if matches!(error, DecodeError::TooDeep { .. }) {
        hub.metrics().limits_hit.inc(Limit::JsonDepth);
    }
}
