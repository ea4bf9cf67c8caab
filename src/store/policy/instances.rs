//! Which client instances of a registered user are forgotten.

use std::time::Duration;

use stagedoor_proto::{InstanceId, Role, Timestamp};

use crate::room::{DurableChange, MuteOverride};
use crate::store::admission::InstanceLimit;

/// Precision of the recorded time an instance was last seen.
const SEEN_PRECISION: Duration = Duration::from_hours(1);

/// A client instance of a registered user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct RememberedInstance {
    pub(in crate::store) instance: InstanceId,
    /// Whether its token family is not void.
    pub(in crate::store) has_family: bool,
    pub(in crate::store) seen: Timestamp,
}

/// The instances to forget so that at most `limit.count` are left, with the one that just started.
///
/// Those with a session stay, and all of a user under a penalty, because guests on them are under it too. Those whose
/// access token has expired or is void are forgotten first, then the oldest.
pub(in crate::store) fn surplus_instances(
    others: Vec<RememberedInstance>,
    limit: &InstanceLimit,
    has_penalty: bool,
    now: Timestamp,
) -> Vec<InstanceId> {
    let surplus = (others.len() + 1).saturating_sub(limit.count);
    if surplus == 0 || has_penalty {
        return Vec::new();
    }
    let expired_before = now - (limit.access_ttl + SEEN_PRECISION);
    let mut idle = others;
    idle.retain(|other| !limit.live.contains(&other.instance));
    idle.sort_by_key(|other| (other.has_family && other.seen > expired_before, other.seen));
    idle.into_iter().take(surplus).map(|other| other.instance).collect()
}

/// Whether a change restricts its user. Exemptions and the role of a moderator do not.
pub(in crate::store) fn is_penalty(change: &DurableChange) -> bool {
    match change {
        DurableChange::Blocked(_) => true,
        DurableChange::Mute { mute, .. } => {
            matches!(mute, Some(MuteOverride::Locked | MuteOverride::LockedGuests))
        }
        DurableChange::Role { role, .. } => *role != Role::Moderator,
        DurableChange::Guest(row) => {
            let mute = row.mute.is_some_and(|mute| mute != MuteOverride::Exempt);
            mute || row.role.is_some_and(|role| role != Role::Moderator)
        }
        DurableChange::Unblocked { .. }
        | DurableChange::GuestCleared { .. }
        | DurableChange::Room { .. }
        | DurableChange::Ended { .. }
        | DurableChange::Redeemed(_)
        | DurableChange::Occupied
        | DurableChange::Emptied { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::NOW;

    const DAY: Duration = Duration::from_hours(24);

    fn instance(name: char) -> InstanceId {
        format!("instance-{name}").parse().unwrap()
    }

    #[test]
    fn instances_without_a_valid_token_are_forgotten_first() {
        let remembered = |name, has_family, days| RememberedInstance {
            instance: instance(name),
            has_family,
            seen: NOW - DAY * days,
        };
        let others = vec![
            remembered('a', true, 5),
            remembered('b', false, 1),
            remembered('c', true, 40),
            remembered('d', true, 3),
            remembered('e', true, 50),
        ];
        let forgotten = |count, has_penalty| {
            let live = vec![instance('e')];
            let limit = InstanceLimit { count, access_ttl: DAY * 30, live };
            let names = surplus_instances(others.clone(), &limit, has_penalty, NOW);
            names.iter().map(|name| name.as_str().chars().last().unwrap()).collect::<String>()
        };
        for (count, expected) in [(6, ""), (5, "c"), (4, "cb"), (3, "cba"), (1, "cbad")] {
            assert_eq!(forgotten(count, false), expected, "at most {count}");
        }
        assert_eq!(forgotten(1, true), "");
    }
}
