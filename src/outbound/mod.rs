//! Calls to others' servers: where to, for how long, how much is read, and how they know who calls.
//!
//! Owns the client that every such call is made with, the addresses it may reach (`addresses`) and the signature of a
//! call (`signing`). Invariants: no redirect is followed, no proxy of the environment is used, a name is resolved once
//! for a connection and leads to no address that is not allowed, no body is read past its bound, and no error shows a
//! URL, whose query may hold a secret.
//! Not here: what is asked and told (`auth`, `webhook`).

mod addresses;
mod signing;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, redirect};

pub use addresses::Network;
use addresses::NoAllowedAddress;
pub use signing::{InvalidWebhookSecret, MessageId, WebhookSecret, signature_headers};

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The URL is of no use.
    #[error("an http or https URL with a host is expected")]
    BadUrl,
    /// The URL names an address of a private network.
    #[error("the URL leads into a private network; `allow_private = true` allows that")]
    Private,
    /// The connection, TLS or HTTP failed, or took too long.
    #[error("{}", chain(.0))]
    Request(reqwest::Error),
    /// The status is none that means anything here.
    #[error("answered with status {}", .0.as_u16())]
    Status(StatusCode),
    /// The answer is too long.
    #[error("the answer has more than {max} bytes")]
    TooLarge {
        /// The bound.
        max: usize,
    },
    /// The answer is not what it should be.
    #[error("the answer is not of the expected form")]
    Garbage,
}

impl OutboundError {
    /// What went wrong with a request, without its URL.
    #[must_use]
    pub fn request(error: reqwest::Error) -> Self {
        Self::Request(error.without_url())
    }

    /// Whether nobody was called, because no address may be.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        match self {
            Self::Private => true,
            Self::Request(error) => causes(error).any(<dyn Error>::is::<NoAllowedAddress>),
            _ => false,
        }
    }
}

/// A URL that can be called.
///
/// # Errors
/// [`OutboundError::BadUrl`].
pub fn parse_url(text: &str) -> Result<Url, OutboundError> {
    let url: Url = text.parse().map_err(|_| OutboundError::BadUrl)?;
    let is_callable = matches!(url.scheme(), "http" | "https") && url.has_host();
    if is_callable { Ok(url) } else { Err(OutboundError::BadUrl) }
}

/// A client for calls to `url`, each of which may take `timeout`, its body included.
///
/// # Errors
/// [`OutboundError::Private`] when the URL itself names an address that `network` leaves out; [`OutboundError::Request`]
/// when TLS cannot be set up.
pub fn client(url: &Url, timeout: Duration, network: Network) -> Result<Client, OutboundError> {
    // A name is looked at when it is resolved; an address is never resolved.
    if !network.includes_literal(url) {
        return Err(OutboundError::Private);
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

/// The body, when it has at most `max` bytes.
///
/// # Errors
/// [`OutboundError::TooLarge`], or [`OutboundError::Request`] when the connection is lost.
pub async fn read_at_most(mut response: Response, max: usize) -> Result<Vec<u8>, OutboundError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(OutboundError::request)? {
        if body.len() + chunk.len() > max {
            return Err(OutboundError::TooLarge { max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes, which is where reqwest says what went wrong.
fn chain(error: &reqwest::Error) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What led to an error, nearest first.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}
