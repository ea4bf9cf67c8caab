//! Durable state of an open room: blocks, mutes, roles, redeemed tokens, lock and end.
//!
//! Blocks last until they end; the rest until [`RETENTION`] after the room emptied. Every table is bounded. Not here:
//! persistence (`store`, which gets each change as a [`DurableChange`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Error, InstanceId, Role, RoomMute, SessionId, Timestamp, Username};

use crate::room::durable::changes::{DurableChange, DurableKey};
use crate::room::durable::rows::{BlockRow, DurableState, MuteOverride, RedeemedToken};
use crate::room::errors;
use crate::room::settings::{
    MAX_RECORD_ROWS, MAX_REDEEMED_TOKENS, MAX_ROOM_TOKEN_LIFETIME, RETENTION,
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct DurableRecords {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    blocks: BTreeMap<Username, BlockRow>,
    /// The user whose block covers a guest's instance.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    blocked_instances: BTreeMap<InstanceId, Username>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    mute_overrides: BTreeMap<Username, MuteOverride>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    roles: BTreeMap<Username, Role>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    redeemed_tokens: BTreeMap<Box<str>, RedeemedToken>,
    pub(in crate::room) mute: RoomMute,
    pub(in crate::room) locked: bool,
    pub(in crate::room) ended: Option<Timestamp>,
}

impl From<DurableState> for DurableRecords {
    fn from(record: DurableState) -> Self {
        let instances_of = |row: &BlockRow| {
            let name = row.username.clone();
            row.instances.clone().into_iter().map(move |instance| (instance, name.clone()))
        };
        Self {
            blocked_instances: record.blocks.iter().flat_map(instances_of).collect(),
            blocks: record.blocks.into_iter().map(|row| (row.username.clone(), row)).collect(),
            mute_overrides: record.mute_overrides.into_iter().collect(),
            roles: record.roles.into_iter().collect(),
            redeemed_tokens: record
                .redeemed_tokens
                .into_iter()
                .map(|row| (row.jti.clone(), row))
                .collect(),
            mute: record.mute,
            locked: record.locked,
            ended: record.ended,
        }
    }
}

impl DurableRecords {
    /// The end of the block of a user, or of a guest on that instance.
    pub(in crate::room) fn blocked(
        &self,
        username: &Username,
        guest_instance: Option<&InstanceId>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let by_name = self.blocks.get(username);
        let by_instance = guest_instance
            .and_then(|instance| self.blocked_instances.get(instance))
            .and_then(|username| self.blocks.get(username));
        by_name
            .into_iter()
            .chain(by_instance)
            .map(|row| row.until)
            .filter(|until| *until > now)
            .max()
    }

    /// Blocks a user. Never shortens an earlier block, and keeps its instances.
    pub(in crate::room) fn block(
        &mut self,
        mut row: BlockRow,
        now: Timestamp,
        changes: &mut Vec<DurableChange>,
    ) -> Result<(), Error> {
        if self.blocks.len() >= MAX_RECORD_ROWS {
            self.blocks.retain(|_, row| row.until > now);
            self.blocked_instances.retain(|_, username| self.blocks.contains_key(username));
        }
        check_capacity(&self.blocks, &row.username)?;
        if let Some(old) = self.blocks.get(&row.username).filter(|old| old.until > now) {
            row.until = row.until.max(old.until);
            row.instances.extend(old.instances.iter().cloned());
        }
        for instance in &row.instances {
            self.blocked_instances.insert(instance.clone(), row.username.clone());
        }
        self.blocks.insert(row.username.clone(), row.clone());
        changes.push(DurableChange::Blocked(row));
        Ok(())
    }

    pub(in crate::room) fn block_of(&self, username: &Username) -> Option<&BlockRow> {
        self.blocks.get(username)
    }

    pub(in crate::room) fn unblock(
        &mut self,
        username: &Username,
        changes: &mut Vec<DurableChange>,
    ) {
        if self.blocks.remove(username).is_some() {
            self.blocked_instances.retain(|_, blocked| blocked != username);
            changes.push(DurableChange::Unblocked { username: username.clone() });
        }
    }

    pub(in crate::room) fn mute_override(&self, username: &Username) -> Option<MuteOverride> {
        self.mute_overrides.get(username).copied()
    }

    pub(in crate::room) fn is_locked(&self, username: &Username) -> bool {
        self.mute_override(username) == Some(MuteOverride::Locked)
    }

    /// Sets or removes a user's mute override. Returns whether that changed anything.
    pub(in crate::room) fn set_mute_override(
        &mut self,
        username: &Username,
        mute_override: Option<MuteOverride>,
        changes: &mut Vec<DurableChange>,
    ) -> Result<bool, Error> {
        if self.mute_override(username) == mute_override {
            return Ok(false);
        }
        match mute_override {
            Some(mute_override) => {
                check_capacity(&self.mute_overrides, username)?;
                self.mute_overrides.insert(username.clone(), mute_override);
            }
            None => {
                self.mute_overrides.remove(username);
            }
        }
        changes.push(DurableChange::Mute { username: username.clone(), mute: mute_override });
        Ok(true)
    }

    /// A new mute of the whole room clears all exemptions.
    pub(in crate::room) fn clear_exemptions(&mut self, changes: &mut Vec<DurableChange>) {
        self.mute_overrides.retain(|username, mute_override| {
            let stays = *mute_override == MuteOverride::Locked;
            if !stays {
                changes.push(DurableChange::Mute { username: username.clone(), mute: None });
            }
            stays
        });
    }

    pub(in crate::room) fn role(&self, username: &Username) -> Option<Role> {
        self.roles.get(username).copied()
    }

    pub(in crate::room) fn set_role(
        &mut self,
        username: &Username,
        role: Role,
        changes: &mut Vec<DurableChange>,
    ) -> Result<(), Error> {
        check_capacity(&self.roles, username)?;
        if self.roles.insert(username.clone(), role) != Some(role) {
            changes.push(DurableChange::Role { username: username.clone(), role });
        }
        Ok(())
    }

    /// Queues the room's mute and lock for persistence. Call after changing them.
    pub(in crate::room) fn push_room_change(&self, changes: &mut Vec<DurableChange>) {
        changes.push(DurableChange::Room { mute: self.mute, locked: self.locked });
    }

    /// The session that redeemed an unexpired room token.
    pub(in crate::room) fn redeemed_by(&self, jti: &str, now: Timestamp) -> Option<SessionId> {
        self.redeemed_tokens.get(jti).filter(|row| row.until > now).map(|row| row.session)
    }

    /// A redeemed room token, expired or not.
    pub(in crate::room) fn redeemed_token(&self, jti: &str) -> Option<&RedeemedToken> {
        self.redeemed_tokens.get(jti)
    }

    /// Marks a room token as redeemed.
    pub(in crate::room) fn redeem(
        &mut self,
        row: RedeemedToken,
        now: Timestamp,
        changes: &mut Vec<DurableChange>,
    ) -> Result<(), Error> {
        if self.redeemed_by(&row.jti, now).is_some() {
            return Ok(());
        }
        if self.redeemed_tokens.len() >= MAX_REDEEMED_TOKENS {
            self.redeemed_tokens.retain(|_, row| row.until > now);
        }
        if self.redeemed_tokens.len() >= MAX_REDEEMED_TOKENS {
            return Err(errors::record_full());
        }
        self.redeemed_tokens.insert(row.jti.clone(), row.clone());
        changes.push(DurableChange::Redeemed(row));
        Ok(())
    }

    /// The current state of these keys, as changes to persist. `is_occupied`: whether the room is.
    pub(in crate::room) fn changes_for(
        &self,
        keys: &BTreeSet<DurableKey>,
        is_occupied: bool,
        now: Timestamp,
    ) -> Vec<DurableChange> {
        if keys.is_empty() {
            return Vec::new();
        }
        let changes = keys.iter().filter_map(|key| self.change_for(key));
        // Last, because it sets the expiry of the rows before it.
        let stay = if is_occupied {
            DurableChange::Occupied
        } else {
            DurableChange::Emptied { keep_until: now + RETENTION }
        };
        changes.chain([stay]).collect()
    }

    /// The current state of a key. `None`: it has no row of its own.
    fn change_for(&self, key: &DurableKey) -> Option<DurableChange> {
        match key {
            DurableKey::Block(username) => Some(match self.block_of(username) {
                Some(row) => DurableChange::Blocked(row.clone()),
                None => DurableChange::Unblocked { username: username.clone() },
            }),
            DurableKey::Mute(username) => Some(DurableChange::Mute {
                username: username.clone(),
                mute: self.mute_override(username),
            }),
            DurableKey::Role(username) => self
                .role(username)
                .map(|role| DurableChange::Role { username: username.clone(), role }),
            DurableKey::Room => Some(DurableChange::Room { mute: self.mute, locked: self.locked }),
            DurableKey::End => self
                .ended
                .map(|at| DurableChange::Ended { at, keep_until: at + MAX_ROOM_TOKEN_LIFETIME }),
            DurableKey::RedeemedToken(jti) => {
                self.redeemed_token(jti).cloned().map(DurableChange::Redeemed)
            }
            DurableKey::Occupancy => None,
        }
    }

    /// Whether every table is within its limit.
    pub(in crate::room) fn is_bounded(&self) -> bool {
        let rows = [self.blocks.len(), self.mute_overrides.len(), self.roles.len()];
        rows.into_iter().all(|rows| rows <= MAX_RECORD_ROWS)
            && self.redeemed_tokens.len() <= MAX_REDEEMED_TOKENS
    }
}

fn check_capacity<V>(rows: &BTreeMap<Username, V>, username: &Username) -> Result<(), Error> {
    if rows.len() < MAX_RECORD_ROWS || rows.contains_key(username) {
        Ok(())
    } else {
        Err(errors::record_full())
    }
}
