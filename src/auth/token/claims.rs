//! Reads claims by name and type.
//!
//! Invariant: a claim of the wrong type, `null` included, is an error that names the claim, never an absent claim.
//! Errors do not contain values.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};
use stagedoor_proto::{
    FamilyId, InstanceId, LayoutClasses, MAX_CONNECTION_DATA_CHARS, Role, RoomId, Timestamp,
    Username,
};

use super::TokenError;
use crate::auth::CredentialSource;
use crate::grant::{RoomPattern, Scopes};

/// The claims of a verified token.
pub(in crate::auth) struct Claims(Map<String, Value>);

impl Claims {
    /// The claim `name`, if it is present.
    pub(in crate::auth) fn optional<T: Claim>(&self, name: &str) -> Result<Option<T>, TokenError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        match T::read(value) {
            Some(claim) => Ok(Some(claim)),
            None => Err(TokenError::BadClaim { claim: name.into(), expected: T::EXPECTED }),
        }
    }

    /// The claim `name`, which must be present.
    pub(in crate::auth) fn required<T: Claim>(&self, name: &str) -> Result<T, TokenError> {
        self.optional(name)?.ok_or_else(|| TokenError::MissingClaim { claim: name.into() })
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Claims;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of claims")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Claims, A::Error> {
                let mut claims = Map::new();
                while let Some((name, value)) = entries.next_entry::<String, Value>()? {
                    // RFC 7519, 4: with a duplicate claim, issuer and reader could use different values.
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("duplicate claim"));
                    }
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A type that a claim can have.
pub(in crate::auth) trait Claim: Sized {
    /// A description of the type, for errors.
    const EXPECTED: &'static str;

    /// The claim, if `value` has its type and is within its bounds.
    fn read(value: &Value) -> Option<Self>;
}

macro_rules! claims {
    ($($type:ty, $expected:literal, $read:expr;)*) => { $(
        impl Claim for $type {
            const EXPECTED: &'static str = $expected;
            fn read(value: &Value) -> Option<Self> {
                let read: fn(&Value) -> Option<Self> = $read;
                read(value)
            }
        }
    )* };
}

claims! {
    String, "a string", |value| value.as_str().map(Into::into);
    bool, "true or false", Value::as_bool;
    u64, "a whole number", Value::as_u64;
    NonZeroU64, "a whole number above zero", |value| NonZeroU64::new(value.as_u64()?);
    Timestamp, "a number of seconds since 1970", numeric_date;
    Username, "a username: 1 to 256 bytes of UTF-8 in normal form C without control characters",
        |value| value.as_str()?.parse().ok();
    InstanceId, "a client instance: 8 to 64 characters of A-Z a-z 0-9 . _ ~ -", |value| value.as_str()?.parse().ok();
    RoomId, "a room: 1 to 128 characters of A-Z a-z 0-9 . _ ~ : @ -", |value| value.as_str()?.parse().ok();
    FamilyId, "an id of 22 base64url characters", |value| value.as_str()?.parse().ok();
    CredentialSource, "`guest`, `session_token`, `hook`, `bounded_hook` or `api_token`",
        |value| CredentialSource::deserialize(value).ok();
    Role, "`subscriber`, `publisher`, `publisher_only` or `moderator`", role;
    Vec<(RoomPattern, Role)>, "an object of rooms (`*` only last) and roles", |value| rooms_of(value.as_object()?);
    Scopes, "a list of strings", |value| Some(strings(value)?.into_iter().collect());
    LayoutClasses, "at most 16 classes of 1 to 64 characters", |value| strings(value)?.try_into().ok();
    Audience, "a string or a list of strings", |value| match value {
        Value::String(one) => Some(Audience(vec![one.clone()])),
        Value::Array(_) => strings(value).map(Audience),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    };
    ConnectionData, "a string of at most 1000 characters", |value| {
        let text = value.as_str()?;
        (text.chars().count() <= MAX_CONNECTION_DATA_CHARS).then(|| ConnectionData(text.into()))
    };
    ShortText, "a string of 1 to 256 characters", |value| {
        let text = value.as_str()?;
        (1..=MAX_SHORT_TEXT_CHARS).contains(&text.chars().count()).then(|| ShortText(text.into()))
    };
}

/// The recipients of a token: one or several (RFC 7519, 4.1.3).
pub(super) struct Audience(Vec<String>);

impl Audience {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|one| one == name)
    }
}

/// Connection data, which all participants of a room receive.
pub(super) struct ConnectionData(pub(super) String);

/// A display name, `jti` or the `sub` of a server token.
pub(in crate::auth) struct ShortText(pub(in crate::auth) String);

/// RFC 7519, 2: a number of seconds, which may have a fraction.
fn numeric_date(value: &Value) -> Option<Timestamp> {
    if let Some(secs) = value.as_u64() {
        return Some(Timestamp::from_secs(secs));
    }
    let since = Duration::try_from_secs_f64(value.as_f64()?).ok()?;
    u64::try_from(since.as_millis()).ok().map(Timestamp::from_millis)
}

fn role(value: &Value) -> Option<Role> {
    // Serde would also take `{"moderator": null}` for a role.
    value.is_string().then(|| Role::deserialize(value).ok())?
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|one| one.as_str().map(Into::into)).collect()
}

/// Rooms and roles as in tokens and responses of auth webhooks: `{"lobby-*": "publisher"}`.
pub(in crate::auth) fn rooms_of(object: &Map<String, Value>) -> Option<Vec<(RoomPattern, Role)>> {
    object.iter().map(|(room, value)| Some((room.clone().try_into().ok()?, role(value)?))).collect()
}

/// Maximum length of a display name, `jti` and the `sub` of a server token.
pub(super) const MAX_SHORT_TEXT_CHARS: usize = 256;
