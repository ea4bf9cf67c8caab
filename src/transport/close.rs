//! The end of a connection: the `disconnect` is flushed before the close frame, and the close before the socket.

use std::future::poll_fn;
use std::time::Duration;

use futures::SinkExt as _;
use stagedoor_proto::{Disconnect, encode_disconnect};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;

use super::socket::BufferedSocket;

/// How long a peer has to take the last frames and to close its side.
const LINGER: Duration = Duration::from_secs(2);

/// Says why, closes, and waits a little for the peer to do the same.
pub(super) async fn send<S>(mut ws: WebSocketStream<BufferedSocket<S>>, disconnect: &Disconnect)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let socket = ws.get_mut();
    socket.push_text(None, &encode_disconnect(disconnect));
    socket.push_close(disconnect.code.code(), &disconnect.reason);
    // The peer may be gone already, or stall: the socket is closed either way.
    let _ = tokio::time::timeout(LINGER, finish(ws.get_mut())).await;
}

/// Writes what waits, answers the peer's close frame, and closes the socket once the peer has.
pub(super) async fn answer<S>(mut ws: WebSocketStream<BufferedSocket<S>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let goodbye = async {
        poll_fn(|cx| ws.get_mut().poll_drain(cx)).await?;
        // tungstenite holds its answer back until it is asked for; it tells by an error that the closing is complete.
        let _ = ws.flush().await;
        finish(ws.get_mut()).await
    };
    // As above: the socket is closed either way.
    let _ = tokio::time::timeout(LINGER, goodbye).await;
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
