//! The claims of each kind of token, in addition to the common ones. The same struct is verified and minted.
//!
//! Source: `docs/protocol.md`, "Tokens".

use std::num::NonZeroU64;

use serde::{Serialize, Serializer};
use stagedoor_proto::{FamilyId, InstanceId, LayoutClasses, Role, RoomId, Timestamp, Username};

use super::claims::{ConnectionData, ShortText};
use super::{Claims, TokenError};
use crate::auth::CredentialSource;
use crate::grant::{Grant, RoomPattern, Scopes};

/// The claims of a session token: the user and their permissions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionClaims {
    pub sub: Username,
    /// The client instance that the token is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// Display name, 1 to 256 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `rooms`, `scopes` and `app_moderator`.
    #[serde(flatten, serialize_with = "grant_claims")]
    pub grant: Grant,
    /// Lifetime of the session in seconds. Replaces `exp` for that purpose.
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

/// The claims of a room token: the room, the role and the user.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoomClaims {
    pub room: RoomId,
    /// `None`: the app's default role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The user that the token is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<Username>,
    /// Connection data, at most 1000 characters. Sent to all participants and never changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Token id. A token with one is single use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The layout classes of the participant's streams.
    #[serde(skip_serializing_if = "LayoutClasses::is_empty")]
    pub layout_classes: LayoutClasses,
    /// Whether the user may remove users from the whole app.
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

/// The claims of a server token.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ServerClaims {
    /// Name of the caller in the audit log, 1 to 256 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
}

impl ServerClaims {
    pub(super) fn read(claims: &Claims) -> Result<Self, TokenError> {
        Ok(Self { sub: short_text(claims, "sub")? })
    }
}

/// The claims of an access token: enough to start a session without calling a hook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccessClaims {
    pub sub: Username,
    /// The client instance that the token is bound to.
    pub instance: InstanceId,
    /// The chain of tokens that it belongs to; revoked as a whole.
    pub family: FamilyId,
    /// Whether the user only named themselves.
    pub guest: bool,
    /// The other credentials that the user presented last.
    pub source: CredentialSource,
    /// When the user last presented other credentials than an access token.
    pub auth_ms: Timestamp,
    /// When the app issued those credentials, if they were a session token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ms: Option<Timestamp>,
    /// When the token was minted; the epoch if the claim is absent.
    pub issued_ms: Timestamp,
    /// Its number in the family; 0 if the claim is absent.
    pub serial: u64,
    /// The number of the token that it replaces; 0 if the claim is absent.
    pub previous: u64,
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
            source: claims.required("source")?,
            auth_ms: Timestamp::from_millis(claims.required("auth_ms")?),
            token_ms: claims.optional("token_ms")?.map(Timestamp::from_millis),
            issued_ms: Timestamp::from_millis(claims.optional("issued_ms")?.unwrap_or_default()),
            serial: claims.optional("serial")?.unwrap_or_default(),
            previous: claims.optional("previous")?.unwrap_or_default(),
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

/// Serializes a grant as in tokens, with rooms as an object.
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
