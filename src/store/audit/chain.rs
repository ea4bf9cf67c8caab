//! The audit chain: key, hash, head, and the step from one row to the next.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// The HMAC key of a store's audit logs.
#[derive(Clone)]
pub struct AuditKey(hmac::Key);

/// The hash of a row, which covers all rows up to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuditHash(pub(super) [u8; 32]);

/// The head of a log, formatted as `42:9f3c…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Head")]
pub struct ChainHead {
    /// The number of the last row; 0 if there is none.
    pub number: u64,
    /// The hash of the last row.
    #[schemars(with = "String")]
    pub hash: AuditHash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number, a colon and 64 hexadecimal digits")]
pub struct InvalidHead;

impl AuditKey {
    /// A key from 32 random bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The head of an app's empty log.
    #[must_use]
    pub fn start(&self, app: &str) -> ChainHead {
        ChainHead { number: 0, hash: AuditHash::of(&hmac::sign(&self.0, app.as_bytes())) }
    }

    /// The head after `event` is appended to `head`.
    #[must_use]
    pub fn next(&self, head: &ChainHead, event: &[u8]) -> ChainHead {
        let number = head.number.saturating_add(1);
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&head.hash.0);
        context.update(&number.to_be_bytes());
        context.update(event);
        ChainHead { number, hash: AuditHash::of(&context.sign()) }
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey(..)")
    }
}

impl AuditHash {
    /// A stored hash. Bytes of a wrong length give a hash that matches no row.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Self {
        Self(bytes.try_into().unwrap_or_default())
    }

    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(tag: &hmac::Tag) -> Self {
        Self(tag.as_ref().try_into().expect("HMAC-SHA-256 gives 32 bytes"))
    }
}

impl fmt::Display for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AuditHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditHash({self})")
    }
}

impl Serialize for AuditHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ChainHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.hash)
    }
}

impl FromStr for ChainHead {
    type Err = InvalidHead;
    fn from_str(text: &str) -> Result<Self, InvalidHead> {
        let (number, digits) = text.split_once(':').ok_or(InvalidHead)?;
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidHead);
        }
        let mut hash = [0; 32];
        for (byte, at) in hash.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| InvalidHead)?;
        }
        Ok(Self { number: number.parse().map_err(|_| InvalidHead)?, hash: AuditHash(hash) })
    }
}
