//! The gateway as its clients meet it: a real server on a port of its own, real sockets, bytes and close codes.
//!
//! One file a behaviour; `common` is the harness. All are one program, so that they are linked once.

mod common;

mod api;
mod bans;
mod duplicates;
mod hooks;
mod process;
mod resume;
mod states;
