//! The first request of a connection and its reply.
//!
//! Pushes may come before the reply, such as `establishing`; a bounded number of them is queued for the caller.
//! Not here: timeouts, which `connector` sets, except the one for the gateway's `disconnect`.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use stagedoor_proto::{ClientMessage, Command, Disconnect, ErrorCode, Reply, Request};
use stagedoor_proto::{ServerMessage, decode_server};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::ConnectError;
use crate::dial::Socket;

/// A connection after its first request succeeded.
pub(crate) struct Opened {
    pub(crate) socket: Socket,
    pub(crate) reply: Reply,
    /// Messages before the reply.
    pub(crate) early: Vec<ServerMessage>,
}

/// Sends `first` on a new socket and waits for its reply.
pub(crate) async fn open(mut socket: Socket, first: Command) -> Result<Opened, ConnectError> {
    let request = ClientMessage::Request(Request { id: FIRST_ID, command: first });
    let text = serde_json::to_string(&request).expect("wire types have a JSON form");
    let lost = |_| ConnectError::Lost { close_code: None };
    socket.send(Message::Text(text.into())).await.map_err(lost)?;

    let mut early = Vec::new();
    loop {
        match receive(&mut socket).await? {
            ServerMessage::Reply { id: FIRST_ID, result: Ok(reply), .. } => {
                return Ok(Opened { socket, reply, early });
            }
            // The connection stays open for another `start`.
            ServerMessage::Reply { id: FIRST_ID, result: Err(error), .. }
                if KEEPS_OPEN.contains(&error.code) =>
            {
                return Err(ConnectError::Refused { error, disconnect: None });
            }
            ServerMessage::Reply { id: FIRST_ID, result: Err(error), .. } => {
                let disconnect = timeout(DISCONNECT_TIMEOUT, read_disconnect(&mut socket)).await;
                return Err(ConnectError::Refused { error, disconnect: disconnect.ok().flatten() });
            }
            ServerMessage::Disconnect(end) => {
                return Err(ConnectError::Disconnected(Box::new(end)));
            }
            _ if early.len() == MAX_EARLY => {
                return Err(ConnectError::Protocol("no reply among many messages".to_owned()));
            }
            other => early.push(other),
        }
    }
}

/// The `disconnect` that follows an error reply.
async fn read_disconnect(socket: &mut Socket) -> Option<Box<Disconnect>> {
    loop {
        match receive(socket).await {
            Ok(ServerMessage::Disconnect(end)) => return Some(Box::new(end)),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

async fn receive(socket: &mut Socket) -> Result<ServerMessage, ConnectError> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                return decode_server(&text)
                    .map_err(|error| ConnectError::Protocol(error.to_string()));
            }
            Some(Ok(Message::Binary(_))) => {
                return Err(ConnectError::Protocol("a binary frame".to_owned()));
            }
            Some(Ok(Message::Close(close))) => {
                let close_code = close.map(|frame| frame.code.into());
                return Err(ConnectError::Lost { close_code });
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(_)) | None => return Err(ConnectError::Lost { close_code: None }),
        }
    }
}

/// After these errors the connection stays open for another first message, and no `disconnect` follows.
const KEEPS_OPEN: [ErrorCode; 3] =
    [ErrorCode::NameTaken, ErrorCode::InvalidArgument, ErrorCode::Malformed];
/// The id of the `start` or `resume`; later requests have other ids.
pub(crate) const FIRST_ID: u32 = 0;
/// Maximum number of messages before the reply; a gateway sends a few state changes.
const MAX_EARLY: usize = 64;
/// How long to wait for the `disconnect` after an error reply.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);
