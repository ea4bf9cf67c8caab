//! State that outlives the participants of a room, and its changes to persist.

pub(in crate::room) mod changes;
pub(in crate::room) mod records;
pub(in crate::room) mod rows;
