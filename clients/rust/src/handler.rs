//! The session handler: the program's part in a renewal of the access token.

use std::sync::Arc;

use futures::future::BoxFuture;
use stagedoor_proto::{Credentials, Data, Secret, Timestamp};
use tokio::sync::oneshot;

use crate::{CredentialsProvider, Renewal};

/// Decides how the access token of a session is renewed.
///
/// A closure that takes an [`AccessTokenRenewal`] is a handler.
pub trait SessionHandler: Send + Sync {
    /// The access token expires soon, or has expired. The program answers through `renewal`, now or later.
    ///
    /// Called by the task of the session, which must not be blocked: move `renewal` into a task to fetch a token. The
    /// next call comes after that answer. An answer that the gateway rejects comes as
    /// [`Event::RenewalFailed`](crate::Event::RenewalFailed).
    fn session_will_renew_access_token(&self, renewal: AccessTokenRenewal);
}

impl<F: Fn(AccessTokenRenewal) + Send + Sync> SessionHandler for F {
    fn session_will_renew_access_token(&self, renewal: AccessTokenRenewal) {
        self(renewal);
    }
}

/// A renewal that waits for the decision of the program: exactly one of its methods, once.
///
/// Dropped without a decision, it counts as [`AccessTokenRenewal::unable_to_retrieve_auth_token`].
#[derive(Debug)]
#[must_use = "without a decision the renewal is postponed"]
pub struct AccessTokenRenewal {
    expires_at: Timestamp,
    decision: oneshot::Sender<Renewal>,
}

impl AccessTokenRenewal {
    /// When the access token expires.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// The gateway renews the token without new proof.
    pub fn renew(self) {
        self.decide(Renewal::Renew);
    }

    /// Renews with a new auth token.
    pub fn renew_with_auth_token(self, auth_token: Secret) {
        self.decide(Renewal::WithAuthToken(auth_token));
    }

    /// Renews with params for the app's own auth hook.
    pub fn renew_with_params(self, params: Data) {
        self.decide(Renewal::WithParams(params));
    }

    /// No auth token is available now; the gateway asks again later.
    pub fn unable_to_retrieve_auth_token(self) {
        self.decide(Renewal::Unable);
    }

    fn decide(self, renewal: Renewal) {
        // The session may have ended meanwhile.
        let _ = self.decision.send(renewal);
    }
}

/// A provider whose renewals are decided by a handler.
pub(crate) struct HandledRenewals {
    pub(crate) handler: Arc<dyn SessionHandler>,
    /// The source of credentials after a rejection.
    pub(crate) credentials: Option<Arc<dyn CredentialsProvider>>,
}

impl CredentialsProvider for HandledRenewals {
    fn credentials(&self) -> BoxFuture<'static, Option<Credentials>> {
        match &self.credentials {
            Some(provider) => provider.credentials(),
            None => Box::pin(std::future::ready(None)),
        }
    }

    fn renewal(&self, expires_at: Timestamp) -> BoxFuture<'static, Renewal> {
        let (decision, decided) = oneshot::channel();
        self.handler.session_will_renew_access_token(AccessTokenRenewal { expires_at, decision });
        Box::pin(async { decided.await.unwrap_or(Renewal::Unable) })
    }
}
