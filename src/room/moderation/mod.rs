//! Moderation commands and their reports.

pub(in crate::room) mod context;
pub(in crate::room) mod migrate;
pub(in crate::room) mod moderate;
pub(in crate::room) mod mute;
pub(in crate::room) mod remove;
pub(in crate::room) mod reports;
pub(in crate::room) mod roles;
