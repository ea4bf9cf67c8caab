//! Close codes, and the `disconnect` message that precedes each close by the gateway.

use serde::{Deserialize, Serialize};

use crate::{ErrorCode, LeaveReason, Ref, Timestamp};

/// How long a client waits after a close with the action `retry`, where nothing else says it.
const DEFAULT_RETRY_AFTER_MS: u64 = 1_000;

/// What a client does after a close, given by the hundreds digit of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Stay disconnected (40xx, 45xx).
    Stop,
    /// Get a new auth token first (41xx).
    Reauth,
    /// Resume after `retry_after_ms` (42xx).
    Retry,
    /// Resume now (43xx).
    Resume,
    /// Start again (44xx).
    Start,
}

/// Who ended a session, and whether its user may return. The final state of the session follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionEnd {
    /// The client, an expiry, or a protocol violation of the client.
    LoggedOut,
    /// A newer session or an operator; the user may start another session.
    Removed,
    /// A moderator or an operator, who also removed the user.
    Barred,
}

/// What a close by the client does to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientClose {
    /// The session ends.
    Ends,
    /// The page goes away: the session is suspended for a short time.
    GoesAway,
    /// The session is suspended for the resume window.
    Suspends,
}

impl ClientClose {
    /// The code of a client that closes the connection in order to resume.
    pub const COMING_BACK: u16 = 3000;

    /// The meaning of the code in a close frame; `None` is a close frame without a code (1005).
    ///
    /// 3001 is what a script can send when its page enters the back/forward cache, because 1001 is reserved.
    #[must_use]
    pub const fn of(code: Option<u16>) -> Self {
        match code {
            Some(1000) => Self::Ends,
            None | Some(1001 | 3001) => Self::GoesAway,
            Some(_) => Self::Suspends,
        }
    }
}

macro_rules! close_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal
        { error: $error:ident, end: $end:ident, leave: $leave:ident, reads: $reads:literal };)*) => {
        /// The number that ends a connection.
        ///
        /// The wire has the number; its name is the `reason`. A number of a later version is preserved: its
        /// hundreds digit says what to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u16", into = "u16")]
        pub enum CloseCode {
            $($(#[$doc])* $name,)*
            /// A number from 4000 to 4599 without a name in this version.
            Unknown(u16),
        }

        impl CloseCode {
            /// Every code with a name in this version.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The number on the wire.
            #[must_use]
            pub const fn code(self) -> u16 {
                match self { $(Self::$name => $code,)* Self::Unknown(code) => code }
            }

            /// The name of this code in messages, logs and metrics.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self { $(Self::$name => $reason,)* Self::Unknown(_) => "unknown" }
            }

            /// The code of the error reply to a `start` or `resume` that is rejected with this close.
            #[must_use]
            pub const fn error_code(self) -> ErrorCode {
                match self { $(Self::$name => ErrorCode::$error,)* Self::Unknown(_) => ErrorCode::Overloaded }
            }

            /// How this close ends a session, if it does.
            #[must_use]
            pub const fn session_end(self) -> SessionEnd {
                match self { $(Self::$name => SessionEnd::$end,)* Self::Unknown(_) => SessionEnd::LoggedOut }
            }

            /// The leave reason of the participants of a session ended by this close.
            #[must_use]
            pub const fn leave_reason(self) -> LeaveReason {
                match self { $(Self::$name => LeaveReason::$leave,)* Self::Unknown(_) => LeaveReason::Ended }
            }

            /// Whether the peer is expected to read the frames that are sent before the close.
            #[must_use]
            pub const fn peer_reads(self) -> bool {
                match self { $(Self::$name => $reads,)* Self::Unknown(_) => true }
            }
        }

        impl TryFrom<u16> for CloseCode {
            type Error = String;
            fn try_from(code: u16) -> Result<Self, String> {
                match code {
                    $($code => Ok(Self::$name),)*
                    4000..=4599 => Ok(Self::Unknown(code)),
                    _ => Err(format!("{code} is not a close code of this protocol")),
                }
            }
        }
    };
}

