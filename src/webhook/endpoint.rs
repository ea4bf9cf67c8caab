//! A webhook endpoint: its configuration, HTTP client and delivery stats.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Client, Url};
use stagedoor_proto::Timestamp;

use crate::config::{self, EventFilter};
use crate::outbound::{self, InvalidWebhookSecret, Network, OutboundError, WebhookSecret};
use crate::sync::{Mutex, MutexGuard, Rank};
use crate::telemetry::{AttemptOutcome, EndpointState, Gauges};
use crate::time::{Monotonic, Now};

/// A server of an app that receives events. A changed configuration makes a new value.
pub struct Endpoint {
    pub(super) config: config::WebhookEndpoint,
    pub(super) url: Url,
    pub(super) secrets: Box<[WebhookSecret]>,
    pub(super) client: Client,
    /// Whether there are messages that the dispatcher has not read.
    has_new_messages: AtomicBool,
    /// Counts the endpoints by state, this one included.
    state_gauges: Gauges<EndpointState>,
    /// Locked for a few instructions at a time.
    stats: Mutex<EndpointStats>,
}

#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error(transparent)]
    Secret(#[from] InvalidWebhookSecret),
    /// The URL is invalid or names a private address, or TLS setup failed.
    #[error(transparent)]
    Url(#[from] OutboundError),
}

/// Delivery stats since the process started or the configuration changed.
#[derive(Clone, Debug, Default)]
struct EndpointStats {
    /// Set by a 410 response. A replay, a changed configuration or a restart clears it.
    is_disabled: bool,
    /// Set by a failed attempt. While it is set, the endpoint gets one message at a time.
    is_failing: bool,
    paused_until: Option<Monotonic>,
    delivered: u64,
    failed: u64,
    dead_lettered: u64,
    last_delivered: Option<Timestamp>,
    last_failed: Option<Timestamp>,
    last_error: Option<Box<str>>,
}

impl EndpointStats {
    const fn state(&self) -> EndpointState {
        match (self.is_disabled, self.is_failing) {
            (true, _) => EndpointState::Disabled,
            (false, true) => EndpointState::Failing,
            (false, false) => EndpointState::Ok,
        }
    }
}

/// Delivery stats since the process started or the configuration changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointHealth {
    pub endpoint: Arc<str>,
    /// The URL's host. The rest of the URL may contain a secret.
    pub host: Box<str>,
    pub state: EndpointState,
    /// End of the pause requested by the endpoint's `Retry-After`.
    pub paused_until: Option<Timestamp>,
    /// Messages delivered.
    pub delivered: u64,
    pub failed: u64,
    /// Messages that became dead letters.
    pub dead_lettered: u64,
    pub last_delivered: Option<Timestamp>,
    pub last_failed: Option<Timestamp>,
    pub last_error: Option<Box<str>>,
}

impl Endpoint {
    /// Creates an endpoint. `state_gauges` counts it until it is dropped.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn new(
        configured: &config::WebhookEndpoint,
        state_gauges: Gauges<EndpointState>,
    ) -> Result<Self, EndpointError> {
        let url = outbound::parse_url(&configured.url)?;
        let network = Network::allowing_private(configured.allow_private);
        let secrets =
            configured.secrets.iter().map(WebhookSecret::parse).collect::<Result<_, _>>()?;
        let client = outbound::client(&url, configured.deadline, network)?;
        let stats = EndpointStats::default();
        state_gauges.inc(stats.state());
        Ok(Self {
            config: configured.clone(),
            client,
            url,
            secrets,
            // The store may hold messages from the previous process or the previous configuration.
            has_new_messages: AtomicBool::new(true),
            state_gauges,
            stats: Mutex::new(Rank::Leaf, stats),
        })
    }

    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.config.id
    }

    /// Whether its configuration equals `config`.
    #[must_use]
    pub fn has_config(&self, config: &config::WebhookEndpoint) -> bool {
        self.config == *config
    }

    #[must_use]
    pub const fn events(&self) -> &EventFilter {
        &self.config.events
    }

    pub(super) fn is_disabled(&self) -> bool {
        self.stats().is_disabled
    }

    /// Maximum concurrent attempts now.
    pub(super) fn max_attempts(&self, now: Monotonic) -> usize {
        let stats = self.stats();
        let is_paused = stats.paused_until.is_some_and(|until| until > now);
        match (stats.is_disabled || is_paused, stats.is_failing) {
            (true, _) => 0,
            // One message shows whether the endpoint has recovered. More would only wait for the same timeout.
            (false, true) => 1,
            (false, false) => self.config.max_concurrent,
        }
    }

    /// Records a success. Returns whether the endpoint was failing before.
    pub(super) fn record_delivered(&self, now: Timestamp) -> bool {
        self.change(|stats| {
            stats.delivered += 1;
            stats.last_delivered = Some(now);
            stats.paused_until = None;
            std::mem::replace(&mut stats.is_failing, false)
        })
    }

    /// Records a failure. Returns whether the endpoint was healthy before.
    pub(super) fn record_failed(&self, failure: &AttemptFailure, is_last: bool, now: Now) -> bool {
        self.change(|stats| {
            stats.failed += 1;
            stats.dead_lettered += u64::from(is_last);
            stats.last_failed = Some(now.wall);
            stats.last_error = Some(failure.error.clone());
            stats.is_disabled |= failure.is_gone();
            if let Some(wait) = failure.retry_after {
                stats.paused_until = Some(now.monotonic + wait);
            }
            !std::mem::replace(&mut stats.is_failing, true)
        })
    }

    /// Enables an endpoint that a 410 response disabled, and ends its pause.
    pub(super) fn enable(&self) {
        self.change(|stats| (stats.is_disabled, stats.paused_until) = (false, None));
    }

    /// Changes the stats and updates the count of endpoints by state.
    fn change<T>(&self, change: impl FnOnce(&mut EndpointStats) -> T) -> T {
        let mut stats = self.stats();
        let before = stats.state();
        let changed = change(&mut stats);
        if stats.state() != before {
            self.state_gauges.dec(before);
            self.state_gauges.inc(stats.state());
        }
        changed
    }

    pub(super) fn mark_new_messages(&self) {
        self.has_new_messages.store(true, Ordering::Release);
    }

    pub(super) fn take_new_messages(&self) -> bool {
        self.has_new_messages.swap(false, Ordering::Acquire)
    }

    #[must_use]
    pub fn health(&self, now: Now) -> EndpointHealth {
        let stats = self.stats().clone();
        EndpointHealth {
            endpoint: Arc::clone(self.id()),
            host: self.url.host_str().unwrap_or_default().into(),
            state: stats.state(),
            paused_until: stats.paused_until.map(|until| now.wall_at(until)),
            delivered: stats.delivered,
            failed: stats.failed,
            dead_lettered: stats.dead_lettered,
            last_delivered: stats.last_delivered,
            last_failed: stats.last_failed,
            last_error: stats.last_error,
        }
    }

    fn stats(&self) -> MutexGuard<'_, EndpointStats> {
        self.stats.lock()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.state_gauges.dec(self.stats().state());
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AttemptFailure {
    pub(super) outcome: AttemptOutcome,
    /// A description without the URL.
    pub(super) error: Box<str>,
    /// The wait requested by the endpoint.
    pub(super) retry_after: Option<Duration>,
}

impl AttemptFailure {
    /// Whether the endpoint answered 410.
    pub(super) fn is_gone(&self) -> bool {
        self.outcome == AttemptOutcome::Gone
    }
}
