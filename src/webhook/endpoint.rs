//! An endpoint: where it is, what it wants, and how it fares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Client, Url};
use stagedoor_proto::Timestamp;

use crate::config::{self, EventFilter};
use crate::outbound::{self, InvalidWebhookSecret, Network, OutboundError, WebhookSecret};
use crate::sync::{Mutex, MutexGuard, Rank};
use crate::telemetry::{AttemptOutcome, EndpointState, Gauges};

/// A server of an app that is told what happens, as it is configured; with other settings it is another one.
pub struct Endpoint {
    pub(super) told: config::Endpoint,
    pub(super) url: Url,
    pub(super) secrets: Box<[WebhookSecret]>,
    pub(super) client: Client,
    /// There are messages that the dispatcher has not seen.
    has_news: AtomicBool,
    /// How many endpoints fare how: this one is one of them.
    states: Gauges<EndpointState>,
    /// Held for a few instructions.
    fare: Mutex<Fare>,
}

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// A secret is none.
    #[error(transparent)]
    Secret(#[from] InvalidWebhookSecret),
    /// The URL is of no use, leads into a private network, or TLS cannot be set up.
    #[error(transparent)]
    Url(#[from] OutboundError),
}

/// How an endpoint fares, since it was configured as it is or the process began.
#[derive(Clone, Debug, Default)]
struct Fare {
    /// It answered 410: it is left alone until a replay, other settings, or the next start of the gateway.
    is_disabled: bool,
    /// The last attempt failed: it is tried with one message at a time.
    is_failing: bool,
    paused_until: Option<Timestamp>,
    delivered: u64,
    failed: u64,
    given_up: u64,
    last_delivered: Option<Timestamp>,
    last_failed: Option<Timestamp>,
    last_error: Option<Box<str>>,
}

impl Fare {
    const fn state(&self) -> EndpointState {
        match (self.is_disabled, self.is_failing) {
            (true, _) => EndpointState::Disabled,
            (false, true) => EndpointState::Failing,
            (false, false) => EndpointState::Ok,
        }
    }
}

/// How an endpoint fares, since it was configured as it is or the process began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Its id.
    pub endpoint: Arc<str>,
    /// The host it is on; the rest of its URL may be a secret.
    pub host: Box<str>,
    /// In one word.
    pub state: EndpointState,
    /// Until when it wants to be left alone.
    pub paused_until: Option<Timestamp>,
    /// Messages it took.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Messages whose last attempt failed.
    pub given_up: u64,
    /// When it last took a message.
    pub last_delivered: Option<Timestamp>,
    /// When it last did not.
    pub last_failed: Option<Timestamp>,
    /// What went wrong then.
    pub last_error: Option<Box<str>>,
}

impl Endpoint {
    /// An endpoint as it is configured, which is counted in `states` as long as it is there.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn new(
        told: &config::Endpoint,
        states: Gauges<EndpointState>,
    ) -> Result<Self, EndpointError> {
        let url = outbound::parse_url(&told.url)?;
        let network = Network::allowing_private(told.allow_private);
        let secrets = told.secrets.iter().map(WebhookSecret::parse).collect::<Result<_, _>>()?;
        let client = outbound::client(&url, told.deadline, network)?;
        let fare = Fare::default();
        states.inc(fare.state());
        Ok(Self {
            told: told.clone(),
            client,
            url,
            secrets,
            // What the process before, or the endpoint with other settings, did not deliver.
            has_news: AtomicBool::new(true),
            states,
            fare: Mutex::new(Rank::Leaf, fare),
        })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.told.id
    }

    /// Whether it is as configured here.
    #[must_use]
    pub fn is_as(&self, told: &config::Endpoint) -> bool {
        self.told == *told
    }

    /// What it wants to be told of.
    #[must_use]
    pub const fn events(&self) -> &EventFilter {
        &self.told.events
    }

    pub(super) fn is_disabled(&self) -> bool {
        self.fare().is_disabled
    }

    /// How many attempts may be under way now.
    pub(super) fn most_attempts(&self, now: Timestamp) -> usize {
        let fare = self.fare();
        let is_paused = fare.paused_until.is_some_and(|until| until > now);
        match (fare.is_disabled || is_paused, fare.is_failing) {
            (true, _) => 0,
            // One message shows whether it is well again: more would only wait with it.
            (false, true) => 1,
            (false, false) => self.told.max_concurrent,
        }
    }

    /// An attempt is over; `true` when this changed whether it is failing.
    pub(super) fn note_delivered(&self, now: Timestamp) -> bool {
        self.change(|fare| {
            fare.delivered += 1;
            fare.last_delivered = Some(now);
            fare.paused_until = None;
            std::mem::replace(&mut fare.is_failing, false)
        })
    }

    /// As [`Endpoint::note_delivered`], for one that failed.
    pub(super) fn note_failed(&self, failure: &Failure, is_last: bool, now: Timestamp) -> bool {
        self.change(|fare| {
            fare.failed += 1;
            fare.given_up += u64::from(is_last);
            fare.last_failed = Some(now);
            fare.last_error = Some(failure.error.clone());
            fare.is_disabled |= failure.is_gone();
            if let Some(wait) = failure.retry_after {
                fare.paused_until = Some(now + wait);
            }
            !std::mem::replace(&mut fare.is_failing, true)
        })
    }

    /// It is tried again though it said that it is gone.
    pub(super) fn enable(&self) {
        self.change(|fare| (fare.is_disabled, fare.paused_until) = (false, None));
    }

    /// Changes how it fares, and counts it where it then belongs.
    fn change<T>(&self, change: impl FnOnce(&mut Fare) -> T) -> T {
        let mut fare = self.fare();
        let before = fare.state();
        let changed = change(&mut fare);
        if fare.state() != before {
            self.states.dec(before);
            self.states.inc(fare.state());
        }
        changed
    }

    pub(super) fn note_news(&self) {
        self.has_news.store(true, Ordering::Release);
    }

    pub(super) fn take_news(&self) -> bool {
        self.has_news.swap(false, Ordering::Acquire)
    }

    /// How it fares.
    #[must_use]
    pub fn health(&self) -> EndpointHealth {
        let fare = self.fare().clone();
        EndpointHealth {
            endpoint: Arc::clone(self.id()),
            host: self.url.host_str().unwrap_or_default().into(),
            state: fare.state(),
            paused_until: fare.paused_until,
            delivered: fare.delivered,
            failed: fare.failed,
            given_up: fare.given_up,
            last_delivered: fare.last_delivered,
            last_failed: fare.last_failed,
            last_error: fare.last_error,
        }
    }

    fn fare(&self) -> MutexGuard<'_, Fare> {
        self.fare.lock()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.states.dec(self.fare().state());
    }
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// In one word.
    pub(super) outcome: AttemptOutcome,
    /// In words, without the URL.
    pub(super) error: Box<str>,
    /// How long the endpoint wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// Whether the endpoint wants to be left alone for good.
    pub(super) fn is_gone(&self) -> bool {
        self.outcome == AttemptOutcome::Gone
    }
}
