//! Outbound HTTP calls: client, permitted addresses, timeouts, body limits and signatures.
//!
//! Invariants: redirects are not followed; proxies from the environment are ignored; a name is resolved once per
//! connection and only to permitted addresses; no body is read beyond its limit; no error contains a URL, because its
//! query may hold a secret.
//! Not here: request and response bodies (`auth`, `webhook`).

mod addresses;
mod signing;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, redirect};

pub use addresses::Network;
use addresses::NoPermittedAddress;
pub use signing::{InvalidWebhookSecret, MessageId, WebhookSecret, signature_headers};

/// Why an outbound call failed.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("expected an http or https URL with a host")]
    InvalidUrl,
    /// The URL's host is a private address.
    #[error("URL names a private address; set `allow_private = true` to allow it")]
    PrivateAddress,
    /// The connection, TLS or HTTP failed or timed out.
    #[error("{}", chain(.0))]
    Request(reqwest::Error),
    #[error("answered with status {}", .0.as_u16())]
    Status(StatusCode),
    /// The response body exceeds its limit.
    #[error("response body exceeds {max} bytes")]
    TooLarge { max: usize },
    #[error("unexpected response body")]
    InvalidResponse,
}

impl OutboundError {
    /// Wraps a request error without its URL.
    #[must_use]
    pub fn request(error: reqwest::Error) -> Self {
        Self::Request(error.without_url())
    }

    /// Whether no connection was made because the address is not permitted.
    #[must_use]
    pub fn is_blocked_address(&self) -> bool {
        match self {
            Self::PrivateAddress => true,
            Self::Request(error) => causes(error).any(<dyn Error>::is::<NoPermittedAddress>),
            _ => false,
        }
    }
}

/// Parses an absolute `http` or `https` URL.
///
/// # Errors
/// [`OutboundError::InvalidUrl`].
pub fn parse_url(text: &str) -> Result<Url, OutboundError> {
    let url: Url = text.parse().map_err(|_| OutboundError::InvalidUrl)?;
    let is_callable = matches!(url.scheme(), "http" | "https") && url.has_host();
    if is_callable { Ok(url) } else { Err(OutboundError::InvalidUrl) }
}

/// A client for calls to `url`. `timeout` covers a whole call, its body included.
///
/// # Errors
/// [`OutboundError::PrivateAddress`] when the URL's host is an address outside `network`; [`OutboundError::Request`]
/// when TLS setup fails.
pub fn client(url: &Url, timeout: Duration, network: Network) -> Result<Client, OutboundError> {
    // The resolver checks names; an address literal never reaches it.
    if !network.includes_literal(url) {
        return Err(OutboundError::PrivateAddress);
    }
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(network))
        .timeout(timeout)
        .user_agent(concat!("stagedoor/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(OutboundError::request)
}

/// Reads a body of at most `max` bytes.
///
/// # Errors
/// [`OutboundError::TooLarge`]; [`OutboundError::Request`] when the connection is lost.
pub async fn read_limited(mut response: Response, max: usize) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(OutboundError::request)? {
        if body.len() + chunk.len() > max {
            return Err(OutboundError::TooLarge { max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The error with its causes, in which reqwest puts the details.
fn chain(error: &reqwest::Error) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The causes of an error, nearest first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}
