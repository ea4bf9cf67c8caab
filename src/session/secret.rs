//! Resume secrets, of which only the hash is kept.
//!
//! A new connection gets a new secret. The former one still counts until the first frame arrives on that connection, so
//! that a lost reply locks nobody out and a stolen secret is soon worth nothing.

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
    /// The hash of `secret`.
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

/// The secrets that take a session up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Secrets {
    current: SecretHash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    former: Option<Box<SecretHash>>,
}

impl Secrets {
    pub(super) const fn new(first: SecretHash) -> Self {
        Self { current: first, former: None }
    }

    /// Whether `shown` takes the session up.
    pub(super) fn accept(&self, shown: SecretHash) -> bool {
        let former = self.former.as_ref().is_some_and(|former| former.matches(shown));
        self.current.matches(shown) | former
    }

    /// Issues `next`; `shown`, by which the session was taken up, goes on counting until [`Secrets::settle`].
    pub(super) fn rotate(&mut self, shown: SecretHash, next: SecretHash) {
        self.former = Some(Box::new(shown));
        self.current = next;
    }

    /// The connection that got the current secret has shown life: the former one dies.
    pub(super) fn settle(&mut self) {
        self.former = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_former_secret_counts_until_the_new_connection_shows_life() {
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
