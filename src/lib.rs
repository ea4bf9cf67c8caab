//! The Stagedoor gateway.

pub mod auth;
pub mod clock;
pub mod grant;
pub mod store;
