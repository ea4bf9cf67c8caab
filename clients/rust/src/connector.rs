//! Opens the connections of one session, with its URL, headers and timeout.

use std::time::Duration;

use stagedoor_proto::{Command, SUBPROTOCOL};
use tokio::time::timeout;

use crate::ConnectError;
use crate::dial::dial;
use crate::handshake::{Opened, open};
use crate::tls::Tls;

/// The settings of all connections of a session.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Duration,
    pub(crate) tls: Tls,
}

impl Connector {
    /// Opens a connection whose first message is `first`.
    pub(crate) async fn open(&self, first: Command) -> Result<Opened, ConnectError> {
        let mut headers = vec![("Sec-WebSocket-Protocol", SUBPROTOCOL)];
        headers.extend(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let opening = async { open(dial(&self.url, &headers, &self.tls).await?, first).await };
        // Boxed, because it is large and short-lived; the future that runs after it is small and long-lived.
        match timeout(self.timeout, Box::pin(opening)).await {
            Ok(opened) => opened,
            Err(_) => Err(ConnectError::Timeout(self.timeout)),
        }
    }
}
