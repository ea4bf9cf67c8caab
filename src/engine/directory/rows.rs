//! The rows of one user, changed in atomic steps, which are scripts in an engine with a server.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use stagedoor_proto::{FamilyId, InstanceId, SessionId};

use super::{
    Claim, ClaimRules, Claimed, Move, Moved, NameHolder, Prepare, Prepared, ProvedSession, Restore,
    SessionRecord, SessionRow,
};
use crate::config::DuplicatePolicy;
use crate::room::NodeEpoch;
use crate::session::SecretHash;

/// How long the generation of a released instance is retained, in microseconds; longer than the timeout of any
/// hook.
const TOMBSTONE: u64 = 60_000_000;

/// The rows of one user. Times are microseconds of the engine's clock.
pub(super) struct UserRows {
    /// Changes with each operation that may have blocked the user.
    fence: u64,
    /// The newest assigned generation.
    newest: u64,
    /// When the rows were last used.
    touched: u64,
    rows: SmallVec<[Row; 1]>,
    tombstones: Vec<Tombstone>,
}

struct Row {
    instance: InstanceId,
    /// The guest's proof. `None`: a registered user.
    guest: Option<FamilyId>,
    session: SessionId,
    generation: u64,
    node: NodeEpoch,
    is_live: bool,
    /// `None` after [`UserRows::restore`], until the next move on its own node.
    secret: Option<SecretHash>,
    /// The previous secret, valid until the newest one is used, because the reply with the newest may be lost.
    former_secret: Option<SecretHash>,
    record: Option<Arc<SessionRecord>>,
}

/// The sessions that a start counts with.
#[derive(Clone, Copy)]
enum Counted {
    /// Not known yet.
    None,
    /// Those of one guest, or of the registered user.
    Sessions(Option<FamilyId>),
}

/// The generation of an earlier claim on an instance.
struct Tombstone {
    instance: InstanceId,
    generation: u64,
    until: u64,
}

impl UserRows {
    pub(super) const fn new(fence: u64) -> Self {
        Self { fence, newest: 0, touched: 0, rows: SmallVec::new_const(), tombstones: Vec::new() }
    }

    /// Whether the rows can be removed. A start prepared here that claims later is fenced, and prepares again.
    pub(super) fn is_idle(&mut self, now: u64) -> bool {
        self.tombstones.retain(|tombstone| tombstone.until > now);
        let is_forgotten = self.touched.saturating_add(TOMBSTONE) < now;
        self.rows.is_empty() && self.tombstones.is_empty() && is_forgotten
    }

    pub(super) fn prepare(&mut self, prepare: &Prepare, now: u64) -> Prepared {
        let newest = self.newest;
        let generation = self.next_generation(now, prepare.age).max(prepare.at_least);
        self.newest = self.newest.max(generation);
        let counted = if prepare.is_guest { Counted::None } else { Counted::Sessions(None) };
        let protected = self.protected(&prepare.instance, counted, prepare.rules, None);
        let protected = protected.map(Row::shown);
        let held = self.held_generation(&prepare.instance);
        let holders = if prepare.is_guest && prepare.rules.exclusive_names {
            self.holders(&prepare.instance)
        } else {
            Vec::new()
        };
        let proved = prepare.previous.and_then(|(id, secret)| self.proved(id, secret));
        let live = if prepare.is_guest {
            Vec::new()
        } else {
            self.rows.iter().map(|row| row.instance.clone()).collect()
        };
        let fence = self.fence;
        Prepared { fence, generation, newest, held, protected, holders, live, proved }
    }

    pub(super) fn claim(&mut self, claim: Claim, node: NodeEpoch, now: u64) -> Claimed {
        self.touched = now;
        if self.fence != claim.fence {
            return Claimed::Fenced;
        }
        let own = self.rows.iter().position(|row| row.instance == claim.instance);
        if own.is_some_and(|own| self.rows[own].session == claim.session) {
            return Claimed::Held { displaced: Vec::new() };
        }
        if self.held_generation(&claim.instance) >= claim.generation {
            return Claimed::Superseded;
        }
        if let Some(proof) = claim.guest.filter(|_| claim.rules.exclusive_names) {
            let mut others = self.holders(&claim.instance).into_iter();
            if let Some(holder) = others.find(|holder| holder.proof != proof) {
                return Claimed::NameTaken(holder);
            }
        }
        let counted = Counted::Sessions(claim.guest);
        let protected = self.protected(&claim.instance, counted, claim.rules, claim.evict);
        if let Some(protected) = protected {
            return Claimed::Protected(Box::new(protected.shown()));
        }
        let mut displaced = Vec::new();
        if let Some(own) = own {
            displaced.push(self.rows.remove(own));
        }
        self.tombstones.retain(|tombstone| tombstone.instance != claim.instance);
        self.rows.push(Row {
            instance: claim.instance,
            guest: claim.guest,
            session: claim.session,
            generation: claim.generation,
            node,
            is_live: true,
            secret: Some(claim.secret),
            former_secret: None,
            record: claim.record,
        });
        while self.count(claim.guest) > claim.rules.max_sessions.max(1) {
            let Some(oldest) = self.oldest(claim.guest) else { break };
            let gone = self.rows.remove(oldest);
            self.add_tombstone(&gone, now);
            displaced.push(gone);
        }
        Claimed::Held { displaced: displaced.iter().map(Row::shown).collect() }
    }

    pub(super) fn fence(&mut self, fence: u64) -> Vec<SessionRow> {
        self.fence = fence;
        self.shown()
    }

    pub(super) fn shown(&self) -> Vec<SessionRow> {
        self.rows.iter().map(Row::shown).collect()
    }

