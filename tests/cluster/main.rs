//! Two gateways joined by an engine and one store, as their clients meet them: real servers, real sockets.
//!
//! One file a promise or behaviour. The harness is that of the gateway's own tests; `nodes` joins two of them.

#![expect(clippy::unwrap_used, reason = "a step that cannot be made fails the test")]
#![expect(clippy::disallowed_methods, reason = "a test's own tasks end with its runtime")]
#![expect(unreachable_pub, reason = "the harness is public to all modules of the program")]

#[path = "../gateway/common/mod.rs"]
#[expect(dead_code, unused_imports, reason = "what one gateway alone is tested with")]
mod common;

mod bans;
mod nodes;
mod promise_1_one_live_connection;
mod promise_2_no_flap;
mod promise_3_nothing_is_lost_silently;
mod rooms;
