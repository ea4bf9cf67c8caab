//! A connection from upgrade to close.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use stagedoor_proto::{CloseCode, Disconnect};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::farewell;
use super::gate::Gate;
use super::opening::{self, Opened};
use super::serve::{self, Exit};
use crate::hub::{Arrival, Hub};

/// The read buffer of a connection: most messages fit, and every idle connection has one.
const READ_BUFFER_BYTES: usize = 1024;

/// The bounds of every connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// From the upgrade to a complete `start` or `resume`.
    pub start_timeout: Duration,
    /// Largest message in.
    pub message_bytes: usize,
    /// Fragments of one message.
    pub fragments: u32,
    /// Largest `params` of a start.
    pub auth_params_bytes: usize,
}

/// A WebSocket whose upgrade was answered.
pub struct Connection<S> {
    /// The socket.
    pub io: S,
    /// What was read from it past the upgrade request.
    pub already_read: Vec<u8>,
    /// Who is there.
    pub arrival: Arrival,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Serves the connection until it closes. `admitted`, a place among those that wait for a session, is dropped once
    /// there is one, and else when the connection is closed.
    pub async fn run<P: Send>(self, hub: Arc<Hub>, settings: Settings, admitted: P) {
        let Self { io, already_read, arrival } = self;
        let mut ws = websocket(io, already_read, settings);
        // Boxed, so that what the opening needs is not part of the task for the rest of its life.
        let opened = Box::pin(opening::open(&mut ws, &hub, settings, arrival)).await;
        match opened {
            Opened::Session { session, generation } => {
                drop(admitted);
                match serve::serve(&mut ws, &hub, &session, generation).await {
                    Exit::Parted(disconnect) => Box::pin(farewell::say(ws, &disconnect)).await,
                    Exit::ClosedByPeer => Box::pin(farewell::hang_up(ws)).await,
                    Exit::Lost => {}
                }
            }
            Opened::Refused(disconnect) => Box::pin(farewell::say(ws, &disconnect)).await,
            Opened::ClosedByPeer => Box::pin(farewell::hang_up(ws)).await,
            Opened::Lost => {}
        }
    }

    /// Tells the peer that it is not wanted, and closes.
    pub async fn refuse(self, settings: Settings, close: CloseCode) {
        let ws = websocket(self.io, self.already_read, settings);
        farewell::say(ws, &Disconnect::new(close)).await;
    }
}

fn websocket<S>(io: S, already_read: Vec<u8>, settings: Settings) -> WebSocketStream<Gate<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(settings.message_bytes))
        .max_frame_size(Some(settings.message_bytes))
        .accept_unmasked_frames(false);
    let gate = Gate::new(io, &already_read, settings.fragments);
    // Not awaited, so that what it takes to make one is not part of the task for the rest of its life.
    WebSocketStream::from_partially_read(gate, already_read, Role::Server, Some(config))
        .now_or_never()
        .expect("a WebSocket whose upgrade was answered waits for nothing to be one")
}
