//! `[limits]`: the bound of everything a peer can make grow.
//!
//! Bounds that belong to the protocol, and that no operator can change, are constants of `stagedoor_proto`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stagedoor_proto::{MAX_CONNECTION_DATA_CHARS, SessionLimits};

use super::value::{self, KIB, MIB, MINUTE, MS};

/// Bounds of everything a peer can make grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// From a connection's acceptance to the end of its upgrade request.
    #[serde(with = "value::DurationIn::<MS, MINUTE>")]
    pub handshake_timeout: Duration,
    /// From the upgrade to a complete `start` or `resume`.
    #[serde(with = "value::DurationIn::<MS, MINUTE>")]
    pub start_timeout: Duration,
    /// Largest message in.
    #[serde(with = "value::SizeIn::<KIB, { 16 * MIB }>")]
    pub message_in_bytes: usize,
    /// Largest message out; what is longer is paged. The least holds the longest that cannot be: a relay, a receipt.
    #[serde(with = "value::SizeIn::<{ 128 * KIB }, { 16 * MIB }>")]
    pub message_out_bytes: usize,
    /// Fragments of one message.
    #[serde(with = "value::CountIn::<1, 1_024>")]
    pub fragments: u32,
    /// Requests of a session that may wait for their reply.
    #[serde(with = "value::CountIn::<1, 1_024>")]
    pub in_flight: u16,
    /// Commands of a session a second, sustained; and as many pongs.
    #[serde(with = "value::CountIn::<1, 100_000>")]
    pub commands_per_s: u32,
    /// Commands of a session at once, after a pause.
    #[serde(with = "value::CountIn::<1, 100_000>")]
    pub commands_burst: u32,
    /// Joins of a session a second.
    #[serde(with = "value::CountIn::<1, 10_000>")]
    pub joins_per_s: u32,
    /// Rooms a session may be in.
    #[serde(with = "value::CountIn::<1, 10_000>")]
    pub rooms_per_session: u16,
    /// Participants of a room.
    #[serde(with = "value::CountIn::<2, 1_000_000>")]
    pub participants_per_room: u32,
    /// Streams of a participant.
    #[serde(with = "value::CountIn::<1, 1_000>")]
    pub streams_per_participant: u16,
    /// Streams of a room.
    #[serde(with = "value::CountIn::<1, 100_000>")]
    pub streams_per_room: u32,
    /// Signals of a room a second.
    #[serde(with = "value::CountIn::<1, 100_000>")]
    pub signals_per_s_per_room: u32,
    /// Sessions of this node.
    #[serde(with = "value::CountIn::<1, 10_000_000>")]
    pub sessions_per_node: usize,
    /// Starts a second from one address (IPv6: one /64); resumes are none.
    #[serde(with = "value::CountIn::<1, 1_000_000>")]
    pub starts_per_s_per_address: u32,
    /// Connections of one address that have not started a session.
    #[serde(with = "value::CountIn::<1, 1_000_000>")]
    pub unauthenticated_per_address: usize,
    /// Connections of all that have not started a session.
    #[serde(with = "value::CountIn::<1, 1_000_000>")]
    pub unauthenticated_total: usize,
    /// Largest `params` of a start, encoded.
    #[serde(with = "value::SizeIn::<KIB, { 64 * KIB }>")]
    pub auth_params_bytes: usize,
    /// Longest connection data, in characters.
    #[serde(with = "value::CountIn::<0, { MAX_CONNECTION_DATA_CHARS as u64 }>")]
    pub connection_data_chars: usize,
    /// Calls of the server API a second, sustained, of one key or token.
    #[serde(with = "value::CountIn::<1, 1_000_000>")]
    pub api_calls_per_s: u32,
    /// Calls of the server API at once, after a pause, of one key or token.
    #[serde(with = "value::CountIn::<1, 1_000_000>")]
    pub api_calls_burst: u32,
    /// Largest body of a call of the server API.
    #[serde(with = "value::SizeIn::<KIB, { 16 * MIB }>")]
    pub api_body_bytes: usize,
    /// From the head of a call of the server API to the end of its body.
    #[serde(with = "value::DurationIn::<MS, MINUTE>")]
    pub api_body_timeout: Duration,
    /// Connections to the server API's own port.
    #[serde(with = "value::CountIn::<1, 1_000_000>")]
    pub admin_connections: usize,
    /// Whether loopback addresses are spared the rates per address: development mode only.
    #[serde(skip)]
    pub spare_loopback: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            start_timeout: Duration::from_secs(10),
            message_in_bytes: 64 * 1024,
            message_out_bytes: 256 * 1024,
            fragments: 64,
            in_flight: 32,
            commands_per_s: 50,
            commands_burst: 100,
            joins_per_s: 5,
            rooms_per_session: 100,
            participants_per_room: 15_000,
            streams_per_participant: 8,
            streams_per_room: 500,
            signals_per_s_per_room: 200,
            sessions_per_node: 100_000,
            starts_per_s_per_address: 20,
            unauthenticated_per_address: 100,
            unauthenticated_total: 5_000,
            auth_params_bytes: 8 * 1024,
            connection_data_chars: MAX_CONNECTION_DATA_CHARS,
            api_calls_per_s: 1_000,
            api_calls_burst: 2_000,
            api_body_bytes: 64 * 1024,
            api_body_timeout: Duration::from_secs(10),
            admin_connections: 1_000,
            spare_loopback: false,
        }
    }
}

impl Limits {
    /// What a session is told of its bounds.
    #[must_use]
    pub fn announced(&self) -> SessionLimits {
        SessionLimits {
            message_in_bytes: u32::try_from(self.message_in_bytes).unwrap_or(u32::MAX),
            message_out_bytes: u32::try_from(self.message_out_bytes).unwrap_or(u32::MAX),
            in_flight: self.in_flight,
            commands_per_s: self.commands_per_s,
            commands_burst: self.commands_burst,
            rooms: self.rooms_per_session,
            streams_per_participant: self.streams_per_participant,
        }
    }
}
