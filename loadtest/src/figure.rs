//! The groups of figures of `bounds` and `figures`.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// One group of figures, measured on a gateway process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// CPU and latency of a start, a join and a delivery.
    Cost,
    /// Memory after rooms were joined and left.
    Memory,
    /// Pipelined connections that read nothing and are still open after twice the handshake timeout.
    Unread,
}

impl Figure {
    /// Its name on the command line and in reports.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
