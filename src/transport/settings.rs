//! The bounds of connections.

use std::time::Duration;

/// The bounds of every connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// From the upgrade to a complete `start` or `resume`.
    pub start_timeout: Duration,
    /// Largest message in.
    pub message_bytes: usize,
    /// Fragments of one message.
    pub fragments_per_message: u32,
    /// Largest `params` of a start.
    pub auth_params_bytes: usize,
}
