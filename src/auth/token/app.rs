//! The tokens of one app: session, room and server tokens, read with any of its keys, minted with its first secret.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use stagedoor_proto::{MAX_CONNECTION_DATA_CHARS, RoomId, Secret, Username};

use super::claims::MAX_SHORT_TEXT_CHARS;
use super::{AUDIENCE, Checked, Claims, Compact, Expected, TokenError, TokenKind};
use super::{DEFAULT_ROOM_TOKEN_LIFETIME, RoomClaims, ServerClaims, SessionClaims};
use crate::auth::keys::AppKey;
use crate::clock::Clock;

/// Reads and mints the tokens of one app. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AppTokens {
    app: Arc<str>,
    keys: Arc<[AppKey]>,
    clock: Clock,
}

/// Why a token could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The app only has public keys: whoever holds the private one makes its tokens.
    #[error("the app has no HS256 key to sign with")]
    NoSecret,
    /// It would be refused for its long life.
    #[error("a {} token may live {} s at most", .kind.as_str(), .max.as_secs())]
    TooLongLived {
        /// Its kind.
        kind: TokenKind,
        /// How long that kind may live.
        max: Duration,
    },
    /// It would be refused for a text that is empty or too long.
    #[error("the claim `{claim}` must have {min} to {max} characters")]
    Length {
        /// Its name.
        claim: &'static str,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
}

impl AppTokens {
    /// The tokens of `app`.
    #[must_use]
    pub fn new(app: Arc<str>, keys: Arc<[AppKey]>, clock: Clock) -> Self {
        Self { app, keys, clock }
    }

    /// Reads a session token.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn read_session(&self, token: &str) -> Result<Checked<SessionClaims>, TokenError> {
        self.read(token, TokenKind::Session, SessionClaims::read)
    }

    /// Reads a room token that `username` shows to enter `room`.
    ///
    /// # Errors
    /// Whatever is wrong with it; [`TokenError::WrongRoom`] and [`TokenError::WrongUser`] when it is not for them.
    pub fn read_room(
        &self,
        token: &str,
        room: &RoomId,
        username: &Username,
    ) -> Result<Checked<RoomClaims>, TokenError> {
        let checked = self.read(token, TokenKind::Room, RoomClaims::read)?;
        if checked.claims.room != *room {
            return Err(TokenError::WrongRoom);
        }
        if checked.claims.sub.as_ref().is_some_and(|sub| sub != username) {
            return Err(TokenError::WrongUser);
        }
        Ok(checked)
    }

    /// Reads a server token.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn read_server(&self, token: &str) -> Result<Checked<ServerClaims>, TokenError> {
        self.read(token, TokenKind::Server, ServerClaims::read)
    }

    /// Makes a session token that lives for `ttl`.
    ///
    /// # Errors
    /// When the app has no secret, or the token would be refused.
    pub fn mint_session(&self, claims: &SessionClaims, ttl: Duration) -> Result<Secret, MintError> {
        check_length("name", claims.name.as_deref(), 1, MAX_SHORT_TEXT_CHARS)?;
        self.mint(TokenKind::Session, claims, ttl)
    }

    /// Makes a room token that lives for `ttl`, or for [`DEFAULT_ROOM_TOKEN_LIFETIME`].
    ///
    /// # Errors
    /// When the app has no secret, or the token would be refused.
    pub fn mint_room(
        &self,
        claims: &RoomClaims,
        ttl: Option<Duration>,
    ) -> Result<Secret, MintError> {
        check_length("data", claims.data.as_deref(), 0, MAX_CONNECTION_DATA_CHARS)?;
        check_length("jti", claims.jti.as_deref(), 1, MAX_SHORT_TEXT_CHARS)?;
        self.mint(TokenKind::Room, claims, ttl.unwrap_or(DEFAULT_ROOM_TOKEN_LIFETIME))
    }

    /// Makes a server token that lives for `ttl`.
    ///
    /// # Errors
    /// When the app has no secret, or the token would be refused.
    pub fn mint_server(&self, claims: &ServerClaims, ttl: Duration) -> Result<Secret, MintError> {
        check_length("sub", claims.sub.as_deref(), 1, MAX_SHORT_TEXT_CHARS)?;
        self.mint(TokenKind::Server, claims, ttl)
    }

    fn read<T>(
        &self,
        token: &str,
        kind: TokenKind,
        read: impl FnOnce(&Claims) -> Result<T, TokenError>,
    ) -> Result<Checked<T>, TokenError> {
        let claims = Compact::parse(token)?.verify(self.keys.iter().map(AppKey::verifying))?;
        let now = self.clock.now();
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
        let iat = self.clock.now().as_secs();
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

/// The claims of a token, those of its kind after those that all have.
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
