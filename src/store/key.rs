//! Keys of stored items, and the gateway's signing keys.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Timestamp, Username};

use crate::principal::{Guest, Principal};

/// A user of an app.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserKey {
    pub app: Arc<str>,
    /// Unique within the app.
    pub username: Username,
}

/// A user who continues as another principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    pub app: Arc<str>,
    pub from: Username,
    /// `None`: a registered user.
    pub from_guest: Option<Guest>,
    pub to: Username,
    pub to_guest: Option<Guest>,
}

impl Rename {
    /// Whether the user stays the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.from == self.to && self.from_guest == self.to_guest
    }

    #[must_use]
    pub const fn from(&self) -> Principal<'_> {
        Principal { username: &self.from, guest: self.from_guest.as_ref() }
    }

    #[must_use]
    pub const fn to(&self) -> Principal<'_> {
        Principal { username: &self.to, guest: self.to_guest.as_ref() }
    }
}

/// A symmetric key that signs the gateway's access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The key id in a token's header.
    pub kid: Box<str>,
    pub secret: [u8; 32],
    /// The newest key signs.
    pub created: Timestamp,
    /// Tokens of the key are rejected from then on. `None`: it was not replaced.
    pub until: Option<Timestamp>,
}

/// Maximum signing keys in a store. Beyond it a rotation is rejected until one has ended.
pub const MAX_SIGNING_KEYS: usize = 16;
