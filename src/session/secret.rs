//! Resume secrets, stored only as hashes.
//!
//! Each connection has a new secret. The previous one stays valid until the first frame arrives on that connection, so
//! that a lost reply locks no client out and a stolen secret soon becomes invalid.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The SHA-256 of a resume secret.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretHash([u8; SHA256_OUTPUT_LEN]);

impl SecretHash {
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let mut hash = [0; SHA256_OUTPUT_LEN];
        hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        Self(hash)
    }

    fn matches(self, other: Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl From<SecretHash> for String {
    fn from(hash: SecretHash) -> Self {
        URL_SAFE_NO_PAD.encode(hash.0)
    }
}

impl TryFrom<String> for SecretHash {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("a hash is 32 bytes of base64url")
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// The secrets with which a session can be resumed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Secrets {
    current: SecretHash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Box<SecretHash>>,
}

impl Secrets {
    pub(super) const fn new(first: SecretHash) -> Self {
        Self { current: first, previous: None }
    }

    /// Whether the session can be resumed with `shown`.
    pub(super) fn accept(&self, shown: SecretHash) -> bool {
        let previous = self.previous.as_ref().is_some_and(|previous| previous.matches(shown));
        self.current.matches(shown) | previous
    }

    /// Issues `next`; `shown`, which resumed the session, stays valid until [`Secrets::settle`].
    pub(super) fn rotate(&mut self, shown: SecretHash, next: SecretHash) {
        self.previous = Some(Box::new(shown));
        self.current = next;
    }

    /// The client sent a frame on the connection with the current secret: the previous one becomes invalid.
    pub(super) fn settle(&mut self) {
        self.previous = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previous_secret_is_valid_until_the_first_frame() {
        let [first, second, third] = ["one", "two", "three"].map(SecretHash::of);
        let mut secrets = Secrets::new(first);
        secrets.rotate(first, second);
        assert!(secrets.accept(first), "the reply with the second may be lost");
        assert!(secrets.accept(second));
        secrets.settle();
        assert!(!secrets.accept(first));
        secrets.rotate(second, third);
        assert!(!secrets.accept(first) && secrets.accept(second) && secrets.accept(third));
    }
}
