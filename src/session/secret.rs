//! Resume secrets, of which only the hash is kept.
//!
//! A new connection gets a new secret. The former one still counts until the first frame arrives on that connection, so
//! that a lost reply locks nobody out and a stolen secret is soon worth nothing.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

/// The SHA-256 of a resume secret.
#[derive(Clone, Copy, PartialEq, Eq)]
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

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// The secrets that take a session up.
#[derive(Debug)]
pub(super) struct Secrets {
    current: SecretHash,
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
