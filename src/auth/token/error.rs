//! Why a token is rejected.
//!
//! Invariant: a message contains names of claims and expected values, never values of the token.

use std::time::Duration;

use stagedoor_proto::ErrorCode;

use super::TokenKind;
use crate::auth::Denied;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64url with JSON objects.
    #[error("the token is not a signed JSON Web Token")]
    NotAToken,
    #[error("the token has {bytes} bytes; at most {max} are allowed")]
    TooLarge { bytes: usize, max: usize },
    #[error("critical extensions (`crit`) in the token's header are not supported")]
    CriticalExtension,
    /// The `alg` is not supported, or is not the algorithm of the key.
    #[error("the token's `alg` is not the algorithm of its key")]
    WrongAlgorithm,
    #[error("no known key has the token's `kid`")]
    UnknownKey,
    #[error("the token's signature does not match the key")]
    WrongSignature,
    #[error("the token requires the claim `{claim}`")]
    MissingClaim { claim: Box<str> },
    /// A claim has the wrong type or is outside its bounds.
    #[error("the token's claim `{claim}` must be {expected}")]
    BadClaim {
        claim: Box<str>,
        /// A description of the allowed values.
        expected: &'static str,
    },
    #[error("the token's `iss` must be `{expected}`")]
    WrongIssuer { expected: Box<str> },
    #[error("the token's `aud` must be or contain `{expected}`")]
    WrongAudience { expected: Box<str> },
    #[error("the token's `scope` must be `{}`", .expected.as_str())]
    WrongKind { expected: TokenKind },
    #[error("the token has expired")]
    Expired,
    #[error("the token is not valid yet: its `{claim}` is in the future")]
    NotYetValid {
        /// `nbf` or `iat`.
        claim: &'static str,
    },
    #[error("the lifetime of a {} token, from `iat` to `exp`, is at most {} s", .kind.as_str(), .max.as_secs())]
    TooLongLived { kind: TokenKind, max: Duration },
    #[error("the token is for another room")]
    WrongRoom,
    #[error("the token is for another user")]
    WrongUser,
    #[error("the token is for another client instance")]
    WrongInstance,
    #[error("unknown server key")]
    UnknownServerKey,
    /// The gateway's key was rotated, and its time is over.
    #[error("the key that signed the token has ended; authenticate again")]
    KeyEnded,
    #[error("the token was revoked; fetch a new one")]
    Revoked,
}

impl TokenError {
    /// The code that is sent to the client.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Expired => ErrorCode::TokenExpired,
            Self::KeyEnded | Self::Revoked => ErrorCode::TokenRevoked,
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
