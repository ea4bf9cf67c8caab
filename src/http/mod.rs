//! The gateway's ports: the accept loop, the WebSocket upgrade, health, and the server API.
//!
//! Owns no state; it turns HTTP into calls of the `hub`. Not here: what happens on a WebSocket (`transport`).

mod api;
mod forwarded;
mod health;
mod host;
mod listener;
mod metrics;
mod origin;
mod problem;
mod router;
mod upgrade;

pub use api::openapi_document;
pub use listener::{Listener, Role};
pub use router::Ports;
