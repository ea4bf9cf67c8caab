//! What verified credentials allow, and the only permission check.
//!
//! Pure. A [`Grant`] contains the rooms that a session may join, with roles, and its scopes. A command outside them is
//! rejected with the missing scope. Source: `docs/protocol.md`, "Roles and scopes".
//! Not here: how grants are created (`auth`), and the rules of rooms (`room`).

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Role, RoomId, Scope};

/// The scopes in credentials. `None` in a [`Grant`] means that the role decides.
///
/// Names that the gateway does not define belong to the application and are passed through unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Box<str>>);

impl Scopes {
    #[must_use]
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.iter().any(|name| **name == *scope.as_str())
    }
}

impl<S: Into<Box<str>>> FromIterator<S> for Scopes {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

/// A pattern of room ids: an id, or a prefix followed by `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoomPattern(Box<str>);

/// The text is not a room pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a room pattern is a room id, or a prefix of one followed by `*`")]
pub struct InvalidRoomPattern;

impl TryFrom<String> for RoomPattern {
    type Error = InvalidRoomPattern;
    fn try_from(text: String) -> Result<Self, InvalidRoomPattern> {
        let is_valid = match text.strip_suffix('*') {
            // A prefix of a room id may be empty, or a text that is no room id by itself.
            Some(prefix) => matches!(prefix, "" | "." | "..") || prefix.parse::<RoomId>().is_ok(),
            None => text.parse::<RoomId>().is_ok(),
        };
        if is_valid { Ok(Self(text.into())) } else { Err(InvalidRoomPattern) }
    }
}

impl From<RoomPattern> for String {
    fn from(pattern: RoomPattern) -> Self {
        pattern.0.into()
    }
}

impl RoomPattern {
    /// The pattern of every room.
    #[must_use]
    pub fn any() -> Self {
        Self("*".into())
    }

    /// The number of characters of `room` that it fixes; `None` if it does not match. An exact match exceeds any
    /// prefix.
    fn matches(&self, room: &RoomId) -> Option<usize> {
        match self.0.strip_suffix('*') {
            Some(prefix) => room.as_str().starts_with(prefix).then_some(prefix.len()),
            None => (*self.0 == *room.as_str()).then_some(usize::MAX),
        }
    }
}

/// What verified credentials allow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Rooms that the session may join without a room token, with its role there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<(RoomPattern, Role)>,
    /// `None`: the role decides; empty: no scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// Whether the user moderates the whole app.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub app_moderator: bool,
}

impl Grant {
    /// The role in `room`, from the most specific pattern.
    #[must_use]
    pub fn role_in(&self, room: &RoomId) -> Option<Role> {
        let matching =
            self.rooms.iter().filter_map(|(pattern, role)| Some((pattern.matches(room)?, *role)));
        matching.max_by_key(|(fixed, _)| *fixed).map(|(_, role)| role)
    }

    /// The names of the scopes, those of the application included.
    #[must_use]
    pub fn scope_names(&self) -> Vec<String> {
        match &self.scopes {
            Some(Scopes(names)) => names.iter().map(|name| String::from(&**name)).collect(),
            None => Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect(),
        }
    }

    /// Checks that the scopes include `scope`.
    ///
    /// # Errors
    /// The missing scope.
    pub fn permit(&self, scope: Scope) -> Result<(), MissingScope> {
        match &self.scopes {
            Some(scopes) if !scopes.contains(scope) => Err(MissingScope(scope)),
            Some(_) | None => Ok(()),
        }
    }
}

/// A command requires a scope that the session does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this requires the scope `{}`", .0.as_str())]
pub struct MissingScope(pub Scope);