// What a client does next, and whether the session ends, follows from the hundreds digit: see `Action::of`.
close_codes! {
    /// The client closed the connection or ended its session.
    Normal = 1000, "normal"
        { error: Terminated, end: LoggedOut, leave: Ended, reads: true };
    /// The subprotocol or the client's version is not supported.
    UnsupportedVersion = 4001, "unsupported_version"
        { error: UnsupportedVersion, end: LoggedOut, leave: Ended, reads: true };
    /// The credentials were rejected.
    AuthDenied = 4003, "auth_denied"
        { error: AuthDenied, end: LoggedOut, leave: Ended, reads: true };
    /// The page's origin is not allowed.
    OriginDenied = 4004, "origin_denied"
        { error: AuthDenied, end: LoggedOut, leave: Ended, reads: true };
    /// A moderator removed the user from the app.
    Kicked = 4010, "kicked"
        { error: Kicked, end: Barred, leave: ForceDisconnected, reads: true };
    /// The user is banned.
    Banned = 4011, "banned"
        { error: Banned, end: Barred, leave: Banned, reads: true };
    /// The user was deleted.
    UserDeleted = 4012, "user_deleted"
        { error: UserDeleted, end: Barred, leave: Ended, reads: true };
    /// Replaced by a newer session of the same client instance, or of the user at the session limit.
    Replaced = 4013, "replaced"
        { error: Replaced, end: Removed, leave: Replaced, reads: true };
    /// An older session of the same client instance is alive and the app protects it.
    SessionActive = 4014, "session_active"
        { error: SessionActive, end: LoggedOut, leave: Ended, reads: true };
    /// An operator ended the session.
    Terminated = 4015, "terminated"
        { error: Terminated, end: Removed, leave: Ended, reads: true };
    /// A newer connection resumed the session.
    Superseded = 4016, "superseded"
        { error: Superseded, end: Removed, leave: Ended, reads: true };
    /// The token is past its expiry.
    TokenExpired = 4100, "token_expired"
        { error: TokenExpired, end: LoggedOut, leave: TokenExpired, reads: true };
    /// The token, its family or all the user's tokens were revoked.
    TokenRevoked = 4101, "token_revoked"
        { error: TokenRevoked, end: LoggedOut, leave: TokenExpired, reads: true };
    /// The node is draining.
    Draining = 4200, "draining"
        { error: Draining, end: LoggedOut, leave: ServerShutdown, reads: true };
    /// The node is full, or had an internal error.
    Overloaded = 4201, "overloaded"
        { error: Overloaded, end: LoggedOut, leave: Ended, reads: true };
    /// The client exceeded its rate of commands or pongs for too long.
    RateLimited = 4202, "rate_limited"
        { error: RateLimited, end: LoggedOut, leave: Ended, reads: true };
    /// The unsent frames exceeded their limit.
    SlowConsumer = 4203, "slow_consumer"
        { error: Overloaded, end: LoggedOut, leave: Ended, reads: false };
    /// The shared state of the cluster is unreachable.
    EngineUnavailable = 4204, "engine_unavailable"
        { error: EngineUnavailable, end: LoggedOut, leave: Ended, reads: true };
    /// The client sent no `start` or `resume` in time.
    StartTimeout = 4205, "start_timeout"
        { error: NotAllowedNow, end: LoggedOut, leave: Ended, reads: true };
    /// The auth hook did not answer.
    AuthUnavailable = 4206, "auth_unavailable"
        { error: AuthUnavailable, end: LoggedOut, leave: Ended, reads: true };
    /// Another node serves the session.
    Moved = 4300, "moved"
        { error: Draining, end: LoggedOut, leave: Ended, reads: true };
    /// The client sent nothing for too long.
    HeartbeatLost = 4301, "heartbeat_lost"
        { error: NotAllowedNow, end: LoggedOut, leave: Ended, reads: false };
    /// The resume window has passed.
    ResumeExpired = 4400, "resume_expired"
        { error: ResumeExpired, end: LoggedOut, leave: NetworkLost, reads: true };
    /// The session or its resume secret is unknown.
    ResumeDenied = 4401, "resume_denied"
        { error: ResumeDenied, end: LoggedOut, leave: Ended, reads: true };
    /// A message violated the protocol.
    Malformed = 4500, "malformed"
        { error: Malformed, end: LoggedOut, leave: Ended, reads: true };
    /// A message exceeded the announced limit.
    TooLarge = 4501, "too_large"
        { error: TooLarge, end: LoggedOut, leave: Ended, reads: true };
    /// A command was not allowed in this state.
    NotAllowedNow = 4502, "not_allowed_now"
        { error: NotAllowedNow, end: LoggedOut, leave: Ended, reads: true };
    /// Too many requests were waiting for a reply.
    TooManyRequestsInFlight = 4503, "too_many_requests_in_flight"
        { error: TooManyRequestsInFlight, end: LoggedOut, leave: Ended, reads: true };
}

