//! Tokens: reading them strictly, and making them.
//!
//! `jsonwebtoken` makes and checks signatures and nothing else. Everything else is checked here against the gateway's
//! clock: its own claim validation lets a mistyped `aud` or `iss` pass as an absent one.
//!
//! Invariants: the key fixes the algorithm, never the header; a claim of the wrong type is a refusal, never an absent
//! claim; a token of one kind opens no other door; a token ends at its `exp` to the second, and [`LEEWAY`] is only for
//! clocks that run ahead of ours.
//! Not here: whether a token was revoked or spent (`store`).

mod access;
mod app;
mod checks;
mod claims;
mod compact;
mod error;
mod kinds;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use access::{AccessTokens, NoSigningKey};
pub use app::{AppTokens, MintError};
pub use checks::Checked;
pub use error::TokenError;
pub use kinds::{AccessClaims, RoomClaims, ServerClaims, SessionClaims};

pub(super) use checks::Expected;
pub(super) use claims::{Claim, Claims, ShortText, rooms_of};
pub(super) use compact::Compact;

/// The door a token opens: its `scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Starts and renews sessions.
    Session,
    /// Enters one room.
    Room,
    /// Uses the server API.
    Server,
    /// Restarts a session; the gateway's own.
    Access,
}

impl TokenKind {
    /// The value of the claim `scope`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Room => "room",
            Self::Server => "server",
            Self::Access => "access",
        }
    }

    /// How long a token of this kind may live from its `iat` to its `exp`.
    #[must_use]
    pub const fn max_lifetime(self) -> Option<Duration> {
        match self {
            Self::Room => Some(MAX_ROOM_TOKEN_LIFETIME),
            Self::Server => Some(MAX_SERVER_TOKEN_LIFETIME),
            Self::Session | Self::Access => None,
        }
    }
}

/// The `aud` of every token that an app or the gateway makes for the gateway.
pub const AUDIENCE: &str = "stagedoor";
/// Longest token that is looked at.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// How far `iat` and `nbf` may lie in the future: other machines' clocks differ.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// Longest life of a room token.
pub const MAX_ROOM_TOKEN_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// Life of a room token when its maker does not say.
pub const DEFAULT_ROOM_TOKEN_LIFETIME: Duration = Duration::from_hours(24);
/// Longest life of a server token.
pub const MAX_SERVER_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
