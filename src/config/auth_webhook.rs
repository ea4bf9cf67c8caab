//! `[apps.auth_webhook]`: the app's auth webhook, called for each `start` with `params`.
//!
//! Not here: the request, its signature and the circuit breaker (`auth`).

use std::time::Duration;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::ranges;
use super::value::{MINUTE, MS};
use super::violation::RuleViolation;
use super::{secret, url};

/// The app's auth webhook, called for each `start` with `params`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthWebhook {
    /// URL of the auth webhook: https, or http on loopback.
    #[serde(deserialize_with = "url::deserialize", serialize_with = "url::serialize")]
    #[schemars(url)]
    pub url: String,
    /// Secret that signs each request (`whsec_…`).
    #[serde(with = "secret::Signing")]
    #[schemars(with = "secret::ComparedSecret")]
    pub secret: SecretString,
    /// Whether the URL may resolve to a loopback or private address.
    #[serde(default)]
    pub allow_private: bool,
    /// Timeout of a request. The start is rejected when it passes.
    #[serde(default = "default_deadline", with = "ranges::BoundedDuration::<MS, MINUTE>")]
    pub deadline: Duration,
    /// Maximum number of concurrent requests.
    #[serde(default = "default_max_concurrent", with = "ranges::BoundedCount::<1, 10_000>")]
    pub max_concurrent: usize,
}

impl AuthWebhook {
    pub(super) fn violation(&self) -> Option<RuleViolation> {
        url::private_url_violation(&self.url, self.allow_private)
    }

    /// The values that are not shown in full, by key.
    pub(super) fn hidden(&self) -> [(&'static str, &str); 2] {
        let Self { url, secret, allow_private: _, deadline: _, max_concurrent: _ } = self;
        [("url", url), ("secret", secret.expose_secret())]
    }
}

fn default_deadline() -> Duration {
    Duration::from_secs(5)
}

fn default_max_concurrent() -> usize {
    64
}
