//! Streams: publishing, ending, subscriptions and acknowledgement of mutes.

pub(in crate::room) mod acks;
pub(in crate::room) mod end;
pub(in crate::room) mod publish;
pub(in crate::room) mod subscriptions;
