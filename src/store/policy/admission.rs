//! Decides whether a user may start, and what is recorded.
//!
//! The checks run in this order: deleted, blocked, name held, name registered, superseded, revoked, expired, too many
//! guests.

use std::net::IpAddr;
use std::time::Duration;

use stagedoor_proto::{FamilyId, Timestamp, Username};

use super::revocation::check_issued;
use super::rows::{AdmissionRows, InstanceRow, UserRow};
use crate::store::admission::{
    Admission, Admitted, AuthMethod, Block, FamilyTokens, FormerFamily, Profile, Refusal,
    TokenPosition,
};

/// Precision of the recorded time a user was last seen. Most restarts therefore write nothing.
pub(super) const LAST_SEEN_PRECISION: Duration = Duration::from_hours(1);

/// The credentials of a start that begins a family.
const FIRST: TokenPosition = TokenPosition { serial: 0, previous: 0 };

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
    Put {
        generation: u64,
        family: FamilyId,
        tokens: FamilyTokens,
        address: Option<IpAddr>,
        proof: Option<FamilyId>,
    },
    /// Continues the current family.
    Continue { tokens: FamilyTokens, address: Option<IpAddr>, proof: Option<FamilyId> },
    /// Only the session was checked.
    Seen { address: Option<IpAddr> },
}

impl InstanceWrite {
    pub(super) const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Put { address, .. } | Self::Continue { address, .. } | Self::Seen { address } => {
                *address
            }
        }
    }
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
    let AdmissionRows { user, instance, registered, blocks, lost_after, app_revoked, .. } = rows;
    check_user(user.is_deleted, blocks, admission.now)?;
    let (instance, registered, app_revoked) =
        (instance.as_ref(), registered.as_ref(), *app_revoked);
    let start = Start { admission, user, instance, registered, app_revoked };
    start.claim_name(rows)?;
    match admission.method {
        AuthMethod::Guest if user.is_registered => Err(Refusal::NameTaken),
        AuthMethod::Guest | AuthMethod::Hook { .. } if start.is_superseded() => {
            let generation = instance.map_or(0, |instance| instance.generation);
            Err(Refusal::Superseded { generation })
        }
        AuthMethod::Guest if start.has_expired() => Err(Refusal::Expired),
        AuthMethod::Guest if start.is_surplus(rows.guests) => Err(Refusal::TooManyGuests),
        AuthMethod::Guest => Ok(start.begin(admission.new_family, FIRST, &Profile::default())),
        AuthMethod::Hook { .. } => {
            check_issued(admission, user, app_revoked)?;
            if start.has_expired() {
                return Err(Refusal::Expired);
            }
            Ok(start.begin(admission.new_family, FIRST, &admission.profile))
        }
        AuthMethod::AccessToken { family, guest, issued, position, .. } => {
            check_issued(admission, user, app_revoked)?;
            if let Some(instance) = instance.filter(|row| row.family == Some(family)) {
                return start.resume(instance, family, position);
            }
            // The start that registered the name voided the guest's tokens.
            let is_guests_of_registered = guest && user.is_registered;
            if is_guests_of_registered || !start.has_lost(family, issued, *lost_after) {
                return Err(Refusal::Revoked);
            }
            if start.is_surplus(rows.guests) {
                return Err(Refusal::TooManyGuests);
            }
            Ok(start.begin(family, position, &user.profile))
        }
    }
}

pub(super) fn check_user(
    is_deleted: bool,
    blocks: &[Block],
    now: Timestamp,
) -> Result<(), Refusal> {
    if is_deleted {
        return Err(Refusal::Deleted);
    }
    let holding = blocks.iter().filter(|block| block.is_in_force(now));
    match holding.max_by_key(|block| block.end()) {
        Some(block) => Err(Refusal::Blocked(block.clone())),
        None => Ok(()),
    }
}

/// Also when the time lies in the future: the clock was ahead when it was recorded.
pub(super) fn is_stale(seen: Option<Timestamp>, now: Timestamp) -> bool {
    seen.is_none_or(|seen| {
        now.saturating_since(seen).max(seen.saturating_since(now)) > LAST_SEEN_PRECISION
    })
}

