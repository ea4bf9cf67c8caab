//! One task per connection: passes messages from the socket to the hub, and the session's frames to the socket.
//!
//! Owns the socket and its output buffer. Invariants: frames are written whole and in order; a close by the gateway
//! follows a flushed `disconnect`; a peer can cause only bounded memory and time.
//! Not here: HTTP (`http`) and the meaning of messages (`hub`).

mod close;
mod connection;
mod frame;
#[cfg(test)]
mod fuzz;
mod handshake;
mod input;
mod serve;
mod settings;
mod socket;

pub use connection::Connection;
pub use settings::Settings;
