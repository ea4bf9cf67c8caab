//! `[session]`: what happens to a session whose token expired.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ranges;
use super::value::{DAY, MINUTE, SECOND};

/// What happens to a session whose token expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// How long a session can be renewed after its token expired. It is closed afterwards.
    #[serde(with = "ranges::BoundedDuration::<SECOND, DAY>")]
    pub expiry_grace: Duration,
    /// How long `postpone_renewal` delays the next renewal prompt.
    #[serde(with = "ranges::BoundedDuration::<{ 10 * SECOND }, { 60 * MINUTE }>")]
    pub renewal_postponement: Duration,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            expiry_grace: Duration::from_mins(10),
            renewal_postponement: Duration::from_mins(10),
        }
    }
}
