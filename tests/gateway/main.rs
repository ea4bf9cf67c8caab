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
mod closing;
mod durability;
mod empty_rooms;
mod expired;
mod families;
mod faults;
mod guests;
mod hand_over;
mod handshake;
mod heartbeat;
mod hooks;
mod http_bounds;
mod join;
mod keys;
mod large;
mod locks;
mod metrics;
mod misuse;
mod names;
mod own_participant;
mod pages;
mod process;
mod promise_10_deploys_do_not_hurt;
mod promise_11_the_engine_may_fail;
mod promise_12_no_secret_leaks;
mod promise_13_time_is_right;
mod promise_1_last_arrival_wins;
mod promise_1_one_live_connection;
mod promise_2_no_flap;
mod promise_3_nothing_is_lost_silently;
mod promise_4_a_removal_lasts;
mod promise_5_a_mute_holds;
mod promise_6_every_command_has_a_receipt;
mod promise_7_authority_is_checked_when_used;
mod promise_7_renewals;
mod promise_8_every_ending_has_a_reason;
mod promise_9_bounded_by_default;
mod proxies;
mod races;
mod reload;
mod reply_order;
mod resume;
mod revocation;
mod revoke_all;
mod roles;
mod rooms;
mod signals;
mod snapshots;
mod states;
mod streams;
mod tls;
mod tokens;
mod upgrade;
mod webhooks;
