//! An app as the gateway serves it: its rules, and who decides over those who want in.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::auth::token::AppTokens;
use crate::auth::{Authenticator, ServerAuth};
use crate::config;
use crate::webhook::Webhooks;

/// One tenant, shared by all its sessions. Its id never changes; its settings are one snapshot, replaced as a whole, and so are
/// the endpoints it tells.
pub struct App {
    id: Arc<str>,
    current: ArcSwap<AppSettings>,
    webhooks: Arc<Webhooks>,
}

/// What an operator may change of an app while it is served.
struct AppSettings {
    rules: Arc<config::App>,
    auth: Arc<Authenticator>,
    tokens: AppTokens,
    server: ServerAuth,
}

impl App {
    /// An app: its rules, who decides over its users, reads its tokens, may use its server API, is told what happens.
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

    /// Who is told of what happens in it, if anybody is now.
    #[must_use]
    pub fn webhooks(&self) -> Option<&Arc<Webhooks>> {
        self.webhooks.has_endpoints().then_some(&self.webhooks)
    }

    /// Those who may be told of what happens in it, at any time.
    #[must_use]
    pub const fn all_webhooks(&self) -> &Arc<Webhooks> {
        &self.webhooks
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// What its operator set.
    #[must_use]
    pub fn rules(&self) -> Arc<config::App> {
        Arc::clone(&self.current.load().rules)
    }

    /// Who decides over its users.
    #[must_use]
    pub fn auth(&self) -> Arc<Authenticator> {
        Arc::clone(&self.current.load().auth)
    }

    /// What reads and mints the tokens its key signs.
    #[must_use]
    pub fn tokens(&self) -> AppTokens {
        self.current.load().tokens.clone()
    }

    /// Who may use its server API.
    #[must_use]
    pub fn server(&self) -> ServerAuth {
        self.current.load().server.clone()
    }

    /// Serves the app as `fresh` would from now on.
    pub(super) fn reload(&self, fresh: &Self) {
        self.current.store(fresh.current.load_full());
        self.webhooks.reload(&fresh.webhooks);
    }
}
