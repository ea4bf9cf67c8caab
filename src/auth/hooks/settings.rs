//! The input for building the hooks of an app.

use std::error::Error;
use std::sync::Arc;

use crate::auth::AuthHook;
use crate::auth::token::AppTokens;
use crate::clock::Clock;
use crate::config::{self, Mode};
use crate::grant::Grant;
use crate::outbound::Network;
use crate::telemetry::Metrics;

/// An app's configuration, and what its hooks share.
#[derive(Clone, Copy)]
pub struct HookSettings<'a> {
    pub app: &'a config::App,
    pub mode: Mode,
    /// Verifies the app's own tokens.
    pub tokens: &'a AppTokens,
    pub clock: &'a Clock,
    pub metrics: &'a Arc<Metrics>,
}

/// A hook if the app configures it, or why it cannot be used.
pub type ConfiguredHook = Result<Option<Arc<dyn AuthHook>>, Box<dyn Error + Send + Sync>>;

impl HookSettings<'_> {
    /// The grant of users whose credentials contain none.
    pub(super) fn default_grant(&self) -> Grant {
        Grant { rooms: self.app.default_rooms.clone(), ..Grant::default() }
    }

    /// The addresses that calls may reach. Development mode permits private ones, where a developer's servers are.
    pub(super) fn network(&self, allow_private: bool) -> Network {
        Network::allowing_private(allow_private || self.mode == Mode::Dev)
    }
}
