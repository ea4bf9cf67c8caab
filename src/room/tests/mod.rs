//! Tests of the room: tables, races and arbitrary logs.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks at the messages it is about")]

mod authorize;
mod client;
mod fencing;
mod fuzz;
mod join;
mod large;
mod model;
mod moderation;
mod mutes;
mod property;
mod receipts;
mod requests;
mod roles;
mod streams;
mod stub;
mod wall_steps;
