//! Opens connections of one session: where to, with what headers, and how long it may take.

use std::time::Duration;

use stagedoor_proto::{Command, SUBPROTOCOL};
use tokio::time::timeout;

use crate::ConnectError;
use crate::dial::dial;
use crate::handshake::{Opened, open};
use crate::tls::Tls;

/// What every connection of a session is opened with.
#[derive(Clone)]
pub(crate) struct Opener {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Duration,
    pub(crate) tls: Tls,
}

impl Opener {
    /// Opens a connection whose first message is `first`.
    pub(crate) async fn open(&self, first: Command) -> Result<Opened, ConnectError> {
        let mut headers = vec![("Sec-WebSocket-Protocol", SUBPROTOCOL)];
        headers.extend(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let opening = async { open(dial(&self.url, &headers, &self.tls).await?, first).await };
        // Boxed: the opening is large and short-lived, what runs after it is small and stays.
        match timeout(self.timeout, Box::pin(opening)).await {
            Ok(opened) => opened,
            Err(_) => Err(ConnectError::Timeout(self.timeout)),
        }
    }
}
