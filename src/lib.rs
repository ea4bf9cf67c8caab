//! The Stagedoor gateway: real-time sessions, presence and durable moderation.
//!
//! A client holds one WebSocket. [`http`] accepts the connection and upgrades it, [`transport`] exchanges its frames,
//! and [`hub`] executes its messages on a [`session`] and its rooms. [`auth`] authenticates, and [`store`] persists.
//! [`server`] is the composition root; `ARCHITECTURE.md` lists the permitted imports between modules.
//!
//! To embed the gateway, build a [`config::Config`], call [`server::Server::builder`] with custom auth hooks
//! ([`auth::AuthHook`]), and [`server::Server::run`] it.

pub mod address;
pub mod api_body;
pub mod auth;
pub mod blocks;
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
pub mod names;
pub mod outbound;
pub mod principal;
pub mod rate_limit;
pub mod request;
pub mod revocation;
pub mod room;
pub mod server;
pub mod session;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod time;
pub mod transport;
pub mod webhook;
