//! The bounds and choices a room is held to, and the ones no operator can change.
//!
//! They come with the entry that opens the room, so that every node decides by the same numbers.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of a membership when its room token runs out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// It goes on.
    #[default]
    Keep,
    /// It ends, unless it is renewed by joining again.
    Enforce,
}

/// A room's bounds and choices, from the app's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoomSettings {
    /// Most participants at a time.
    pub participants: u32,
    /// Up to so many participants everyone is listed and announced to everyone.
    pub roster_limit: u32,
    /// Most streams of one participant.
    pub streams_per_participant: u32,
    /// Most streams at a time.
    pub streams: u32,
    /// Signals a second, sustained; as many at once after a pause.
    pub signals_per_s: u32,
    /// Largest message that tells of the room, in bytes; what is longer is told in pages.
    pub message_bytes: u32,
    /// Whether subscribers may signal.
    pub subscriber_signals: bool,
    /// For how long `force_disconnect` blocks when it does not say.
    pub default_block_duration: Duration,
    /// The longest block from the whole app that a moderator may lay.
    pub max_block_duration: Duration,
    /// What becomes of a membership when its room token runs out.
    pub expiry: Expiry,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            participants: 15_000,
            roster_limit: 200,
            streams_per_participant: 8,
            streams: 500,
            signals_per_s: 200,
            message_bytes: 256 * 1024,
            subscriber_signals: false,
            default_block_duration: Duration::from_mins(10),
            max_block_duration: Duration::from_hours(24),
            expiry: Expiry::Keep,
        }
    }
}

impl RoomSettings {
    /// What participants and streams of one message may take.
    pub(super) const fn page_bytes(&self) -> usize {
        (self.message_bytes as usize).saturating_sub(PAGE_OVERHEAD_BYTES)
    }
}

/// What one room is to have otherwise than its app's other rooms; what is absent is as there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "RoomChoices")]
pub struct RoomOverrides {
    /// Most participants at a time; no more than the gateway's own bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participants: Option<u32>,
    /// Up to so many participants everyone is listed and announced to everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roster_limit: Option<u32>,
    /// Most streams at a time; no more than the gateway's own bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<u32>,
    /// Whether subscribers may signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriber_signals: Option<bool>,
    /// What becomes of a membership when its room token runs out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_expiry: Option<Expiry>,
}

impl RoomOverrides {
    /// The settings of a room with these choices, where `app` are those of the others.
    #[must_use]
    pub fn over(&self, app: &RoomSettings) -> RoomSettings {
        RoomSettings {
            participants: self.participants.map_or(app.participants, |n| n.min(app.participants)),
            roster_limit: self.roster_limit.unwrap_or(app.roster_limit),
            streams: self.streams.map_or(app.streams, |n| n.min(app.streams)),
            subscriber_signals: self.subscriber_signals.unwrap_or(app.subscriber_signals),
            expiry: self.membership_expiry.unwrap_or(app.expiry),
            ..app.clone()
        }
    }
}

/// How long mutes, roles and the room's lock outlive the last participant.
pub const RETENTION: Duration = Duration::from_hours(24);
/// For how long a locked room still admits those who left, and an empty room remembers them.
pub(super) const LEAVER_RETENTION: Duration = Duration::from_mins(10);
/// The longest life of a room token: so long the end of a room is remembered.
pub(super) const MAX_ROOM_TOKEN_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// A connected client that does not acknowledge a mute for so long loses the stream.
pub(super) const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(5);
/// The least time between two reports of one verb, and between two pushes of the session feed.
pub(super) const BATCH_INTERVAL: Duration = Duration::from_millis(250);
/// The least time between two `counts`.
pub(super) const COUNTS_INTERVAL: Duration = Duration::from_secs(1);
/// The least time between two fresh rosters of one participant.
pub(super) const ROSTER_INTERVAL: Duration = Duration::from_secs(5);
/// The least time between two further pages of a roster, on average.
pub(super) const PAGE_INTERVAL: Duration = Duration::from_millis(100);
/// Most targets told one by one in a report of a verb on several.
pub(super) const MAX_REPORTED_TARGETS: usize = 100;
/// Most verbs whose receipts are still open.
pub(super) const MAX_OPEN_VERBS: usize = 1_024;
/// Most idempotency keys remembered in a room; the oldest is forgotten first.
pub(super) const MAX_REFS: usize = 1_024;
/// How long an idempotency key is remembered.
pub(super) const REF_RETENTION: Duration = Duration::from_mins(10);
/// Most rows of one kind (blocks, mutes, roles) a room keeps.
pub(super) const MAX_RECORD_ROWS: usize = 20_000;
/// Most room tokens with `jti` a room remembers as spent.
pub(super) const MAX_REDEEMED_TOKENS: usize = 100_000;
/// Most of those who left recently that are remembered; the oldest is forgotten first.
pub(super) const MAX_RECENT_LEAVERS: usize = 30_000;
/// What a message that lists participants and streams holds beside them: its frame, and one participant.
const PAGE_OVERHEAD_BYTES: usize = 16 * 1024;
