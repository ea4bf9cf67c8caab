//! A connection from upgrade to close.

use std::sync::Arc;

use futures::FutureExt as _;
use stagedoor_proto::{ClientClose, CloseCode, Disconnect};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tracing::{Instrument as _, Span};

use super::close;
use super::handshake::{self, HandshakeOutcome};
use super::serve::{self, Exit};
use super::settings::Settings;
use super::socket::{BufferedSocket, READ_BUFFER_BYTES};
use crate::hub::{Hub, MessageShare, PeerInfo};
use crate::telemetry::{Close, Limit, Metrics};

/// A WebSocket after its upgrade.
pub struct Connection<S> {
    /// The socket.
    pub io: S,
    /// Bytes read from the socket after the upgrade request.
    pub already_read: Vec<u8>,
    /// Address and user agent of the client.
    pub peer_info: PeerInfo,
    /// Identifies the connection in the log.
    pub id: u64,
    /// The span of the connection until a session has started.
    pub span: Span,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Serves the connection until it closes. The permit `permit` is dropped when a session is established, or when the
    /// connection closes.
    pub async fn run<P: Send>(self, hub: Arc<Hub>, settings: Settings, permit: P) {
        let Self { io, already_read, peer_info, id, span } = self;
        let share = hub.connections.message_share(peer_info.address);
        let mut ws = websocket(io, already_read, settings, share, hub.metrics());
        // Boxed, so that the handshake's state is freed when it ends. Written into its box, so that it is not copied.
        let handshake =
            Box::write(Box::new_uninit(), handshake::open(&mut ws, &hub, settings, peer_info));
        let outcome = Box::into_pin(handshake).instrument(span).await;
        let (exit, session) = match outcome {
            HandshakeOutcome::Opened(connection) => {
                drop(permit);
                let session = connection.session().id();
                (serve::serve(&mut ws, &hub, settings, connection).await, Some(session))
            }
            HandshakeOutcome::Rejected(disconnect) => (Exit::ClosedByServer(disconnect), None),
            HandshakeOutcome::ClosedByPeer => (Exit::ClosedByPeer(ClientClose::Ends), None),
            HandshakeOutcome::Lost => (Exit::Lost, None),
        };
        let close = count(&exit, hub.metrics());
        let session = session.map(tracing::field::display);
        tracing::debug!(connection = id, session, outcome = close.reason(), "connection ended");
        match exit {
            Exit::ClosedByServer(disconnect) => Box::pin(close::send(ws, &disconnect)).await,
            Exit::ClosedByPeer(_) => Box::pin(close::answer(ws)).await,
            Exit::Lost => {}
        }
    }

    /// Sends this `disconnect` and closes the connection.
    pub async fn reject(self, hub: &Hub, settings: Settings, disconnect: &Disconnect) {
        hub.metrics().connections_closed.inc(Close::Code(disconnect.code));
        let share = hub.connections.message_share(self.peer_info.address);
        let ws = websocket(self.io, self.already_read, settings, share, hub.metrics());
        close::send(ws, disconnect).await;
    }
}

/// Counts the close by code.
fn count(exit: &Exit, metrics: &Metrics) -> Close {
    let close = match exit {
        Exit::ClosedByServer(disconnect) => Close::Code(disconnect.code),
        Exit::ClosedByPeer(_) => Close::Client,
        Exit::Lost => Close::Lost,
    };
    metrics.connections_closed.inc(close);
    if close == Close::Code(CloseCode::SlowConsumer) {
        metrics.slow_consumers_closed.inc();
        metrics.limits_hit.inc(Limit::Ring);
    }
    close
}

pub(super) fn websocket<S>(
    io: S,
    mut already_read: Vec<u8>,
    settings: Settings,
    share: MessageShare,
    metrics: &Arc<Metrics>,
) -> WebSocketStream<BufferedSocket<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(settings.max_message_bytes()))
        .max_frame_size(Some(settings.max_message_bytes()))
        .accept_unmasked_frames(false);
    let socket = BufferedSocket::new(io, &mut already_read, settings, share, Arc::clone(metrics));
    // Not awaited, so that its future does not enlarge the task.
    WebSocketStream::from_partially_read(socket, already_read, Role::Server, Some(config))
        .now_or_never()
        .expect("construction after an upgrade never waits")
}
