//! A remote key set: fetched when first needed, when it is old, and when a token names a key that is not in it.
//!
//! Invariants: one fetch at a time, which all who wait share; at most one begins in [`REFETCH_PAUSE`], whatever tokens
//! name; a fetch that fails leaves the keys as they were. A fetch belongs to the source and not to who asked for it, so
//! nobody can undo it by hanging up.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use reqwest::{Client, StatusCode, Url};
use stagedoor_proto::Timestamp;

use super::{VerifyKey, jwk};
use crate::clock::Clock;
use crate::outbound::{self, Network, OutboundError};
use crate::sync::{Mutex, Rank};

/// The keys an issuer publishes at a URL.
pub struct JwksSource {
    remote: Arc<Remote>,
    clock: Clock,
    /// The fetch under way, or the latest one. Held for a few instructions.
    latest: Mutex<Option<Fetch>>,
}

struct Remote {
    url: Url,
    client: Client,
    keys: ArcSwapOption<Fetched>,
}

/// Keys, and when the fetch that brought them began.
pub(in crate::auth) struct Fetched {
    pub(in crate::auth) keys: Vec<VerifyKey>,
    at: Timestamp,
}

#[derive(Clone)]
struct Fetch {
    began: Timestamp,
    /// Whether it brought keys.
    outcome: Shared<BoxFuture<'static, bool>>,
}

/// There is no telling which keys the issuer has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::auth) struct KeysUnavailable;

impl JwksSource {
    /// The keys at `url`, each fetch of which may take `timeout`.
    ///
    /// # Errors
    /// When `url` is no `http` or `https` URL or leads out of `network`, or TLS cannot be set up.
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

    /// The keys among which one answers to `kid` if the issuer has it.
    ///
    /// # Cancel safety
    /// A dropped call loses nothing: the next one goes on with its fetch.
    pub(in crate::auth) async fn keys_for(
        &self,
        kid: Option<&str>,
    ) -> Result<Arc<Fetched>, KeysUnavailable> {
        let mut latest_brought_keys = true;
        // A second round only where the first finished a fetch that had been left lying since long ago.
        for _ in 0..2 {
            if let Some(fetched) = self.remote.keys.load_full()
                && self.clock.now().saturating_since(fetched.at) < STALE_AFTER
                && fetched.keys.iter().any(|key| key.answers_to(kid))
            {
                return Ok(fetched);
            }
            let fetch = self.fetch();
            latest_brought_keys = fetch.outcome.await;
            if self.clock.now().saturating_since(fetch.began) < REFETCH_PAUSE {
                break;
            }
        }
        match self.remote.keys.load_full() {
            Some(fetched)
                if latest_brought_keys || fetched.keys.iter().any(|key| key.answers_to(kid)) =>
            {
                Ok(fetched)
            }
            // The key may be one that we could not be told of.
            Some(_) | None => Err(KeysUnavailable),
        }
    }

    /// The fetch under way, or the latest when it is too early for another, or a new one.
    fn fetch(&self) -> Fetch {
        let now = self.clock.now();
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
    async fn fetch(self: Arc<Self>, now: Timestamp) -> bool {
        match self.try_fetch().await {
            Ok(keys) => {
                self.keys.store(Some(Arc::new(Fetched { keys, at: now })));
                true
            }
            Err(error) => {
                tracing::warn!(host = self.url.host_str(), %error, "key set not fetched; the former keys stay");
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

/// Least time between the beginnings of two fetches.
pub(super) const REFETCH_PAUSE: Duration = Duration::from_secs(30);
/// Age at which a set is fetched again though nothing is missing: an issuer may have taken a key back.
const STALE_AFTER: Duration = Duration::from_mins(10);
/// Largest key set that is read.
const MAX_KEY_SET_BYTES: usize = 256 * 1024;
