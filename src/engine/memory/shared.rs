//! The shared state of the nodes: the rooms' logs, the directory, and the members.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc;

use super::delivery::Delivery;
use crate::clock::Clock;
use crate::engine::directory::Table;
use crate::engine::log::{AppendError, Checkpoint, Condition, RoomLog};
use crate::engine::nodes::{Burial, LEASE, Lease, Renewal};
use crate::room::{Entry, NodeEpoch, RoomCommand, RoomKey};
use crate::sync::{Mutex, Rank};
use crate::time::Monotonic;

/// Number of entries without a checkpoint after which a node is asked for one.
const LONG_TAIL: usize = 256;

/// Lock order: `logs`, then `members`. The holder of `logs` may wait for space in an inbox; the task that empties an
/// inbox takes neither lock.
pub(super) struct Shared {
    pub(super) logs: tokio::sync::Mutex<HashMap<RoomKey, Log>>,
    members: Mutex<Members>,
    pub(super) directory: Table,
    pub(super) clock: Clock,
}

#[derive(Default)]
struct Members {
    by_epoch: BTreeMap<NodeEpoch, Member>,
}

struct Member {
    name: Box<str>,
    inbox: mpsc::Sender<Delivery>,
    renewed: Monotonic,
    /// Since when its lease has been held without a lapse.
    watches_since: Monotonic,
}

/// A room's log.
#[derive(Default)]
pub(super) struct Log {
    version: u64,
    /// The order of the last signal.
    order: u64,
    checkpoint: Option<Checkpoint>,
    tail: VecDeque<Entry>,
    interested: BTreeSet<NodeEpoch>,
}

impl Log {
    pub(super) fn add_interest(&mut self, node: NodeEpoch) -> Option<RoomLog> {
        let is_new = self.interested.insert(node);
        is_new.then(|| RoomLog {
            checkpoint: self.checkpoint.clone(),
            tail: self.tail.iter().cloned().collect(),
        })
    }

    /// Returns whether no node is interested any more.
    pub(super) fn remove_interest(&mut self, node: NodeEpoch) -> bool {
        self.interested.remove(&node);
        self.interested.is_empty()
    }

    pub(super) fn is_interesting_to(&self, node: NodeEpoch) -> bool {
        self.interested.contains(&node)
    }

    pub(super) fn interested(&self) -> impl Iterator<Item = NodeEpoch> {
        self.interested.iter().copied()
    }

    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn append(
        &mut self,
        node: NodeEpoch,
        command: RoomCommand,
        condition: Condition,
        clock: &Clock,
    ) -> Result<Entry, AppendError> {
        if !self.is_interesting_to(node) {
            return Err(AppendError::NoInterest);
        }
        match condition {
            Condition::None => {}
            Condition::VersionIs(version) if version == self.version => {}
            Condition::VersionIs(_) => return Err(AppendError::VersionChanged),
        }
        self.version = clock.micros().max(self.version + 1);
        let (version, now) = (self.version, clock.now());
        let entry = Entry { version, now, origin: node, command };
        self.tail.push_back(entry.clone());
        Ok(entry)
    }

    /// The node to ask for a checkpoint now, if any. Only one, so that not all nodes do the same work.
    pub(super) fn checkpoint_due(&self) -> Option<NodeEpoch> {
        let is_long = !self.tail.is_empty() && self.tail.len().is_multiple_of(LONG_TAIL);
        is_long.then(|| self.interested.first().copied()).flatten()
    }

    pub(super) fn store_checkpoint(&mut self, checkpoint: Checkpoint) -> bool {
        let newest = self.checkpoint.as_ref().map_or(0, |newest| newest.version);
        if checkpoint.version <= newest || checkpoint.version > self.version {
            return false;
        }
        self.tail.retain(|entry| entry.version > checkpoint.version);
        self.checkpoint = Some(checkpoint);
        true
    }

    pub(super) fn next_order(&mut self, last: u64, clock: &Clock) -> u64 {
        self.order = clock.micros().max(self.order.max(last) + 1);
        self.order
    }
}

impl Shared {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            logs: tokio::sync::Mutex::default(),
            members: Mutex::new(Rank::Leaf, Members::default()),
            directory: Table::new(clock.clone()),
            clock,
        }
    }

    pub(super) fn join(&self, node: NodeEpoch, name: &str, inbox: mpsc::Sender<Delivery>) {
        let now = self.clock.monotonic();
        let member = Member { name: name.into(), inbox, renewed: now, watches_since: now };
        self.members.lock().by_epoch.insert(node, member);
    }

    /// Ends a node's registration and its interest in rooms.
    pub(super) async fn leave(&self, node: NodeEpoch) {
        self.members.lock().by_epoch.remove(&node);
        self.logs.lock().await.retain(|_, log| !log.remove_interest(node));
    }

    pub(super) fn inbox(&self, node: NodeEpoch) -> Option<mpsc::Sender<Delivery>> {
        self.members.lock().by_epoch.get(&node).map(|member| member.inbox.clone())
    }

    pub(super) fn renew(&self, node: NodeEpoch) -> Renewal {
        let now = self.clock.monotonic();
        let mut members = self.members.lock();
        let Some(own) = members.by_epoch.get_mut(&node) else { return Renewal::Lost };
        if now.saturating_since(own.renewed) > LEASE {
            own.watches_since = now;
        }
        own.renewed = now;
        let lease = |(node, member): (&NodeEpoch, &Member)| Lease {
            node: *node,
            name: member.name.clone(),
            age: now.saturating_since(member.renewed),
        };
        Renewal::Held(members.by_epoch.iter().map(lease).collect())
    }

    pub(super) async fn bury(&self, dead: NodeEpoch, by: NodeEpoch) -> Burial {
        match self.declare_dead(dead, by) {
            Ok(()) => {}
            Err(other) => return other,
        }
        let mut rooms = Vec::new();
        self.logs.lock().await.retain(|room, log| {
            if log.is_interesting_to(dead) {
                rooms.push(room.clone());
            }
            // The node that buried it takes over rooms that no other node has.
            log.interested.remove(&dead);
            true
        });
        Burial::Buried(rooms)
    }

    fn declare_dead(&self, dead: NodeEpoch, by: NodeEpoch) -> Result<(), Burial> {
        let now = self.clock.monotonic();
        let mut members = self.members.lock();
        let Some(member) = members.by_epoch.get(&dead) else { return Err(Burial::Gone) };
        if now.saturating_since(member.renewed) <= LEASE {
            return Err(Burial::Alive);
        }
        let watches = members.by_epoch.get(&by).is_some_and(|own| {
            now.saturating_since(own.renewed) <= LEASE
                && now.saturating_since(own.watches_since) >= LEASE
        });
        if !watches {
            return Err(Burial::NotWatched);
        }
        members.by_epoch.remove(&dead);
        Ok(())
    }
}

/// Retry time after a full queue.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(100);
