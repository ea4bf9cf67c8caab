//! What a parent and its workers say to each other, a JSON line each.

use serde::{Deserialize, Serialize};

use super::counts::Counts;
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

impl Plan {
    /// The user and the instance of session `number`.
    pub(crate) fn name_of(&self, number: u32) -> String {
        format!("load-{}-{number}", self.seed)
    }
}

/// Latencies in microseconds, and how often each came.
pub(crate) type Latencies = Vec<(u64, u64)>;

/// What the moderator of room 0 does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RoomCommand {
    ForceMuteAll,
    EndRoom,
}

impl RoomCommand {
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
    /// Report what was delivered since the last report.
    Sample,
    /// Let the moderator of room 0 act.
    Act(RoomCommand),
    /// Cut every connection at once, and wait until their clients are back.
    Storm,
    /// Wait until every client has lost its connection and is back.
    AwaitBack,
    /// Start so many times at once on every instance, while its first connection is up; then see which answer.
    Takeover { rivals: u32 },
    /// Let so many things a second happen from now on: leaving and joining, cuts, kicks.
    Churn { per_s: u32 },
    /// Let those who are to be deaf stop reading.
    Deafen,
    /// Let them read again.
    Listen,
    /// End what goes on by itself.
    Quiet,
    /// Let every sender send one signal, and see whether it reaches its whole room.
    Prove,
    /// Report what was counted since the last report.
    Count,
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
    /// All members here got a command's push; when, by the clock that all workers share.
    Acted { sent_at_us: Option<u64>, last_notified_at_us: u64, enforced_at_us: Option<u64> },
    /// All clients are back; how long each was away.
    Back { latencies_us: Latencies },
    /// How long until each first connection had heard that it is replaced and was closed; and of how many instances
    /// exactly one connection answers, none, and several.
    TakenOver { latencies_us: Latencies, one_live: u32, none_live: u32, several_live: u32 },
    /// How many rooms were to hear a signal, and in how many of them everybody did.
    Proved { rooms: u32, whole: u32 },
    /// What was counted.
    Counted(Box<Counts>),
    /// All are closed; so many were lost before that.
    Closed { lost: u32 },
    /// It cannot be done.
    Failed(String),
}
