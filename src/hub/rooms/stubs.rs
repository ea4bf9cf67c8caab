//! The stubs of emptied rooms, for ten minutes. A room that opens again takes its stub.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use stagedoor_proto::{Ref, SessionId};

use crate::room::{RoomKey, RoomStub};
use crate::sync::Mutex;
use crate::time::Monotonic;

/// Maximum number of `ref`s and leavers in all stubs, for each stub that there may be.
const MAX_ENTRIES_PER_STUB: usize = 10;

/// The stubs of this node. The lock is held for a few map accesses, and nothing is called under it.
#[derive(Default)]
pub(super) struct RoomStubs {
    /// The number of stubs, so that a room that opens takes the lock only if there are any.
    count: AtomicUsize,
    stubs: Mutex<Stubs>,
}

#[derive(Default)]
struct Stubs {
    by_key: HashMap<RoomKey, (u64, RoomStub)>,
    /// By the end of the stub and a serial number.
    by_end: BTreeMap<(Monotonic, u64), RoomKey>,
    /// The last serial number.
    serial: u64,
    /// The number of `ref`s and leavers.
    entries: usize,
}

impl RoomStubs {
    /// Adds the stub of a room. Beyond `max` stubs, or ten `ref`s and leavers for each of them, those that end first
    /// are removed; their number.
    pub(super) fn insert(&self, key: &RoomKey, stub: RoomStub, max: usize) -> usize {
        let max_entries = max.saturating_mul(MAX_ENTRIES_PER_STUB);
        if stub.entries() > max_entries {
            return 1;
        }
        self.change(|stubs| {
            stubs.insert(key, stub);
            let mut evicted = 0;
            while stubs.by_key.len() > max || stubs.entries > max_entries {
                stubs.remove_first();
                evicted += 1;
            }
            evicted
        })
    }

    /// Removes the stub of a room that is created again.
    pub(super) fn take(&self, key: &RoomKey) -> Option<RoomStub> {
        if self.count() == 0 {
            return None;
        }
        self.change(|stubs| stubs.remove(key))
    }

    /// Removes what has expired.
    pub(super) fn sweep(&self, now: Monotonic) {
        if self.count() > 0 {
            self.change(|stubs| {
                while stubs.by_end.first_key_value().is_some_and(|((end, _), _)| *end < now) {
                    stubs.remove_first();
                }
            });
        }
    }

    pub(super) fn contains(&self, key: &RoomKey) -> bool {
        self.count() > 0 && self.stubs.lock().by_key.contains_key(key)
    }

    /// Whether a session used this `ref` in a room that is a stub now.
    pub(super) fn has_used_ref(
        &self,
        key: &RoomKey,
        session: SessionId,
        ref_: &Ref,
        now: Monotonic,
    ) -> bool {
        let used = |(_, stub): &(u64, RoomStub)| stub.has_used_ref(session, ref_, now);
        self.count() > 0 && self.stubs.lock().by_key.get(key).is_some_and(used)
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    pub(super) fn all(&self) -> Vec<(RoomKey, RoomStub)> {
        let stubs = self.stubs.lock();
        stubs.by_key.iter().map(|(key, (_, stub))| (key.clone(), stub.clone())).collect()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Stubs) -> T) -> T {
        let mut stubs = self.stubs.lock();
        let result = change(&mut stubs);
        self.count.store(stubs.by_key.len(), Ordering::Release);
        result
    }
}

impl Stubs {
    fn insert(&mut self, key: &RoomKey, stub: RoomStub) {
        self.remove(key);
        self.serial += 1;
        self.entries += stub.entries();
        self.by_end.insert((stub.expires(), self.serial), key.clone());
        self.by_key.insert(key.clone(), (self.serial, stub));
    }

    fn remove(&mut self, key: &RoomKey) -> Option<RoomStub> {
        let (serial, stub) = self.by_key.remove(key)?;
        self.by_end.remove(&(stub.expires(), serial));
        self.entries -= stub.entries();
        Some(stub)
    }

    fn remove_first(&mut self) {
        if let Some((_, key)) = self.by_end.pop_first()
            && let Some((_, stub)) = self.by_key.remove(&key)
        {
            self.entries -= stub.entries();
        }
    }
}
