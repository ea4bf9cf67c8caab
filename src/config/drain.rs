//! `[drain]`: stopping without hurting.
//!
//! Invariant: the closes are spread over less than the deadline.

use std::time::Duration;

use serde::Deserialize;

use super::value::{self, HOUR, MS, SECOND};

/// Stopping without hurting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawDrain")]
pub struct Drain {
    /// Over how long the closes of all connections are spread.
    pub spread: Duration,
    /// When the process ends, whatever is left.
    pub deadline: Duration,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RawDrain {
    #[serde(deserialize_with = "value::duration::<MS, HOUR, _>")]
    spread: Duration,
    #[serde(deserialize_with = "value::duration::<SECOND, HOUR, _>")]
    deadline: Duration,
}

/// A spread that leaves no time before the deadline.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "spread = {} with deadline = {}, expected a spread shorter than the deadline",
    value::told(*.spread), value::told(*.deadline)
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
        let Drain { spread, deadline } = Drain::default();
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
