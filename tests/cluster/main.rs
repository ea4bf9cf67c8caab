//! Tests of two gateways with one engine and one store: real servers, real sockets.
//!
//! One file per promise or behaviour. The harness is that of the gateway tests; `nodes` joins two gateways.

#![expect(clippy::unwrap_used, reason = "a step that cannot be made fails the test")]
#![expect(clippy::disallowed_methods, reason = "a test's own tasks end with its runtime")]
#![expect(unreachable_pub, reason = "the harness is public to all modules of the program")]

#[path = "../gateway/common/mod.rs"]
#[expect(dead_code, unused_imports, reason = "what one gateway alone is tested with")]
mod common;

mod bans;
mod guest_names;
mod keys;
mod nodes;
mod promise_1_one_live_connection;
mod promise_2_no_flap;
mod promise_3_nothing_is_lost_silently;
mod rooms;
