//! `[session]`: what becomes of a session whose token ran out.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::{self, DAY, MINUTE, SECOND};

/// The end of a session whose token ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// How long a session may stay in `tokenExpired` before it is closed.
    #[serde(with = "value::DurationIn::<SECOND, DAY>")]
    pub expiry_grace: Duration,
    /// How long `postpone_renewal` keeps the gateway from asking again.
    #[serde(with = "value::DurationIn::<{ 10 * SECOND }, { 60 * MINUTE }>")]
    pub postpone: Duration,
}

impl Default for Session {
    fn default() -> Self {
        Self { expiry_grace: Duration::from_mins(10), postpone: Duration::from_mins(10) }
    }
}
