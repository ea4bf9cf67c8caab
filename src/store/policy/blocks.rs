//! The reach of a block.

use super::rows::{KnownInstance, UserRow};
use crate::store::admission::BlockedIdentities;

/// Whom else a user's block keeps out. A registered user's is of the name alone; a guest's is also of the instances it
/// is known by and, with `by_address`, of their addresses, for other guests there.
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
        reached.addresses.extend(address.filter(|_| by_address));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_of_a_guest_reaches_its_instances() {
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
