//! What outlives the participants of a room, and the changes of it that are to be persisted.

pub(in crate::room) mod keys;
pub(in crate::room) mod records;
