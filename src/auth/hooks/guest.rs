//! Guests: users who only name themselves.
//!
//! Not here: whether the name is registered. Only the store can check that, atomically with the admission.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use stagedoor_proto::Credentials;

use super::settings::{ConfiguredHook, HookSettings};
use crate::auth::{
    AuthHook, AuthMethod, AuthRequest, Authenticated, CredentialSource, Decision, Denied,
};
use crate::grant::Grant;

#[derive(Clone, Debug, Default)]
pub struct GuestHook {
    grant: Grant,
}

impl GuestHook {
    #[must_use]
    pub const fn new(grant: Grant) -> Self {
        Self { grant }
    }

    /// The hook, if the app has guests.
    ///
    /// # Errors
    /// None.
    pub fn configured(settings: HookSettings<'_>) -> ConfiguredHook {
        let hook = || -> Arc<dyn AuthHook> { Arc::new(Self::new(settings.default_grant())) };
        Ok(settings.app.guests.then(hook))
    }
}

impl AuthHook for GuestHook {
    fn name(&self) -> &'static str {
        "guest"
    }

    fn verifies_identity(&self) -> bool {
        false
    }

    fn is_local(&self) -> bool {
        true
    }

    fn configured_grant(&self, source: CredentialSource) -> Option<&Grant> {
        (source == CredentialSource::Guest).then_some(&self.grant)
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        matches!(request.credentials, Credentials::Guest {})
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        let decision = match request.username.clone() {
            None => Decision::Deny(Denied::without_username()),
            Some(username) => Decision::Allow(Box::new(Authenticated {
                grant: self.grant.clone(),
                ..Authenticated::new(username, AuthMethod::Guest)
            })),
        };
        ready(decision).boxed()
    }
}
