//! How a user appears in logs.
//!
//! Invariant: a username leaves here only as a keyed hash, whose key is new in each process.

use std::fmt;

use aws_lc_rs::hmac;
use stagedoor_proto::Username;

/// Bytes of the hash in logs: enough to distinguish the users of one process.
const SHOWN_BYTES: usize = 8;

/// Hashes usernames for logs.
///
/// A user has the same hash for the lifetime of the process, and another one in the next process.
#[derive(Clone)]
pub struct UserHash(hmac::Key);

impl UserHash {
    /// `key` must be random and must not be stored.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The hash of `username` in `app`.
    #[must_use]
    pub fn of(&self, app: &str, username: &Username) -> HashedUser {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(app.as_bytes());
        context.update(&[0]); // No app id contains it, so different pairs have different input.
        context.update(username.as_str().as_bytes());
        let mut shown = [0; SHOWN_BYTES];
        shown.copy_from_slice(&context.sign().as_ref()[..SHOWN_BYTES]);
        HashedUser(u64::from_be_bytes(shown))
    }
}

impl fmt::Debug for UserHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserHash(..)")
    }
}

/// A user in a log line: 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashedUser(u64);

impl fmt::Display for HashedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for HashedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_hash_differs_by_user_app_and_process() {
        let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
        let (here, there) = (UserHash::new(&[1; 32]), UserHash::new(&[2; 32]));
        let shown = here.of("demo", &ada).to_string();
        assert_eq!(shown, here.of("demo", &ada).to_string());
        assert_eq!(shown.len(), 16);
        for other in [here.of("demo", &bob), here.of("other", &ada), there.of("demo", &ada)] {
            assert_ne!(shown, other.to_string());
        }
        assert!(!shown.contains("ada"));
        assert_eq!(format!("{here:?}"), "UserHash(..)");
    }
}
