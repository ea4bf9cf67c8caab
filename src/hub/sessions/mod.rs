//! The sessions of this node: their handles, the maps that find them, their permits, sweep and history.

mod drain;
mod handle;
mod history;
mod limits;
mod memberships;
mod registry;
mod sweep;

pub use handle::{Arrival, SessionHandle, Written};
pub(super) use handle::{Credit, Identity};
pub(super) use history::History;
pub(super) use limits::Addresses;
pub use limits::{NoPlace, Place};
pub(super) use memberships::Untold;
pub(super) use registry::Registry;
