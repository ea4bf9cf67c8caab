//! Who sees what of a room: audiences, snapshots and rosters, large rooms, the session feed.

pub(in crate::room) mod audience;
pub(in crate::room) mod session_feed;
pub(in crate::room) mod size;
pub(in crate::room) mod snapshot;
pub(in crate::room) mod summary;
