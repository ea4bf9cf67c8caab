//! What verified credentials allow, and the only permission check.
//!
//! Pure. A [`Grant`] says which rooms a session may enter in which role, and which scopes it holds; a command outside
//! them is refused naming the missing scope. Source: `docs/protocol.md`, "Roles and scopes".
//! Not here: how a grant came to be (`auth`), and a room's own say (`room`).

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Role, RoomId, Scope};

/// The scopes that credentials name. `None` in a [`Grant`] means: whatever the role allows.
///
/// Names that are not the gateway's are the application's own; they are kept and handed back untouched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Box<str>>);

impl Scopes {
    /// Whether the gateway's own `scope` is among them.
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

/// A pattern of room ids: an id, or a prefix followed by `*`, which may stand only last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoomPattern(Box<str>);

/// A text that is no room pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a room pattern is a room id, or the beginning of one with `*` as its last character")]
pub struct InvalidRoomPattern;

impl TryFrom<String> for RoomPattern {
    type Error = InvalidRoomPattern;
    fn try_from(text: String) -> Result<Self, InvalidRoomPattern> {
        let fixed = text.strip_suffix('*').unwrap_or(&text);
        let is_valid = text == "*" || fixed.parse::<RoomId>().is_ok();
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

    /// How many characters of `room` it pins down; `None` when it does not match. An exact match beats any prefix.
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
    /// Rooms that may be entered without a room token, with the role there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<(RoomPattern, Role)>,
    /// The scopes held; `None`: whatever the role allows; empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// Whether the user moderates the whole app.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub app_moderator: bool,
}

impl Grant {
    /// The role in `room`, from the pattern that pins down most of its name.
    #[must_use]
    pub fn role_in(&self, room: &RoomId) -> Option<Role> {
        let fits =
            self.rooms.iter().filter_map(|(pattern, role)| Some((pattern.matches(room)?, *role)));
        fits.max_by_key(|(pinned, _)| *pinned).map(|(_, role)| role)
    }

    /// Whether its scopes allow `scope`.
    ///
    /// # Errors
    /// The scope that is missing.
    pub fn permit(&self, scope: Scope) -> Result<(), MissingScope> {
        match &self.scopes {
            Some(scopes) if !scopes.contains(scope) => Err(MissingScope(scope)),
            Some(_) | None => Ok(()),
        }
    }
}

/// A command needs a scope that the session does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this needs the scope `{}`", .0.as_str())]
pub struct MissingScope(pub Scope);
