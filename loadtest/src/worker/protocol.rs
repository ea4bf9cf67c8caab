//! What a parent and its workers say to each other, a JSON line each.

use serde::{Deserialize, Serialize};

use crate::target::Target;

/// The first line to a worker. Holds secrets, which is why it is no argument.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    /// Which run this is; picks the source addresses.
    pub(crate) run: u32,
    /// Over how many source addresses all workers' sessions are spread.
    pub(crate) sources: u32,
    /// The number of this worker's first session.
    pub(crate) first: u32,
    /// How many sessions it starts.
    pub(crate) sessions: u32,
    /// How many of them at a time.
    pub(crate) parallel: u32,
    pub(crate) app: String,
    /// The app secret; without it sessions are guests'.
    pub(crate) token_secret: Option<String>,
    /// Makes user names and instances this run's own.
    pub(crate) seed: String,
}

/// The lines that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Start the sessions.
    Start,
    /// Close them.
    Close,
}

/// What a worker says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// The plan is understood and every frame is made.
    Ready,
    /// So many sessions have started.
    Progress(u32),
    /// All have; with each latency in microseconds and how often it came.
    Started { latencies_us: Vec<(u64, u64)> },
    /// All are closed; so many were lost before that.
    Closed { lost: u32 },
    /// It cannot be done.
    Failed(String),
}
