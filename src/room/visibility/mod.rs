//! What participants see of a room: audiences, snapshots and rosters, size class, session feed.

pub(in crate::room) mod audience;
pub(in crate::room) mod session_feed;
pub(in crate::room) mod size;
pub(in crate::room) mod snapshot;
pub(in crate::room) mod summary;
