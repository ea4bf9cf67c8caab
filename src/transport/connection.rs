//! A connection from upgrade to close.

use std::sync::Arc;

use futures::FutureExt as _;
use stagedoor_proto::{CloseCode, Disconnect};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tracing::Instrument as _;

use super::close;
use super::handshake::{self, HandshakeOutcome};
use super::serve::{self, Exit};
use super::settings::Settings;
use super::socket::BufferedSocket;
use crate::hub::{Hub, PeerInfo};
use crate::telemetry::{Close, Limit, Metrics};

/// The read buffer of a connection: most messages fit, and every idle connection has one.
const READ_BUFFER_BYTES: usize = 1024;

/// A WebSocket whose upgrade was answered.
pub struct Connection<S> {
    /// The socket.
    pub io: S,
    /// What was read from it past the upgrade request.
    pub already_read: Vec<u8>,
    /// Who is there.
    pub arrival: PeerInfo,
    /// By which the log tells it from others.
    pub number: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Serves the connection until it closes. `admitted`, a place among those that wait for a session, is dropped once
    /// there is one, and else when the connection is closed.
    pub async fn run<P: Send>(self, hub: Arc<Hub>, settings: Settings, admitted: P) {
        let Self { io, already_read, arrival, number } = self;
        let mut ws = websocket(io, already_read, settings, hub.metrics());
        // Boxed, so that what the opening needs is not part of the task for the rest of its life; the span neither.
        let opened = Box::pin(
            handshake::open(&mut ws, &hub, settings, arrival)
                .instrument(tracing::error_span!("connection", connection = number)),
        )
        .await;
        let (exit, session) = match opened {
            HandshakeOutcome::Opened(connection) => {
                drop(admitted);
                let session = connection.session().id();
                (serve::serve(&mut ws, &hub, connection).await, Some(session))
            }
            HandshakeOutcome::Refused(disconnect) => (Exit::ClosedByServer(disconnect), None),
            HandshakeOutcome::ClosedByPeer => (Exit::ClosedByPeer, None),
            HandshakeOutcome::Lost => (Exit::Lost, None),
        };
        let close = count(&exit, hub.metrics());
        let session = session.map(tracing::field::display);
        tracing::debug!(connection = number, session, outcome = close.reason(), "connection ended");
        match exit {
            Exit::ClosedByServer(disconnect) => Box::pin(close::send(ws, &disconnect)).await,
            Exit::ClosedByPeer => Box::pin(close::answer(ws)).await,
            Exit::Lost => {}
        }
    }

    /// Tells the peer that it is not wanted, and closes.
    pub async fn refuse(self, hub: &Hub, settings: Settings, close: CloseCode) {
        hub.metrics().connections_closed.inc(Close::Code(close));
        let ws = websocket(self.io, self.already_read, settings, hub.metrics());
        close::send(ws, &Disconnect::new(close)).await;
    }
}

/// Counts how a connection ended.
fn count(exit: &Exit, metrics: &Metrics) -> Close {
    let close = match exit {
        Exit::ClosedByServer(disconnect) => Close::Code(disconnect.code),
        Exit::ClosedByPeer => Close::Client,
        Exit::Lost => Close::Lost,
    };
    metrics.connections_closed.inc(close);
    if close == Close::Code(CloseCode::SlowConsumer) {
        metrics.slow_consumers_closed.inc();
        metrics.limits_hit.inc(Limit::Ring);
    }
    close
}

fn websocket<S>(
    io: S,
    already_read: Vec<u8>,
    settings: Settings,
    metrics: &Arc<Metrics>,
) -> WebSocketStream<BufferedSocket<S>>
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
    let socket =
        BufferedSocket::new(io, &already_read, settings.fragments_per_message, Arc::clone(metrics));
    // Not awaited, so that what it takes to make one is not part of the task for the rest of its life.
    WebSocketStream::from_partially_read(socket, already_read, Role::Server, Some(config))
        .now_or_never()
        .expect("a WebSocket whose upgrade was answered waits for nothing to be one")
}
