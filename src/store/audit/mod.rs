//! An audit log: rows in an HMAC chain, which reveals changed, missing, reordered and truncated rows.
//!
//! A row's hash is HMAC-SHA-256, with the store's key, over the previous hash (32 bytes), the row's number (8 bytes,
//! big-endian) and its event (compact JSON, byte for byte as stored). Row 1 follows the hash of the app's id, so logs
//! of two apps cannot be swapped. The head (number and hash of the last row) is stored apart from the rows, and so is
//! the base: the last row that was pruned, which the first row that is left follows.
//! Invariant: pure; a row is parsed only after its hash was verified.
//! Not here: storage of rows, head and key. The key's owner can forge a chain; only a [`ChainHead`] saved elsewhere
//! reveals that.

mod chain;
mod row;
mod verify;

#[cfg(test)]
mod tests;

pub use chain::{AuditHash, AuditKey, ChainHead, InvalidHead};
pub use row::{AuditActor, AuditEvent, AuditOutcome, AuditRow};
pub use verify::{FoundRow, Tampered, VerifiedLog, Verifier};
