//! What can go wrong, one enum a boundary.

use std::time::Duration;

use stagedoor_proto::{Disconnect, Error};
use tokio_tungstenite::tungstenite;

/// Why no WebSocket was opened.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The URL or a header is not one that can be dialled.
    #[error("cannot connect to `{url}`: {why}")]
    InvalidUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// No server answers there.
    #[error("cannot reach {address}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The gateway answered with an HTTP status and no upgrade.
    #[error("refused before the upgrade with HTTP status {status}")]
    Refused {
        /// The status.
        status: u16,
        /// When to try again, where the gateway said so.
        retry_after: Option<Duration>,
    },
    /// The other end is not who the URL names, or cannot prove it.
    #[cfg(feature = "tls")]
    #[error("no secure connection to {address}")]
    Tls {
        /// Host and port.
        address: String,
        /// What failed.
        #[source]
        source: std::io::Error,
    },
    /// What answered does not speak WebSocket as the standard says.
    #[error("the WebSocket handshake failed")]
    Handshake(#[source] Box<tungstenite::Error>),
}

/// Why no session came of it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No WebSocket was opened.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The gateway refused the `start` or `resume`.
    #[error("refused: {error}")]
    Refused {
        /// Why.
        error: Error,
        /// What the gateway said before it closed; absent when the connection was lost first.
        disconnect: Option<Box<Disconnect>>,
    },
    /// The gateway closed instead of answering.
    #[error("disconnected before an answer: {}", .0.reason)]
    Disconnected(Box<Disconnect>),
    /// The connection ended before an answer, with this close code where there was one.
    #[error("the connection ended before an answer (close code {close_code:?})")]
    Lost {
        /// The code of the close frame.
        close_code: Option<u16>,
    },
    /// The answer is not what the protocol says.
    #[error("not an answer of this protocol: {0}")]
    Protocol(String),
    /// No answer came in the time given.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The builder lacks what it needs.
    #[error("`{0}` is needed to start a session")]
    Incomplete(&'static str),
}

/// Why a request has no reply, or not the one hoped for.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The gateway refused it.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The session was lost before the reply: whether it was carried out is not known, and the new one was not asked.
    #[error("the session was lost before the reply")]
    Interrupted,
    /// The client ended before the reply: whether it was carried out is not known.
    #[error("the client ended before the reply")]
    Lost,
    /// The client had ended already: nothing was sent.
    #[error("the client has ended")]
    Closed,
    /// The reply is not one to this command.
    #[error("the reply does not fit the command `{command}`")]
    Unexpected {
        /// What was asked for.
        command: &'static str,
    },
}

/// Why a [`Wire`](crate::Wire) has no message to give.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The other end closed.
    #[error("closed with {code}: {reason}")]
    Closed {
        /// The code of the close frame; 1005 when it had none.
        code: u16,
        /// Its reason.
        reason: String,
    },
    /// The connection ended without a close frame.
    #[error("the connection was lost")]
    Lost,
    /// A binary frame came.
    #[error("a binary frame of {0} bytes")]
    Binary(usize),
    /// A text frame came that is no message.
    #[error("not a message: {text}")]
    Malformed {
        /// The frame.
        text: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// What was to be sent could not be.
    #[error("cannot send")]
    Send(#[source] Box<tungstenite::Error>),
}
