//! The stored state of a room.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    BlockSource, FamilyId, InstanceId, Role, RoomMute, SessionId, Timestamp, Username,
};

use crate::blocks::{BlockSetter, SetBlock, bound};
use crate::principal::{Guest, NameCoverage, Principal};

/// How mutes apply to a user, if unlike to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MuteOverride {
    /// A moderator's lock mutes all their audio.
    Locked,
    /// The same for guests of the name, not for a registered user.
    LockedGuests,
    /// A moderator exempted them from the room's mute.
    #[serde(rename = "spared")]
    Exempt,
}

/// A user who may not join. `instances`, `name` and `until` sum up `blocks`: earlier releases read nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRow {
    pub username: Username,
    /// A guest's instances, from which no guest may join.
    pub instances: BTreeSet<InstanceId>,
    /// Who may not join under the name.
    #[serde(default)]
    pub name: NameCoverage,
    pub until: Timestamp,
    /// The block of each setter. Empty in a row of an earlier release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<RoomBlock>,
}

/// One setter's block of a user from a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomBlock {
    pub set_by: BlockSetter,
    /// A guest's instances, from which no guest may join.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub instances: BTreeSet<InstanceId>,
    /// What proves that guest: with an exclusive name it may have the name on further instances.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub proofs: BTreeSet<FamilyId>,
    /// Who may not join under the name.
    pub name: NameCoverage,
    pub until: Timestamp,
}

impl BlockRow {
    /// The row of these blocks; `None` for none.
    #[must_use]
    pub fn of(username: Username, blocks: Vec<RoomBlock>) -> Option<Self> {
        let until = blocks.iter().map(|block| block.until).max()?;
        let name = blocks.iter().map(|block| block.name).max()?;
        let instances = blocks.iter().flat_map(|block| block.instances.iter().cloned()).collect();
        Some(Self { username, instances, name, until, blocks })
    }

    /// The block of each setter. That of an earlier release was set by a moderator.
    #[must_use]
    pub fn into_blocks(self) -> Vec<RoomBlock> {
        if self.blocks.is_empty() {
            let Self { instances, name, until, .. } = self;
            let (set_by, proofs) = (BlockSetter::Unknown, BTreeSet::new());
            return vec![RoomBlock { set_by, instances, proofs, name, until }];
        }
        self.blocks
    }

    /// The row with a new block, which replaces what its setter set for the same principals. Expired blocks are
    /// removed.
    #[must_use]
    pub fn set(earlier: Option<Self>, username: Username, new: RoomBlock, now: Timestamp) -> Self {
        let mut new = new;
        let mut blocks = earlier.map_or_else(Vec::new, Self::into_blocks);
        blocks.retain(|block| block.until > now);
        for block in blocks.iter_mut().filter(|block| new.set_by.replaces(&block.set_by)) {
            if new.name == NameCoverage::None {
                block.instances.retain(|instance| !new.instances.contains(instance));
                block.proofs.retain(|proof| !new.proofs.contains(proof));
            } else {
                new.instances.append(&mut block.instances);
                new.proofs.append(&mut block.proofs);
            }
            if block.name <= new.name {
                block.name = NameCoverage::None;
            }
        }
        blocks.retain(|block| {
            let has_guests = !block.instances.is_empty() || !block.proofs.is_empty();
            block.name != NameCoverage::None || has_guests
        });
        Self::add(blocks, username, new)
    }

    /// The row with further blocks of other principals, beside those that it has. A repetition changes nothing. Expired
    /// ones are removed.
    #[must_use]
    pub fn merge(
        earlier: Option<Self>,
        username: Username,
        new: Vec<RoomBlock>,
        now: Timestamp,
    ) -> Option<Self> {
        let mut blocks = earlier.map_or_else(Vec::new, Self::into_blocks);
        blocks.retain(|block| block.until > now);
        for block in new {
            let covers_same = |known: &&mut RoomBlock| {
                known.set_by == block.set_by
                    && known.name == block.name
                    && known.instances == block.instances
                    && known.proofs == block.proofs
            };
            match blocks.iter_mut().find(covers_same) {
                Some(known) => known.until = known.until.max(block.until),
                None => blocks.push(block),
            }
        }
        bound(&mut blocks);
        Self::of(username, blocks)
    }

