//! `[[apps.endpoints]]`: servers of the app that are told what happens.
//!
//! Not here: what an event says, and how it is delivered (`webhook`).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::events::EventFilter;
use super::value::{self, MINUTE, MS};
use super::{secret, url};

/// A server of the app that is told what happens.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Names it in the server API and in logs; what was not delivered is kept under it.
    #[serde(deserialize_with = "value::app_id")]
    #[schemars(with = "String")]
    pub id: Arc<str>,
    /// Where it is told: https, or http on loopback.
    #[serde(deserialize_with = "url::deserialize", serialize_with = "url::serialize")]
    #[schemars(url)]
    pub url: String,
    /// Sign each message, all of them: 1 to 4.
    #[serde(with = "secret::WebhookSecrets")]
    pub secrets: Vec<SecretString>,
    /// What it is told of.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub events: EventFilter,
    /// Whether it is told participants' connection data too.
    #[serde(default)]
    pub connection_data: bool,
    /// Whether it may be on a private network.
    #[serde(default)]
    pub allow_private: bool,
    /// How long an attempt may take.
    #[serde(default = "default_deadline", with = "value::DurationIn::<MS, MINUTE>")]
    pub deadline: Duration,
    /// Attempts that may be under way at a time.
    #[serde(default = "default_max_concurrent", with = "value::CountIn::<1, 64>")]
    pub max_concurrent: usize,
}

impl PartialEq for Endpoint {
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

/// What is wrong between endpoints: the key, what was found, what is allowed.
pub(super) fn flaw(endpoints: &[Endpoint]) -> Option<(String, String, &'static str)> {
    let mut ids = HashSet::new();
    endpoints.iter().enumerate().find_map(|(index, endpoint)| {
        let Endpoint { id, url: told, allow_private, .. } = endpoint;
        if !ids.insert(id) {
            let found = format!("\"{id}\" a second time");
            return Some((format!("endpoints[{index}].id"), found, "an id no other endpoint has"));
        }
        let (found, allowed) = url::private_flaw(told, *allow_private)?;
        Some((format!("endpoints[{index}].url"), found, allowed))
    })
}

fn default_deadline() -> Duration {
    Duration::from_secs(10)
}

fn default_max_concurrent() -> usize {
    8
}
