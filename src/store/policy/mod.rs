//! The decisions of the store: pure functions of rows.
//!
//! A store reads rows, calls one of these functions, and writes its result, in one transaction. A retried transaction
//! calls the function again. Who may start is decided in `admission`, who may continue in `check`; what a block covers
//! in `blocks`; what a revocation voids in `revocation`; what follows a renamed user in `migration`; what is removed in
//! `retention` and `instances`.

mod admission;
mod blocks;
mod check;
mod instances;
mod migration;
mod outbox;
mod retention;
mod revocation;
mod rows;

pub(super) use admission::{AdmissionWrites, InstanceWrite, UserWrite, admit, is_guest};
pub(super) use blocks::{
    AppBlock, blocked_identities, holding, holding_over, name_coverage, with_block, without_slot,
};
pub(super) use check::{CheckWrites, check, rows_after};
pub(super) use instances::{RememberedInstance, is_penalty, surplus_instances};
pub(super) use migration::{OwnRows, migrated};
pub(super) use outbox::surplus;
pub(super) use retention::{GuestRow, Retention, guest_retention};
pub(super) use revocation::{may_be_deleted, revoked_until};
pub(super) use rows::{
    AdmissionRows, CheckRows, CheckedInstance, InstanceRow, KnownInstance, ReservingInstance,
    UserRow,
};
