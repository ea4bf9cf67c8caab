//! What a block came to.

use super::admission::BlockedIdentities;

/// A block that was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocked {
    /// Whom else it keeps out.
    pub identities: BlockedIdentities,
    /// How many older messages were evicted for those written with it.
    pub evicted: u64,
}
