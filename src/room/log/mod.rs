//! The log of a room: its commands, and the name under which a log is found.

pub(in crate::room) mod commands;
pub(in crate::room) mod entry;
pub(in crate::room) mod key;
pub(in crate::room) mod origin;