    fn add(mut blocks: Vec<RoomBlock>, username: Username, new: RoomBlock) -> Self {
        blocks.push(new);
        bound(&mut blocks);
        Self::of(username, blocks).expect("it has a block")
    }

    /// The row without the blocks of this slot, or of any; `None` if nothing else is in force.
    #[must_use]
    pub fn lift(self, slot: Option<BlockSource>, now: Timestamp) -> Option<Self> {
        let username = self.username.clone();
        let mut blocks = self.into_blocks();
        blocks.retain(|block| {
            slot.is_some_and(|slot| block.set_by.slot() != slot) && block.until > now
        });
        Self::of(username, blocks)
    }

    /// The blocks that cover a principal.
    pub fn covering<'a>(&'a self, who: Principal<'a>) -> impl Iterator<Item = &'a RoomBlock> {
        let is_named = self.username == *who.username;
        self.blocks.iter().filter(move |block| match who.guest {
            None => is_named && block.name == NameCoverage::All,
            Some(guest) => {
                is_named && block.name != NameCoverage::None
                    || block.instances.contains(&guest.instance)
                    || block.proofs.contains(&guest.proof)
            }
        })
    }

    /// The block that ends last.
    #[must_use]
    pub fn holding(&self) -> Option<&RoomBlock> {
        self.blocks.iter().max_by_key(|block| block.until)
    }
}

impl SetBlock for RoomBlock {
    fn set_by(&self) -> &BlockSetter {
        &self.set_by
    }

    fn end(&self) -> Timestamp {
        self.until
    }

    fn absorb(&mut self, other: Self, by: BlockSetter) {
        self.set_by = by;
        self.instances.extend(other.instances);
        self.proofs.extend(other.proofs);
        self.name = self.name.max(other.name);
        self.until = self.until.max(other.until);
    }
}

/// What a moderator set for one guest. Penalties follow the instance to other names; privileges need the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestRow {
    pub username: Username,
    #[serde(flatten)]
    pub guest: Guest,
    #[serde(default, rename = "voice", skip_serializing_if = "Option::is_none")]
    pub mute: Option<MuteOverride>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

/// The client instance of a user who redeemed a room token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenHolder {
    pub username: Username,
    pub instance: InstanceId,
}

/// A room token that a session has used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedeemedToken {
    pub jti: Box<str>,
    pub session: SessionId,
    /// May show it again with another session. `None`: a guest whose name others may have too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<TokenHolder>,
    /// When the token expires and its row can be removed.
    pub until: Timestamp,
}

