//! What each kind of token says, besides what all say: the same struct is read and minted.
//!
//! Source: `docs/protocol.md`, "Tokens".

use std::num::NonZeroU64;

use serde::{Serialize, Serializer};
use stagedoor_proto::{FamilyId, InstanceId, LayoutClasses, Role, RoomId, Timestamp, Username};

use super::claims::{ConnectionData, ShortText};
use super::{Claims, TokenError};
use crate::grant::{Grant, RoomPattern, Scopes};

/// What a session token says: who may start a session, and what it may do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionClaims {
    /// Who.
    pub sub: Username,
    /// The only client instance it is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// A name for display, of 1 to 256 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `rooms`, `scopes` and `app_moderator`.
    #[serde(flatten, serialize_with = "grant_claims")]
    pub grant: Grant,
    /// How long the session may live, in seconds; takes the place of `exp` for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<NonZeroU64>,
}

impl SessionClaims {
    pub(super) fn read(claims: &Claims) -> Result<Self, TokenError> {
        Ok(Self {
            sub: claims.required("sub")?,
            instance: claims.optional("instance")?,
            name: short_text(claims, "name")?,
            grant: grant_of(claims)?,
            ttl_s: claims.optional("ttl_s")?,
        })
    }
}

/// What a room token says: who may enter one room, and as what.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoomClaims {
    /// Which room.
    pub room: RoomId,
    /// As what; `None`: the app's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The only user it is good for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<Username>,
    /// Connection data, at most 1000 characters, told to all and never changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Its id; with one, a single session may spend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The layout classes of the participant's streams.
    #[serde(skip_serializing_if = "LayoutClasses::is_empty")]
    pub layout_classes: LayoutClasses,
    /// Whether its holder may remove people from the whole app.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub app_moderator: bool,
}

impl RoomClaims {
    pub(super) fn read(claims: &Claims) -> Result<Self, TokenError> {
        Ok(Self {
            room: claims.required("room")?,
            role: claims.optional("role")?,
            sub: claims.optional("sub")?,
            data: claims.optional::<ConnectionData>("data")?.map(|data| data.0),
            jti: short_text(claims, "jti")?,
            layout_classes: claims.optional("layout_classes")?.unwrap_or_default(),
            app_moderator: claims.optional("app_moderator")?.unwrap_or_default(),
        })
    }
}

/// What a server token says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ServerClaims {
    /// Who uses the server API, for the audit; 1 to 256 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

impl ServerClaims {
    pub(super) fn read(claims: &Claims) -> Result<Self, TokenError> {
        Ok(Self { sub: short_text(claims, "sub")? })
    }
}

/// What an access token says: enough to restart a session and ask nobody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccessClaims {
    /// Who.
    pub sub: Username,
    /// The only client instance it is good for.
    pub instance: InstanceId,
    /// The chain of tokens it belongs to.
    pub family: FamilyId,
    /// Whether only the name vouches for them.
    pub guest: bool,
    /// When they last fully authenticated.
    pub auth_ms: Timestamp,
    /// When the token was minted; the epoch where it does not say.
    pub issued_ms: Timestamp,
    /// `rooms`, `scopes` and `app_moderator`.
    #[serde(flatten, serialize_with = "grant_claims")]
    pub grant: Grant,
}

impl AccessClaims {
    pub(super) fn read(claims: &Claims) -> Result<Self, TokenError> {
        Ok(Self {
            sub: claims.required("sub")?,
            instance: claims.required("instance")?,
            family: claims.required("family")?,
            guest: claims.required("guest")?,
            auth_ms: Timestamp::from_millis(claims.required("auth_ms")?),
            issued_ms: Timestamp::from_millis(claims.optional("issued_ms")?.unwrap_or_default()),
            grant: grant_of(claims)?,
        })
    }
}

fn grant_of(claims: &Claims) -> Result<Grant, TokenError> {
    Ok(Grant {
        rooms: claims.optional("rooms")?.unwrap_or_default(),
        scopes: claims.optional("scopes")?,
        app_moderator: claims.optional("app_moderator")?.unwrap_or_default(),
    })
}

fn short_text(claims: &Claims, name: &str) -> Result<Option<String>, TokenError> {
    Ok(claims.optional::<ShortText>(name)?.map(|text| text.0))
}

/// Tells a grant as tokens do: rooms as an object.
fn grant_claims<S: Serializer>(grant: &Grant, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct GrantClaims<'a> {
        #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "as_object")]
        rooms: &'a [(RoomPattern, Role)],
        #[serde(skip_serializing_if = "Option::is_none")]
        scopes: Option<&'a Scopes>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        app_moderator: bool,
    }
    let Grant { rooms, scopes, app_moderator } = grant;
    GrantClaims { rooms, scopes: scopes.as_ref(), app_moderator: *app_moderator }
        .serialize(serializer)
}

fn as_object<S: Serializer>(
    rooms: &[(RoomPattern, Role)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(rooms.iter().map(|(room, role)| (room, role)))
}
