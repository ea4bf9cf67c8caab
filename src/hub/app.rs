//! An app as the gateway serves it: its settings and its authentication.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use stagedoor_proto::Timestamp;

use crate::auth::token::{AppTokens, TokenError};
use crate::auth::{Authenticator, ServerActor, ServerAuth};
use crate::config;
use crate::revocation::Revocation;
use crate::store::{Store, StoreError};
use crate::webhook::Webhooks;

/// One tenant, shared by all its sessions. Its id never changes; its settings are one snapshot, replaced as a whole,
/// and so are its webhook endpoints.
pub struct App {
    id: Arc<str>,
    current: ArcSwap<AppSettings>,
    webhooks: Arc<Webhooks>,
    /// Tokens issued before this time are void, in milliseconds; 0: none is.
    revoked_ms: AtomicU64,
}

/// The settings of an app that a reload may change.
struct AppSettings {
    rules: Arc<config::App>,
    auth: Arc<Authenticator>,
    tokens: AppTokens,
    server: ServerAuth,
}

impl App {
    /// An app: its settings, authentication, token keys, API keys and webhook endpoints.
    #[must_use]
    pub fn new(
        rules: config::App,
        auth: Authenticator,
        tokens: AppTokens,
        server: ServerAuth,
        webhooks: Arc<Webhooks>,
    ) -> Self {
        let id = Arc::clone(&rules.id);
        let settings = AppSettings { rules: Arc::new(rules), auth: Arc::new(auth), tokens, server };
        Self {
            id,
            current: ArcSwap::from_pointee(settings),
            webhooks,
            revoked_ms: AtomicU64::new(0),
        }
    }

    /// The app's webhook endpoints, if it has any now.
    #[must_use]
    pub fn webhooks(&self) -> Option<&Arc<Webhooks>> {
        self.webhooks.has_endpoints().then_some(&self.webhooks)
    }

    /// The app's webhook endpoints, including future ones.
    #[must_use]
    pub const fn all_webhooks(&self) -> &Arc<Webhooks> {
        &self.webhooks
    }

    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    #[must_use]
    pub fn rules(&self) -> Arc<config::App> {
        Arc::clone(&self.current.load().rules)
    }

    #[must_use]
    pub fn auth(&self) -> Arc<Authenticator> {
        Arc::clone(&self.current.load().auth)
    }

    #[must_use]
    pub fn tokens(&self) -> AppTokens {
        self.current.load().tokens.clone()
    }

    #[must_use]
    pub fn server(&self) -> ServerAuth {
        self.current.load().server.clone()
    }

    /// Authenticates a call of the server API.
    ///
    /// # Errors
    /// Why the credential is invalid.
    pub fn verify_server(&self, bearer: &str, now: Timestamp) -> Result<ServerActor, TokenError> {
        let settings = self.current.load();
        let revoked = Timestamp::from_millis(self.revoked_ms.load(Ordering::Acquire));
        let revocation = Revocation::new(revoked, settings.rules.revocation_leeway);
        settings.server.verify_server(bearer, |issued| revocation.voids(issued, now))
    }

    /// Reads from the store when the app's tokens were revoked.
    ///
    /// # Errors
    /// If the store fails; nothing changes then.
    pub async fn load_revocation(&self, store: &dyn Store) -> Result<(), StoreError> {
        if let Some(revoked) = store.app_revoked(Arc::clone(&self.id)).await? {
            self.revoke_tokens(revoked);
        }
        Ok(())
    }

    /// Voids the tokens that were issued before `revoked`; an earlier time changes nothing.
    pub(super) fn revoke_tokens(&self, revoked: Timestamp) {
        self.revoked_ms.fetch_max(revoked.as_millis(), Ordering::AcqRel);
    }

    /// Applies the settings of `fresh`.
    pub(super) fn reload(&self, fresh: &Self) {
        self.current.store(fresh.current.load_full());
        self.webhooks.reload(&fresh.webhooks);
    }
}
