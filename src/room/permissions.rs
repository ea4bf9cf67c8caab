//! What a participant may do: role × scopes × the app's choice. The only permission check of a room.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Capabilities, Error, Role, Scope};

use crate::grant::Scopes;

/// The gateway's scopes that a grant holds, as flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// Every scope: what a grant without scopes holds, within its role.
    pub const ALL: Self = Self(0b11_1111);
    /// No scope.
    pub const NONE: Self = Self(0);

    /// These scopes and `scope`.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | bit(scope))
    }

    /// These scopes without `scope`.
    #[must_use]
    pub const fn without(self, scope: Scope) -> Self {
        Self(self.0 & !bit(scope))
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }
}

const fn bit(scope: Scope) -> u8 {
    match scope {
        Scope::Join => 1,
        Scope::Publish => 1 << 1,
        Scope::Subscribe => 1 << 2,
        Scope::Signal => 1 << 3,
        Scope::Relay => 1 << 4,
        Scope::Moderate => 1 << 5,
    }
}

/// Every scope there is.
const SCOPES: [Scope; 6] =
    [Scope::Join, Scope::Publish, Scope::Subscribe, Scope::Signal, Scope::Relay, Scope::Moderate];

impl From<Option<&Scopes>> for ScopeSet {
    fn from(scopes: Option<&Scopes>) -> Self {
        let Some(scopes) = scopes else { return Self::ALL };
        let held = SCOPES.into_iter().filter(|scope| scopes.contains(*scope));
        held.fold(Self::NONE, Self::with)
    }
}

/// What `role` may do with these scopes.
#[must_use]
pub const fn capabilities(role: Role, scopes: ScopeSet, subscriber_signals: bool) -> Capabilities {
    let (publish, subscribe, signal, moderate) = match role {
        Role::Subscriber => (false, true, subscriber_signals, false),
        Role::Publisher => (true, true, true, false),
        Role::PublisherOnly => (true, false, false, false),
        Role::Moderator => (true, true, true, true),
    };
    Capabilities {
        publish: publish && scopes.contains(Scope::Publish),
        subscribe: subscribe && scopes.contains(Scope::Subscribe),
        signal: signal && scopes.contains(Scope::Signal),
        moderate: moderate && scopes.contains(Scope::Moderate),
    }
}

/// Whether every capability of `before` is still there in `after`.
pub(super) const fn retains_all(before: Capabilities, after: Capabilities) -> bool {
    (!before.publish || after.publish)
        && (!before.subscribe || after.subscribe)
        && (!before.signal || after.signal)
        && (!before.moderate || after.moderate)
}

/// The error for a capability that is not there.
pub(super) fn missing(scope: Scope) -> Error {
    let message = match scope {
        Scope::Join => "the grant has no scope `join`",
        Scope::Publish => "neither role nor scopes allow publishing here",
        Scope::Subscribe => "neither role nor scopes allow subscribing here",
        Scope::Signal => "neither role nor scopes allow signals here",
        Scope::Relay => "the grant has no scope `relay`",
        Scope::Moderate => "only moderators may do this",
    };
    Error::missing(scope, message)
}
