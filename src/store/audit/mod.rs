//! An audit log: its rows, and their chain, which is what makes a changed, missing, reordered or cut row show.
//!
//! A row's hash is HMAC-SHA-256, with the store's key, over the hash of the row before (32 bytes), the row's number
//! (8 bytes, big-endian) and its event (compact JSON, byte for byte as it is kept). What precedes row 1 is the hash of
//! the app's id, so that no app's log passes for another's. The head, which is the last row's number and hash, is kept
//! apart from the rows.
//! Invariant: pure; no row is trusted to be readable before its hash was found right.
//! Not here: where rows, head and key are kept. Whoever holds the key can make a chain anew; only a [`ChainHead`] that was
//! written down elsewhere shows that.

mod chain;
mod row;
mod verify;

#[cfg(test)]
mod tests;

pub use chain::{AuditHash, AuditKey, ChainHead, InvalidHead};
pub use row::{AuditActor, AuditEvent, AuditOutcome, AuditRow};
pub use verify::{FoundRow, Tampered, VerifiedLog, Verifier};
