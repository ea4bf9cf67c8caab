//! The Stagedoor gateway.

pub mod clock;
pub mod config;
pub mod grant;
pub mod telemetry;
