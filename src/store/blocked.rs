//! The result of blocking a user.

use super::admission::BlockedIdentities;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocked {
    /// What else the block covers.
    pub identities: BlockedIdentities,
    /// Older webhook messages evicted for those written with the block.
    pub evicted: u64,
}