/// The state of a room when it opens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DurableState {
    pub blocks: Vec<BlockRow>,
    pub mute_overrides: Vec<(Username, MuteOverride)>,
    pub roles: Vec<(Username, Role)>,
    pub guests: Vec<GuestRow>,
    pub mute: RoomMute,
    pub locked: bool,
    pub ended: Option<Timestamp>,
    pub redeemed_tokens: Vec<RedeemedToken>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::blocks::MAX_BLOCKS_PER_USER;

    fn ada() -> Username {
        "ada".parse().expect("a username")
    }

    fn moderator(n: usize) -> BlockSetter {
        BlockSetter::User(format!("moderator {n}").parse().expect("a username"))
    }

    fn block(set_by: BlockSetter, until: u64) -> RoomBlock {
        let until = Timestamp::from_millis(until);
        let (instances, proofs) = (BTreeSet::new(), BTreeSet::new());
        RoomBlock { set_by, instances, proofs, name: NameCoverage::All, until }
    }

    proptest! {
        /// Compared with a table of the end that each setter chose.
        #[test]
        fn latest_end_of_all_setters_holds(
            steps in prop::collection::vec((0..4_usize, 0..8_u8, 1..12_u64), 1..60),
        ) {
            let setters = [BlockSetter::Server, moderator(1), moderator(2), moderator(3)];
            let mut ends: BTreeMap<usize, u64> = BTreeMap::new();
            let mut row: Option<BlockRow> = None;
            for (at, (setter, verb, length)) in steps.into_iter().enumerate() {
                let now = 1_000 + at as u64;
                let time = Timestamp::from_millis(now);
                ends.retain(|_, end| *end > now);
                let slot = setters[setter].slot();
                row = match verb {
                    0..6 => {
                        ends.insert(setter, now + length);
                        let new = block(setters[setter].clone(), now + length);
                        Some(BlockRow::set(row, ada(), new, time))
                    }
                    6 => {
                        ends.retain(|other, _| setters[*other].slot() != slot);
                        row.and_then(|row| row.lift(Some(slot), time))
                    }
                    _ => {
                        ends.clear();
                        row.and_then(|row| row.lift(None, time))
                    }
                };
                let who = ada();
                let who = Principal { username: &who, guest: None };
                let blocked = row.iter().flat_map(|row| row.covering(who)).map(|block| block.until);
                let blocked = blocked.filter(|until| *until > time).max();
                prop_assert_eq!(
                    blocked.map(Timestamp::as_millis),
                    ends.values().max().copied(),
                    "step {}", at
                );
            }
        }
    }

    #[test]
    fn many_setters_are_bounded_and_none_is_shortened() {
        let mut row = None;
        let now = Timestamp::from_millis(0);
        for n in 0..100 {
            row = Some(BlockRow::set(row, ada(), block(moderator(n), 1_000 + n as u64), now));
        }
        let row = row.expect("a row");
        assert_eq!(row.blocks.len(), MAX_BLOCKS_PER_USER);
        assert_eq!(row.until, Timestamp::from_millis(1_099));
        let shortened = BlockRow::set(Some(row), ada(), block(moderator(99), 1), now);
        assert_eq!(shortened.until, Timestamp::from_millis(1_098), "that of the one before");
    }

    #[test]
    fn shorter_block_of_a_name_covers_the_instances_before() {
        let instance: InstanceId = "instance-1".parse().expect("an instance");
        let guest = RoomBlock {
            instances: [instance.clone()].into(),
            name: NameCoverage::None,
            ..block(moderator(1), 100)
        };
        let now = Timestamp::from_millis(0);
        let row = BlockRow::set(None, ada(), guest, now);
        let row = BlockRow::set(Some(row), ada(), block(moderator(2), 10), now);
        assert_eq!(row.blocks.len(), 2, "of two moderators");
        let row = BlockRow::set(Some(row), ada(), block(moderator(1), 20), now);
        let proof = stagedoor_proto::FamilyId::from_bits(1);
        let eve: Username = "eve".parse().expect("a username");
        let guest = Guest::new(instance, proof);
        let renamed = Principal { username: &eve, guest: Some(&guest) };
        let ends: Vec<_> = row.covering(renamed).map(|block| block.until.as_millis()).collect();
        assert_eq!(ends, [20]);
    }

    #[test]
    fn row_of_an_earlier_release_is_of_a_moderator() {
        let json = r#"{"username":"ada","instances":[],"name":"all","until":100}"#;
        let row: BlockRow = serde_json::from_str(json).expect("a row");
        let row = BlockRow::of(ada(), row.into_blocks()).expect("a row");
        let now = Timestamp::from_millis(0);
        let longer = BlockRow::set(Some(row.clone()), ada(), block(moderator(1), 10), now);
        assert_eq!(longer.until, Timestamp::from_millis(100));
        assert_eq!(row.lift(Some(BlockSource::Moderator), now), None);
    }
}
