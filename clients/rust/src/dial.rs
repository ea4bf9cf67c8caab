//! Opens a WebSocket to a URL.
//!
//! Not here: messages (`handshake`, `wire`), and timeouts, which the caller sets.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::header::RETRY_AFTER;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Response};
use tokio_tungstenite::tungstenite::{self, protocol::WebSocketConfig};

use crate::DialError;
use crate::tls::{Stream, Tls};

/// A WebSocket over TCP or TLS.
pub(crate) type Socket = WebSocketStream<Stream>;

/// Opens a WebSocket to `url` with additional `headers`.
pub(crate) async fn dial(
    url: &str,
    headers: &[(&str, &str)],
    tls: &Tls,
) -> Result<Socket, DialError> {
    let invalid = |why: &str| DialError::InvalidUrl { url: url.to_owned(), why: why.to_owned() };
    let mut request = url.into_client_request().map_err(|error| invalid(&error.to_string()))?;
    for (name, value) in headers {
        let name = HeaderName::try_from(*name).map_err(|error| invalid(&error.to_string()))?;
        let value = HeaderValue::try_from(*value).map_err(|error| invalid(&error.to_string()))?;
        request.headers_mut().append(name, value);
    }
    let is_secure = match request.uri().scheme_str() {
        Some("ws") => false,
        Some("wss") if cfg!(feature = "tls") => true,
        Some("wss") => return Err(invalid("this program was built without TLS")),
        _ => return Err(invalid("neither ws:// nor wss://")),
    };
    let host = request.uri().host().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| invalid("it names no host"))?.to_owned();
    let default_port = if is_secure { DEFAULT_SECURE_PORT } else { DEFAULT_PORT };
    let address = format!("{host}:{}", request.uri().port_u16().unwrap_or(default_port));
    let unreachable = |source| DialError::Unreachable { address: address.clone(), source };
    let stream = TcpStream::connect(&address).await.map_err(unreachable)?;
    // Requests are small and wait for replies: Nagle's algorithm would only delay them.
    stream.set_nodelay(true).map_err(unreachable)?;
    let stream =
        if is_secure { secure(tls, &host, stream, &address).await? } else { Stream::Plain(stream) };
    match tokio_tungstenite::client_async_with_config(request, stream, Some(config())).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(refused(&response)),
        Err(error) => Err(DialError::Handshake(Box::new(error))),
    }
}

#[cfg(feature = "tls")]
async fn secure(
    tls: &Tls,
    host: &str,
    stream: TcpStream,
    address: &str,
) -> Result<Stream, DialError> {
    // An IPv6 address has brackets in a URL, but not in a certificate.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let failed = |source| DialError::Tls { address: address.to_owned(), source };
    tls.connect(name, stream).await.map_err(failed)
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unused_async, reason = "the same signature as with TLS")]
async fn secure(
    Tls {}: &Tls,
    _host: &str,
    _stream: TcpStream,
    _address: &str,
) -> Result<Stream, DialError> {
    unreachable!("such a URL was refused before");
}

fn refused(response: &Response<Option<Vec<u8>>>) -> DialError {
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    DialError::Refused {
        status: response.status().as_u16(),
        retry_after: seconds.and_then(|text| text.parse().ok()).map(Duration::from_secs),
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
}

/// The default port of `ws://`.
const DEFAULT_PORT: u16 = 80;
/// The default port of `wss://`.
const DEFAULT_SECURE_PORT: u16 = 443;
/// Small, because each read fills it with zeros first; longer messages take several reads.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Zero, so that each request is written at once.
const WRITE_BUFFER_BYTES: usize = 0;
/// The largest message that a gateway can be configured to accept.
const MAX_WRITE_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Four times the default maximum of a gateway's messages.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
