//! The gateway as its clients meet it: a real server on a port of its own, real sockets, bytes and close codes.
//!
//! One file a behaviour; `common` is the harness. All are one program, so that they are linked once.

mod common;

mod bad_input;
mod duplicates;
mod handshake;
mod heartbeat;
mod limits;
mod tokens;
