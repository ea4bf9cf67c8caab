//! `[[apps.webhook_endpoints]]`: webhook endpoints, the app's servers that receive events.
//!
//! Not here: event types and delivery (`webhook`).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::events::EventFilter;
use super::ranges;
use super::value::{self, MINUTE, MS};
use super::violation::RuleViolation;
use super::{secret, url};

/// A webhook endpoint: a server of the app that receives events.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookEndpoint {
    /// The endpoint's id in the server API and in logs. Undelivered messages are stored under it.
    #[serde(deserialize_with = "value::app_id")]
    #[schemars(with = "String")]
    pub id: Arc<str>,
    /// URL that events are posted to: https, or http on loopback.
    #[serde(deserialize_with = "url::deserialize", serialize_with = "url::serialize")]
    #[schemars(url)]
    pub url: String,
    /// Signing secrets (`whsec_…`). Every message carries a signature of each, so that secrets can be rotated.
    #[serde(with = "secret::WebhookSecrets")]
    pub secrets: Vec<SecretString>,
    /// Events to deliver: names, prefixes such as `session.*`, or `*` for all.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("default" = ["*"]))]
    pub events: EventFilter,
    /// Whether `participant.joined` includes the participant's connection data.
    #[serde(default)]
    pub connection_data: bool,
    /// Whether the URL may resolve to a loopback or private address.
    #[serde(default)]
    pub allow_private: bool,
    /// Timeout of a delivery attempt.
    #[serde(default = "default_deadline", with = "ranges::BoundedDuration::<MS, MINUTE>")]
    pub deadline: Duration,
    /// Maximum number of concurrent delivery attempts.
    #[serde(default = "default_max_concurrent", with = "ranges::BoundedCount::<1, 64>")]
    pub max_concurrent: usize,
}

impl WebhookEndpoint {
    /// The values that are not shown in full, by key.
    pub(super) fn hidden(&self) -> [(&'static str, Vec<&str>); 2] {
        let Self {
            url,
            secrets,
            id: _,
            events: _,
            connection_data: _,
            allow_private: _,
            deadline: _,
            max_concurrent: _,
        } = self;
        let secrets = secrets.iter().map(ExposeSecret::expose_secret);
        [("url", vec![url]), ("secrets", secrets.collect())]
    }
}

impl PartialEq for WebhookEndpoint {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            id,
            url,
            secrets,
            events,
            connection_data,
            allow_private,
            deadline,
            max_concurrent,
        } = self;
        let secrets = secrets.iter().map(ExposeSecret::expose_secret);
        *id == other.id
            && *url == other.url
            && secrets.eq(other.secrets.iter().map(ExposeSecret::expose_secret))
            && *events == other.events
            && *connection_data == other.connection_data
            && *allow_private == other.allow_private
            && *deadline == other.deadline
            && *max_concurrent == other.max_concurrent
    }
}

/// The violated rules of and between endpoints.
pub(super) fn violations(endpoints: &[WebhookEndpoint]) -> Vec<RuleViolation> {
    let mut violations = Vec::new();
    let mut ids = HashSet::new();
    for (index, endpoint) in endpoints.iter().enumerate() {
        let WebhookEndpoint { id, url, allow_private, .. } = endpoint;
        let second = || RuleViolation::new("id", format!("\"{id}\" a second time"), "a unique id");
        let repeated = (!ids.insert(id)).then(second);
        let private = url::private_url_violation(url, *allow_private);
        let table = format!("webhook_endpoints[{index}]");
        let found = repeated.into_iter().chain(private);
        violations.extend(found.map(|violation| violation.inside(&table)));
    }
    violations
}

fn default_deadline() -> Duration {
    Duration::from_secs(10)
}

fn default_max_concurrent() -> usize {
    8
}
