//! The gateway's ports: the accept loop, the WebSocket upgrade, health, and the server API.
//!
//! Owns no state; it turns HTTP into calls of the `hub`. Not here: the WebSocket protocol (`transport`).

mod api;
mod call_rate;
mod forwarded;
mod health;
mod host;
mod idempotency_cache;
mod listener;
mod metrics;
mod origin;
mod problem;
mod request_id;
mod role;
mod router;
mod state;
mod upgrade;

pub use api::openapi_document;
pub use listener::Listener;
pub use role::PortRole;
pub use state::HttpState;
