//! The results of blocking and unblocking a user.

use super::admission::{Block, BlockedIdentities};
use super::outbox::Evicted;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// What else the new block covers.
    pub identities: BlockedIdentities,
    /// The block of the user that ends last.
    pub holding: Block,
    /// Older webhook messages evicted for those written with the block.
    pub evicted: Evicted,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unblocked {
    /// Whether a block in force was lifted.
    pub was_blocked: bool,
    /// The block that still holds.
    pub holding: Option<Block>,
}
