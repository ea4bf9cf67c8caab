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
    /// Use the moderation verbs.
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
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
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
        }
    };
}

error_codes! {
    /// The message is not what the protocol says; `field` tells where.
    Malformed = "malformed";
    /// There is no such command.
    UnknownCommand = "unknown_command";
    /// The command is not allowed at this time.
    NotAllowedNow = "not_allowed_now";
    /// Something is larger than its bound.
    TooLarge = "too_large";
    /// Too many requests wait for their reply.
    TooManyRequestsInFlight = "too_many_requests_in_flight";
    /// Too fast; `retry_after_ms` tells when again.
    RateLimited = "rate_limited";
    /// The gateway is full, or failed inside.
    Overloaded = "overloaded";
    /// The gateway is being shut down.
    Draining = "draining";
    /// What the cluster shares cannot be reached.
    EngineUnavailable = "engine_unavailable";
    /// The subprotocol or version is not supported.
    UnsupportedVersion = "unsupported_version";
    /// There is no such app, or the credentials do not let this user in.
    AuthDenied = "auth_denied";
    /// The auth hook gave no answer.
    AuthUnavailable = "auth_unavailable";
    /// The token is past its expiry.
    TokenExpired = "token_expired";
    /// The token was revoked.
    TokenRevoked = "token_revoked";
    /// The user is banned.
    Banned = "banned";
    /// The user was removed and may not return yet.
    Kicked = "kicked";
    /// The user was deleted.
    UserDeleted = "user_deleted";
    /// An older session of this instance is alive and protected.
    SessionActive = "session_active";
    /// A newer session took this one's place.
    Replaced = "replaced";
    /// The session was ended by an operator.
    Terminated = "terminated";
    /// A newer connection of the same session took over.
    Superseded = "superseded";
    /// The resume window has passed.
    ResumeExpired = "resume_expired";
    /// The session or its secret is not known.
    ResumeDenied = "resume_denied";
    /// The session may not do this; `missing` names the scope.
    Forbidden = "forbidden";
    /// An argument is well-formed but not acceptable; `field` names it.
    InvalidArgument = "invalid_argument";
    /// A `ref` was used before with other arguments.
    RefConflict = "ref_conflict";
    /// The session is not in that room.
    NotInRoom = "not_in_room";
    /// The room is full.
    RoomFull = "room_full";
    /// The room is locked.
    RoomLocked = "room_locked";
    /// The room has ended.
    RoomEnded = "room_ended";
    /// The user may not enter this room yet.
    Blocked = "blocked";
    /// The room token cannot be used here.
    TokenInvalid = "token_invalid";
    /// The room token was spent by another session.
    TokenSpent = "token_spent";
    /// The session is in as many rooms as it may be.
    TooManyRooms = "too_many_rooms";
    /// The participant or the room has as many streams as it may have.
    TooManyStreams = "too_many_streams";
    /// There is no such participant in that room.
    ParticipantNotFound = "participant_not_found";
    /// There is no such stream in the session's rooms.
    StreamNotFound = "stream_not_found";
    /// The stream belongs to somebody else.
    NotOwner = "not_owner";
    /// The two are not publisher and subscriber of that stream.
    NotSubscribed = "not_subscribed";
    /// A moderator's lock keeps the audio off.
    MutedByModerator = "muted_by_moderator";
    /// Nobody moderates themselves.
    SelfModeration = "self_moderation";
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
