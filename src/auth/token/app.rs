//! The session, room and server tokens of one app, verified with any of its keys and minted with its first secret.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use stagedoor_proto::{MAX_CONNECTION_DATA_CHARS, RoomId, Secret, Username};

use super::claims::MAX_SHORT_TEXT_CHARS;
use super::{AUDIENCE, Claims, Compact, Expected, TokenError, TokenKind, VerifiedToken};
use super::{DEFAULT_ROOM_TOKEN_LIFETIME, RoomClaims, ServerClaims, SessionClaims};
use crate::auth::keys::AppKey;
use crate::clock::Clock;

/// Verifies and mints the tokens of one app. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppTokens {
    app: Arc<str>,
    keys: Arc<[AppKey]>,
    clock: Clock,
}

/// Why a token could not be minted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The app only has public keys, whose private keys sign elsewhere.
    #[error("the app has no HS256 secret to sign with")]
    NoSecret,
    /// The token would be rejected because of its lifetime.
    #[error("the lifetime of a {} token is at most {} s", .kind.as_str(), .max.as_secs())]
    TooLongLived {
        kind: TokenKind,
        /// Maximum lifetime of this kind.
        max: Duration,
    },
    /// The token would be rejected because a claim is empty or too long.
    #[error("the claim `{claim}` must have {min} to {max} characters")]
    Length {
        claim: &'static str,
        /// Minimum length in characters.
        min: usize,
        /// Maximum length in characters.
        max: usize,
    },
}

impl AppTokens {
    #[must_use]
    pub fn new(app: Arc<str>, keys: Arc<[AppKey]>, clock: Clock) -> Self {
        Self { app, keys, clock }
    }

    /// Verifies a session token.
    ///
    /// # Errors
    /// Why the token is invalid.
    pub fn read_session(&self, token: &str) -> Result<VerifiedToken<SessionClaims>, TokenError> {
        self.read(token, TokenKind::Session, SessionClaims::read)
    }

    /// Verifies a room token with which `username` joins `room`.
    ///
    /// # Errors
    /// Why the token is invalid; [`TokenError::WrongRoom`] and [`TokenError::WrongUser`] if it is not for these.
    pub fn read_room(
        &self,
        token: &str,
        room: &RoomId,
        username: &Username,
    ) -> Result<VerifiedToken<RoomClaims>, TokenError> {
        let token = self.read(token, TokenKind::Room, RoomClaims::read)?;
        if token.claims.room != *room {
            return Err(TokenError::WrongRoom);
        }
        if token.claims.sub.as_ref().is_some_and(|sub| sub != username) {
            return Err(TokenError::WrongUser);
        }
        Ok(token)
    }

    /// Verifies a server token.
    ///
    /// # Errors
    /// Why the token is invalid.
    pub fn read_server(&self, token: &str) -> Result<VerifiedToken<ServerClaims>, TokenError> {
        self.read(token, TokenKind::Server, ServerClaims::read)
    }

    /// Mints a session token that is valid for `ttl`.
    ///
    /// # Errors
    /// When the app has no secret, or the token would be rejected.
    pub fn mint_session(&self, claims: &SessionClaims, ttl: Duration) -> Result<Secret, MintError> {
        check_length("name", claims.name.as_deref(), 1, MAX_SHORT_TEXT_CHARS)?;
        self.mint(TokenKind::Session, claims, ttl)
    }

    /// Mints a room token that is valid for `ttl`, by default [`DEFAULT_ROOM_TOKEN_LIFETIME`].
    ///
    /// # Errors
    /// When the app has no secret, or the token would be rejected.
    pub fn mint_room(
        &self,
        claims: &RoomClaims,
        ttl: Option<Duration>,
    ) -> Result<Secret, MintError> {
        check_length("data", claims.data.as_deref(), 0, MAX_CONNECTION_DATA_CHARS)?;
        check_length("jti", claims.jti.as_deref(), 1, MAX_SHORT_TEXT_CHARS)?;
        self.mint(TokenKind::Room, claims, ttl.unwrap_or(DEFAULT_ROOM_TOKEN_LIFETIME))
    }

    /// Mints a server token that is valid for `ttl`.
    ///
    /// # Errors
    /// When the app has no secret, or the token would be rejected.
    pub fn mint_server(&self, claims: &ServerClaims, ttl: Duration) -> Result<Secret, MintError> {
        check_length("sub", claims.sub.as_deref(), 1, MAX_SHORT_TEXT_CHARS)?;
        self.mint(TokenKind::Server, claims, ttl)
    }

    fn read<T>(
        &self,
        token: &str,
        kind: TokenKind,
        read: impl FnOnce(&Claims) -> Result<T, TokenError>,
    ) -> Result<VerifiedToken<T>, TokenError> {
        let compact = Compact::parse_within(token, kind.max_bytes())?;
        let claims = compact.verify(self.keys.iter().map(AppKey::verifying))?;
        let now = self.clock.wall();
        Expected { issuer: &self.app, audience: AUDIENCE, kind: Some(kind), now }
            .check(&claims, read)
    }

    fn mint(
        &self,
        kind: TokenKind,
        claims: &impl Serialize,
        ttl: Duration,
    ) -> Result<Secret, MintError> {
        if let Some(max) = kind.max_lifetime().filter(|max| ttl > *max) {
            return Err(MintError::TooLongLived { kind, max });
        }
        let key = self.keys.iter().find_map(AppKey::minting).ok_or(MintError::NoSecret)?;
        let iat = self.clock.wall().as_secs();
        let exp = iat.saturating_add(ttl.as_secs());
        Ok(key.mint(&Payload {
            iss: &self.app,
            aud: AUDIENCE,
            scope: kind.as_str(),
            iat,
            exp,
            claims,
        }))
    }
}

/// The claims of a token: the common ones, followed by those of its kind.
#[derive(Serialize)]
pub(super) struct Payload<'a, T> {
    pub(super) iss: &'a str,
    pub(super) aud: &'static str,
    pub(super) scope: &'static str,
    pub(super) iat: u64,
    pub(super) exp: u64,
    #[serde(flatten)]
    pub(super) claims: &'a T,
}

fn check_length(
    claim: &'static str,
    text: Option<&str>,
    min: usize,
    max: usize,
) -> Result<(), MintError> {
    match text {
        Some(text) if !(min..=max).contains(&text.chars().count()) => {
            Err(MintError::Length { claim, min, max })
        }
        Some(_) | None => Ok(()),
    }
}