impl CloseCode {
    /// What the client does next.
    #[must_use]
    pub const fn action(self) -> Action {
        Action::of(self.code())
    }

    /// Whether a connection closed with it has no session.
    #[must_use]
    pub const fn precedes_session(self) -> bool {
        matches!(
            self,
            Self::UnsupportedVersion
                | Self::OriginDenied
                | Self::SessionActive
                | Self::StartTimeout
        )
    }

    /// Whether the session ends; otherwise it is suspended and can be resumed.
    #[must_use]
    pub const fn ends_session(self) -> bool {
        !matches!(self.action(), Action::Retry | Action::Resume)
    }
}

impl ErrorCode {
    /// The close code of the same name, if there is one.
    #[must_use]
    pub fn close_code(self) -> Option<CloseCode> {
        CloseCode::ALL.iter().copied().find(|close| close.reason() == self.as_str())
    }

    /// What a client does after its `start` or `resume` was rejected with this code and no `disconnect` arrives.
    #[must_use]
    pub fn action(self) -> Action {
        self.close_code().map_or(Action::Stop, CloseCode::action)
    }
}

impl Action {
    /// What a client does after `code`, with or without a name.
    ///
    /// A client resumes after codes outside 4000..4600, such as those of a proxy or a lost socket.
    #[must_use]
    pub const fn of(code: u16) -> Self {
        match code {
            1000 | 4000..=4099 | 4500..=4599 => Self::Stop,
            4100..=4199 => Self::Reauth,
            4200..=4299 => Self::Retry,
            4400..=4499 => Self::Start,
            _ => Self::Resume,
        }
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.code()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for CloseCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CloseCode".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let named = Self::ALL.iter().map(
            |code| schemars::json_schema!({ "const": code.code(), "description": code.reason() }),
        );
        let later = schemars::json_schema!({
            "description": "A code of a later version: its hundreds digit says what to do.",
            "type": "integer",
            "minimum": 4000,
            "maximum": 4599,
        });
        schemars::json_schema!({
            "description": "The number that ends a connection.",
            "anyOf": named.chain([later]).collect::<Vec<_>>(),
        })
    }
}

/// Why the gateway closes the connection. It is flushed before the close frame.
///
/// Shape: `{"disconnect":{"code":4010,"reason":"kicked","action":"stop"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Disconnect {
    /// The code of the close frame that follows.
    pub code: CloseCode,
    /// The name of the code, or the reason that the moderator gave.
    pub reason: String,
    /// What the client does next.
    pub action: Action,
    /// Milliseconds to wait before reconnecting, at most 2^31-1; always there for the action `retry`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Until when the user is rejected, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<Timestamp>,
    /// The idempotency key of the command that caused the close.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub ref_: Option<Ref>,
}

impl Disconnect {
    /// A disconnect with the name of the code as its reason, and a delay if the client retries.
    #[must_use]
    pub fn new(code: CloseCode) -> Self {
        Self {
            code,
            reason: code.reason().to_owned(),
            action: code.action(),
            retry_after_ms: matches!(code.action(), Action::Retry)
                .then_some(DEFAULT_RETRY_AFTER_MS),
            until_ms: None,
            ref_: None,
        }
    }

    /// The same, caused by a command with this idempotency key.
    #[must_use]
    pub fn caused_by(self, ref_: Option<&Ref>) -> Self {
        Self { ref_: ref_.cloned(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_close_with_the_action_retry_has_a_delay() {
        for code in CloseCode::ALL.iter().copied().chain([CloseCode::Unknown(4_299)]) {
            let disconnect = Disconnect::new(code);
            let is_retry = disconnect.action == Action::Retry;
            assert_eq!(disconnect.retry_after_ms.is_some(), is_retry, "{code:?}");
        }
    }
}
