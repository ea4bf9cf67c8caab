//! The key for calls that affect the whole node. No key of an app permits them.

use aws_lc_rs::digest::{Digest, SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use super::is_same_digest;

/// The operator's key. Only its hash is in memory.
#[derive(Clone, Debug)]
pub struct OperatorKey(Digest);

impl OperatorKey {
    #[must_use]
    pub fn new(key: &SecretString) -> Self {
        Self(digest(&SHA256, key.expose_secret().as_bytes()))
    }

    /// Whether the bearer credential of a request is this key.
    #[must_use]
    pub fn matches(&self, bearer: &str) -> bool {
        is_same_digest(&self.0, &digest(&SHA256, bearer.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operator_key_matches_only_itself() {
        let key = OperatorKey::new(&"sk_the-key-of-the-operator".into());
        for (bearer, expected) in [
            ("sk_the-key-of-the-operator", true),
            ("sk_the-key-of-the-operato", false),
            ("sk_the-key-of-the-operator ", false),
            ("", false),
        ] {
            assert_eq!(key.matches(bearer), expected, "{bearer:?}");
        }
    }
}
