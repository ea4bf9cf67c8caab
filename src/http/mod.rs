//! The gateway's ports: the accept loop, the WebSocket upgrade, health, and the server API.
//!
//! Owns no state; it turns HTTP into calls of the `hub`. Not here: the WebSocket protocol (`transport`).

mod api;
mod auth_failures;
mod call_rate;
mod descriptors;
mod examples;
mod forwarded;
#[cfg(test)]
mod fuzz;
mod header_list;
mod health;
mod host;
mod idempotency_cache;
mod listener;
mod metrics;
mod origin;
mod pages;
mod problem;
mod readiness;
mod request_head;
mod request_id;
mod role;
mod router;
mod state;
mod upgrade;
mod upgrade_request;
mod write_timeout;

pub use api::openapi_document;
pub use descriptors::FileDescriptors;
pub use listener::Listener;
pub use role::PortRole;
pub use state::HttpState;
