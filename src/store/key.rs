//! Keys of stored items, and the gateway's signing keys.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Timestamp, Username};

/// A user of an app.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserKey {
    pub app: Arc<str>,
    /// Unique within the app.
    pub username: Username,
}

/// A symmetric key that signs the gateway's access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The key id in a token's header.
    pub kid: Box<str>,
    pub secret: [u8; 32],
    /// The newest key signs.
    pub created: Timestamp,
}
