//! What a block covers, and which of a user's blocks holds.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{BlockSource, Timestamp};

use super::rows::{KnownInstance, UserRow};
use crate::address::network;
use crate::blocks::{BlockSetter, SetBlock, bound};
use crate::principal::NameCoverage;
use crate::store::admission::{Block, BlockedGuests, BlockedIdentities};

/// One setter's block of a user, with what else it covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct AppBlock {
    #[serde(flatten)]
    pub(in crate::store) block: Block,
    pub(in crate::store) identities: BlockedIdentities,
    /// Which users of the name it covers, besides the guests of its identities.
    #[serde(default)]
    pub(in crate::store) name: NameCoverage,
}

impl AppBlock {
    /// Whether it covers users that the other one covers.
    fn overlaps(&self, other: &Self) -> bool {
        let (own, others) = (&self.identities.instances, &other.identities.instances);
        self.name != NameCoverage::None || !own.is_disjoint(others)
    }
}

impl SetBlock for AppBlock {
    fn set_by(&self) -> &BlockSetter {
        &self.block.set_by
    }

    fn end(&self) -> Timestamp {
        self.block.end()
    }

    fn absorb(&mut self, other: Self, by: BlockSetter) {
        if other.end() > self.end() {
            self.block = other.block;
        }
        self.block.set_by = by;
        self.identities.instances.extend(other.identities.instances);
        self.identities.addresses.extend(other.identities.addresses);
        self.name = self.name.max(other.name);
    }
}

/// The blocks of a user with a new one, which replaces what its setter set for the same principals.
pub(in crate::store) fn with_block(
    mut blocks: Vec<AppBlock>,
    mut new: AppBlock,
    now: Timestamp,
) -> Vec<AppBlock> {
    let set_by = new.block.set_by.clone();
    blocks.retain(|earlier| earlier.block.is_in_force(now));
    for earlier in blocks.iter_mut().filter(|earlier| set_by.replaces(&earlier.block.set_by)) {
        if new.name == NameCoverage::None {
            let replaced = &new.identities.instances;
            earlier.identities.instances.retain(|instance| !replaced.contains(instance));
        } else {
            new.identities.instances.append(&mut earlier.identities.instances);
        }
        if earlier.name <= new.name {
            earlier.name = NameCoverage::None;
        }
    }
    blocks.retain(|earlier| {
        let covers = earlier.name != NameCoverage::None || !earlier.identities.instances.is_empty();
        covers || !set_by.replaces(&earlier.block.set_by)
    });
    blocks.push(new);
    bound(&mut blocks);
    blocks
}

/// The block that ends last of those that cover what a new one covers.
pub(in crate::store) fn holding_over<'a>(
    blocks: &'a [AppBlock],
    new: &AppBlock,
) -> Option<&'a Block> {
    let covering = blocks.iter().filter(|block| block.overlaps(new));
    covering.map(|block| &block.block).max_by_key(|block| block.end())
}

/// The blocks of a user that are left when those of a slot are lifted, and whether one of them was in force.
pub(in crate::store) fn without_slot(
    mut blocks: Vec<AppBlock>,
    slot: BlockSource,
    now: Timestamp,
) -> (Vec<AppBlock>, bool) {
    blocks.retain(|block| block.block.is_in_force(now));
    let before = blocks.len();
    blocks.retain(|block| block.set_by().slot() != slot);
    let was_blocked = blocks.len() < before;
    (blocks, was_blocked)
}

/// The block that ends last.
pub(in crate::store) fn holding(blocks: &[AppBlock]) -> Option<&Block> {
    blocks.iter().map(|block| &block.block).max_by_key(|block| block.end())
}

/// Which users of the name a block covers. `guests`: it covers these alone.
pub(in crate::store) fn name_coverage(guests: Option<&BlockedGuests>) -> NameCoverage {
    match guests {
        None => NameCoverage::All,
        Some(guests) if guests.by_name => NameCoverage::Guests,
        Some(_) => NameCoverage::None,
    }
}

/// The identities covered by a user's block. A registered user's block covers the name alone. A guest's block covers
/// the guest's known instances and, with `by_address`, the networks of their addresses. `guests`: it covers these
/// alone.
pub(in crate::store) fn blocked_identities(
    user: &UserRow,
    guests: Option<&BlockedGuests>,
    instances: Vec<KnownInstance>,
    by_address: bool,
) -> BlockedIdentities {
    let listed = guests.map(|guests| guests.instances.clone()).unwrap_or_default();
    let covers_all = !user.is_registered && name_coverage(guests) != NameCoverage::None;
    let mut reached = BlockedIdentities::default();
    for KnownInstance { instance, address } in instances {
        if covers_all || listed.contains(&instance) {
            reached.instances.insert(instance);
            reached.addresses.extend(address.filter(|_| by_address).map(network));
        }
    }
    reached.instances.extend(listed);
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_block_reaches_its_instances() {
        let known = KnownInstance {
            instance: "instance-a".parse().unwrap(),
            address: Some("192.0.2.1".parse().unwrap()),
        };
        let guest = UserRow::default();
        let registered = UserRow { is_registered: true, ..UserRow::default() };
        let of = |name: &str, by_name| {
            let instances = [format!("instance-{name}").parse().unwrap()].into();
            Some(BlockedGuests { instances, by_name })
        };
        for (user, guests, by_address, reached) in [
            (&guest, None, false, (1, 0)),
            (&guest, None, true, (1, 1)),
            (&registered, None, true, (0, 0)),
            (&guest, of("a", false), true, (1, 1)),
            (&guest, of("b", false), true, (1, 0)),
            (&guest, of("b", true), true, (2, 1)),
            (&registered, of("b", true), true, (1, 0)),
        ] {
            let known = vec![known.clone()];
            let identities = blocked_identities(user, guests.as_ref(), known, by_address);
            let counts = (identities.instances.len(), identities.addresses.len());
            assert_eq!(counts, reached, "{guests:?}");
        }
    }
}
