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

mod durable;
mod effect;
mod errors;
mod events;
mod invariants;
mod local;
mod log;
mod machine;
mod moderation;
mod participants;
mod permissions;
mod settings;
mod signal;
mod state;
mod streams;
#[cfg(test)]
mod tests;
mod visibility;

pub use durable::changes::{DurableChange, DurableKey};
pub use durable::rows::{BlockRow, DurableState, MuteOverride, RedeemedToken};
pub use effect::{Appender, Audience, Audit, Effect, Everywhere, RemovedUser};
pub use events::RoomEvent;
pub use local::{AcceptedSignal, LocalRoom, NewSignal};
pub use log::commands::{Caller, Join, Moderation, OpenRoom, RoomCommand, RoomToken};
pub use log::entry::Entry;
pub use log::key::RoomKey;
pub use log::origin::{NodeEpoch, Origin};
pub use machine::Room;
pub use permissions::{ScopeSet, capabilities};
pub use settings::{Expiry, RETENTION, RoomOverrides, RoomSettings};
pub use signal::AcceptedRelay;
pub use visibility::summary::{ParticipantInfo, RoomSummary};
