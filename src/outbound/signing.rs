//! Webhook signatures, which prove that a call comes from the gateway.
//!
//! Source: Standard Webhooks 1.0.0, "Signature scheme": HMAC-SHA256 over `id.timestamp.body`.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use stagedoor_proto::Timestamp;

/// A secret shared by the gateway and the app's server.
#[derive(Clone)]
pub struct WebhookSecret(hmac::Key);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is `whsec_` and 24 to 64 bytes in base64")]
pub struct InvalidWebhookSecret;

impl WebhookSecret {
    /// Parses `whsec_…`.
    ///
    /// # Errors
    /// [`InvalidWebhookSecret`].
    pub fn parse(text: &SecretString) -> Result<Self, InvalidWebhookSecret> {
        let encoded = text.expose_secret().strip_prefix("whsec_").ok_or(InvalidWebhookSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| InvalidWebhookSecret)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(InvalidWebhookSecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    fn sign(&self, id: &str, seconds: &str, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
            context.update(part);
        }
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

/// The signature headers of `body` in the call `id`, with one signature per secret. A receiver accepts any of them, so
/// secrets can be rotated one at a time.
#[must_use]
pub fn signature_headers(
    secrets: &[WebhookSecret],
    id: u128,
    now: Timestamp,
    body: &[u8],
) -> [(&'static str, String); 3] {
    let (id, seconds) = (MessageId(id).to_string(), now.as_secs().to_string());
    let signatures: Vec<_> =
        secrets.iter().map(|secret| secret.sign(&id, &seconds, body)).collect();
    [
        ("webhook-id", id),
        ("webhook-timestamp", seconds),
        ("webhook-signature", signatures.join(" ")),
    ]
}

/// The id of a message in headers, bodies and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageId(pub u128);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{:032x}", self.0)
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}
