//! What a parent and its workers say to each other, a JSON line each.

use serde::{Deserialize, Serialize};

use crate::crowd::Crowd;
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
    /// Which rooms the sessions are for; without it they only start and are held.
    pub(crate) crowd: Option<Crowd>,
}

/// Latencies in microseconds, and how often each came.
pub(crate) type Latencies = Vec<(u64, u64)>;

/// What the moderator of room 0 does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoomVerb {
    ForceMuteAll,
    EndRoom,
}

impl RoomVerb {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ForceMuteAll => "force_mute_all",
            Self::EndRoom => "end_room",
        }
    }
}

/// The lines that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Start the sessions.
    Start,
    /// Put the sessions with these numbers into their rooms.
    Join { from: u32, to: u32 },
    /// Publish the streams that are to be there.
    Publish,
    /// Let every sender send so many signals, so many at a time.
    Signal { count: u32, in_flight: u32 },
    /// Let the senders of all rooms but room 0 send so many a second from now on.
    KeepSignalling { per_s: u32 },
    /// Tell what was delivered since last asked.
    Sample,
    /// Let the moderator of room 0 act.
    Act(RoomVerb),
    /// Close the sessions.
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
    Started { latencies_us: Latencies },
    /// So many joined.
    Joined { latencies_us: Latencies },
    /// What was ordered is done.
    Done,
    /// From the sending of each signal to each receipt.
    Sampled { latencies_us: Latencies },
    /// All that are here were told of a verb; when, by the clock that all workers share.
    Acted { sent_at_us: Option<u64>, last_told_at_us: u64, enforced_at_us: Option<u64> },
    /// All are closed; so many were lost before that.
    Closed { lost: u32 },
    /// It cannot be done.
    Failed(String),
}
