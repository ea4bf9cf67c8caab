//! Who set a block, and how many blocks of one user are kept apart.
//!
//! In each scope (a room, the app) a user has two slots: what moderators set, and what the operator set. Of each setter
//! one block is kept, and a later one replaces it; blocks of other setters stay. The block with the latest end holds.
//! Pure.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{BlockSource, InstanceId, Timestamp, Username};

use crate::principal::Principal;

/// Maximum blocks of one user in one scope. Beyond it, those of a slot that end first become one with the later end.
pub const MAX_BLOCKS_PER_USER: usize = 16;

/// Who set a block.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockSetter {
    /// A ban through the server API.
    Ban,
    /// A moderation command through the server API.
    Server,
    /// A registered moderator.
    User(Username),
    /// A moderator who is a guest, under any name.
    Guest(InstanceId),
    /// A moderator, but not known which one.
    Unknown,
}

impl BlockSetter {
    /// The setter that a moderator is.
    #[must_use]
    pub fn of(moderator: Principal<'_>) -> Self {
        match moderator.guest {
            Some(guest) => Self::Guest(guest.instance.clone()),
            None => Self::User(moderator.username.clone()),
        }
    }

    /// The slot of the setter's blocks.
    #[must_use]
    pub const fn slot(&self) -> BlockSource {
        match self {
            Self::Ban | Self::Server => BlockSource::Operator,
            Self::User(_) | Self::Guest(_) | Self::Unknown => BlockSource::Moderator,
        }
    }

    /// Whether a block of `self` replaces an earlier one of `earlier`.
    #[must_use]
    pub fn replaces(&self, earlier: &Self) -> bool {
        *self != Self::Unknown && self == earlier
    }
}

/// One setter's block of a user.
pub trait SetBlock {
    fn set_by(&self) -> &BlockSetter;

    /// [`Timestamp::MAX`]: until it is lifted.
    fn end(&self) -> Timestamp;

    /// Extends this block by another one of its slot: covers what either covers, until the later end, set by `by`.
    fn absorb(&mut self, other: Self, by: BlockSetter);
}

/// Reduces the blocks of a user to [`MAX_BLOCKS_PER_USER`]. No end comes earlier, and no user is covered less.
pub fn bound<B: SetBlock>(blocks: &mut Vec<B>) {
    blocks.sort_by_key(SetBlock::end);
    while blocks.len() > MAX_BLOCKS_PER_USER {
        let slot = |block: &B| block.set_by().slot();
        let pair = (0..blocks.len()).find_map(|first| {
            let mut later = first + 1..blocks.len();
            Some((first, later.find(|later| slot(&blocks[*later]) == slot(&blocks[first]))?))
        });
        // There are more blocks than slots.
        let Some((first, later)) = pair else { return };
        let block = blocks.remove(first);
        let into = &mut blocks[later - 1];
        let by = match slot(into) {
            _ if into.set_by() == block.set_by() => into.set_by().clone(),
            BlockSource::Operator => BlockSetter::Ban,
            BlockSource::Moderator => BlockSetter::Unknown,
        };
        into.absorb(block, by);
    }
}
