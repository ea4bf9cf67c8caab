//! The gateway as its clients meet it: a real server on a port of its own, real sockets, bytes and close codes.
//!
//! One file a behaviour; `common` is the harness. All are one program, so that they are linked once.

#![expect(clippy::unwrap_used, reason = "a step that cannot be made fails the test")]
#![expect(clippy::disallowed_methods, reason = "a test's own tasks end with its runtime")]
#![expect(unreachable_pub, reason = "the harness is public to all modules of the program")]

mod common;

mod admin_port;
mod api;
mod api_calls;
mod api_faults;
mod api_moderation;
mod api_rooms;
mod api_sessions;
mod bad_input;
mod bans;
mod cli;
mod duplicates;
mod durability;
mod expired;
mod faults;
mod hand_over;
mod handshake;
mod heartbeat;
mod hooks;
mod join;
mod large;
mod limits;
mod locks;
mod metrics;
mod misuse;
mod process;
mod promise_10_deploys_do_not_hurt;
mod promise_12_no_secret_leaks;
mod promise_3_nothing_is_lost_silently;
mod promise_4_a_kick_is_final;
mod promise_5_a_mute_holds;
mod promise_6_every_command_has_a_receipt;
mod proxies;
mod races;
mod reload;
mod resume;
mod roles;
mod rooms;
mod signals;
mod snapshots;
mod states;
mod streams;
mod tls;
mod tokens;
mod webhooks;
