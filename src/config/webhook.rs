//! `[apps.webhook]`: the app's own server, asked about each start with `params`.
//!
//! Not here: the request, its signature and the circuit breaker (`auth`).

use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::value::{self, MINUTE, MS};
use super::{secret, url};

/// The app's own server, asked about each start with `params`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where it is asked: https, or http on loopback.
    #[serde(deserialize_with = "url::deserialize", serialize_with = "url::serialize")]
    #[schemars(url)]
    pub url: String,
    /// Signs each question.
    #[serde(with = "secret::Signing")]
    #[schemars(with = "secret::One")]
    pub secret: SecretString,
    /// Whether it may be on a private network.
    #[serde(default)]
    pub allow_private: bool,
    /// How long an answer may take; none by then, and nobody gets in.
    #[serde(default = "default_deadline", with = "value::DurationIn::<MS, MINUTE>")]
    pub deadline: Duration,
    /// Questions that may be open at a time.
    #[serde(default = "default_max_concurrent", with = "value::CountIn::<1, 10_000>")]
    pub max_concurrent: usize,
}

fn default_deadline() -> Duration {
    Duration::from_secs(5)
}

fn default_max_concurrent() -> usize {
    64
}
