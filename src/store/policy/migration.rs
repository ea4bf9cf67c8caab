//! The moderation state that follows a renamed user: penalties, and roles below moderator.

use stagedoor_proto::{Role, Timestamp};

use crate::principal::{NameCoverage, Principal};
use crate::room::{BlockRow, DurableChange, GuestRow, MuteOverride, RoomBlock};

/// What a room has of the new principal.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct OwnRows {
    pub(in crate::store) block: Option<BlockRow>,
    pub(in crate::store) guest: Option<GuestRow>,
}

/// The changes of `to` that correspond to a room's `facts` about `from`. A block in force is never shortened and loses
/// no instance.
///
/// An open room applies the same rules in `room`.
pub(in crate::store) fn migrated(
    facts: Vec<DurableChange>,
    own: OwnRows,
    from: Principal<'_>,
    to: Principal<'_>,
    now: Timestamp,
) -> Vec<DurableChange> {
    let former = Former::of(facts, from);
    let username = to.username.clone();
    let mut changes = Vec::new();
    let blocks =
        former.blocks.into_iter().filter(|block| block.until > now).map(|block| match to.guest {
            None => RoomBlock { name: NameCoverage::All, ..block },
            Some(guest) => RoomBlock {
                instances: [guest.instance.clone()].into(),
                proofs: [guest.proof].into(),
                name: NameCoverage::None,
                ..block
            },
        });
    let blocks: Vec<_> = blocks.collect();
    if !blocks.is_empty() {
        let row = BlockRow::merge(own.block, username.clone(), blocks, now);
        changes.extend(row.map(DurableChange::Blocked));
    }
    if !former.is_locked && former.role.is_none() {
        return changes;
    }
    let mute = former.is_locked.then_some(MuteOverride::Locked);
    match to.guest {
        None => {
            let username = || username.clone();
            changes.extend(mute.map(|_| DurableChange::Mute { username: username(), mute }));
            changes
                .extend(former.role.map(|role| DurableChange::Role { username: username(), role }));
        }
        Some(guest) => {
            let own = own.guest.unwrap_or_else(|| GuestRow {
                username: username.clone(),
                guest: guest.clone(),
                mute: None,
                role: None,
            });
            let (mute, role) = (mute.or(own.mute), former.role.or(own.role));
            changes.push(DurableChange::Guest(GuestRow {
                username,
                guest: guest.clone(),
                mute,
                role,
            }));
        }
    }
    changes
}

/// What follows the former principal.
#[derive(Default)]
struct Former {
    blocks: Vec<RoomBlock>,
    is_locked: bool,
    role: Option<Role>,
}

impl Former {
    fn of(facts: Vec<DurableChange>, from: Principal<'_>) -> Self {
        let mut former = Self::default();
        let is_guest = from.guest.is_some();
        for fact in facts {
            match fact {
                DurableChange::Blocked(row) => {
                    let row = BlockRow::of(row.username.clone(), row.into_blocks());
                    former.blocks =
                        row.iter().flat_map(|row| row.covering(from)).cloned().collect();
                }
                DurableChange::Mute { mute: Some(mute), .. } => {
                    former.is_locked |= match mute {
                        MuteOverride::Locked => true,
                        MuteOverride::LockedGuests => is_guest,
                        // An exemption is not a restriction.
                        MuteOverride::Exempt => false,
                    };
                }
                DurableChange::Role { role, .. } => former.set_role(Some(role)),
                DurableChange::Guest(row) => {
                    let is_locked = |mute| mute != MuteOverride::Exempt;
                    former.is_locked |= row.mute.is_some_and(is_locked);
                    former.set_role(row.role);
                }
                // The others are not about a user.
                DurableChange::Mute { mute: None, .. }
                | DurableChange::Unblocked { .. }
                | DurableChange::GuestCleared { .. }
                | DurableChange::Room { .. }
                | DurableChange::Ended { .. }
                | DurableChange::Redeemed(_)
                | DurableChange::Occupied
                | DurableChange::Emptied { .. } => {}
            }
        }
        former
    }

    fn set_role(&mut self, role: Option<Role>) {
        self.role = role.filter(|role| *role != Role::Moderator).or(self.role);
    }
}
