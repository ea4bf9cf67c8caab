//! Durable state of an open room: blocks, mutes, roles, redeemed tokens, lock and end.
//!
//! Blocks last until they end; the rest until [`RETENTION`] after the room emptied. Every table is bounded. Not here:
//! persistence (`store`, which gets each change as a [`DurableChange`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    ActiveBlock, BlockSource, Error, FamilyId, InstanceId, Role, RoomMute, Timestamp, Username,
};

use crate::blocks::BlockSetter;
use crate::principal::{Coverage, Guest, NameCoverage, Principal};
use crate::room::durable::changes::{DurableChange, DurableKey};
use crate::room::durable::rows::{
    BlockRow, DurableState, GuestRow, MuteOverride, RedeemedToken, RoomBlock,
};
use crate::room::errors;
use crate::room::settings::{END_RETENTION, MAX_RECORD_ROWS, MAX_REDEEMED_TOKENS, RETENTION};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct DurableRecords {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    blocks: BTreeMap<Username, BlockRow>,
    /// The users whose blocks cover a guest's instance.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    instance_blocks: BTreeMap<InstanceId, BTreeSet<Username>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    mute_overrides: BTreeMap<Username, MuteOverride>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    roles: BTreeMap<Username, Role>,
    /// Mutes and roles of single guests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    guests: BTreeMap<InstanceId, GuestRow>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    by_proof: BTreeMap<FamilyId, BTreeSet<InstanceId>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    redeemed_tokens: BTreeMap<Box<str>, RedeemedToken>,
    pub(in crate::room) mute: RoomMute,
    pub(in crate::room) locked: bool,
    pub(in crate::room) ended: Option<Timestamp>,
}

impl From<DurableState> for DurableRecords {
    fn from(record: DurableState) -> Self {
        let mut by_proof: BTreeMap<FamilyId, BTreeSet<InstanceId>> = BTreeMap::new();
        for row in &record.guests {
            by_proof.entry(row.guest.proof).or_default().insert(row.guest.instance.clone());
        }
        let guests = record.guests.into_iter().map(|row| (row.guest.instance.clone(), row));
        let mut records = Self {
            blocks: BTreeMap::new(),
            instance_blocks: BTreeMap::new(),
            mute_overrides: record.mute_overrides.into_iter().collect(),
            roles: record.roles.into_iter().collect(),
            guests: guests.collect(),
            by_proof,
            redeemed_tokens: record
                .redeemed_tokens
                .into_iter()
                .map(|row| (row.jti.clone(), row))
                .collect(),
            mute: record.mute,
            locked: record.locked,
            ended: record.ended,
        };
        for row in record.blocks {
            let username = row.username.clone();
            records.put_block(&username, BlockRow::of(username.clone(), row.into_blocks()));
        }
        records
    }
}

impl DurableRecords {
    /// The end of the blocks that cover a principal.
    pub(in crate::room) fn blocked(&self, who: Principal<'_>, now: Timestamp) -> Option<Timestamp> {
        let ends = self.rows_covering(who).flat_map(|row| row.covering(who));
        let own = ends.map(|block| block.until).filter(|until| *until > now).max();
        let registered = who.guest.and_then(|guest| guest.registered.as_ref());
        let of_registered =
            registered.and_then(|username| self.blocked(Principal { username, guest: None }, now));
        own.max(of_registered)
    }

    /// Whether a mute, a role or a block is about a principal.
    pub(in crate::room) fn has_any_of(&self, who: Principal<'_>, now: Timestamp) -> bool {
        self.is_locked(who)
            || self.role(who, Role::Moderator).is_some()
            || self.blocked(who, now).is_some()
    }

    /// The rows of a principal's name and, for a guest, those that cover the instance.
    fn rows_covering<'a>(&'a self, who: Principal<'a>) -> impl Iterator<Item = &'a BlockRow> {
        let by_instance = who.guest.and_then(|guest| self.instance_blocks.get(&guest.instance));
        let usernames = by_instance.into_iter().flatten().filter(move |name| *name != who.username);
        [who.username].into_iter().chain(usernames).filter_map(|username| self.blocks.get(username))
    }

    /// Removes the expired blocks of a user who joins: the wall clock may step back to before their end.
    pub(in crate::room) fn remove_expired_blocks(&mut self, who: Principal<'_>, now: Timestamp) {
        let expired =
            self.rows_covering(who).filter(|row| row.blocks.iter().any(|block| block.until <= now));
        for mut row in expired.cloned().collect::<Vec<_>>() {
            row.blocks.retain(|block| block.until > now);
            self.put_block(&row.username, BlockRow::of(row.username.clone(), row.blocks));
        }
    }

