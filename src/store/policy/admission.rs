//! Decides whether a user may start or continue, and what is recorded.
//!
//! The checks run in this order: deleted, blocked, name taken, superseded, revoked.

use std::net::IpAddr;
use std::time::Duration;

use stagedoor_proto::{FamilyId, Timestamp};

use super::revocation::check_issued;
use super::rows::{AdmissionRows, InstanceRow, UserRow};
use crate::store::admission::{Admission, Admitted, AuthMethod, FormerFamily, Profile, Refusal};

/// Precision of the recorded time a user was last seen. Most restarts therefore write nothing.
const LAST_SEEN_PRECISION: Duration = Duration::from_hours(1);

/// The writes of an admitted start.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct AdmissionWrites {
    pub(in crate::store) admitted: Admitted,
    /// First void the families and addresses of all the user's instances, which were a guest's.
    pub(in crate::store) void_instances: bool,
    pub(in crate::store) user: Option<UserWrite>,
    pub(in crate::store) instance: Option<InstanceWrite>,
}

/// The change of the user's row.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) enum UserWrite {
    /// Inserts or updates the row. Deletion and revocation stay.
    Put { is_registered: bool, profile: Profile },
    /// Updates the time last seen.
    Seen,
}

/// The change of the instance's row. Each updates the time last seen.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) enum InstanceWrite {
    /// Begins a family, or restores a lost one. The current family becomes the former one.
    Put { generation: u64, family: FamilyId, address: Option<IpAddr> },
    /// Continues the current family.
    Seen { address: Option<IpAddr> },
}

/// Whether a start is a guest's. Blocks of other guests can then cover it, and its address is stored.
pub(in crate::store) const fn is_guest(method: &AuthMethod, user: &UserRow) -> bool {
    match method {
        AuthMethod::Guest => true,
        AuthMethod::Hook { .. } => false,
        AuthMethod::AccessToken { guest, .. } => *guest && !user.is_registered,
    }
}

/// Decides whether to admit a start.
///
/// # Errors
/// The reason for a rejection; nothing is written then.
pub(in crate::store) fn admit(
    admission: &Admission,
    rows: &AdmissionRows,
) -> Result<AdmissionWrites, Refusal> {
    let AdmissionRows { user, instance, blocks, lost_after } = rows;
    if user.is_deleted {
        return Err(Refusal::Deleted);
    }
    if let Some(block) = blocks
        .iter()
        .filter(|block| block.is_in_force(admission.now))
        .max_by_key(|block| block.end())
    {
        return Err(Refusal::Blocked(block.clone()));
    }
    let start = Start { admission, user, instance: instance.as_ref() };
    match admission.method {
        AuthMethod::Guest if user.is_registered => Err(Refusal::NameTaken),
        AuthMethod::Guest | AuthMethod::Hook { .. } if start.is_superseded() => {
            let generation = instance.as_ref().map_or(0, |instance| instance.generation);
            Err(Refusal::Superseded { generation })
        }
        AuthMethod::Guest => Ok(start.begin(admission.new_family, &Profile::default())),
        AuthMethod::Hook { .. } => {
            check_issued(admission, user)?;
            Ok(start.begin(admission.new_family, &admission.profile))
        }
        AuthMethod::AccessToken { family, guest, issued, .. } => {
            check_issued(admission, user)?;
            if start.has_family(family) {
                return Ok(start.resume(family));
            }
            // The start that registered the name voided the guest's tokens.
            let is_guests_of_registered = guest && user.is_registered;
            if is_guests_of_registered || !start.has_lost(family, issued, *lost_after) {
                return Err(Refusal::Revoked);
            }
            Ok(start.begin(family, &user.profile))
        }
    }
}

/// A start that is neither deleted nor blocked.
struct Start<'a> {
    admission: &'a Admission,
    user: &'a UserRow,
    instance: Option<&'a InstanceRow>,
}

