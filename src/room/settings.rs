//! Limits and settings of a room, and limits that cannot be configured.
//!
//! The entry that opens the room carries the settings, so every node uses the same ones.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::revocation::DEFAULT_REVOCATION_LEEWAY;

/// What happens to a membership when its room token expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// It continues.
    #[default]
    Keep,
    /// It ends, unless it was renewed by another join.
    Enforce,
}

/// Limits and settings of a room, from the app's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoomSettings {
    /// Maximum participants.
    pub participants: u32,
    /// Maximum participants of a room in which everyone is listed and announced to everyone.
    pub roster_limit: u32,
    /// Maximum streams of one participant.
    pub streams_per_participant: u32,
    /// Maximum streams.
    pub streams: u32,
    /// Sustained signals per second; also the burst.
    pub signals_per_s: u32,
    /// Like `signals_per_s`, for moderators together; the server has the same.
    pub moderator_signals_per_s: u32,
    /// Bytes per second that signals of participants send to all receivers; moderators and the server have the same
    /// each.
    pub signal_bytes_per_s: u64,
    /// Minimum time between two complete snapshots that a participant requests.
    pub roster_interval: Duration,
    /// Maximum size of a message that lists the room, in bytes. Longer lists are paged.
    pub message_bytes: u32,
    /// Whether subscribers may signal.
    pub subscriber_signals: bool,
    /// The block of a `force_disconnect` that gives none.
    pub default_block_duration: Duration,
    /// Maximum app-wide block by a moderator.
    pub max_block_duration: Duration,
    /// How long after the room was ended the `iat` of a room token is still rejected.
    pub revocation_leeway: Duration,
    /// What happens to a membership when its room token expires.
    pub expiry: Expiry,
    /// Whether several guests may have one name. Then a room token with `jti` belongs to a guest's session.
    pub shared_guest_names: bool,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            participants: 15_000,
            roster_limit: 200,
            streams_per_participant: 8,
            streams: 500,
            signals_per_s: 200,
            moderator_signals_per_s: 200,
            signal_bytes_per_s: 16 * 1024 * 1024,
            roster_interval: Duration::from_secs(10),
            message_bytes: 256 * 1024,
            subscriber_signals: false,
            default_block_duration: Duration::from_mins(10),
            max_block_duration: Duration::from_hours(24),
            revocation_leeway: DEFAULT_REVOCATION_LEEWAY,
            expiry: Expiry::Keep,
            shared_guest_names: false,
        }
    }
}

impl RoomSettings {
    /// Maximum size of the participants and streams in one message.
    pub(super) const fn page_bytes(&self) -> usize {
        (self.message_bytes as usize).saturating_sub(PAGE_OVERHEAD_BYTES)
    }
}

/// The settings in which one room differs from its app. Absent ones are the app's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoomOverrides {
    /// Maximum participants, at most the gateway's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participants: Option<u32>,
    /// Maximum participants of a room in which everyone is listed and announced to everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roster_limit: Option<u32>,
    /// Maximum streams, at most the gateway's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<u32>,
    /// Whether subscribers may signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscriber_signals: Option<bool>,
    /// What happens to a membership when its room token expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub membership_expiry: Option<Expiry>,
}

impl RoomOverrides {
    /// The settings of a room with these overrides in an app with the settings `app`.
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

/// How long mutes, roles and the room's lock are retained after the last participant left.
pub const RETENTION: Duration = Duration::from_hours(24);
/// How long a locked room readmits participants who left, and an empty room stays open.
pub(super) const LEAVER_RETENTION: Duration = Duration::from_mins(10);
/// How long a membership that a wall-clock step ended goes on, so that its client can renew it.
pub(super) const STEP_GRACE: Duration = Duration::from_mins(1);
/// Retention of the end of a room: the maximum lifetime of a room token, and the maximum `revocation_leeway`.
pub(super) const END_RETENTION: Duration = Duration::from_mins(30 * 24 * 60 + 1);
/// A connected client that does not acknowledge a mute in this time loses the stream.
pub(super) const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the owner of a stream has to answer a request to unmute.
pub(super) const UNMUTE_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Minimum time between two reports of changed outcomes of a command, and between two pushes of the session feed.
pub(super) const BATCH_INTERVAL: Duration = Duration::from_millis(250);
/// Average minimum time between two pushes of one participant's link.
pub(super) const LINK_INTERVAL: Duration = Duration::from_secs(1);
/// Pushes of one participant's link in a burst: a short interruption is announced at once, and so is its end.
pub(super) const LINK_BURST: u32 = 2;
/// Minimum time between two `counts`.
pub(super) const COUNTS_INTERVAL: Duration = Duration::from_secs(1);
/// How long a room stays large at least, so that participants who come and go cannot make it cross its limit often.
pub(super) const MIN_LARGE_TIME: Duration = Duration::from_mins(1);
/// Average minimum time between two further roster pages.
pub(super) const PAGE_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum targets listed in a report.
pub(super) const MAX_REPORTED_TARGETS: usize = 100;
/// Maximum commands with open receipts.
pub(super) const MAX_OPEN_VERBS: usize = 1_024;
/// Maximum idempotency keys of a room. Beyond it the user with the most loses the oldest one.
pub(super) const MAX_REFS: usize = 1_024;
/// Maximum idempotency keys of one user in a room; the server has no other limit than the room. The oldest is evicted.
pub(super) const MAX_REFS_PER_USER: usize = 128;
/// How long an idempotency key is retained.
pub(super) const REF_RETENTION: Duration = Duration::from_mins(10);
/// Maximum rows of a kind (blocks, mutes, roles) in a room.
pub(super) const MAX_RECORD_ROWS: usize = 20_000;
/// Maximum redeemed room tokens with `jti` in a room.
pub(super) const MAX_REDEEMED_TOKENS: usize = 100_000;
/// Maximum recent leavers of a room. The oldest is evicted first.
pub(super) const MAX_RECENT_LEAVERS: usize = 30_000;
/// Space for the rest of a message that lists participants and streams: its frame, and one participant.
const PAGE_OVERHEAD_BYTES: usize = 16 * 1024;
