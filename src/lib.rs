//! The Stagedoor gateway: who is here, and moderation that holds.
//!
//! A client holds one WebSocket. [`http`] accepts it and answers the upgrade, [`transport`] carries its frames,
//! [`hub`] decides what they do to the [`session`] they belong to, asking [`auth`] who may come in and [`store`] what is
//! known of them. [`server`] puts the parts together; `ARCHITECTURE.md` says which may know of which.
//!
//! To embed the gateway, build a [`config::Config`], call [`server::Server::builder`] with auth hooks of your own
//! ([`auth::AuthHook`]), and [`server::Server::run`] it.

pub mod api_body;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod event_type;
pub mod grant;
pub mod http;
pub mod hub;
pub mod idempotency;
pub mod lifecycle;
pub mod outbound;
pub mod rate_limit;
pub mod request;
pub mod room;
pub mod server;
pub mod session;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod transport;
pub mod webhook;
