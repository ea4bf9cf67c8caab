//! A room: a log of commands, applied one by one to a pure, deterministic core.
//!
//! [`Room`] owns who is in a room, their roles, streams, mutes and blocks, and decides every command about them. The
//! engine gives each command its place and time ([`Entry`]); every node with participants there applies the same entries
//! in the same order and gets the same state and the same [`Effect`]s.
//!
//! Invariants: the core reads no clock, draws no random number, does no I/O and never iterates over a hash map; an entry
//! that is refused changes nothing but the time; every bound is a typed error. [`Room::check_invariants`] states the rest.
//!
//! Not here: sessions, delivery and sockets (`hub`), the order of the log (`engine`), tokens (`auth`), the store.
#![deny(clippy::wildcard_enum_match_arm)]

mod acknowledge;
mod command;
mod effect;
mod entering;
mod expiry;
mod feed;
mod happening;
mod invariants;
mod key;
mod large;
mod leaving;
mod moderate;
mod mute;
mod node_epoch;
mod overview;
mod owed;
mod participants;
mod permit;
mod receipts;
mod recent;
mod record;
mod refs;
mod refuse;
mod remove;
mod roles;
mod settings;
mod signal;
mod snapshot;
mod state;
mod streams;
mod subscriptions;
#[cfg(test)]
mod tests;

pub use command::{Caller, Entry, Join, Moderation, Opening, Origin, RoomCommand, RoomToken};
pub use effect::{Audience, Audit, Effect, Fact};
pub use happening::Happening;
pub use key::RoomKey;
pub use node_epoch::NodeEpoch;
pub use overview::{Overview, Present};
pub use owed::Subject;
pub use permit::{ScopeSet, capabilities};
pub use record::{BlockRow, Record, SpentRow, Voice};
pub use settings::{Expiry, RETENTION, RoomChoices, RoomSettings};
pub use signal::{Relaying, Signalling};
pub use state::Room;
