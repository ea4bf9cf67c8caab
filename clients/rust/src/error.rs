//! The errors of this crate, one enum for each boundary.

use std::time::Duration;

use stagedoor_proto::{Disconnect, Error};
use tokio_tungstenite::tungstenite;

/// Why a WebSocket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The URL or a header is invalid.
    #[error("cannot connect to `{url}`: {why}")]
    InvalidUrl {
        /// The invalid value.
        url: String,
        /// What is wrong with the value.
        why: String,
    },
    /// The server is unreachable.
    #[error("cannot reach {address}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// The gateway rejected the upgrade with an HTTP status.
    #[error("refused before the upgrade with HTTP status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// How long to wait before a retry, if the gateway said so.
        retry_after: Option<Duration>,
    },
    /// The certificate of the server is not valid for the host.
    #[cfg(feature = "tls")]
    #[error("no secure connection to {address}")]
    Tls {
        /// Host and port.
        address: String,
        /// The error of the TLS handshake.
        #[source]
        source: std::io::Error,
    },
    /// The server violated the WebSocket protocol.
    #[error("the WebSocket handshake failed")]
    Handshake(#[source] Box<tungstenite::Error>),
}

/// Why a session could not be started or resumed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The WebSocket could not be opened.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The gateway rejected the `start` or `resume`.
    #[error("refused: {error}")]
    Refused {
        /// The error of the gateway.
        error: Error,
        /// The `disconnect` of the gateway; absent if the connection was lost first.
        disconnect: Option<Box<Disconnect>>,
    },
    /// The gateway closed without a reply.
    #[error("disconnected before an answer: {}", .0.reason)]
    Disconnected(Box<Disconnect>),
    /// The connection ended before the reply, with this close code if there was one.
    #[error("the connection ended before an answer (close code {close_code:?})")]
    Lost {
        /// The code of the close frame, if there was one.
        close_code: Option<u16>,
    },
    /// The reply is not a message of the protocol.
    #[error("not an answer of this protocol: {0}")]
    Protocol(String),
    /// The gateway did not reply in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The builder lacks a required setting.
    #[error("`{0}` is needed to start a session")]
    Incomplete(&'static str),
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The gateway rejected the request.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The session was lost before the reply. The outcome is unknown; the request was not repeated in the new session.
    #[error("the session was lost before the reply")]
    Interrupted,
    /// The client ended before the reply; the outcome is unknown.
    #[error("the client ended before the reply")]
    Lost,
    /// The client had ended already; the request was not sent.
    #[error("the client has ended")]
    Closed,
    /// The reply does not match the command.
    #[error("the reply does not fit the command `{command}`")]
    Unexpected {
        /// The name of the command.
        command: &'static str,
    },
}

/// Why a [`Wire`](crate::Wire) cannot receive or send a message.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The peer closed the connection.
    #[error("closed with {code}: {reason}")]
    Closed {
        /// The code of the close frame; 1005 if it had none.
        code: u16,
        /// The reason in the close frame.
        reason: String,
    },
    /// The connection ended without a close frame.
    #[error("the connection was lost")]
    Lost,
    /// The peer sent a binary frame.
    #[error("a binary frame of {0} bytes")]
    Binary(usize),
    /// The peer sent a text frame that is not a message.
    #[error("not a message: {text}")]
    Malformed {
        /// The text of the frame.
        text: String,
        /// What is wrong with the value.
        #[source]
        source: serde_json::Error,
    },
    /// Sending failed.
    #[error("cannot send")]
    Send(#[source] Box<tungstenite::Error>),
}
