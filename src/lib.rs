//! The Stagedoor gateway.

pub mod auth;
pub mod clock;
pub mod config;
pub mod grant;