    /// Blocks principals. Replaces the setter's own earlier block of them, and shortens none of other setters.
    pub(in crate::room) fn block(
        &mut self,
        coverage: &Coverage,
        set_by: BlockSetter,
        until: Timestamp,
        now: Timestamp,
        changes: &mut Vec<DurableChange>,
    ) -> Result<(), Error> {
        self.ensure_block_capacity(&coverage.username, now)?;
        let username = &coverage.username;
        let block = covering_block(coverage, set_by, until);
        let earlier = self.blocks.get(username).cloned();
        let row = BlockRow::set(earlier, username.clone(), block, now);
        self.put_block(username, Some(row.clone()));
        changes.push(DurableChange::Blocked(row));
        Ok(())
    }

    /// Copies the blocks of a principal in force to the principals of another name. Returns whether there were any.
    pub(in crate::room) fn migrate_blocks(
        &mut self,
        from: Principal<'_>,
        to: &Coverage,
        now: Timestamp,
        changes: &mut Vec<DurableChange>,
    ) -> bool {
        let covering = self.rows_covering(from).flat_map(|row| row.covering(from));
        let blocks: Vec<_> = covering
            .filter(|block| block.until > now)
            .map(|block| covering_block(to, block.set_by.clone(), block.until))
            .collect();
        if blocks.is_empty() || self.ensure_block_capacity(&to.username, now).is_err() {
            return false;
        }
        let earlier = self.blocks.get(&to.username).cloned();
        let row = BlockRow::merge(earlier, to.username.clone(), blocks, now);
        self.put_block(&to.username, row.clone());
        changes.extend(row.map(DurableChange::Blocked));
        true
    }

    fn ensure_block_capacity(&mut self, username: &Username, now: Timestamp) -> Result<(), Error> {
        if self.blocks.len() >= MAX_RECORD_ROWS {
            let expired = self.blocks.values().filter(|row| row.until <= now);
            for username in expired.map(|row| row.username.clone()).collect::<Vec<_>>() {
                self.put_block(&username, None);
            }
        }
        check_capacity(&self.blocks, username)
    }

    /// Sets or removes the row of a user, and its place in the index.
    fn put_block(&mut self, username: &Username, row: Option<BlockRow>) {
        let former = match row {
            Some(row) => {
                for instance in &row.instances {
                    let users = self.instance_blocks.entry(instance.clone()).or_default();
                    users.insert(username.clone());
                }
                self.blocks.insert(username.clone(), row)
            }
            None => self.blocks.remove(username),
        };
        let present = self.blocks.get(username).map(|row| &row.instances);
        for instance in former.into_iter().flat_map(|row| row.instances) {
            if present.is_none_or(|present| !present.contains(&instance))
                && let Some(users) = self.instance_blocks.get_mut(&instance)
            {
                users.remove(username);
                if users.is_empty() {
                    self.instance_blocks.remove(&instance);
                }
            }
        }
    }

    pub(in crate::room) fn block_of(&self, username: &Username) -> Option<&BlockRow> {
        self.blocks.get(username)
    }

    /// Lifts the blocks of a user in this slot, or in both. Returns what still holds.
    pub(in crate::room) fn unblock(
        &mut self,
        username: &Username,
        slot: Option<BlockSource>,
        now: Timestamp,
        changes: &mut Vec<DurableChange>,
    ) -> Option<ActiveBlock> {
        let former = self.blocks.get(username)?.clone();
        let row = former.clone().lift(slot, now);
        if row.as_ref() != Some(&former) {
            self.put_block(username, row.clone());
            changes.push(match row {
                Some(row) => DurableChange::Blocked(row),
                None => DurableChange::Unblocked { username: username.clone() },
            });
        }
        let holding = self.blocks.get(username)?.holding()?;
        Some(ActiveBlock { set_by: holding.set_by.slot(), until_ms: Some(holding.until) })
    }

    /// What moderators set for guests who had this name then.
    pub(in crate::room) fn guests_named(
        &self,
        username: &Username,
    ) -> impl Iterator<Item = &GuestRow> {
        self.guests.values().filter(move |row| row.username == *username)
    }

