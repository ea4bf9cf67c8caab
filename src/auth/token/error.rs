//! Why a token is refused.
//!
//! Invariant: no message tells anything of the token but the names of its claims; what was expected is said, what was
//! found is not.

use std::time::Duration;

use stagedoor_proto::ErrorCode;

use super::{MAX_TOKEN_BYTES, TokenKind};
use crate::auth::Denied;

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is not three parts of base64url that hold JSON objects.
    #[error("the token is not a signed JSON Web Token")]
    NotAToken,
    /// It is longer than any token of ours.
    #[error("the token has {bytes} bytes; at most {MAX_TOKEN_BYTES} are allowed")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// Its header asks for an extension (`crit`) that is not known here.
    #[error("the token's header has a critical extension, and none is supported")]
    CriticalExtension,
    /// Its `alg` is none that is supported, or not the one its key is for.
    #[error("the token's `alg` is not the one its key is for")]
    WrongAlgorithm,
    /// No key has its `kid`.
    #[error("the token's `kid` names no known key")]
    UnknownKey,
    /// Its signature was not made by the key.
    #[error("the token's signature does not fit the key")]
    WrongSignature,
    /// A claim it needs is absent.
    #[error("the token needs the claim `{claim}`")]
    MissingClaim {
        /// Its name.
        claim: Box<str>,
    },
    /// A claim is of the wrong type, or outside its bounds.
    #[error("the token's claim `{claim}` must be {expected}")]
    BadClaim {
        /// Its name.
        claim: Box<str>,
        /// What is allowed.
        expected: &'static str,
    },
    /// It was issued by somebody else.
    #[error("the token's `iss` must be `{expected}`")]
    WrongIssuer {
        /// Who should have.
        expected: Box<str>,
    },
    /// It was issued for somebody else.
    #[error("the token's `aud` must be or contain `{expected}`")]
    WrongAudience {
        /// Whom it should be for.
        expected: Box<str>,
    },
    /// It opens another door.
    #[error("the token's `scope` must be `{}`", .expected.as_str())]
    WrongKind {
        /// What was to be shown here.
        expected: TokenKind,
    },
    /// It is past its `exp`.
    #[error("the token has expired")]
    Expired,
    /// Its `nbf` or `iat` is still to come.
    #[error("the token is not valid yet: its `{claim}` is in the future")]
    NotYetValid {
        /// Which of them.
        claim: &'static str,
    },
    /// It lives longer than its kind may.
    #[error("a {} token may live {} s at most, from `iat` to `exp`", .kind.as_str(), .max.as_secs())]
    TooLongLived {
        /// Its kind.
        kind: TokenKind,
        /// How long that kind may live.
        max: Duration,
    },
    /// It is for another room.
    #[error("the token is for another room")]
    WrongRoom,
    /// It is somebody else's.
    #[error("the token is for another user")]
    WrongUser,
    /// It is another client instance's.
    #[error("the token is for another client instance")]
    WrongInstance,
    /// What was shown to the server API is no server key of the app.
    #[error("this is no server key of the app")]
    UnknownServerKey,
}

impl TokenError {
    /// The code a client is told.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Expired => ErrorCode::TokenExpired,
            Self::NotAToken
            | Self::TooLarge { .. }
            | Self::CriticalExtension
            | Self::WrongAlgorithm
            | Self::UnknownKey
            | Self::WrongSignature
            | Self::MissingClaim { .. }
            | Self::BadClaim { .. }
            | Self::WrongIssuer { .. }
            | Self::WrongAudience { .. }
            | Self::WrongKind { .. }
            | Self::NotYetValid { .. }
            | Self::TooLongLived { .. }
            | Self::WrongRoom
            | Self::WrongUser
            | Self::WrongInstance
            | Self::UnknownServerKey => ErrorCode::AuthDenied,
        }
    }
}

impl From<TokenError> for Denied {
    fn from(error: TokenError) -> Self {
        Self { code: error.code(), message: error.to_string() }
    }
}