    pub(super) fn release(&mut self, session: SessionId, node: NodeEpoch, now: u64) -> bool {
        let Some(own) = self.find(session, node) else { return false };
        let gone = self.rows.remove(own);
        self.add_tombstone(&gone, now);
        true
    }

    pub(super) fn suspend(&mut self, session: SessionId, generation: u64, node: NodeEpoch) -> bool {
        let Some(own) = self.find(session, node) else { return false };
        let row = &mut self.rows[own];
        row.is_live &= row.generation != generation;
        row.generation == generation
    }

    pub(super) fn move_here(&mut self, to: &Move, node: NodeEpoch, now: u64) -> Moved {
        let generation = self.next_generation(now, to.age);
        let Some(row) = self.rows.iter_mut().find(|row| row.session == to.session) else {
            return Moved::Denied;
        };
        if (row.node != node && !row.accepts(to.shown)) || row.generation >= generation {
            return Moved::Denied;
        }
        let previous = Box::new(row.shown());
        row.generation = generation;
        row.node = node;
        row.is_live = true;
        row.former_secret = Some(to.shown);
        row.secret = Some(to.next);
        self.newest = self.newest.max(generation);
        Moved::Here { generation, previous }
    }

    pub(super) fn restore(&mut self, row: Restore, node: NodeEpoch) {
        self.newest = self.newest.max(row.generation);
        let own = self.rows.iter().position(|held| held.instance == row.instance);
        if own.is_some_and(|own| self.rows[own].generation >= row.generation) {
            return;
        }
        let row = Row {
            instance: row.instance,
            guest: row.guest,
            session: row.session,
            generation: row.generation,
            node,
            is_live: false,
            secret: None,
            former_secret: None,
            record: row.record,
        };
        match own {
            Some(own) => self.rows[own] = row,
            None => self.rows.push(row),
        }
    }

    /// The engine's time at which an attempt of this age arrived; unique and increasing for attempts of equal age.
    fn next_generation(&mut self, now: u64, age: Duration) -> u64 {
        self.touched = now;
        let age = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        now.max(self.newest + 1).saturating_sub(age).max(1)
    }

    /// The session that `instance`, or the cap of those that are `counted` together, would have to displace, where the
    /// policy forbids that.
    fn protected(
        &self,
        instance: &InstanceId,
        counted: Counted,
        rules: ClaimRules,
        evict: Option<u64>,
    ) -> Option<&Row> {
        match rules.policy {
            DuplicatePolicy::NewestWins => return None,
            DuplicatePolicy::RejectNew => {}
        }
        let own = self.rows.iter().find(|row| row.instance == *instance);
        let blocking = match own {
            Some(own) => Some(own),
            None => match counted {
                Counted::Sessions(guest) if self.count(guest) >= rules.max_sessions => {
                    self.oldest(guest).map(|oldest| &self.rows[oldest])
                }
                Counted::Sessions(_) | Counted::None => None,
            },
        };
        blocking.filter(|row| row.is_live && Some(row.generation) != evict)
    }

    /// A guest's session, if the secret is right.
    fn proved(&self, session: SessionId, secret: SecretHash) -> Option<Box<ProvedSession>> {
        let row = self.rows.iter().find(|row| row.session == session && row.accepts(secret))?;
        row.guest.map(|proof| Box::new(ProvedSession { proof, row: row.shown() }))
    }

    /// Guests on other instances, by proof; the first two.
    fn holders(&self, instance: &InstanceId) -> Vec<NameHolder> {
        let mut holders: Vec<NameHolder> = Vec::new();
        for row in self.rows.iter().filter(|row| row.instance != *instance) {
            let Some(proof) = row.guest else { continue };
            let known = holders.iter().position(|holder| holder.proof == proof);
            match known {
                Some(known) => holders[known].is_live |= row.is_live,
                None if holders.len() < 2 => {
                    holders.push(NameHolder { proof, is_live: row.is_live });
                }
                None => {}
            }
        }
        holders
    }

    /// How many sessions count together: the registered user's, or those of one guest.
    fn count(&self, guest: Option<FamilyId>) -> usize {
        self.rows.iter().filter(|row| row.guest == guest).count()
    }

    fn oldest(&self, guest: Option<FamilyId>) -> Option<usize> {
        let counted = self.rows.iter().enumerate().filter(|(_, row)| row.guest == guest);
        let oldest = counted.min_by_key(|(_, row)| row.generation);
        oldest.map(|(index, _)| index)
    }

    fn find(&self, session: SessionId, node: NodeEpoch) -> Option<usize> {
        self.rows.iter().position(|row| row.session == session && row.node == node)
    }

    /// The newest generation that holds an instance, or held it a short while ago; 0 for none.
    fn held_generation(&self, instance: &InstanceId) -> u64 {
        let rows = self.rows.iter().filter(|row| row.instance == *instance);
        let buried = self.tombstones.iter().filter(|tombstone| tombstone.instance == *instance);
        let buried = buried.map(|tombstone| tombstone.generation);
        rows.map(|row| row.generation).chain(buried).max().unwrap_or(0)
    }

    fn add_tombstone(&mut self, row: &Row, now: u64) {
        self.tombstones.retain(|tombstone| tombstone.until > now);
        let until = now.saturating_add(TOMBSTONE);
        let (instance, generation) = (row.instance.clone(), row.generation);
        self.tombstones.push(Tombstone { instance, generation, until });
    }
}

impl Row {
    fn accepts(&self, shown: SecretHash) -> bool {
        self.secret == Some(shown) || self.former_secret == Some(shown)
    }

    fn shown(&self) -> SessionRow {
        SessionRow {
            instance: self.instance.clone(),
            session: self.session,
            generation: self.generation,
            node: self.node,
            is_live: self.is_live,
            record: self.record.clone(),
        }
    }
}
