//! A foreign issuer: somebody's identity provider, whose tokens start sessions here.
//!
//! Its tokens say things by its own names ([`ClaimMap`]) and know nothing of our `scope`; `iss` and `aud` alone keep
//! tokens apart that it made for others.

use std::time::Duration;

use stagedoor_proto::{InstanceId, Timestamp, Username};

use super::keys::{JwksSource, KeysUnavailable};
use super::token::{
    Checked, Claim, Claims, Compact, Expected, SessionClaims, ShortText, TokenError,
};
use crate::clock::Clock;
use crate::config::Jwks;
use crate::grant::Grant;
use crate::outbound::{Network, OutboundError};

/// Which claims of a foreign token say what. What has no claim is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimMap {
    /// The username.
    pub username: Box<str>,
    /// A name for display.
    pub name: Option<Box<str>>,
    /// Rooms and roles, as in a session token.
    pub rooms: Option<Box<str>>,
    /// Scopes, as in a session token.
    pub scopes: Option<Box<str>>,
    /// The client instance it binds to.
    pub instance: Option<Box<str>>,
    /// Whether the user moderates the whole app.
    pub app_moderator: Option<Box<str>>,
}

impl Default for ClaimMap {
    /// `OpenID` Connect's names for user and display name; nothing that would grant anything.
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

/// A foreign issuer of session tokens.
pub struct Issuer {
    iss: Box<str>,
    audience: Box<str>,
    claims: ClaimMap,
    keys: JwksSource,
}

/// Why a foreign token lets nobody in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// The token is at fault.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The issuer's keys cannot be had.
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

    /// Its `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.iss
    }

    /// Reads a token of this issuer as a session token.
    pub(in crate::auth) async fn read(
        &self,
        token: &Compact<'_>,
        now: Timestamp,
    ) -> Result<Checked<SessionClaims>, IssuerError> {
        let found = self.keys.keys_for(token.kid()).await;
        let fetched = found.map_err(|KeysUnavailable| IssuerError::Unavailable)?;
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

/// How long a fetch of keys may take unless configured otherwise.
const DEFAULT_KEYS_TIMEOUT: Duration = Duration::from_secs(5);
