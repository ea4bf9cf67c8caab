//! Who may do what concerns the whole node. No key of an app's opens this.

use aws_lc_rs::digest::{Digest, SHA256, digest};
use secrecy::{ExposeSecret, SecretString};

use super::is_same_digest;

/// The key of whoever runs the node. Only its hash is held.
#[derive(Clone, Debug)]
pub struct OperatorKey(Digest);

impl OperatorKey {
    /// The key `key`.
    #[must_use]
    pub fn new(key: &SecretString) -> Self {
        Self(digest(&SHA256, key.expose_secret().as_bytes()))
    }

    /// Whether what followed `Bearer` in a request is this key.
    #[must_use]
    pub fn opens_to(&self, bearer: &str) -> bool {
        is_same_digest(&self.0, &digest(&SHA256, bearer.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_to_itself_alone() {
        let key = OperatorKey::new(&"sk_the-key-of-the-operator".into());
        for (bearer, expected) in [
            ("sk_the-key-of-the-operator", true),
            ("sk_the-key-of-the-operato", false),
            ("sk_the-key-of-the-operator ", false),
            ("", false),
        ] {
            assert_eq!(key.opens_to(bearer), expected, "{bearer:?}");
        }
    }
}
