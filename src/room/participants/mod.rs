//! Memberships: joining, leaving, homes, roles and expiry.

pub(in crate::room) mod authorize;
pub(in crate::room) mod expiry;
pub(in crate::room) mod home;
pub(in crate::room) mod join;
pub(in crate::room) mod leave;
pub(in crate::room) mod link;
pub(in crate::room) mod roles;
