//! The Stagedoor gateway.

pub mod clock;
pub mod store;
