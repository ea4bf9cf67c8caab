//! A foreign issuer: an identity provider whose tokens start sessions here.
//!
//! Its tokens use its own claim names ([`ClaimMap`]) and have no `scope` of ours: only `iss` and `aud` separate them
//! from tokens made for others.

use std::time::Duration;

use stagedoor_proto::{InstanceId, Timestamp, Username};

use super::keys::{JwksSource, KeysUnavailable};
use super::token::{
    Claim, Claims, Compact, Expected, SessionClaims, ShortText, TokenError, VerifiedToken,
};
use crate::clock::Clock;
use crate::config::Jwks;
use crate::grant::Grant;
use crate::outbound::{Network, OutboundError};

/// Claim names of a foreign issuer. A field without a claim has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimMap {
    pub username: Box<str>,
    /// The display name.
    pub name: Option<Box<str>>,
    /// Rooms and roles, as in a session token.
    pub rooms: Option<Box<str>>,
    /// Scopes, as in a session token.
    pub scopes: Option<Box<str>>,
    /// The client instance that the token is bound to.
    pub instance: Option<Box<str>>,
    /// Whether the user moderates the whole app.
    pub app_moderator: Option<Box<str>>,
}

impl Default for ClaimMap {
    /// `OpenID` Connect's names for user and display name. No claim grants permissions.
    fn default() -> Self {
        Self {
            username: "sub".into(),
            name: Some("name".into()),
            rooms: None,
            scopes: None,
            instance: None,
            app_moderator: None,
        }
    }
}

pub struct Issuer {
    iss: Box<str>,
    audience: Box<str>,
    claims: ClaimMap,
    keys: JwksSource,
}

/// Why a foreign token was rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// The token is invalid.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The issuer's keys are not available.
    #[error("the issuer's keys cannot be fetched")]
    Unavailable,
}

impl Issuer {
    /// The issuer whose tokens have this `iss` and `aud`, and are signed with one of `keys`.
    #[must_use]
    pub fn new(issuer: &str, audience: &str, claims: ClaimMap, keys: JwksSource) -> Self {
        Self { iss: issuer.into(), audience: audience.into(), claims, keys }
    }

    /// The issuer of an app, whose key set is in `network`.
    ///
    /// # Errors
    /// As [`JwksSource::new`].
    pub fn configured(jwks: &Jwks, network: Network, clock: Clock) -> Result<Self, OutboundError> {
        let keys = JwksSource::new(&jwks.url, DEFAULT_KEYS_TIMEOUT, network, clock)?;
        let text = |claim: &Option<String>| claim.as_deref().map(Into::into);
        let claims = ClaimMap {
            username: jwks.claims.username.as_str().into(),
            name: text(&jwks.claims.name),
            rooms: text(&jwks.claims.rooms),
            scopes: text(&jwks.claims.scopes),
            instance: text(&jwks.claims.instance),
            app_moderator: text(&jwks.claims.app_moderator),
        };
        Ok(Self::new(&jwks.issuer, &jwks.audience, claims, keys))
    }

    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.iss
    }

    /// Reads a token of this issuer as a session token.
    pub(in crate::auth) async fn read(
        &self,
        token: &Compact<'_>,
        now: Timestamp,
    ) -> Result<VerifiedToken<SessionClaims>, IssuerError> {
        let result = self.keys.keys_for(token.kid()).await;
        let fetched = result.map_err(|KeysUnavailable| IssuerError::Unavailable)?;
        let claims = token.verify(&fetched.keys)?;
        let expected = Expected { issuer: &self.iss, audience: &self.audience, kind: None, now };
        Ok(expected.check(&claims, |claims| self.claims.read(claims))?)
    }
}

impl ClaimMap {
    fn read(&self, claims: &Claims) -> Result<SessionClaims, TokenError> {
        let grant = Grant {
            rooms: mapped(claims, self.rooms.as_deref())?.unwrap_or_default(),
            scopes: mapped(claims, self.scopes.as_deref())?,
            app_moderator: mapped(claims, self.app_moderator.as_deref())?.unwrap_or_default(),
        };
        Ok(SessionClaims {
            sub: claims.required::<Username>(&self.username)?,
            instance: mapped::<InstanceId>(claims, self.instance.as_deref())?,
            name: mapped::<ShortText>(claims, self.name.as_deref())?.map(|name| name.0),
            grant,
            ttl_s: None,
        })
    }
}

fn mapped<T: Claim>(claims: &Claims, name: Option<&str>) -> Result<Option<T>, TokenError> {
    name.map_or(Ok(None), |name| claims.optional(name))
}

/// Timeout of a key set fetch.
const DEFAULT_KEYS_TIMEOUT: Duration = Duration::from_secs(5);
