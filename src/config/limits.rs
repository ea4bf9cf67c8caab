//! `[limits]`: upper bounds of what a peer can cause to grow.
//!
//! Limits of the protocol, which cannot be configured, are constants of `stagedoor_proto`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{MAX_CONNECTION_DATA_CHARS, SessionLimits};

use super::ranges;
use super::value::{KIB, MIB, MINUTE, MS};

/// Upper bounds of what a peer can cause to grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Time from accepting a connection to the end of its HTTP request.
    #[serde(with = "ranges::BoundedDuration::<MS, MINUTE>")]
    pub handshake_timeout: Duration,
    /// Time from the WebSocket upgrade to a complete `start` or `resume`.
    #[serde(with = "ranges::BoundedDuration::<MS, MINUTE>")]
    pub start_timeout: Duration,
    /// Largest message from a client, without the `params` of a `start`, `renew` or `resume`.
    #[serde(with = "ranges::BoundedSize::<KIB, { 16 * MIB }>")]
    pub message_in_bytes: usize,
    /// Maximum memory of incoming messages above 1 KiB. One address may hold a quarter of it, or one message.
    #[serde(with = "ranges::BoundedSize::<{ 16 * MIB }, { 1024 * 1024 * MIB }>")]
    pub messages_in_bytes_total: usize,
    /// Largest message to a client. Longer lists are split into pages.
    #[serde(with = "ranges::BoundedSize::<{ 128 * KIB }, { 16 * MIB }>")]
    pub message_out_bytes: usize,
    /// Maximum number of WebSocket fragments of one message.
    #[serde(with = "ranges::BoundedCount::<1, 1_024>")]
    pub fragments_per_message: u32,
    /// Maximum number of requests of one session that wait for their reply.
    #[serde(with = "ranges::BoundedCount::<1, 1_024>")]
    pub requests_in_flight: u16,
    /// Sustained rate of commands of one session.
    #[serde(with = "ranges::BoundedCount::<1, 100_000>")]
    pub commands_per_s: u32,
    /// Burst of commands of one session.
    #[serde(with = "ranges::BoundedCount::<1, 100_000>")]
    pub commands_burst: u32,
    /// Sustained rate of WebSocket pings and pongs, and of `ping` and `pong` messages, of one connection.
    #[serde(with = "ranges::BoundedCount::<1, 100_000>")]
    pub pings_per_s: u32,
    /// Burst of WebSocket pings and pongs, and of `ping` and `pong` messages, of one connection.
    #[serde(with = "ranges::BoundedCount::<1, 1_000_000>")]
    pub pings_burst: u32,
    /// Sustained rate of resumes of one session.
    #[serde(with = "ranges::BoundedCount::<1, 10_000>")]
    pub resumes_per_s: u32,
    /// Burst of resumes of one session.
    #[serde(with = "ranges::BoundedCount::<1, 10_000>")]
    pub resumes_burst: u32,
    /// Rate of joins of one session.
    #[serde(with = "ranges::BoundedCount::<1, 10_000>")]
    pub joins_per_s: u32,
    /// Maximum number of rooms that one session is in.
    #[serde(with = "ranges::BoundedCount::<1, 10_000>")]
    pub rooms_per_session: u16,
    /// Maximum number of rooms that one session opens per minute. A join of an open room opens none.
    #[serde(with = "ranges::BoundedCount::<1, 100_000>")]
    pub rooms_opened_per_minute: u32,
    /// Maximum number of rooms on this node.
    #[serde(with = "ranges::BoundedCount::<1, 10_000_000>")]
    pub rooms_per_node: usize,
    /// Maximum number of rooms of one app on this node.
    #[serde(with = "ranges::BoundedCount::<1, 10_000_000>")]
    pub rooms_per_app: usize,
    /// Maximum number of emptied rooms on this node that are remembered for ten minutes, because they were moderated.
    #[serde(with = "ranges::BoundedCount::<0, 10_000_000>")]
    pub room_stubs: usize,
    /// Maximum number of stored blocks, mutes, roles, locks, ended rooms and used tokens of one app.
    #[serde(with = "ranges::BoundedCount::<1, 100_000_000>")]
    pub moderation_records_per_app: usize,
    /// Maximum number of participants on this node: a session counts once in each room that it is in.
    #[serde(with = "ranges::BoundedCount::<1, 100_000_000>")]
    pub participants_per_node: usize,
    /// Maximum number of participants in one room.
    #[serde(with = "ranges::BoundedCount::<2, 1_000_000>")]
    pub participants_per_room: u32,
    /// Maximum number of streams of one participant.
    #[serde(with = "ranges::BoundedCount::<1, 1_000>")]
    pub streams_per_participant: u16,
    /// Maximum number of streams in one room.
    #[serde(with = "ranges::BoundedCount::<1, 100_000>")]
    pub streams_per_room: u32,
    /// Rate of signals of participants in one room.
    #[serde(with = "ranges::BoundedCount::<1, 100_000>")]
    pub signals_per_s_per_room: u32,
    /// Rate of signals of moderators in one room. The server has a budget of the same size.
    #[serde(with = "ranges::BoundedCount::<1, 100_000>")]
    pub moderator_signals_per_s_per_room: u32,
    /// Rate of bytes that signals in a room send to all. Moderators, the server, changes of streams: the same each.
    #[serde(with = "ranges::BoundedSize::<KIB, { 1_024 * MIB }>")]
    pub signal_bytes_per_s_per_room: usize,
    /// Minimum time between rosters of a session in a room. Joins after leaves, and session feeds: five at once.
    #[serde(with = "ranges::BoundedDuration::<MS, MINUTE>")]
    pub roster_interval: Duration,
    /// Sustained rate of bytes that others send to one session by relays and direct signals.
    #[serde(with = "ranges::BoundedSize::<KIB, { 1_024 * MIB }>")]
    pub relay_bytes_per_s_per_receiver: usize,
    /// Burst of bytes that others send to one session by relays and direct signals.
    #[serde(with = "ranges::BoundedSize::<KIB, { 1_024 * MIB }>")]
    pub relay_bytes_burst_per_receiver: usize,
    /// Maximum number of sessions on this node. Suspended sessions count, ended ones do not.
    #[serde(with = "ranges::BoundedCount::<1, 10_000_000>")]
    pub sessions_per_node: usize,
    /// Maximum number of sessions started by one address (IPv6: one /64). Suspended ones count, ended ones do not.
    #[serde(with = "ranges::BoundedCount::<1, 10_000_000>")]
    pub sessions_per_address: usize,
    /// Maximum number of exclusive guest names of one address (IPv6: one /64) whose guests have no connection.
    #[serde(with = "ranges::BoundedCount::<1, 10_000_000>")]
    pub guest_names_per_address: usize,
    /// Maximum number of client instances of guests that one app remembers, for `guest_retention`.
    #[serde(with = "ranges::BoundedCount::<1, 100_000_000>")]
    pub guests_per_app: usize,
    /// Rate of starts from one address (IPv6: one /64). Resumes do not count.
    #[serde(with = "ranges::BoundedCount::<1, 1_000_000>")]
    pub starts_per_s_per_address: u32,
    /// Maximum number of connections of one address that have not started a session, idle HTTP connections included.
    #[serde(with = "ranges::BoundedCount::<1, 1_000_000>")]
    pub pending_connections_per_address: usize,
    /// Maximum number of connections of all addresses that have not started a session.
    #[serde(with = "ranges::BoundedCount::<1, 1_000_000>")]
    pub pending_connections: usize,
    /// Largest encoded `params` of a `start`, `renew` or `resume`.
    #[serde(with = "ranges::BoundedSize::<KIB, { 64 * KIB }>")]
    pub auth_params_bytes: usize,
    /// Longest connection data, in characters.
    #[serde(with = "ranges::BoundedCount::<0, { MAX_CONNECTION_DATA_CHARS as u64 }>")]
    pub connection_data_max_chars: usize,
    /// Maximum number of audit rows of denied commands per app and minute. One more row counts the denials beyond it.
    #[serde(with = "ranges::BoundedCount::<1, 1_000_000>")]
    pub audit_denials_per_minute: usize,
    /// Sustained rate of server API calls of one key or token.
    #[serde(with = "ranges::BoundedCount::<1, 1_000_000>")]
    pub api_calls_per_s: u32,
    /// Burst of server API calls of one key or token.
    #[serde(with = "ranges::BoundedCount::<1, 1_000_000>")]
    pub api_calls_burst: u32,
    /// Sustained rate of server API calls with a missing or invalid key from one address (IPv6: one /64).
    #[serde(with = "ranges::BoundedCount::<1, 1_000_000>")]
    pub api_auth_failures_per_s: u32,
    /// Burst of server API calls with a missing or invalid key from one address.
    #[serde(with = "ranges::BoundedCount::<1, 1_000_000>")]
    pub api_auth_failures_burst: u32,
    /// Largest body of a server API call.
    #[serde(with = "ranges::BoundedSize::<KIB, { 16 * MIB }>")]
    pub api_body_bytes: usize,
    /// Time from the head of a server API call to the end of its body.
    #[serde(with = "ranges::BoundedDuration::<MS, MINUTE>")]
    pub api_body_timeout: Duration,
    /// Maximum number of connections to `admin_listen`.
    #[serde(with = "ranges::BoundedCount::<1, 1_000_000>")]
    pub admin_connections: usize,
    /// File descriptors that connections of clients leave free for `admin_listen`.
    #[serde(with = "ranges::BoundedCount::<0, 10_000_000>")]
    pub reserved_file_descriptors: usize,
    /// Whether loopback addresses are exempt from the limits per address. Development mode only.
    #[serde(skip)]
    pub exempt_loopback: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            start_timeout: Duration::from_secs(10),
            message_in_bytes: 64 * 1024,
            messages_in_bytes_total: 256 * 1024 * 1024,
            message_out_bytes: 256 * 1024,
            fragments_per_message: 64,
            requests_in_flight: 32,
            commands_per_s: 50,
            commands_burst: 100,
            pings_per_s: 10,
            pings_burst: 50,
            resumes_per_s: 2,
            resumes_burst: 10,
            joins_per_s: 5,
            rooms_per_session: 100,
            rooms_opened_per_minute: 60,
            rooms_per_node: 200_000,
            rooms_per_app: 100_000,
            room_stubs: 100_000,
            moderation_records_per_app: 1_000_000,
            participants_per_node: 1_000_000,
            participants_per_room: 15_000,
            streams_per_participant: 8,
            streams_per_room: 500,
            signals_per_s_per_room: 200,
            moderator_signals_per_s_per_room: 200,
            signal_bytes_per_s_per_room: 16 * 1024 * 1024,
            roster_interval: Duration::from_secs(10),
            relay_bytes_per_s_per_receiver: 256 * 1024,
            relay_bytes_burst_per_receiver: 512 * 1024,
            sessions_per_node: 100_000,
            sessions_per_address: 10_000,
            guest_names_per_address: 100,
            guests_per_app: 1_000_000,
            starts_per_s_per_address: 20,
            pending_connections_per_address: 100,
            pending_connections: 5_000,
            auth_params_bytes: 8 * 1024,
            connection_data_max_chars: MAX_CONNECTION_DATA_CHARS,
            audit_denials_per_minute: 1_000,
            api_calls_per_s: 1_000,
            api_calls_burst: 2_000,
            api_auth_failures_per_s: 1,
            api_auth_failures_burst: 20,
            api_body_bytes: 64 * 1024,
            api_body_timeout: Duration::from_secs(10),
            admin_connections: 1_000,
            reserved_file_descriptors: 64,
            exempt_loopback: false,
        }
    }
}

impl Limits {
    /// The limits that are sent to a session.
    #[must_use]
    pub fn announced(&self) -> SessionLimits {
        SessionLimits {
            message_in_bytes: u32::try_from(self.message_in_bytes).unwrap_or(u32::MAX),
            message_out_bytes: u32::try_from(self.message_out_bytes).unwrap_or(u32::MAX),
            in_flight: self.requests_in_flight,
            commands_per_s: self.commands_per_s,
            commands_burst: self.commands_burst,
            rooms: self.rooms_per_session,
            streams_per_participant: self.streams_per_participant,
        }
    }
}
