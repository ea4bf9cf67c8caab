//! What the hooks of an app are made from.

use std::error::Error;
use std::sync::Arc;

use crate::auth::AuthHook;
use crate::auth::token::AppTokens;
use crate::clock::Clock;
use crate::config::{self, Mode};
use crate::grant::Grant;
use crate::outbound::Network;

/// An app as configured, and what its hooks share.
#[derive(Clone, Copy)]
pub struct HookSettings<'a> {
    /// The app.
    pub app: &'a config::App,
    /// For whom the gateway runs.
    pub mode: Mode,
    /// Reads the app's own tokens.
    pub tokens: &'a AppTokens,
    /// Tells the time.
    pub clock: &'a Clock,
}

/// A hook where the app has it configured, or why it cannot be used.
pub type ConfiguredHook = Result<Option<Arc<dyn AuthHook>>, Box<dyn Error + Send + Sync>>;

impl HookSettings<'_> {
    /// What users may do whose credentials do not say it.
    pub(super) fn default_grant(&self) -> Grant {
        Grant { rooms: self.app.default_rooms.clone(), ..Grant::default() }
    }

    /// Where calls may lead; a developer's own servers are on the developer's machine.
    pub(super) fn network(&self, allow_private: bool) -> Network {
        Network::allowing_private(allow_private || self.mode == Mode::Dev)
    }
}