    /// The rows of a guest: of the instance, and of instances with the same proof.
    fn rows_of<'a>(&'a self, guest: &'a Guest) -> impl Iterator<Item = &'a GuestRow> {
        let by_proof = self.by_proof.get(&guest.proof).into_iter().flatten();
        let others = by_proof.filter(|instance| **instance != guest.instance);
        std::iter::once(&guest.instance)
            .chain(others)
            .filter_map(|instance| self.guests.get(instance))
    }

    /// How mutes apply to a principal. A lock covers a guest's instance; an exemption needs the guest's proof.
    pub(in crate::room) fn mute_override(&self, who: Principal<'_>) -> Option<MuteOverride> {
        let named = self.mute_overrides.get(who.username).copied();
        let Some(guest) = who.guest else {
            return named.filter(|named| *named != MuteOverride::LockedGuests);
        };
        let registered = guest.registered.as_ref().and_then(|user| self.mute_overrides.get(user));
        if matches!(named, Some(MuteOverride::Locked | MuteOverride::LockedGuests))
            || registered == Some(&MuteOverride::Locked)
        {
            return Some(MuteOverride::Locked);
        }
        let mut is_exempt = false;
        for row in self.rows_of(guest) {
            match row.mute {
                Some(MuteOverride::Locked | MuteOverride::LockedGuests) => {
                    return Some(MuteOverride::Locked);
                }
                Some(MuteOverride::Exempt) => is_exempt |= row.guest.proof == guest.proof,
                None => {}
            }
        }
        is_exempt.then_some(MuteOverride::Exempt)
    }

    pub(in crate::room) fn is_locked(&self, who: Principal<'_>) -> bool {
        self.mute_override(who) == Some(MuteOverride::Locked)
    }

    /// Sets or removes the mute override of principals.
    pub(in crate::room) fn set_mute_override(
        &mut self,
        coverage: &Coverage,
        value: Option<MuteOverride>,
        changes: &mut Vec<DurableChange>,
    ) -> Result<(), Error> {
        let username = &coverage.username;
        let named = self.mute_overrides.get(username).copied();
        let locks_guests = matches!(named, Some(MuteOverride::Locked | MuteOverride::LockedGuests));
        let new = match (coverage.name, value) {
            (NameCoverage::All, Some(value)) => Some(value),
            // A new lock of the guests leaves the registered user's.
            (NameCoverage::Guests, Some(MuteOverride::Locked)) => named
                .filter(|named| *named == MuteOverride::Locked)
                .or(Some(MuteOverride::LockedGuests)),
            (NameCoverage::None, Some(MuteOverride::Locked)) => named,
            // What releases a guest who is locked by name releases the name.
            (NameCoverage::None, _) if !locks_guests => named,
            (NameCoverage::Guests | NameCoverage::None | NameCoverage::All, _) => None,
        };
        if new.is_some() {
            check_capacity(&self.mute_overrides, username)?;
        }
        self.check_guests(coverage)?;
        if new != named {
            match new {
                Some(new) => self.mute_overrides.insert(username.clone(), new),
                None => self.mute_overrides.remove(username),
            };
            changes.push(DurableChange::Mute { username: username.clone(), mute: new });
        }
        self.update_guests(coverage, changes, |row| row.mute = value);
        Ok(())
    }

    /// Whether a lock holds for any of these principals.
    pub(in crate::room) fn locks(&self, coverage: &Coverage) -> bool {
        let username = &coverage.username;
        let is_named = match coverage.name {
            NameCoverage::All => self.mute_overrides.get(username) == Some(&MuteOverride::Locked),
            NameCoverage::Guests | NameCoverage::None => false,
        };
        let mut guests =
            coverage.guests.iter().map(|(instance, proof)| Guest::new(instance.clone(), *proof));
        is_named
            || guests.any(|guest| self.is_locked(Principal { username, guest: Some(&guest) }))
            || coverage.name == NameCoverage::Guests && self.mute_overrides.contains_key(username)
    }

    /// Ends the exemptions of these principals.
    pub(in crate::room) fn end_exemption(
        &mut self,
        coverage: &Coverage,
        changes: &mut Vec<DurableChange>,
    ) {
        let username = &coverage.username;
        let is_named = coverage.name == NameCoverage::All;
        if is_named && self.mute_overrides.get(username) == Some(&MuteOverride::Exempt) {
            self.mute_overrides.remove(username);
            changes.push(DurableChange::Mute { username: username.clone(), mute: None });
        }
        let exempt = |row: &&GuestRow| row.mute == Some(MuteOverride::Exempt);
        let covered = coverage.guests.keys().filter_map(|instance| self.guests.get(instance));
        for former in covered.filter(exempt).cloned().collect::<Vec<_>>() {
            self.put_guest(GuestRow { mute: None, ..former.clone() }, Some(&former), changes);
        }
    }