impl Start<'_> {
    fn is_superseded(&self) -> bool {
        self.instance.is_some_and(|instance| instance.generation > self.admission.generation)
    }

    fn has_family(&self, family: FamilyId) -> bool {
        self.instance.is_some_and(|instance| instance.family == Some(family))
    }

    /// Whether an access token proves a start whose row was lost in a machine failure: it is newer than everything
    /// stored, and nothing stored voids it.
    fn has_lost(&self, family: FamilyId, issued: Timestamp, lost_after: Option<Timestamp>) -> bool {
        lost_after.is_some_and(|lost_after| issued > lost_after)
            && self.user.revoked.is_none_or(|revoked| issued > revoked)
            && self.instance.is_none_or(|instance| {
                instance.former_family != Some(family) && issued > instance.seen
            })
    }

    /// Begins a family, which voids the instance's former one.
    fn begin(&self, family: FamilyId, profile: &Profile) -> AdmissionWrites {
        let guest = is_guest(&self.admission.method, self.user);
        let was_guest = !guest && !self.user.is_registered && self.user.seen.is_some();
        let is_changed = self.user.is_registered == guest || self.user.profile != *profile;
        let user = (is_changed || self.is_stale(self.user.seen))
            .then(|| UserWrite::Put { is_registered: !guest, profile: profile.clone() });
        let former = self.instance.map_or_else(FormerFamily::default, |instance| FormerFamily {
            generation: instance.generation,
            family: instance.family,
            former_family: instance.former_family,
        });
        let (generation, former) = (self.admission.generation, Some(former));
        AdmissionWrites {
            admitted: Admitted {
                family,
                guest,
                profile: profile.clone(),
                former,
                revoked: self.user.revoked,
                was_guest,
            },
            void_instances: was_guest,
            user,
            instance: Some(InstanceWrite::Put { generation, family, address: self.address(guest) }),
        }
    }

    /// Continues the instance's family.
    fn resume(&self, family: FamilyId) -> AdmissionWrites {
        let guest = is_guest(&self.admission.method, self.user);
        let address = self.address(guest);
        let is_same_place = self.instance.is_some_and(|instance| instance.address == address);
        let is_stale = self.is_stale(self.instance.map(|instance| instance.seen));
        let profile = self.user.profile.clone();
        AdmissionWrites {
            admitted: Admitted {
                family,
                guest,
                profile,
                former: None,
                revoked: self.user.revoked,
                was_guest: false,
            },
            void_instances: false,
            user: self.is_stale(self.user.seen).then_some(UserWrite::Seen),
            instance: (!is_same_place || is_stale).then_some(InstanceWrite::Seen { address }),
        }
    }

    fn address(&self, guest: bool) -> Option<IpAddr> {
        guest.then(|| self.admission.address.to_canonical())
    }

    fn is_stale(&self, seen: Option<Timestamp>) -> bool {
        seen.is_none_or(|seen| self.admission.now.saturating_since(seen) > LAST_SEEN_PRECISION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::{NOW, by_token, family, start};

    const SECOND: Duration = Duration::from_secs(1);

    /// An access token of family 2, minted at `issued`.
    fn token(issued: Timestamp, guest: bool) -> Admission {
        let method =
            AuthMethod::AccessToken { family: family(2), guest, authenticated: NOW, issued };
        start("ada", method, 9)
    }

    fn instance(family_now: u128, former: u128) -> InstanceRow {
        InstanceRow {
            generation: 3,
            family: Some(family(family_now)),
            former_family: Some(family(former)),
            address: None,
            seen: NOW,
        }
    }

    fn rows(instance: Option<InstanceRow>) -> AdmissionRows {
        AdmissionRows { instance, lost_after: Some(NOW), ..AdmissionRows::default() }
    }

    #[test]
    fn token_newer_than_the_store_is_admitted() {
        for (instance, guest) in [(None, true), (None, false), (Some(instance(1, 7)), true)] {
            let writes = admit(&token(NOW + SECOND, guest), &rows(instance)).unwrap();
            assert_eq!((writes.admitted.family, writes.admitted.guest), (family(2), guest));
            let put = matches!(writes.instance, Some(InstanceWrite::Put { family: f, .. }) if f == family(2));
            assert!(put, "{writes:?}");
            let user = UserWrite::Put { is_registered: !guest, profile: Profile::default() };
            assert_eq!(writes.user, Some(user));
        }
    }

    #[test]
    fn token_contradicted_by_the_store_is_revoked() {
        let newer = NOW + SECOND;
        let lost_nothing = AdmissionRows { lost_after: None, ..rows(None) };
        let registered = UserRow { is_registered: true, ..UserRow::default() };
        let revoked = UserRow { revoked: Some(newer), ..UserRow::default() };
        let seen_since = InstanceRow { seen: newer, ..instance(1, 7) };
        for (case, issued, guest, rows) in [
            ("nothing was lost", newer, true, lost_nothing),
            ("minted before the loss", NOW, true, rows(None)),
            ("a later start", newer, true, rows(Some(seen_since))),
            ("voided", newer, true, rows(Some(instance(1, 2)))),
            (
                "a guest of a registered name",
                newer,
                true,
                AdmissionRows { user: registered, ..rows(None) },
            ),
            ("revoked", newer, false, AdmissionRows { user: revoked, ..rows(None) }),
        ] {
            assert_eq!(admit(&token(issued, guest), &rows), Err(Refusal::Revoked), "{case}");
        }
    }

    #[test]
    fn restart_writes_only_what_is_stale() {
        let user = UserRow { seen: Some(NOW), ..UserRow::default() };
        let address = Some(start("ada", by_token(2), 9).address);
        let known = AdmissionRows {
            user,
            instance: Some(InstanceRow { address, ..instance(2, 1) }),
            ..AdmissionRows::default()
        };
        let at = |now| Admission { now, ..start("ada", by_token(2), 9) };
        let fresh = admit(&at(NOW + LAST_SEEN_PRECISION), &known).unwrap();
        assert_eq!((fresh.user, fresh.instance), (None, None));
        let stale = admit(&at(NOW + LAST_SEEN_PRECISION + SECOND), &known).unwrap();
        assert_eq!(stale.user, Some(UserWrite::Seen));
        assert_eq!(stale.instance, Some(InstanceWrite::Seen { address }));
    }
}
