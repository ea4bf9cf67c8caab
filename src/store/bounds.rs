//! What bounds the rows of a store: their numbers, and guests that can be forgotten.

use stagedoor_proto::{InstanceId, Timestamp};

use super::key::UserKey;

/// Numbers of rows of an app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSizes {
    /// Client instances of guests.
    pub guests: usize,
    /// Blocks of the app.
    pub blocks: usize,
    /// Blocks, mutes, roles and locks of rooms, ended rooms and redeemed tokens.
    pub room_records: usize,
}

impl StoreSizes {
    /// What is bounded as one.
    #[must_use]
    pub const fn moderation_records(self) -> usize {
        self.blocks.saturating_add(self.room_records)
    }
}

/// A client instance of a guest that has not started for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdleGuest {
    pub user: UserKey,
    pub instance: InstanceId,
    /// The generation of its last start that began a family.
    pub generation: u64,
    /// The serial number of its last access token. With the generation, it changes with every start and renewal.
    pub serial: u64,
}

/// The last client instance of a page of [`IdleGuests`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuestPosition {
    pub(super) seen: Timestamp,
    pub(super) app: String,
    pub(super) username: String,
    pub(super) instance: String,
}

/// Guests of an app, those who were not seen for longest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdleGuests {
    pub guests: Vec<IdleGuest>,
    /// Where the next page begins. `None`: there is none.
    pub next: Option<GuestPosition>,
}