/// A start that is neither deleted nor blocked.
struct Start<'a> {
    admission: &'a Admission,
    user: &'a UserRow,
    instance: Option<&'a InstanceRow>,
    registered: Option<&'a Username>,
    app_revoked: Option<Timestamp>,
}

impl Start<'_> {
    /// The proof of a guest with an exclusive name: that of the session it continues, or of its instance.
    fn proof(&self) -> Option<FamilyId> {
        let names = self.admission.names.as_ref()?;
        let known = self.instance.and_then(|instance| instance.proof);
        let new = match self.admission.method {
            AuthMethod::AccessToken { family, .. } => family,
            AuthMethod::Guest | AuthMethod::Hook { .. } => self.admission.new_family,
        };
        is_guest(&self.admission.method, self.user).then(|| names.proved.or(known).unwrap_or(new))
    }

    /// Checks that no other guest holds the name, by a session or by a reservation.
    fn claim_name(&self, rows: &AdmissionRows) -> Result<(), Refusal> {
        let AdmissionRows { reserving, reserved, .. } = rows;
        let (Some(names), Some(proof)) = (&self.admission.names, self.proof()) else {
            return Ok(());
        };
        if names.holders.iter().any(|holder| *holder != proof) {
            return Err(Refusal::NameHeld { until: None });
        }
        if self.instance.is_none() && reserved.len() >= names.max_reserved {
            return Err(Refusal::NamesReserved(reserved.clone()));
        }
        if reserving.iter().any(|other| other.is_own || other.proof == Some(proof)) {
            return Ok(());
        }
        let until = reserving.iter().map(|other| other.seen + names.retention).max();
        match until.filter(|until| *until > self.admission.now) {
            Some(until) => Err(Refusal::NameHeld { until: Some(until) }),
            None => Ok(()),
        }
    }

    /// Whether a guest on a new instance would be one more than the app may have.
    fn is_surplus(&self, guests: usize) -> bool {
        let is_new = self.instance.is_none() && is_guest(&self.admission.method, self.user);
        is_new && guests >= self.admission.max_guests
    }

    /// Whether the credentials expired while the start waited after they were verified.
    fn has_expired(&self) -> bool {
        self.admission.granted.expires <= self.admission.now
    }

    fn is_superseded(&self) -> bool {
        self.instance.is_some_and(|instance| instance.generation > self.admission.generation)
    }

    /// Whether an access token proves a start whose row was lost in a machine failure: it is newer than everything
    /// stored, and nothing stored voids it.
    fn has_lost(&self, family: FamilyId, issued: Timestamp, lost_after: Option<Timestamp>) -> bool {
        lost_after.is_some_and(|lost_after| issued > lost_after)
            && self.user.revoked.max(self.app_revoked).is_none_or(|revoked| issued > revoked)
            && self.instance.is_none_or(|instance| {
                instance.former_family != Some(family) && issued > instance.seen
            })
    }

    /// Begins a family, which voids the instance's former one. `shown` is the access token of a lost family.
    fn begin(&self, family: FamilyId, shown: TokenPosition, profile: &Profile) -> AdmissionWrites {
        let guest = is_guest(&self.admission.method, self.user);
        let was_guest = !guest && !self.user.is_registered && self.user.seen.is_some();
        let is_changed = self.user.is_registered == guest || self.user.profile != *profile;
        let user = (is_changed || is_stale(self.user.seen, self.admission.now))
            .then(|| UserWrite::Put { is_registered: !guest, profile: profile.clone() });
        let former = self.instance.map_or_else(FormerFamily::default, |instance| FormerFamily {
            generation: instance.generation,
            family: instance.family,
            former_family: instance.former_family,
            tokens: instance.tokens.clone(),
        });
        let granted = self.admission.granted.clone();
        let has_older_tokens = shown.serial > 0;
        let tokens = FamilyTokens {
            serial: shown.serial.saturating_add(1),
            used: shown.serial,
            before_used: shown.previous,
            renewal: 0,
            granted: has_older_tokens.then(|| granted.clone()),
        };
        let position = TokenPosition { serial: tokens.serial, previous: shown.serial };
        let (generation, former) = (self.admission.generation, Some(former));
        AdmissionWrites {
            admitted: Admitted {
                family,
                position,
                granted,
                guest,
                profile: profile.clone(),
                former,
                revoked: self.user.revoked,
                proof: self.proof(),
                registered: guest.then(|| self.registered.cloned()).flatten(),
                forgotten: 0,
                was_guest,
            },
            void_instances: was_guest,
            user,
            instance: Some(InstanceWrite::Put {
                generation,
                family,
                tokens,
                address: self.address(guest),
                proof: self.proof(),
            }),
        }
    }

    /// Continues the instance's family, with what it grants now.
    fn resume(
        &self,
        instance: &InstanceRow,
        family: FamilyId,
        shown: TokenPosition,
    ) -> Result<AdmissionWrites, Refusal> {
        let stored = &instance.tokens;
        if shown.serial < stored.before_used {
            return Err(Refusal::Reused { family });
        }
        // The failure of a machine can have lost the rows of newer tokens.
        let granted = stored.granted.as_ref().filter(|_| shown.serial <= stored.serial);
        let granted = granted.unwrap_or(&self.admission.granted).clone();
        if granted.expires <= self.admission.now {
            return Err(Refusal::Expired);
        }
        // Without a row of it, each token says what it grants. After a renewal that the row has lost, older ones said
        // something else.
        let says_it = stored.granted.is_some() || shown.serial > stored.serial;
        let mut tokens = FamilyTokens {
            serial: stored.serial.max(shown.serial).saturating_add(1),
            used: stored.used,
            before_used: stored.before_used,
            renewal: stored.renewal,
            granted: says_it.then(|| granted.clone()),
        };
        if shown.serial >= stored.used {
            tokens.used = shown.serial;
            tokens.before_used = stored.before_used.max(shown.previous);
        }
        let position = TokenPosition { serial: tokens.serial, previous: shown.serial };
        let guest = is_guest(&self.admission.method, self.user);
        let profile = self.user.profile.clone();
        Ok(AdmissionWrites {
            admitted: Admitted {
                family,
                position,
                granted,
                guest,
                profile,
                former: None,
                revoked: self.user.revoked,
                proof: self.proof(),
                registered: guest.then(|| self.registered.cloned()).flatten(),
                forgotten: 0,
                was_guest: false,
            },
            void_instances: false,
            user: is_stale(self.user.seen, self.admission.now).then_some(UserWrite::Seen),
            instance: Some(InstanceWrite::Continue {
                tokens,
                address: self.address(guest),
                proof: self.proof(),
            }),
        })
    }

    fn address(&self, guest: bool) -> Option<IpAddr> {
        guest.then(|| self.admission.address.to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FamilyGrant;
    use crate::store::admission::NameClaim;
    use crate::store::conformance::{NOW, by_token, family, start};
    use crate::store::policy::ReservingInstance;

    const SECOND: Duration = Duration::from_secs(1);
    const WEEK: Duration = Duration::from_hours(7 * 24);

    /// An access token of family 2, minted at `issued`.
    fn token(issued: Timestamp, guest: bool) -> Admission {
        let position = TokenPosition { serial: 3, previous: 2 };
        let method = AuthMethod::AccessToken {
            family: family(2),
            guest,
            authenticated: NOW,
            issued,
            position,
        };
        start("ada", method, 9)
    }

    fn instance(family_now: u128, former: u128) -> InstanceRow {
        InstanceRow {
            generation: 3,
            family: Some(family(family_now)),
            former_family: Some(family(former)),
            tokens: FamilyTokens::default(),
            address: None,
            proof: None,
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
    fn exclusive_name_is_for_its_holder() {
        let proofs = |numbers: &[u128]| numbers.iter().map(|n| family(*n)).collect::<Vec<_>>();
        let recent = NOW - SECOND;
        let reserving =
            |proof, seen| ReservingInstance { is_own: false, proof: Some(family(proof)), seen };
        let shared = |is_own| ReservingInstance { is_own, proof: None, seen: recent };
        let held = |until| Err(Refusal::NameHeld { until });
        let own = InstanceRow { proof: Some(family(5)), ..instance(2, 1) };
        for (case, instance, proved, holders, reserving, expected) in [
            ("free", None, None, vec![], vec![], Ok(9)),
            ("a session of another guest", None, None, vec![7], vec![], held(None)),
            ("proved by that session", None, Some(7), vec![7], vec![], Ok(7)),
            ("the instance that took it", Some(own.clone()), None, vec![5], vec![], Ok(5)),
            ("reserved", None, None, vec![], vec![reserving(7, recent)], held(Some(recent + WEEK))),
            ("once reserved", None, None, vec![], vec![reserving(7, NOW - WEEK)], Ok(9)),
            ("reserved for itself", Some(own), None, vec![], vec![reserving(5, recent)], Ok(5)),
            ("reserved while names were shared", None, None, vec![], vec![shared(true)], Ok(9)),
            ("for another one", None, None, vec![], vec![shared(false)], held(Some(recent + WEEK))),
        ] {
            let proved = proved.map(family);
            let names = NameClaim {
                proved,
                holders: proofs(&holders),
                retention: WEEK,
                max_reserved: usize::MAX,
            };
            let start = Admission {
                names: Some(names),
                generation: 9,
                ..start("ada", AuthMethod::Guest, 9)
            };
            let rows = AdmissionRows { instance, reserving, ..AdmissionRows::default() };
            let proof = admit(&start, &rows).map(|writes| writes.admitted.proof);
            assert_eq!(proof, expected.map(|proof| Some(family(proof))), "{case}");
        }
    }

    /// An instance whose family 2 has issued 9 tokens; session starts used the 7th, and before it the 5th.
    fn in_use() -> AdmissionRows {
        let granted = FamilyGrant { expires: NOW + SECOND, ..start("ada", by_token(2), 9).granted };
        let tokens =
            FamilyTokens { serial: 9, used: 7, before_used: 5, renewal: 9, granted: Some(granted) };
        rows(Some(InstanceRow { tokens, ..instance(2, 1) }))
    }

    fn shown(serial: u64, previous: u64) -> Admission {
        let admission = token(NOW, true);
        let AuthMethod::AccessToken { family, guest, authenticated, issued, .. } = admission.method
        else {
            unreachable!("it is an access token")
        };
        let position = TokenPosition { serial, previous };
        let method = AuthMethod::AccessToken { family, guest, authenticated, issued, position };
        Admission { method, ..admission }
    }

    #[test]
    fn token_older_than_the_one_before_the_newest_used_is_theft() {
        let reused = Err(Refusal::Reused { family: family(2) });
        for serial in [0, 1, 4] {
            assert_eq!(admit(&shown(serial, 0), &in_use()), reused, "{serial}");
        }
        for (serial, previous, used, before_used, next) in [
            // The one before, and one that was never used.
            (5, 4, 7, 5, 10),
            (6, 5, 7, 5, 10),
            // The newest used: the reply was lost.
            (7, 5, 7, 5, 10),
            (8, 7, 8, 7, 10),
            (9, 8, 9, 8, 10),
            // Not recorded.
            (12, 11, 12, 11, 13),
        ] {
            let admission = shown(serial, previous);
            let admitted = admit(&admission, &in_use()).unwrap();
            let Some(InstanceWrite::Continue { tokens, .. }) = admitted.instance else {
                panic!("{admitted:?}")
            };
            assert_eq!((tokens.used, tokens.before_used, tokens.serial), (used, before_used, next));
            let position = TokenPosition { serial: next, previous: serial };
            assert_eq!(admitted.admitted.position, position);
            let stored = in_use().instance.unwrap().tokens.granted.unwrap();
            let expected = if serial > 9 { admission.granted } else { stored };
            assert_eq!(admitted.admitted.granted, expected, "{serial}");
        }
    }

    #[test]
    fn credentials_that_expired_meanwhile_start_no_session() {
        for method in [AuthMethod::Guest, AuthMethod::Hook { issued: None }] {
            let start = start("ada", method, 9);
            let granted = FamilyGrant { expires: NOW + SECOND, ..start.granted.clone() };
            let at = |now| {
                admit(&Admission { now, granted: granted.clone(), ..start.clone() }, &rows(None))
            };
            assert!(at(NOW).is_ok());
            assert_eq!(at(NOW + SECOND), Err(Refusal::Expired));
        }
    }

    #[test]
    fn expired_grant_of_a_family_starts_no_session() {
        let late = Admission { now: NOW + SECOND, ..shown(7, 5) };
        assert_eq!(admit(&late, &in_use()), Err(Refusal::Expired));
    }
}
