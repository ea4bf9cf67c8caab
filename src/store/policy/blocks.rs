//! What a block covers.

use super::rows::{KnownInstance, UserRow};
use crate::address::network;
use crate::store::admission::BlockedIdentities;

/// The identities covered by a user's block. A registered user's block covers the name alone. A guest's block covers
/// the guest's known instances and, with `by_address`, the networks of their addresses.
pub(in crate::store) fn blocked_identities(
    user: &UserRow,
    instances: Vec<KnownInstance>,
    by_address: bool,
) -> BlockedIdentities {
    let mut reached = BlockedIdentities::default();
    if user.is_registered {
        return reached;
    }
    for KnownInstance { instance, address } in instances {
        reached.instances.insert(instance);
        reached.addresses.extend(address.filter(|_| by_address).map(network));
    }
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
        for (user, by_address, reached) in
            [(&guest, false, (1, 0)), (&guest, true, (1, 1)), (&registered, true, (0, 0))]
        {
            let identities = blocked_identities(user, vec![known.clone()], by_address);
            assert_eq!((identities.instances.len(), identities.addresses.len()), reached);
        }
    }
}
