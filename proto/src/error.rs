//! Errors as a client sees them: one closed list of codes.

use serde::{Deserialize, Serialize};

/// What a command needs besides its arguments; a grant may narrow what a role allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Enter rooms.
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
    /// The message is not what the protocol says; `field` tells where.
    Malformed = "malformed", 400;
    /// There is no such command.
    UnknownCommand = "unknown_command", 400;
    /// The command is not allowed at this time.
    NotAllowedNow = "not_allowed_now", 409;
    /// Something is larger than its bound.
    TooLarge = "too_large", 413;
    /// Too many requests wait for their reply.
    TooManyRequestsInFlight = "too_many_requests_in_flight", 429;
    /// Too fast; `retry_after_ms` tells when again.
    RateLimited = "rate_limited", 429;
    /// The gateway is full, or failed inside.
    Overloaded = "overloaded", 503;
    /// The gateway is being shut down.
    Draining = "draining", 503;
    /// What the cluster shares cannot be reached.
    EngineUnavailable = "engine_unavailable", 503;
    /// The subprotocol or version is not supported.
    UnsupportedVersion = "unsupported_version", 409;
    /// There is no such app, or the credentials do not let this user in.
    AuthDenied = "auth_denied", 401;
    /// The auth hook gave no answer.
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
    /// A newer session took this one's place.
    Replaced = "replaced", 409;
    /// The session was ended by an operator.
    Terminated = "terminated", 409;
    /// A newer connection of the same session took over.
    Superseded = "superseded", 409;
    /// The resume window has passed.
    ResumeExpired = "resume_expired", 409;
    /// The session or its secret is not known.
    ResumeDenied = "resume_denied", 409;
    /// The session may not do this; `missing` names the scope.
    Forbidden = "forbidden", 403;
    /// An argument is well-formed but not acceptable; `field` names it.
    InvalidArgument = "invalid_argument", 400;
    /// A `ref` was used before with other arguments.
    RefConflict = "ref_conflict", 422;
    /// The session is not in that room.
    NotInRoom = "not_in_room", 404;
    /// The room is full.
    RoomFull = "room_full", 409;
    /// The room is locked.
    RoomLocked = "room_locked", 409;
    /// The room has ended.
    RoomEnded = "room_ended", 409;
    /// The user may not enter this room yet.
    Blocked = "blocked", 403;
    /// The room token cannot be used here.
    TokenInvalid = "token_invalid", 401;
    /// The room token was spent by another session.
    TokenUsed = "token_used", 401;
    /// The session is in as many rooms as it may be.
    TooManyRooms = "too_many_rooms", 409;
    /// The participant or the room has as many streams as it may have.
    TooManyStreams = "too_many_streams", 409;
    /// There is no such participant in that room.
    ParticipantNotFound = "participant_not_found", 404;
    /// There is no such stream in the session's rooms.
    StreamNotFound = "stream_not_found", 404;
    /// The stream belongs to somebody else.
    NotOwner = "not_owner", 403;
    /// The two are not publisher and subscriber of that stream.
    NotSubscribed = "not_subscribed", 409;
    /// A moderator's lock keeps the audio off.
    MutedByModerator = "muted_by_moderator", 403;
    /// Nobody moderates themselves.
    SelfModeration = "self_moderation", 403;
}

impl ErrorCode {
    /// Whether the same request may succeed later, without anything being changed.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(self.http_status(), 429 | 503)
    }
}

/// Why one request failed.
///
/// Shape: `{"code":"forbidden","message":"…","missing":"publish"}`. Only `code` is for programs; the rest explains it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[error("{}: {message}", code.as_str())]
pub struct Error {
    /// What went wrong.
    pub code: ErrorCode,
    /// What was expected, and how to mend it.
    pub message: String,
    /// The scope that is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Scope>,
    /// When to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The argument at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl Error {
    /// An error of `code`, explained by `message`.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), missing: None, retry_after_ms: None, field: None }
    }

    /// The command needs `scope`, which the session does not have.
    #[must_use]
    pub fn missing(scope: Scope, message: impl Into<String>) -> Self {
        Self { missing: Some(scope), ..Self::new(ErrorCode::Forbidden, message) }
    }

    /// The same error, naming the argument at fault.
    #[must_use]
    pub fn at(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// The same error, saying when to try again.
    #[must_use]
    pub fn retry_after(self, wait: std::time::Duration) -> Self {
        // Rounded up: who came back a fraction too early would be refused again.
        let millis = wait.as_nanos().div_ceil(1_000_000);
        Self { retry_after_ms: Some(u64::try_from(millis).unwrap_or(u64::MAX)), ..self }
    }
}
