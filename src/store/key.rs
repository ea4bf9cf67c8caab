//! Names of what is stored, and the keys of the gateway's tokens.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Timestamp, Username};

/// A user of an app; nothing crosses apps.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserKey {
    /// The app's id.
    pub app: Arc<str>,
    /// The unique name in it.
    pub username: Username,
}

/// A symmetric key of the gateway, for its access tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Names it in a token's header.
    pub kid: Box<str>,
    /// 32 bytes.
    pub secret: [u8; 32],
    /// When it was made; the newest signs.
    pub created: Timestamp,
}
