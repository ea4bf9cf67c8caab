//! What a participant may do: role × scopes × app settings. The only permission check of a room.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Capabilities, Error, Role, Scope};

use crate::grant::Scopes;

/// The gateway's scopes in a grant, as flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// All scopes: the value of a grant that lists none.
    pub const ALL: Self = Self(0b11_1111);
    pub const NONE: Self = Self(0);

    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | bit(scope))
    }

    #[must_use]
    pub const fn without(self, scope: Scope) -> Self {
        Self(self.0 & !bit(scope))
    }

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

impl From<Option<&Scopes>> for ScopeSet {
    fn from(scopes: Option<&Scopes>) -> Self {
        let Some(scopes) = scopes else { return Self::ALL };
        let held = Scope::ALL.into_iter().filter(|scope| scopes.contains(*scope));
        held.fold(Self::NONE, Self::with)
    }
}

/// The capabilities of `role` with these scopes.
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

/// The role of a participant: the one set by a moderator, as far as the scopes allow it, or else that of the basis.
pub(super) const fn role_within(set: Option<Role>, basis: Role, scopes: ScopeSet) -> Role {
    match set {
        Some(Role::Moderator) if !scopes.contains(Scope::Moderate) => Role::Publisher,
        Some(set) => set,
        None => basis,
    }
}

/// Whether `after` has every capability of `before`.
pub(super) const fn retains_all(before: Capabilities, after: Capabilities) -> bool {
    (!before.publish || after.publish)
        && (!before.subscribe || after.subscribe)
        && (!before.signal || after.signal)
        && (!before.moderate || after.moderate)
}

/// The error for a missing scope or capability.
pub(super) fn missing(scope: Scope) -> Error {
    let message = match scope {
        Scope::Join => "grant has no scope `join`",
        Scope::Publish => "role and scopes do not allow publishing in this room",
        Scope::Subscribe => "role and scopes do not allow subscribing in this room",
        Scope::Signal => "role and scopes do not allow signals in this room",
        Scope::Relay => "grant has no scope `relay`",
        Scope::Moderate => "only moderators may do this",
    };
    Error::missing(scope, message)
}