    fn check_guests(&self, coverage: &Coverage) -> Result<(), Error> {
        let new = coverage.guests.keys().filter(|guest| !self.guests.contains_key(*guest)).count();
        if new == 0 || self.guests.len() + new <= MAX_RECORD_ROWS {
            Ok(())
        } else {
            Err(errors::record_full())
        }
    }

    /// Changes the rows of the guests that are covered. A row without content is removed.
    fn update_guests(
        &mut self,
        coverage: &Coverage,
        changes: &mut Vec<DurableChange>,
        update: impl Fn(&mut GuestRow),
    ) {
        for (instance, proof) in &coverage.guests {
            let former = self.guests.get(instance).cloned();
            let guest = Guest::new(instance.clone(), *proof);
            let mut row = GuestRow {
                username: coverage.username.clone(),
                guest,
                mute: former.as_ref().and_then(|row| row.mute),
                role: former.as_ref().and_then(|row| row.role),
            };
            // What another person was granted does not pass to this one.
            if former.as_ref().is_some_and(|former| former.guest.proof != *proof) {
                row.mute = row.mute.filter(|mute| *mute != MuteOverride::Exempt);
                row.role = row.role.filter(|role| *role != Role::Moderator);
            }
            update(&mut row);
            self.put_guest(row, former.as_ref(), changes);
        }
    }

    fn put_guest(
        &mut self,
        row: GuestRow,
        former: Option<&GuestRow>,
        changes: &mut Vec<DurableChange>,
    ) {
        if former == Some(&row) {
            return;
        }
        if let Some(former) = former {
            let (proof, instance) = (former.guest.proof, &former.guest.instance);
            if let Some(instances) = self.by_proof.get_mut(&proof) {
                instances.remove(instance);
                if instances.is_empty() {
                    self.by_proof.remove(&proof);
                }
            }
            self.guests.remove(instance);
        }
        let instance = row.guest.instance.clone();
        if row.mute.is_some() || row.role.is_some() {
            self.by_proof.entry(row.guest.proof).or_default().insert(instance.clone());
            self.guests.insert(instance, row.clone());
            changes.push(DurableChange::Guest(row));
        } else if former.is_some() {
            changes.push(DurableChange::GuestCleared { instance });
        }
    }

    /// Exempts these principals from the room's mute, and no others. None of them may be under a lock.
    pub(in crate::room) fn replace_exemptions(
        &mut self,
        exempt: &[Coverage],
        changes: &mut Vec<DurableChange>,
    ) -> Result<(), Error> {
        let by_name = exempt.iter().filter(|coverage| coverage.name != NameCoverage::None);
        let usernames: BTreeSet<_> = by_name.map(|coverage| &coverage.username).collect();
        let guests: BTreeSet<_> = exempt.iter().flat_map(|one| one.guests.keys()).collect();
        let is_exempt = |mute: Option<MuteOverride>| mute == Some(MuteOverride::Exempt);
        let others = self.mute_overrides.values().filter(|mute| !is_exempt(Some(**mute)));
        let other_guests = self.guests.values();
        let other_guests =
            other_guests.filter(|row| !is_exempt(row.mute) || row.role.is_some()).count();
        if others.count() + usernames.len() > MAX_RECORD_ROWS
            || other_guests + guests.len() > MAX_RECORD_ROWS
        {
            return Err(errors::record_full());
        }
        self.clear_exemptions(changes);
        for coverage in exempt {
            let named = self.mute_overrides.get(&coverage.username);
            // The registered user of a name whose guests are locked is not exempt: one row holds both.
            if coverage.name == NameCoverage::None || named != Some(&MuteOverride::LockedGuests) {
                self.set_mute_override(coverage, Some(MuteOverride::Exempt), changes)?;
            }
        }
        Ok(())
    }

    /// A new mute of the whole room clears all exemptions.
    pub(in crate::room) fn clear_exemptions(&mut self, changes: &mut Vec<DurableChange>) {
        self.mute_overrides.retain(|username, mute_override| {
            let stays = *mute_override != MuteOverride::Exempt;
            if !stays {
                changes.push(DurableChange::Mute { username: username.clone(), mute: None });
            }
            stays
        });
        let exempt = self.guests.values().filter(|row| row.mute == Some(MuteOverride::Exempt));
        for former in exempt.cloned().collect::<Vec<_>>() {
            self.put_guest(GuestRow { mute: None, ..former.clone() }, Some(&former), changes);
        }
    }

