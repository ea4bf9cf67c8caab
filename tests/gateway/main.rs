//! The gateway as its clients meet it: a real server on a port of its own, real sockets, bytes and close codes.
//!
//! One file a behaviour; `common` is the harness. All are one program, so that they are linked once.

mod common;

mod duplicates;
mod durability;
mod expired;
mod join;
mod large;
mod misuse;
mod promise_3_nothing_is_lost_silently;
mod promise_4_a_kick_is_final;
mod promise_5_a_mute_holds;
mod promise_6_every_verb_has_a_receipt;
mod races;
mod roles;
mod rooms;
mod signals;
mod snapshots;
mod streams;
