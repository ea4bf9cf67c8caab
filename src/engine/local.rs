//! One node that shares nothing: an entry is applied where it is appended, before `append` returns.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{OnceLock, Weak};

use super::{Apply, Engine};
use crate::clock::Clock;
use crate::room::{Entry, RoomCommand, RoomKey};
use crate::sync::{Mutex, Rank};

/// Among how many locks the rooms are spread; rooms that share one wait for each other.
const PARTITIONS: usize = 1_024;

/// The logs of one node's rooms, of which nothing is kept: a room's state is what became of them.
pub struct Local {
    /// Held while an entry gets its place and is applied, so that a room's entries come up one at a time and in order.
    partitions: Box<[Mutex<()>]>,
    hasher: RandomState,
    /// The last place given, in any room: a room that closes and opens again goes on with higher ones.
    last: AtomicU64,
    is_closed: AtomicBool,
    apply: OnceLock<Weak<dyn Apply>>,
    clock: Clock,
}

impl Local {
    /// Logs that go by `clock`, whose places come after `last`: that of a process before, or 0.
    #[must_use]
    pub fn new(clock: Clock, last: u64) -> Self {
        let partitions = (0..PARTITIONS).map(|_| Mutex::new(Rank::Partition, ())).collect();
        let (hasher, apply) = (RandomState::new(), OnceLock::new());
        let (last, is_closed) = (AtomicU64::new(last), AtomicBool::new(false));
        Self { partitions, hasher, last, is_closed, apply, clock }
    }

    /// Takes nothing more, and waits for what is being applied; the last place that was given.
    pub fn close(&self) -> u64 {
        self.is_closed.store(true, Ordering::Relaxed);
        for partition in &self.partitions {
            // Whoever comes after sees that it is closed; whoever came before is done.
            drop(partition.lock());
        }
        self.last.load(Ordering::Relaxed)
    }

    fn partition(&self, room: &RoomKey) -> &Mutex<()> {
        let hash = usize::try_from(self.hasher.hash_one(room) % PARTITIONS as u64);
        &self.partitions[hash.expect("there are few partitions")]
    }
}

impl Engine for Local {
    fn subscribe(&self, apply: Weak<dyn Apply>) {
        assert!(self.apply.set(apply).is_ok(), "an engine has one subscriber");
    }

    fn append(&self, room: &RoomKey, command: RoomCommand) {
        let Some(apply) = self.apply.get().and_then(Weak::upgrade) else { return };
        let _turn = self.partition(room).lock();
        if self.is_closed.load(Ordering::Relaxed) {
            return;
        }
        let version = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        apply.apply(room, Entry { version, now: self.clock.now(), command });
    }
}
