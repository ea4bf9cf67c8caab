//! An app as the gateway serves it: its settings and its authentication.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::auth::token::AppTokens;
use crate::auth::{Authenticator, ServerAuth};
use crate::config;
use crate::webhook::Webhooks;

/// One tenant, shared by all its sessions. Its id never changes; its settings are one snapshot, replaced as a whole,
/// and so are its webhook endpoints.
pub struct App {
    id: Arc<str>,
    current: ArcSwap<AppSettings>,
    webhooks: Arc<Webhooks>,
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
        Self { id, current: ArcSwap::from_pointee(settings), webhooks }
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

    /// Applies the settings of `fresh`.
    pub(super) fn reload(&self, fresh: &Self) {
        self.current.store(fresh.current.load_full());
        self.webhooks.reload(&fresh.webhooks);
    }
}
