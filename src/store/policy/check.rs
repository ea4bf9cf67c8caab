//! Decides whether the user of a session may continue, and what a later check will read.

use stagedoor_proto::Timestamp;

use super::admission::{AdmissionWrites, InstanceWrite, UserWrite, check_user, is_stale};
use super::revocation::check_authenticated;
use super::rows::{AdmissionRows, CheckRows, CheckedInstance};
use crate::store::admission::{Admission, Check, CheckedUser, Refusal};

/// The writes of a check that passed: the time last seen, if it is stale.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct CheckWrites {
    pub(in crate::store) checked: CheckedUser,
    pub(in crate::store) user: Option<UserWrite>,
    pub(in crate::store) instance: Option<InstanceWrite>,
}

/// Decides whether the user of a session may continue: neither deleted nor blocked, and the family is not void.
///
/// # Errors
/// The reason for a rejection; nothing is written then.
pub(in crate::store) fn check(check: &Check, rows: &CheckRows) -> Result<CheckWrites, Refusal> {
    let CheckRows { is_registered, seen, revoked, is_deleted, instance, blocks, app_revoked } =
        rows;
    check_user(*is_deleted, blocks, check.now)?;
    check_authenticated(check, *app_revoked)?;
    let of_family = |row: &&CheckedInstance| row.family == Some(check.family);
    let instance = instance.as_ref().filter(of_family).ok_or(Refusal::Revoked)?;
    let address = (!is_registered).then(|| check.address.to_canonical());
    let is_seen = instance.address == address && !is_stale(Some(instance.seen), check.now);
    Ok(CheckWrites {
        checked: CheckedUser { revoked: *revoked, app_revoked: *app_revoked },
        user: is_stale(*seen, check.now).then_some(UserWrite::Seen),
        instance: (!is_seen).then_some(InstanceWrite::Seen { address }),
    })
}

/// The rows that a check reads after an admitted start; `None` if it would read more than the start did.
pub(in crate::store) fn rows_after(
    admission: &Admission,
    rows: &AdmissionRows,
    writes: &AdmissionWrites,
) -> Option<CheckRows> {
    let (user, now) = (&rows.user, admission.now);
    let is_registered = match &writes.user {
        Some(UserWrite::Put { is_registered, .. }) => *is_registered,
        Some(UserWrite::Seen) | None => user.is_registered,
    };
    // A check reads the blocks of a guest's instance and address unless the name is registered.
    if is_registered == writes.admitted.guest {
        return None;
    }
    let address = writes.instance.as_ref()?.address();
    Some(CheckRows {
        is_registered,
        seen: if writes.user.is_some() { Some(now) } else { user.seen },
        revoked: user.revoked,
        is_deleted: user.is_deleted,
        instance: Some(CheckedInstance {
            family: Some(writes.admitted.family),
            address,
            seen: now,
        }),
        // The start passed: none is in force.
        blocks: Vec::new(),
        app_revoked: rows.app_revoked,
    })
}

impl CheckRows {
    /// The rows after the writes of a check that passed.
    pub(in crate::store) fn after(self, writes: &CheckWrites, now: Timestamp) -> Self {
        let seen = if writes.user.is_some() { Some(now) } else { self.seen };
        let instance = self.instance.map(|instance| match &writes.instance {
            Some(write) => CheckedInstance { address: write.address(), seen: now, ..instance },
            None => instance,
        });
        Self { seen, instance, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::admission::LAST_SEEN_PRECISION;
    use super::*;
    use crate::store::conformance::{NOW, by_token, family, start};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn check_writes_only_what_is_stale() {
        let visit = start("ada", by_token(2), 9);
        let address = Some(visit.address);
        let family = Some(family(2));
        let known = CheckRows {
            seen: Some(NOW),
            instance: Some(CheckedInstance { family, address, seen: NOW }),
            ..CheckRows::default()
        };
        let at = |now| Check { now, ..visit.check(2) };
        for now in [NOW + LAST_SEEN_PRECISION, NOW - LAST_SEEN_PRECISION] {
            let fresh = check(&at(now), &known).unwrap();
            assert_eq!((fresh.user, fresh.instance), (None, None));
        }
        let earlier = NOW - LAST_SEEN_PRECISION - SECOND;
        for now in [NOW + LAST_SEEN_PRECISION + SECOND, earlier] {
            let stale = check(&at(now), &known).unwrap();
            assert_eq!(stale.user, Some(UserWrite::Seen));
            assert_eq!(stale.instance, Some(InstanceWrite::Seen { address }));
        }
    }
}
