//! A room: a log of commands, applied in order to a pure, deterministic core.
//!
//! [`Room`] owns the participants, roles, streams, mutes and blocks of a room, and decides every command about them.
//! The engine gives each command a version and a time ([`Entry`]). Every node with participants of the room applies the
//! same entries in the same order, and computes the same state and the same [`Effect`]s.
//!
//! Invariants: the core reads no clock, draws no random number, does no I/O and never iterates over a hash map; a
//! rejected entry changes only the time; every limit has a typed error. [`Room::check_invariants`] checks the rest.
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
mod stub;
#[cfg(test)]
mod tests;
mod visibility;

pub use durable::changes::{DurableChange, DurableKey};
pub use durable::rows::{
    BlockRow, DurableState, GuestRow, MuteOverride, RedeemedToken, RoomBlock, TokenHolder,
};
pub use effect::{Appender, Audience, Audit, Effect, Everywhere, RemovedUser};
pub use events::RoomEvent;
pub use local::{
    AcceptedSignal, LocalLimit, LocalRejection, LocalRoom, NewSignal, receiver_of_subscription,
};
pub use log::commands::{
    Caller, Join, Moderation, OpenRoom, RecreateRoom, RoomCommand, RoomToken, SessionGrant,
};
pub use log::entry::Entry;
pub use log::key::RoomKey;
pub use log::origin::{NodeEpoch, Origin};
pub use machine::Room;
pub use permissions::{ScopeSet, capabilities};
pub use settings::{Expiry, RETENTION, RoomOverrides, RoomSettings};
pub use signal::AcceptedRelay;
pub use state::timers::RoomDue;
pub use stub::{RoomStub, is_settled};
pub use visibility::summary::{ParticipantInfo, RoomSummary};
