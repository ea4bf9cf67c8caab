//! The gateway's signing keys: their rotation, on all nodes.
//!
//! The store has the keys. The node that rotates them asks the other nodes to read them again; a node that did not
//! answer reads them within the hour. It has no state of its own.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode, Timestamp};

use super::context::Context;
use super::errors::CallError;
use super::peers::{PeerRequest, Peers};
use crate::auth::token::AccessTokens;
use crate::store::{MAX_SIGNING_KEYS, SigningKey, StoreError};

/// How long a caller waits when there are too many keys.
const RETRY_AFTER: Duration = Duration::from_hours(1);

/// Rotates the keys that sign access tokens.
pub struct SigningKeys {
    context: Arc<Context>,
    tokens: Arc<AccessTokens>,
    peers: Arc<Peers>,
}

/// The result of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRotation {
    /// The id of the new key.
    pub kid: Box<str>,
    /// When tokens of the former keys are no longer accepted.
    pub former_until: Timestamp,
}

impl SigningKeys {
    pub(super) const fn new(
        context: Arc<Context>,
        tokens: Arc<AccessTokens>,
        peers: Arc<Peers>,
    ) -> Self {
        Self { context, tokens, peers }
    }

    /// Makes a new key, which signs from now on. Tokens of the former keys are accepted for `former_valid`.
    ///
    /// # Errors
    /// If the store fails or has too many keys, nothing changed. If a node does not answer, the key is in use here.
    pub async fn rotate(&self, former_valid: Duration) -> Result<KeyRotation, CallError> {
        let now = self.context.clock.wall();
        let (new, former_until) = (SigningKey::generate(now), now + former_valid);
        let kid = new.kid.clone();
        let Some(keys) = self.context.store.rotate_signing_key(new, former_until).await? else {
            let message = format!(
                "too many valid signing keys (limit {MAX_SIGNING_KEYS}); retry when one has ended"
            );
            let error = Error::new(ErrorCode::RateLimited, message).retry_after(RETRY_AFTER);
            return Err(CallError::Refused(error));
        };
        self.apply(&keys);
        let (_, failures) = self.peers.request_all::<bool>(&PeerRequest::ReloadKeys {}).await;
        tracing::info!(kid = &*kid, "signing key rotated");
        if failures > 0 {
            let message = "rotated, but some nodes did not read the new key yet";
            return Err(CallError::Refused(Error::new(ErrorCode::EngineUnavailable, message)));
        }
        Ok(KeyRotation { kid, former_until })
    }

    /// Reads the keys from the store.
    ///
    /// # Errors
    /// If the store fails; the keys stay as they are.
    pub async fn reload(&self) -> Result<(), StoreError> {
        let unused = SigningKey::generate(self.context.clock.wall());
        let keys = self.context.store.signing_keys(unused).await?;
        self.apply(&keys);
        Ok(())
    }

    fn apply(&self, keys: &[SigningKey]) {
        self.tokens.replace(keys).expect("a store has a key");
    }
}
