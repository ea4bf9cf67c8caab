//! Closing a connection: the `disconnect` is flushed before the close frame, and that before the socket is closed.

use std::future::poll_fn;
use std::time::Duration;

use futures::SinkExt as _;
use stagedoor_proto::{Disconnect, encode_disconnect};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;

use super::socket::BufferedSocket;

/// Time for the peer to read the last frames and to close its side.
const LINGER: Duration = Duration::from_secs(2);

/// Sends `disconnect` and a close frame, then waits up to [`LINGER`] for the peer to close.
pub(super) async fn send<S>(mut ws: WebSocketStream<BufferedSocket<S>>, disconnect: &Disconnect)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let socket = ws.get_mut();
    socket.push_text(None, &encode_disconnect(disconnect));
    socket.push_close(disconnect.code.code(), &disconnect.reason);
    // The peer may have disconnected or stall: the socket is closed in any case.
    let _ = tokio::time::timeout(LINGER, finish(ws.get_mut())).await;
}

/// Writes buffered output, answers the peer's close frame, and closes the socket.
pub(super) async fn answer<S>(mut ws: WebSocketStream<BufferedSocket<S>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let closing = async {
        poll_fn(|cx| ws.get_mut().poll_drain(cx)).await?;
        // tungstenite sends its answer on the next flush, and returns an error when the close handshake is complete.
        let _ = ws.flush().await;
        finish(ws.get_mut()).await
    };
    // As above: the socket is closed either way.
    let _ = tokio::time::timeout(LINGER, closing).await;
}

async fn finish<S>(socket: &mut BufferedSocket<S>) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| socket.poll_drain(cx)).await?;
    let io = socket.io();
    io.shutdown().await?;
    // Closing a socket with unread input resets it, and the peer may never see why. What it still says is nothing.
    let mut ignored = [0; 256];
    while io.read(&mut ignored).await? > 0 {}
    Ok(())
}
