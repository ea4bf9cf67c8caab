//! Streams: publishing and ending them, subscriptions, acknowledged mutes.

pub(in crate::room) mod acks;
pub(in crate::room) mod end;
pub(in crate::room) mod publish;
pub(in crate::room) mod subscriptions;
