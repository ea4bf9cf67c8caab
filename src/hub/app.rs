//! An app as the gateway serves it: its rules, and who decides over those who want in.

use std::sync::Arc;

use crate::auth::token::AppTokens;
use crate::auth::{Authenticator, ServerAuth};
use crate::config;

/// One tenant. Immutable once built; shared by all its sessions.
pub struct App {
    rules: config::App,
    auth: Authenticator,
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
        Self { rules, auth, tokens, server }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.rules.id
    }

    /// What its operator set.
    #[must_use]
    pub fn rules(&self) -> &config::App {
        &self.rules
    }

    /// Who decides over its users.
    #[must_use]
    pub fn auth(&self) -> &Authenticator {
        &self.auth
    }

    /// What reads and mints the tokens its key signs.
    #[must_use]
    pub fn tokens(&self) -> &AppTokens {
        &self.tokens
    }

    /// Who may use its server API.
    #[must_use]
    pub fn server(&self) -> &ServerAuth {
        &self.server
    }
}
