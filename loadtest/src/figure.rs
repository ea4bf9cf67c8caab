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
    /// Logins without a flood.
    Quiet,
    /// Logins beside pipelined requests whose answers are not read.
    Pipelines,
    /// Logins beside logins that the auth webhook denies.
    Denials,
    /// Logins beside guests of one address that start as many sessions as they can.
    Address,
    /// Logins beside WebSocket pings, as many as fit.
    Pings,
    /// Logins beside large relays to publishers that read slowly.
    Relays,
    /// Logins beside large signals into a large room.
    Signals,
    /// Logins beside guests that join and leave around the roster limit.
    Roster,
    /// Logins beside a guest that cuts and resumes its connection in a loop.
    Resumes,
    /// Logins beside repeated joins of a room that the session is in.
    Joins,
}

impl Figure {
    /// Its name on the command line and in reports.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether more than 3 % above the former value is a regression.
    pub(crate) const fn is_cost(self) -> bool {
        matches!(self, Self::Cost)
    }
}
