//! A remote key set: fetched when first needed, when it is stale, and when a token names an unknown key.
//!
//! Invariants: callers share one fetch at a time; at most one fetch starts per [`REFETCH_PAUSE`]; a failed fetch keeps
//! the cached keys. A fetch belongs to the source, not to the caller, so a dropped caller does not cancel it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use reqwest::{Client, StatusCode, Url};

use super::{VerifyKey, jwk};
use crate::clock::Clock;
use crate::outbound::{self, Network, OutboundError};
use crate::sync::{Mutex, Rank};
use crate::time::Monotonic;

/// The keys an issuer publishes at a URL.
pub struct JwksSource {
    remote: Arc<Remote>,
    clock: Clock,
    /// The running fetch, or the latest one. Never held across an await.
    latest: Mutex<Option<Fetch>>,
}

struct Remote {
    url: Url,
    client: Client,
    keys: ArcSwapOption<Fetched>,
}

/// Keys, and when their fetch began.
pub(in crate::auth) struct Fetched {
    pub(in crate::auth) keys: Vec<VerifyKey>,
    at: Monotonic,
}

#[derive(Clone)]
struct Fetch {
    began: Monotonic,
    /// Whether the fetch returned keys.
    outcome: Shared<BoxFuture<'static, bool>>,
}

/// The issuer's current keys are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) struct KeysUnavailable;

impl JwksSource {
    /// The key set at `url`. `timeout` applies to each fetch.
    ///
    /// # Errors
    /// When `url` is not an `http` or `https` URL or is outside `network`, or TLS cannot be set up.
    pub fn new(
        url: &str,
        timeout: Duration,
        network: Network,
        clock: Clock,
    ) -> Result<Self, OutboundError> {
        let url = outbound::parse_url(url)?;
        let client = outbound::client(&url, timeout, network)?;
        let remote = Remote { url, client, keys: ArcSwapOption::empty() };
        Ok(Self { remote: Arc::new(remote), clock, latest: Mutex::new(Rank::Leaf, None) })
    }

    /// The issuer's keys, which contain `kid` if the issuer has it.
    ///
    /// # Cancel safety
    /// The next call continues the fetch of a dropped call.
    pub(in crate::auth) async fn keys_for(
        &self,
        kid: Option<&str>,
    ) -> Result<Arc<Fetched>, KeysUnavailable> {
        let mut latest_succeeded = true;
        // The second round runs if the first one completed a fetch that an earlier caller had dropped long ago.
        for _ in 0..2 {
            if let Some(fetched) = self.remote.keys.load_full()
                && self.clock.monotonic().saturating_since(fetched.at) < STALE_AFTER
                && fetched.keys.iter().any(|key| key.matches_kid(kid))
            {
                return Ok(fetched);
            }
            let fetch = self.fetch();
            latest_succeeded = fetch.outcome.await;
            if self.clock.monotonic().saturating_since(fetch.began) < REFETCH_PAUSE {
                break;
            }
        }
        match self.remote.keys.load_full() {
            Some(fetched)
                if latest_succeeded || fetched.keys.iter().any(|key| key.matches_kid(kid)) =>
            {
                Ok(fetched)
            }
            // The issuer may have published the key since the last successful fetch.
            Some(_) | None => Err(KeysUnavailable),
        }
    }

    /// The running fetch, the latest one within [`REFETCH_PAUSE`], or a new one.
    fn fetch(&self) -> Fetch {
        let now = self.clock.monotonic();
        let mut latest = self.latest.lock();
        match &*latest {
            Some(fetch) if fetch.outcome.peek().is_none() => fetch.clone(),
            Some(fetch) if now.saturating_since(fetch.began) < REFETCH_PAUSE => fetch.clone(),
            Some(_) | None => {
                let outcome = Arc::clone(&self.remote).fetch(now).boxed().shared();
                latest.insert(Fetch { began: now, outcome }).clone()
            }
        }
    }
}

impl Remote {
    async fn fetch(self: Arc<Self>, now: Monotonic) -> bool {
        match self.try_fetch().await {
            Ok(keys) => {
                self.keys.store(Some(Arc::new(Fetched { keys, at: now })));
                true
            }
            Err(error) => {
                tracing::warn!(host = self.url.host_str(), %error, "JWKS fetch failed; using cached keys");
                false
            }
        }
    }

    async fn try_fetch(&self) -> Result<Vec<VerifyKey>, OutboundError> {
        let response =
            self.client.get(self.url.clone()).send().await.map_err(OutboundError::request)?;
        if response.status() != StatusCode::OK {
            return Err(OutboundError::Status(response.status()));
        }
        let body = outbound::read_limited(response, MAX_KEY_SET_BYTES).await?;
        let keys = jwk::parse(&body).map_err(|_| OutboundError::InvalidResponse)?;
        if keys.is_empty() { Err(OutboundError::InvalidResponse) } else { Ok(keys) }
    }
}

/// Minimum time between the starts of two fetches.
pub(super) const REFETCH_PAUSE: Duration = Duration::from_secs(30);
/// Age at which a set is fetched again, because an issuer may have revoked a key.
const STALE_AFTER: Duration = Duration::from_mins(10);
/// Maximum size of a key set.
const MAX_KEY_SET_BYTES: usize = 256 * 1024;
