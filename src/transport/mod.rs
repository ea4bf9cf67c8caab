//! One task a connection: socket in, messages to the hub; frames of the session out, in one write where they can be.
//!
//! Owns the socket and its one output buffer. Invariants: frames leave whole and in order; every close by the gateway is
//! preceded by a flushed `disconnect`; whatever a peer sends or withholds costs bounded memory and time.
//! Not here: HTTP (`http`), and what a message means (`hub`).

mod close;
mod connection;
mod frame;
mod handshake;
mod input;
mod serve;
mod settings;
mod socket;

pub use connection::Connection;
pub use settings::Settings;
