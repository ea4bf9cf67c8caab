//! The directory key of a user: a hash, which a resume secret can contain without the name of the user.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::store::UserKey;

/// The first half of the SHA-256 of an app's id and a username.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DirectoryKey([u8; 16]);

impl DirectoryKey {
    #[must_use]
    pub fn of(user: &UserKey) -> Self {
        // App ids do not contain the byte between them.
        let text = [user.app.as_bytes(), &[0], user.username.as_str().as_bytes()].concat();
        let mut key = [0; 16];
        key.copy_from_slice(&digest(&SHA256, &text).as_ref()[..16]);
        Self(key)
    }

    /// The partition of the key: a number below `bound`, equal on all nodes.
    pub(super) fn partition(self, bound: usize) -> usize {
        usize::from(u16::from_be_bytes([self.0[0], self.0[1]])) % bound
    }
}

impl fmt::Display for DirectoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for DirectoryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectoryKey(..)")
    }
}

/// The text is not a directory key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a directory key is 16 bytes of base64url")]
pub struct InvalidDirectoryKey;

impl FromStr for DirectoryKey {
    type Err = InvalidDirectoryKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(InvalidDirectoryKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_round_trips_and_differs_by_app() {
        let of = |app: &str, name: &str| {
            DirectoryKey::of(&UserKey { app: app.into(), username: name.parse().unwrap() })
        };
        let key = of("main", "ada");
        assert_eq!(key.to_string().len(), 22);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_ne!(key, of("mai", "nada"));
        assert_eq!("ada".parse::<DirectoryKey>(), Err(InvalidDirectoryKey));
    }
}
