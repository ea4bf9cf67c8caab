//! The gateway as its clients meet it: a real server on a port of its own, real sockets, bytes and close codes.
//!
//! One file a behaviour; `common` is the harness. All are one program, so that they are linked once.

#![expect(clippy::unwrap_used, reason = "a step that cannot be made fails the test")]
#![expect(clippy::disallowed_methods, reason = "a test's own tasks end with its runtime")]
#![expect(unreachable_pub, reason = "the harness is public to all modules of the program")]

mod common;

mod api;
mod bad_input;
mod bans;
mod duplicates;
mod handshake;
mod heartbeat;
mod hooks;
mod limits;
mod process;
mod resume;
mod rooms;
mod states;
mod tokens;
