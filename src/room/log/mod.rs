//! The log of a room: commands, entries and keys.

pub(in crate::room) mod commands;
pub(in crate::room) mod entry;
pub(in crate::room) mod key;
pub(in crate::room) mod origin;
