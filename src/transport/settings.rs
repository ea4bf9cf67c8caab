//! The limits of connections.

use std::time::Duration;

use crate::rate_limit::Rate;

/// The limits of each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// From the upgrade to a complete `start` or `resume`.
    pub start_timeout: Duration,
    /// Maximum size of a message from the client.
    pub message_bytes: usize,
    /// Maximum number of fragments per message.
    pub fragments_per_message: u32,
    /// Pings and pongs before the session starts.
    pub pings: Rate,
    /// Maximum size of `params` in a `start`.
    pub auth_params_bytes: usize,
}
