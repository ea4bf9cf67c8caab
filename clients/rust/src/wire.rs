//! A plain WebSocket, for tests that send invalid messages.
//!
//! It has no timers, no state and no answers to pings of the protocol: the caller handles each frame. It answers
//! WebSocket pings, as browsers do.

use futures::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use stagedoor_proto::{ClientMessage, Command, Request, ServerMessage, decode_server};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::dial::{Socket, dial};
use crate::tls::Tls;
use crate::{DialError, WireError};

/// A plain WebSocket.
#[derive(Debug)]
pub struct Wire {
    socket: Socket,
}

/// A received frame, or the end of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Vec<u8>),
    /// A close frame: its code (1005 if it has none) and reason.
    Close(u16, String),
    /// The connection ended without a close frame.
    Lost,
}

/// How a connection is dropped without a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketClose {
    /// With a TCP FIN, as when a process ends.
    Fin,
    /// With a TCP RST, as when a machine restarts.
    Reset,
}

impl Wire {
    /// Opens a WebSocket to `url` with additional `headers`.
    ///
    /// # Errors
    /// [`DialError`].
    pub async fn connect(url: &str, headers: &[(&str, &str)]) -> Result<Self, DialError> {
        Ok(Self { socket: dial(url, headers, &Tls::default()).await? })
    }

    /// Sends a text frame.
    ///
    /// # Errors
    /// [`WireError::Send`] when the connection has ended.
    pub async fn send_text(&mut self, text: impl Into<String>) -> Result<(), WireError> {
        self.send_message(Message::Text(text.into().into())).await
    }

    /// Sends a binary frame.
    ///
    /// # Errors
    /// [`WireError::Send`] when the connection has ended.
    pub async fn send_binary(&mut self, bytes: impl Into<Vec<u8>>) -> Result<(), WireError> {
        self.send_message(Message::Binary(bytes.into().into())).await
    }

    /// Sends `message` as JSON in a text frame.
    ///
    /// # Errors
    /// [`WireError::Send`] when the connection has ended.
    ///
    /// # Panics
    /// When `message` has no JSON form.
    pub async fn send_json<T: Serialize + ?Sized>(&mut self, message: &T) -> Result<(), WireError> {
        self.send_text(serde_json::to_string(message).expect("the message has a JSON form")).await
    }

    /// Sends `command` as request `id`.
    ///
    /// # Errors
    /// [`WireError::Send`] when the connection has ended.
    pub async fn request(&mut self, id: u32, command: Command) -> Result<(), WireError> {
        self.send_json(&ClientMessage::Request(Request { id, command })).await
    }

    /// Sends raw `bytes` below the WebSocket, such as invalid or partial frames.
    ///
    /// # Errors
    /// [`WireError::Send`] when the connection has ended.
    pub async fn send_raw(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        let stream = self.socket.get_mut();
        stream.write_all(bytes).await.map_err(|error| WireError::Send(Box::new(error.into())))
    }

    /// Sends a close frame with code 1000, which ends the session. Later frames can still be received.
    ///
    /// # Errors
    /// [`WireError::Send`] when the connection has ended.
    pub async fn close(&mut self) -> Result<(), WireError> {
        self.socket.close(None).await.map_err(|error| WireError::Send(Box::new(error)))
    }

    /// The next frame.
    ///
    /// # Cancel safety
    /// Dropping the future loses no frame.
    pub async fn recv(&mut self) -> Frame {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Frame::Text(text.as_str().to_owned()),
                Some(Ok(Message::Binary(bytes))) => return Frame::Binary(bytes.into()),
                Some(Ok(Message::Close(close))) => {
                    let (code, reason) = close.map_or((NO_CODE, Utf8Bytes::default()), |frame| {
                        (frame.code.into(), frame.reason)
                    });
                    return Frame::Close(code, reason.as_str().to_owned());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(_)) | None => return Frame::Lost,
            }
        }
    }

    /// The next frame as a message of the gateway.
    ///
    /// # Errors
    /// [`WireError`] if the next frame is not a message.
    ///
    /// # Cancel safety
    /// Dropping the future loses no frame.
    pub async fn recv_message(&mut self) -> Result<ServerMessage, WireError> {
        match self.recv().await {
            Frame::Text(text) => {
                decode_server(&text).map_err(|source| WireError::Malformed { text, source })
            }
            Frame::Binary(bytes) => Err(WireError::Binary(bytes.len())),
            Frame::Close(code, reason) => Err(WireError::Closed { code, reason }),
            Frame::Lost => Err(WireError::Lost),
        }
    }

    /// Drops the TCP connection without a close frame.
    pub async fn cut(mut self, how: SocketClose) {
        let stream = self.socket.get_mut();
        // The connection is dropped regardless of errors here.
        let _ = match how {
            SocketClose::Fin => stream.shutdown().await,
            SocketClose::Reset => stream.tcp().set_zero_linger(),
        };
    }

    async fn send_message(&mut self, message: Message) -> Result<(), WireError> {
        self.socket.send(message).await.map_err(|error| WireError::Send(Box::new(error)))
    }
}

/// RFC 6455, 7.1.5: a close frame without a code.
const NO_CODE: u16 = 1005;
