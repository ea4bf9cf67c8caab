//! The Stagedoor gateway.

pub mod grant;
pub mod room;
