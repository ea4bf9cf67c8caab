//! Who is "the same": the one decision that moderation, limits and stored state share.
//!
//! Registered users are the same by name. A guest only claims a name: guests are the same by client instance, or by the
//! proof that one passed to the other. Privileges (roles, exemptions) need the proof; penalties (blocks, locked mutes,
//! demotions) follow the instance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{FamilyId, InstanceId, Username};

/// What identifies a guest besides the name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    pub instance: InstanceId,
    /// Known to the gateway alone. Guests with one proof are one person.
    pub proof: FamilyId,
    /// The last registered user of the instance, whose penalties apply to the guest too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Username>,
}

impl Guest {
    #[must_use]
    pub const fn new(instance: InstanceId, proof: FamilyId) -> Self {
        Self { instance, proof, registered: None }
    }
}

/// A user, as far as others have to tell them apart.
#[derive(Clone, Copy, Debug)]
pub struct Principal<'a> {
    pub username: &'a Username,
    /// `None`: a registered user.
    pub guest: Option<&'a Guest>,
}

impl Principal<'_> {
    /// Whether both are one user.
    #[must_use]
    pub fn is_same(self, other: Principal<'_>) -> bool {
        match (self.guest, other.guest) {
            (None, None) => self.username == other.username,
            (Some(guest), Some(other)) => {
                guest.instance == other.instance || guest.proof == other.proof
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }
}

/// Which users of a name a moderation command covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameCoverage {
    /// None, except for the guests that are listed.
    None,
    /// All guests.
    Guests,
    /// A registered user, and all guests.
    #[default]
    All,
}

/// The principals that a moderation command covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    pub username: Username,
    pub name: NameCoverage,
    /// Guests by instance, each with its proof. They are covered under any name.
    pub guests: BTreeMap<InstanceId, FamilyId>,
}

impl Coverage {
    /// One principal: a registered user's name, or a guest.
    #[must_use]
    pub fn of(principal: Principal<'_>) -> Self {
        let guests = principal.guest.map(|guest| (guest.instance.clone(), guest.proof));
        let name = if guests.is_some() { NameCoverage::None } else { NameCoverage::All };
        Self { username: principal.username.clone(), name, guests: guests.into_iter().collect() }
    }

    #[must_use]
    pub fn includes(&self, principal: Principal<'_>) -> bool {
        let is_named = self.username == *principal.username;
        match principal.guest {
            None => is_named && self.name == NameCoverage::All,
            Some(guest) => {
                (is_named && self.name != NameCoverage::None)
                    || self.guests.contains_key(&guest.instance)
                    || self.guests.values().any(|proof| *proof == guest.proof)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(instance: &str, proof: u128) -> Guest {
        let instance = instance.parse().expect("an instance");
        Guest::new(instance, FamilyId::from_bits(proof))
    }

    const fn of<'a>(username: &'a Username, guest: Option<&'a Guest>) -> Principal<'a> {
        Principal { username, guest }
    }

    #[test]
    fn guests_are_the_same_by_instance_or_proof() {
        let (mia, eve): (Username, Username) = ("mia".parse().unwrap(), "eve".parse().unwrap());
        let first = guest("instance-1", 1);
        for (other, name, is_same) in [
            (Some(guest("instance-2", 2)), &mia, false),
            (Some(guest("instance-1", 2)), &eve, true),
            (Some(guest("instance-2", 1)), &mia, true),
            (None, &mia, false),
        ] {
            let (this, that) = (of(&mia, Some(&first)), of(name, other.as_ref()));
            assert_eq!(this.is_same(that), is_same, "{other:?}");
            assert_eq!(Coverage::of(this).includes(that), is_same, "{other:?}");
        }
        assert!(of(&mia, None).is_same(of(&mia, None)));
        assert!(!of(&mia, None).is_same(of(&eve, None)));
    }

    #[test]
    fn name_coverage_of_guests_excludes_the_registered_user() {
        let username: Username = "mia".parse().unwrap();
        let stranger = guest("instance-2", 2);
        let covers = |name, guest| {
            let coverage = Coverage { username: username.clone(), name, guests: BTreeMap::new() };
            coverage.includes(Principal { username: &username, guest })
        };
        for (name, registered, guest) in [
            (NameCoverage::None, false, false),
            (NameCoverage::Guests, false, true),
            (NameCoverage::All, true, true),
        ] {
            assert_eq!((covers(name, None), covers(name, Some(&stranger))), (registered, guest));
        }
    }
}
