//! Moderation commands: who may give them, and what each does.

pub(in crate::room) mod moderate;
pub(in crate::room) mod mute;
pub(in crate::room) mod remove;
