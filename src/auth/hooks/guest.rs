//! Guests: the name alone.
//!
//! Not here: whether the name is registered, which only the store can tell in the step that admits the guest.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use stagedoor_proto::Credentials;

use super::settings::{ConfiguredHook, HookSettings};
use crate::auth::{Allowed, AuthHook, AuthRequest, Decision, Denied};
use crate::grant::Grant;
use crate::store::Profile;

/// Lets in whoever has a name.
#[derive(Clone, Debug, Default)]
pub struct GuestHook {
    grant: Grant,
}

impl GuestHook {
    /// Guests who may do what `grant` says.
    #[must_use]
    pub const fn new(grant: Grant) -> Self {
        Self { grant }
    }

    /// Of an app that lets guests in.
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

    fn is_secure(&self) -> bool {
        false
    }

    fn claims(&self, request: &AuthRequest) -> bool {
        matches!(request.credentials, Credentials::Guest {})
    }

    fn decide<'a>(&'a self, request: &'a AuthRequest) -> BoxFuture<'a, Decision> {
        let decision = match request.username.clone() {
            None => Decision::Deny(Denied::without_username()),
            Some(username) => Decision::Allow(Box::new(Allowed {
                username,
                guest: true,
                profile: Profile::default(),
                grant: self.grant.clone(),
                expires: None,
                issued: None,
            })),
        };
        ready(decision).boxed()
    }
}
