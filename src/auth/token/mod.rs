//! Verifies and mints tokens.
//!
//! `jsonwebtoken` only handles signatures: its claim validation accepts an `aud` or `iss` of the wrong type as absent.
//! Invariants: the key determines the algorithm, never the header; a claim of the wrong type is an error; a token is
//! valid for one purpose, its `scope`; it expires exactly at `exp`, and [`LEEWAY`] only covers clocks ahead of ours.
//! Not here: whether a token was revoked or redeemed (`store`).

mod access;
mod app;
mod checks;
mod claims;
mod compact;
mod error;
#[cfg(test)]
mod fuzz;
mod kinds;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use access::{AccessTokens, NoSigningKey};
pub use app::{AppTokens, MintError};
pub use checks::VerifiedToken;
pub use error::TokenError;
pub use kinds::{AccessClaims, RoomClaims, ServerClaims, SessionClaims};

pub(super) use checks::Expected;
pub(super) use claims::{Claim, Claims, ShortText, rooms_of};
pub(super) use compact::Compact;

/// The purpose of a token: its `scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Starts and renews sessions.
    Session,
    /// Joins one room.
    Room,
    /// Uses the server API.
    Server,
    /// Starts a session again. Minted by the gateway itself.
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

    /// Maximum length of a token in bytes. A room token holds 1 000 characters of data however its JSON escapes them.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Room => MAX_ROOM_TOKEN_BYTES,
            Self::Session | Self::Server | Self::Access => MAX_TOKEN_BYTES,
        }
    }

    /// Maximum time between `iat` and `exp`.
    #[must_use]
    pub const fn max_lifetime(self) -> Option<Duration> {
        match self {
            Self::Room => Some(MAX_ROOM_TOKEN_LIFETIME),
            Self::Server => Some(MAX_SERVER_TOKEN_LIFETIME),
            Self::Session | Self::Access => None,
        }
    }
}

/// The `aud` of tokens that an app or the gateway makes for the gateway.
pub const AUDIENCE: &str = "stagedoor";
/// Maximum length of a token that is not a room token.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Maximum length of a room token.
pub const MAX_ROOM_TOKEN_BYTES: usize = 32 * 1024;
/// How far `iat` and `nbf` may be in the future, because clocks of machines differ.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// Maximum lifetime of a room token.
pub const MAX_ROOM_TOKEN_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// Lifetime of a room token that is minted without one.
pub const DEFAULT_ROOM_TOKEN_LIFETIME: Duration = Duration::from_hours(24);
/// Maximum lifetime of a server token.
pub const MAX_SERVER_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
