//! The limits of connections.

use std::time::Duration;

use stagedoor_proto::{ClientMessage, Command, Credentials, Data};

use crate::rate_limit::Rate;

/// The limits of each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// From the upgrade to a complete `start` or `resume`.
    pub start_timeout: Duration,
    /// Maximum size of a message from the client, without its `params`.
    pub message_bytes: usize,
    /// Maximum number of fragments per message.
    pub fragments_per_message: u32,
    /// Pings and pongs before the session starts.
    pub pings: Rate,
    /// Maximum size of `params` in a `start`, `renew` or `resume`.
    pub auth_params_bytes: usize,
}

impl Settings {
    /// The size of the largest message with `params`. A longer one is not read to its end.
    pub(super) const fn max_message_bytes(&self) -> usize {
        self.message_bytes + self.auth_params_bytes
    }

    /// Whether a message of this size is within `message_bytes`, which do not include its `params`.
    pub(super) fn admits(&self, bytes: usize, message: Option<&ClientMessage>) -> bool {
        if bytes <= self.message_bytes {
            return true;
        }
        let params = message.and_then(params_of).map_or(0, |params| params.as_json().len());
        bytes.saturating_sub(params) <= self.message_bytes
    }
}

fn params_of(message: &ClientMessage) -> Option<&Data> {
    let ClientMessage::Request(request) = message else { return None };
    match &request.command {
        Command::Start(start) => match &start.credentials {
            Credentials::Params(params) => Some(params),
            Credentials::Guest {} | Credentials::Token(_) => None,
        },
        Command::Renew(renew) => renew.params.as_ref(),
        Command::Resume(resume) => resume.params.as_ref(),
        _ => None,
    }
}