    /// The role that a moderator set for a principal whose own role is `own`. A guest without the proof of the one it
    /// was set for only gets a lower one.
    pub(in crate::room) fn role(&self, who: Principal<'_>, own: Role) -> Option<Role> {
        let named = self.roles.get(who.username).copied();
        let Some(guest) = who.guest else { return named };
        let is_lower = |role: &Role| rank(*role) < rank(own);
        let proved = self.rows_of(guest).find(|row| row.guest.proof == guest.proof);
        if let Some(role) = proved.and_then(|row| row.role) {
            return Some(role);
        }
        let by_instance = self.guests.get(&guest.instance).and_then(|row| row.role);
        let registered = guest.registered.as_ref().and_then(|user| self.roles.get(user)).copied();
        named
            .into_iter()
            .chain(by_instance)
            .chain(registered)
            .filter(is_lower)
            .min_by_key(|role| rank(*role))
    }

    pub(in crate::room) fn set_role(
        &mut self,
        coverage: &Coverage,
        role: Role,
        changes: &mut Vec<DurableChange>,
    ) -> Result<(), Error> {
        let username = &coverage.username;
        if coverage.name == NameCoverage::All {
            check_capacity(&self.roles, username)?;
        }
        self.check_guests(coverage)?;
        if coverage.name == NameCoverage::All
            && self.roles.insert(username.clone(), role) != Some(role)
        {
            changes.push(DurableChange::Role { username: username.clone(), role });
        }
        self.update_guests(coverage, changes, |row| row.role = Some(role));
        Ok(())
    }

    /// Queues the room's mute and lock for persistence. Call after changing them.
    pub(in crate::room) fn push_room_change(&self, changes: &mut Vec<DurableChange>) {
        changes.push(DurableChange::Room { mute: self.mute, locked: self.locked });
    }

    /// By which session and instance an unexpired room token was redeemed.
    pub(in crate::room) fn redeemed_by(&self, jti: &str, now: Timestamp) -> Option<&RedeemedToken> {
        self.redeemed_tokens.get(jti).filter(|row| row.until > now)
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
                mute: self.mute_overrides.get(username).copied(),
            }),
            DurableKey::Role(username) => self
                .roles
                .get(username)
                .map(|role| DurableChange::Role { username: username.clone(), role: *role }),
            DurableKey::Guest(instance) => Some(match self.guests.get(instance) {
                Some(row) => DurableChange::Guest(row.clone()),
                None => DurableChange::GuestCleared { instance: instance.clone() },
            }),
            DurableKey::Room => Some(DurableChange::Room { mute: self.mute, locked: self.locked }),
            DurableKey::End => {
                self.ended.map(|at| DurableChange::Ended { at, keep_until: at + END_RETENTION })
            }
            DurableKey::RedeemedToken(jti) => {
                self.redeemed_token(jti).cloned().map(DurableChange::Redeemed)
            }
            DurableKey::Occupancy => None,
        }
    }

    /// Whether every table is within its limit.
    pub(in crate::room) fn is_bounded(&self) -> bool {
        let rows =
            [self.blocks.len(), self.mute_overrides.len(), self.roles.len(), self.guests.len()];
        rows.into_iter().all(|rows| rows <= MAX_RECORD_ROWS)
            && self.redeemed_tokens.len() <= MAX_REDEEMED_TOKENS
    }
}

/// Roles by what they allow.
const fn rank(role: Role) -> u8 {
    match role {
        Role::Subscriber => 0,
        Role::PublisherOnly => 1,
        Role::Publisher => 2,
        Role::Moderator => 3,
    }
}

fn covering_block(coverage: &Coverage, set_by: BlockSetter, until: Timestamp) -> RoomBlock {
    let instances = coverage.guests.keys().cloned().collect();
    let proofs = coverage.guests.values().copied().collect();
    RoomBlock { set_by, instances, proofs, name: coverage.name, until }
}

fn check_capacity<V>(rows: &BTreeMap<Username, V>, username: &Username) -> Result<(), Error> {
    if rows.len() < MAX_RECORD_ROWS || rows.contains_key(username) {
        Ok(())
    } else {
        Err(errors::record_full())
    }
}
