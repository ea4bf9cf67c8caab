//! Errors as a client sees them: one closed list of codes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How long a client waits after `engine_unavailable`: by then it finds another node, or this one has recovered.
const ENGINE_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The longest delay that a client is sent, about 24 days: the longest of timers in JavaScript.
const MAX_DELAY_MS: u64 = (1 << 31) - 1;

/// A delay on the wire: milliseconds, rounded up, at most 2^31-1.
#[must_use]
pub fn delay_ms(wait: Duration) -> u64 {
    // Rounded up: a client that retried a fraction too early would be rejected again.
    let millis = wait.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX).min(MAX_DELAY_MS)
}

/// A permission that commands need. A grant may narrow the scopes of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Join rooms.
    Join,
    /// Publish streams.
    Publish,
    /// Subscribe to streams.
    Subscribe,
    /// Send signals.
    Signal,
    /// Negotiate media.
    Relay,
    /// Use the moderation commands.
    Moderate,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 6] =
        [Self::Join, Self::Publish, Self::Subscribe, Self::Signal, Self::Relay, Self::Moderate];

    /// The scope's name in tokens and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Signal => "signal",
            Self::Relay => "relay",
            Self::Moderate => "moderate",
        }
    }
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $http_status:literal;)*) => {
        /// What went wrong with one request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status of a call of the server API that fails with it.
            #[must_use]
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$name => $http_status,)* }
            }
        }
    };
}

error_codes! {
    /// The message violates the protocol; `field` says where.
    Malformed = "malformed", 400;
    /// There is no such command.
    UnknownCommand = "unknown_command", 400;
    /// The command is not allowed in this state.
    NotAllowedNow = "not_allowed_now", 409;
    /// An argument exceeds its maximum size.
    TooLarge = "too_large", 413;
    /// Too many requests are waiting for a reply.
    TooManyRequestsInFlight = "too_many_requests_in_flight", 429;
    /// The client exceeds its rate; `retry_after_ms` says when to retry.
    RateLimited = "rate_limited", 429;
    /// The gateway is full, or had an internal error.
    Overloaded = "overloaded", 503;
    /// The gateway is draining.
    Draining = "draining", 503;
    /// The shared state of the cluster is unreachable.
    EngineUnavailable = "engine_unavailable", 503;
    /// The subprotocol or version is not supported.
    UnsupportedVersion = "unsupported_version", 409;
    /// The app is unknown, or the credentials were rejected.
    AuthDenied = "auth_denied", 401;
    /// The session can only be renewed with an auth token, or with params where a hook of the app started it.
    AuthTokenRequired = "auth_token_required", 401;
    /// The auth hook did not answer.
    AuthUnavailable = "auth_unavailable", 503;
    /// The token is past its expiry.
    TokenExpired = "token_expired", 401;
    /// The token was revoked.
    TokenRevoked = "token_revoked", 401;
    /// The user is banned.
    Banned = "banned", 403;
    /// The user was removed and may not return yet.
    Kicked = "kicked", 403;
    /// The user was deleted.
    UserDeleted = "user_deleted", 409;
    /// An older session of this instance is alive and protected.
    SessionActive = "session_active", 409;
    /// A newer session replaced this one.
    Replaced = "replaced", 409;
    /// An operator ended the session.
    Terminated = "terminated", 409;
    /// A newer connection resumed the session.
    Superseded = "superseded", 409;
    /// The resume window has passed.
    ResumeExpired = "resume_expired", 409;
    /// The session or its resume secret is unknown.
    ResumeDenied = "resume_denied", 409;
    /// The participant lacks the scope in `missing`.
    Forbidden = "forbidden", 403;
    /// An argument is well-formed but invalid; `field` names it.
    InvalidArgument = "invalid_argument", 400;
    /// The `ref` was already used with other arguments.
    RefConflict = "ref_conflict", 422;
    /// Another guest holds the username; `start` may be sent again with another one.
    NameTaken = "name_taken", 409;
    /// The session is not in the room.
    NotInRoom = "not_in_room", 404;
    /// The room is full.
    RoomFull = "room_full", 409;
    /// The room is locked.
    RoomLocked = "room_locked", 409;
    /// The room has ended.
    RoomEnded = "room_ended", 409;
    /// The user is blocked in this room.
    Blocked = "blocked", 403;
    /// The room token is invalid for this session or room.
    TokenInvalid = "token_invalid", 401;
    /// Another user or client instance used the room token.
    TokenUsed = "token_used", 401;
    /// The session, the app or the node reached its limit of rooms.
    TooManyRooms = "too_many_rooms", 409;
    /// The participant or the room reached its limit of streams.
    TooManyStreams = "too_many_streams", 409;
    /// The participant is not in the room.
    ParticipantNotFound = "participant_not_found", 404;
    /// The stream is in no room of the session.
    StreamNotFound = "stream_not_found", 404;
    /// The stream belongs to another participant.
    NotOwner = "not_owner", 403;
    /// The participants are not publisher and subscriber of the stream.
    NotSubscribed = "not_subscribed", 409;
    /// A moderator locked the mute of the audio.
    MutedByModerator = "muted_by_moderator", 403;
    /// A command cannot target its sender.
    SelfModeration = "self_moderation", 403;
}

impl ErrorCode {
    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(self.http_status(), 429 | 503)
    }
}

/// Why one request failed.
///
/// Shape: `{"code":"forbidden","message":"…","missing":"publish"}`. Programs depend on `code`; `message` is for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
// TypeScript has a global `Error`.
#[cfg_attr(feature = "schema", schemars(rename = "WireError"))]
#[error("{}: {message}", code.as_str())]
pub struct Error {
    /// The kind of error.
    pub code: ErrorCode,
    /// What was expected, and how to fix the request.
    pub message: String,
    /// The missing scope, of `forbidden`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Scope>,
    /// Milliseconds to wait before a retry, at most 2^31-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The end of the block, of `blocked`, `banned` and `kicked`; absent if it is permanent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<Timestamp>,
    /// The path of the invalid argument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Error {
    /// An error with `code` and `message`.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            missing: None,
            retry_after_ms: None,
            until_ms: None,
            field: None,
        }
    }

    /// A `forbidden` error: the command needs `scope`.
    #[must_use]
    pub fn missing(scope: Scope, message: impl Into<String>) -> Self {
        Self { missing: Some(scope), ..Self::new(ErrorCode::Forbidden, message) }
    }

    /// An `engine_unavailable` error: the node, or the engine, is away for a moment. The client waits before a retry.
    #[must_use]
    pub fn engine_unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::EngineUnavailable, message).retry_after(ENGINE_RETRY_AFTER)
    }

    /// The same error with the path of the invalid argument.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same error with a time to wait before a retry, as [`delay_ms`].
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after_ms: Some(delay_ms(wait)), ..self }
    }

    /// The same error with the end of the block that caused it; `None` for a permanent one.
    #[must_use]
    pub fn until(self, end: Option<Timestamp>) -> Self {
        Self { until_ms: end, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_rounded_up_to_at_most_a_javascript_timer() {
        for (wait, ms) in [
            (Duration::ZERO, 0),
            (Duration::from_micros(1), 1),
            (Duration::from_millis(700), 700),
            (Duration::from_hours(24 * 30), 2_147_483_647),
            (Duration::MAX, 2_147_483_647),
        ] {
            assert_eq!(delay_ms(wait), ms, "{wait:?}");
        }
    }
}
