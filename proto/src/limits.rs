//! Bounds of the protocol: clients and gateway may rely on them.
//!
//! Bounds an operator can change are configuration (`stagedoor::config`); `started` announces them.

/// Longest username, in bytes of UTF-8.
pub const MAX_USERNAME_BYTES: usize = 256;
/// Shortest client instance id, in characters.
pub const MIN_INSTANCE_CHARS: usize = 8;
/// Longest client instance id, in characters.
pub const MAX_INSTANCE_CHARS: usize = 64;
/// Longest room id, in characters.
pub const MAX_ROOM_ID_CHARS: usize = 128;
/// Longest idempotency key (`ref`), in bytes.
pub const MAX_REF_BYTES: usize = 64;
/// Longest reason a moderator gives, in bytes.
pub const MAX_REASON_BYTES: usize = 256;
/// Longest signal type, in characters.
pub const MAX_SIGNAL_TYPE_CHARS: usize = 128;
/// Longest signal data, in bytes of encoded JSON.
pub const MAX_SIGNAL_DATA_BYTES: usize = 8_192;
/// Longest relay data, in bytes of encoded JSON.
pub const MAX_RELAY_DATA_BYTES: usize = 48 * 1024;
/// Longest connection data, in characters.
pub const MAX_CONNECTION_DATA_CHARS: usize = 1_000;
/// Longest stream name, in characters.
pub const MAX_STREAM_NAME_CHARS: usize = 256;
/// Maximum number of layout classes of one stream.
pub const MAX_LAYOUT_CLASSES: usize = 16;
/// Longest layout class, in characters.
pub const MAX_LAYOUT_CLASS_CHARS: usize = 64;
/// Maximum number of ids in `except` of one `force_mute_all`.
pub const MAX_MUTE_EXCEPTIONS: usize = 500;

/// Maximum duration in a request, in milliseconds: ten years.
pub const MAX_DURATION_MS: u64 = 10 * 365 * 24 * 60 * 60 * 1_000;
/// Longest client name or version in `start`, in bytes.
pub const MAX_CLIENT_FIELD_BYTES: usize = 64;
/// Longest reason inside a WebSocket close frame, in bytes (RFC 6455, 5.5.1).
pub const MAX_CLOSE_REASON_BYTES: usize = 123;
