//! Tests of the client against a scripted gateway and against the real one.

mod connection_state;
mod credentials;
mod cutting;
mod gateway;
mod handler;
mod managed_room;
mod manager;
mod program;
mod real;
mod reconnector;
mod session;
#[cfg(feature = "tls")]
mod tls;
mod wire;
