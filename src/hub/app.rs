//! An app as the gateway serves it: its rules, and who decides over those who want in.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::auth::token::AppTokens;
use crate::auth::{Authenticator, ServerAuth};
use crate::config;
use crate::webhook::Webhooks;

/// One tenant, shared by all its sessions. Its id and whom it tells never change; the rest is one snapshot, replaced as a
/// whole.
pub struct App {
    id: Arc<str>,
    current: ArcSwap<Terms>,
    /// Who is told of what happens in it, since the start.
    webhooks: Option<Arc<Webhooks>>,
}

/// What an operator's word about an app comes to.
struct Terms {
    rules: Arc<config::App>,
    auth: Arc<Authenticator>,
    tokens: AppTokens,
    server: ServerAuth,
}

impl App {
    /// An app with its rules, who decides over its users, what reads its tokens and who may use its server API.
    #[must_use]
    pub fn new(
        rules: config::App,
        auth: Authenticator,
        tokens: AppTokens,
        server: ServerAuth,
    ) -> Self {
        let id = Arc::clone(&rules.id);
        let terms = Terms { rules: Arc::new(rules), auth: Arc::new(auth), tokens, server };
        Self { id, current: ArcSwap::from_pointee(terms), webhooks: None }
    }

    /// The same app, that tells `webhooks` of what happens in it.
    #[must_use]
    pub fn telling(self, webhooks: Option<Arc<Webhooks>>) -> Self {
        Self { webhooks, ..self }
    }

    /// Who is told of what happens in it.
    #[must_use]
    pub fn webhooks(&self) -> Option<&Arc<Webhooks>> {
        self.webhooks.as_ref()
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

    /// Is as `fresh` from now on.
    pub(super) fn adopt(&self, fresh: &Self) {
        self.current.store(fresh.current.load_full());
    }
}
