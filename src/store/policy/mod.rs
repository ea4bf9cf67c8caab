//! What the store decides, whatever keeps the data: functions of rows, without I/O.
//!
//! A store reads the rows, asks one of these functions, and writes what it answers, in one transaction. A function may
//! run again when a transaction is repeated. To change who may join, change `admission`; the reach of a block, `blocks`;
//! what a revocation voids, `revocation`; what follows a user to another name, `migration`; what is removed, `retention`.

mod admission;
mod blocks;
mod migration;
mod retention;
mod revocation;
mod rows;

pub(super) use admission::{AdmissionWrites, InstanceWrite, UserWrite, admit, is_guest};
pub(super) use blocks::blocked_identities;
pub(super) use migration::migrated;
pub(super) use retention::{GuestRow, Retention, guest_retention};
pub(super) use revocation::{may_be_deleted, revoked_until};
pub(super) use rows::{AdmissionRows, InstanceRow, KnownInstance, UserRow};
