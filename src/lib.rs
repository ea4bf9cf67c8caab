//! The Stagedoor gateway: who is here, and moderation that holds.

pub mod auth;
pub mod clock;
pub mod config;
pub mod grant;
pub mod hub;
pub mod lifecycle;
pub mod session;
pub mod store;
pub mod telemetry;
pub mod transport;
