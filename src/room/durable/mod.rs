//! What outlives the participants of a room, and the changes of it that are to be persisted.

pub(in crate::room) mod changes;
pub(in crate::room) mod records;
pub(in crate::room) mod rows;
