//! Tests of the room: tables, races, and arbitrary logs.

mod client;
mod enter;
mod large;
mod moderation;
mod mutes;
mod property;
mod receipts;
mod roles;
mod streams;
mod world;
