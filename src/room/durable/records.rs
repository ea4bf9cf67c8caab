//! What outlives those who are in the room: blocks, mutes, roles, its lock and its end.
//!
//! Blocks stand for as long as they say; the rest until [`crate::room::settings::RETENTION`] after the room emptied. Every row
//! is bounded in number. Not here: keeping them on disk (`store`, told by [`Fact`]s).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Error, InstanceId, Role, RoomMute, SessionId, Timestamp, Username};

use crate::room::effect::{Effects, Fact};
use crate::room::errors;
use crate::room::settings::{MAX_RECORD_ROWS, MAX_SPENT_TOKENS};

/// A user's standing under mutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// A moderator's lock keeps all their audio off.
    Locked,
    /// A moderator lets them speak while the room's mute stands.
    Spared,
}

/// A user who may not enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRow {
    /// Who.
    pub username: Username,
    /// The instances a guest was seen on: no guest enters from them.
    pub instances: BTreeSet<InstanceId>,
    /// Until when.
    pub until: Timestamp,
}

/// A room token that a session has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentRow {
    /// The token's id.
    pub jti: Box<str>,
    /// Which session showed it.
    pub session: SessionId,
    /// When it runs out and need not be remembered.
    pub until: Timestamp,
}

/// What the store knows of a room when it opens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Who may not enter.
    pub blocks: Vec<BlockRow>,
    /// Who is locked or spared.
    pub voices: Vec<(Username, Voice)>,
    /// Roles from `set_role`.
    pub roles: Vec<(Username, Role)>,
    /// The standing mute.
    pub mute: RoomMute,
    /// Whether the room is locked.
    pub locked: bool,
    /// When it was last ended.
    pub ended: Option<Timestamp>,
    /// Room tokens that were spent.
    pub spent: Vec<SpentRow>,
}

/// The record of an open room.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct DurableRecords {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    blocks: BTreeMap<Username, BlockRow>,
    /// Whose block a guest's instance is under.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    blocked_instances: BTreeMap<InstanceId, Username>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    voices: BTreeMap<Username, Voice>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    roles: BTreeMap<Username, Role>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    spent: BTreeMap<Box<str>, SpentRow>,
    pub(in crate::room) mute: RoomMute,
    pub(in crate::room) locked: bool,
    pub(in crate::room) ended: Option<Timestamp>,
}

impl From<Record> for DurableRecords {
    fn from(record: Record) -> Self {
        let instances_of = |row: &BlockRow| {
            let name = row.username.clone();
            row.instances.clone().into_iter().map(move |instance| (instance, name.clone()))
        };
        Self {
            blocked_instances: record.blocks.iter().flat_map(instances_of).collect(),
            blocks: record.blocks.into_iter().map(|row| (row.username.clone(), row)).collect(),
            voices: record.voices.into_iter().collect(),
            roles: record.roles.into_iter().collect(),
            spent: record.spent.into_iter().map(|row| (row.jti.clone(), row)).collect(),
            mute: record.mute,
            locked: record.locked,
            ended: record.ended,
        }
    }
}

impl DurableRecords {
    /// Until when a user, or a guest on that instance, may not enter.
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

    /// Blocks a user; an earlier block never makes it shorter, nor forgets an instance.
    pub(in crate::room) fn block(
        &mut self,
        mut row: BlockRow,
        now: Timestamp,
        out: &mut Effects,
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
        out.keep(Fact::Blocked(row));
        Ok(())
    }

    pub(in crate::room) fn block_of(&self, username: &Username) -> Option<&BlockRow> {
        self.blocks.get(username)
    }

    pub(in crate::room) fn unblock(&mut self, username: &Username, out: &mut Effects) {
        if self.blocks.remove(username).is_some() {
            self.blocked_instances.retain(|_, blocked| blocked != username);
            out.keep(Fact::Unblocked { username: username.clone() });
        }
    }

    pub(in crate::room) fn voice(&self, username: &Username) -> Option<Voice> {
        self.voices.get(username).copied()
    }

    pub(in crate::room) fn is_locked(&self, username: &Username) -> bool {
        self.voice(username) == Some(Voice::Locked)
    }

    /// Gives a user another standing; whether that changed anything.
    pub(in crate::room) fn set_voice(
        &mut self,
        username: &Username,
        voice: Option<Voice>,
        out: &mut Effects,
    ) -> Result<bool, Error> {
        if self.voice(username) == voice {
            return Ok(false);
        }
        match voice {
            Some(voice) => {
                check_capacity(&self.voices, username)?;
                self.voices.insert(username.clone(), voice);
            }
            None => {
                self.voices.remove(username);
            }
        }
        out.keep(Fact::Voice { username: username.clone(), voice });
        Ok(true)
    }

    /// A new mute of the whole room spares nobody.
    pub(in crate::room) fn clear_exemptions(&mut self, out: &mut Effects) {
        self.voices.retain(|username, voice| {
            let stays = *voice == Voice::Locked;
            if !stays {
                out.keep(Fact::Voice { username: username.clone(), voice: None });
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
        out: &mut Effects,
    ) -> Result<(), Error> {
        check_capacity(&self.roles, username)?;
        if self.roles.insert(username.clone(), role) != Some(role) {
            out.keep(Fact::Role { username: username.clone(), role });
        }
        Ok(())
    }

    /// Keeps the room's own mute and lock, once they were changed.
    pub(in crate::room) fn keep_room(&self, out: &mut Effects) {
        out.keep(Fact::Room { mute: self.mute, locked: self.locked });
    }

    /// Which session spent a room token that still counts.
    pub(in crate::room) fn redeemed_by(&self, jti: &str, now: Timestamp) -> Option<SessionId> {
        self.spent.get(jti).filter(|row| row.until > now).map(|row| row.session)
    }

    /// A room token that was spent, whether or not it still counts.
    pub(in crate::room) fn spent(&self, jti: &str) -> Option<&SpentRow> {
        self.spent.get(jti)
    }

    /// Remembers a room token as spent.
    pub(in crate::room) fn redeem(
        &mut self,
        row: SpentRow,
        now: Timestamp,
        out: &mut Effects,
    ) -> Result<(), Error> {
        if self.redeemed_by(&row.jti, now).is_some() {
            return Ok(());
        }
        if self.spent.len() >= MAX_SPENT_TOKENS {
            self.spent.retain(|_, row| row.until > now);
        }
        if self.spent.len() >= MAX_SPENT_TOKENS {
            return Err(errors::record_full());
        }
        self.spent.insert(row.jti.clone(), row.clone());
        out.keep(Fact::Spent(row));
        Ok(())
    }

    /// Whether every table is within its bound.
    pub(in crate::room) fn is_bounded(&self) -> bool {
        let rows = [self.blocks.len(), self.voices.len(), self.roles.len()];
        rows.into_iter().all(|rows| rows <= MAX_RECORD_ROWS) && self.spent.len() <= MAX_SPENT_TOKENS
    }
}

fn check_capacity<V>(rows: &BTreeMap<Username, V>, username: &Username) -> Result<(), Error> {
    if rows.len() < MAX_RECORD_ROWS || rows.contains_key(username) {
        Ok(())
    } else {
        Err(errors::record_full())
    }
}
