//! `[drain]`: the pace of a graceful shutdown.
//!
//! Invariant: the closes are spread over less than the deadline.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ranges;
use super::value::{self, HOUR, MS, SECOND};

/// The pace of a graceful shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawDrain", into = "RawDrain")]
pub struct Drain {
    /// Time over which the closes of all connections are spread.
    pub spread: Duration,
    /// Time after which the process ends, with connections still open or not.
    pub deadline: Duration,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct RawDrain {
    /// Time over which connections are closed. Must be shorter than `deadline`.
    #[serde(with = "ranges::BoundedDuration::<MS, HOUR>")]
    spread: Duration,
    /// Time until the process ends, with connections still open or not.
    #[serde(with = "ranges::BoundedDuration::<SECOND, HOUR>")]
    deadline: Duration,
}

/// A spread that is not shorter than the deadline.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "spread = {} with deadline = {}, expected a spread shorter than the deadline",
    value::format_duration(*.spread), value::format_duration(*.deadline)
)]
struct InvalidDrain {
    spread: Duration,
    deadline: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { spread: Duration::from_secs(5), deadline: Duration::from_secs(10) }
    }
}

impl Default for RawDrain {
    fn default() -> Self {
        Drain::default().into()
    }
}

impl From<Drain> for RawDrain {
    fn from(drain: Drain) -> Self {
        let Drain { spread, deadline } = drain;
        Self { spread, deadline }
    }
}

impl TryFrom<RawDrain> for Drain {
    type Error = InvalidDrain;
    fn try_from(raw: RawDrain) -> Result<Self, InvalidDrain> {
        let RawDrain { spread, deadline } = raw;
        if spread >= deadline {
            Err(InvalidDrain { spread, deadline })
        } else {
            Ok(Self { spread, deadline })
        }
    }
}
