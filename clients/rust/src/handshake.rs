//! The first frame and its answer.
//!
//! Pushes may come before the answer (`establishing` does); they are kept, a bounded number of them, and handed on.
//! Not here: deadlines but the one for the gateway's `disconnect`; `opener` has the one for all of this.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use stagedoor_proto::{ClientMessage, Command, Disconnect, Reply, Request};
use stagedoor_proto::{ServerMessage, decode_server};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::ConnectError;
use crate::dial::Socket;

/// A connection whose first request succeeded.
pub(crate) struct Opened {
    pub(crate) socket: Socket,
    pub(crate) reply: Reply,
    /// What came before the reply.
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

/// The `disconnect` that follows a refusal.
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

/// The number of the `start` or `resume`; later requests have others.
pub(crate) const FIRST_ID: u32 = 0;
/// Most messages before the reply: a handful of state changes in truth.
const MAX_EARLY: usize = 64;
/// How long a refusal waits for the `disconnect` that says more.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);
