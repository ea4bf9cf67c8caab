//! The mutex of this crate: it has a rank, and a debug build panics when a thread takes locks in the wrong order.
//!
//! `Rank::may_follow` defines the lock order, which `ARCHITECTURE.md` describes. A
//! release build does not check it: a [`Mutex`] is `parking_lot`'s, with two bytes of overhead. A panic while a
//! lock is held releases it: at worst one session or room is inconsistent, and the others continue.

use std::fmt;
use std::ops::{Deref, DerefMut};

use order::Held;

/// The position of a lock in the lock order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// The effective configuration, during a reload.
    Configuration,
    /// A partition of the engine: rooms whose entries are applied one after another.
    Partition,
    /// A room, while one entry is applied and its effects are executed.
    Room,
    /// A shard of the directory of client instances.
    Directory,
    /// A session.
    Session,
    /// A small table, read or written in a few statements that take no other lock.
    Leaf,
}

impl Rank {
    /// Whether a lock of this rank may be taken by a thread that holds one of rank `held`.
    #[cfg(debug_assertions)]
    const fn may_follow(self, held: Self) -> bool {
        match held {
            Self::Configuration => !matches!(self, Self::Configuration),
            Self::Partition => matches!(self, Self::Room | Self::Session | Self::Leaf),
            Self::Room => matches!(self, Self::Session | Self::Leaf),
            Self::Directory => matches!(self, Self::Session),
            // Code under one of these locks takes no other lock.
            Self::Session | Self::Leaf => false,
        }
    }
}

/// A mutex with a rank. Its guard is held for a few instructions and never across `.await`.
pub struct Mutex<T> {
    rank: Rank,
    inner: parking_lot::Mutex<T>,
}

/// The guard of a held lock. Dropping it releases the lock.
pub struct MutexGuard<'a, T> {
    // Before `_held`, so that the lock is released before its rank is.
    inner: parking_lot::MutexGuard<'a, T>,
    _held: Held,
}

impl<T> Mutex<T> {
    /// An unlocked mutex of this rank.
    #[must_use]
    pub const fn new(rank: Rank, value: T) -> Self {
        Self { rank, inner: parking_lot::Mutex::new(value) }
    }

    ///
    /// # Panics
    /// In a debug build, if this thread holds a lock that must come later in the lock order.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        // The assertion comes first, before a wait that might deadlock.
        let held = Held::begin(self.rank);
        MutexGuard { inner: self.inner.lock(), _held: held }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(Rank::Leaf, T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// Number of locks of this rank that this thread has taken so far, in a debug build.
#[cfg(debug_assertions)]
#[must_use]
pub fn acquisitions(rank: Rank) -> u64 {
    order::acquisitions(rank)
}

/// The ranks that a thread holds, and how often it took each.
#[cfg(debug_assertions)]
mod order {
    use std::cell::Cell;
    use std::marker::PhantomData;

    use super::Rank;

    const RANKS: [Rank; 6] = [
        Rank::Configuration,
        Rank::Partition,
        Rank::Room,
        Rank::Directory,
        Rank::Session,
        Rank::Leaf,
    ];

    thread_local! {
        static HELD: Cell<[bool; RANKS.len()]> = const { Cell::new([false; RANKS.len()]) };
        static TAKEN: Cell<[u64; RANKS.len()]> = const { Cell::new([0; RANKS.len()]) };
    }

    /// A held rank of this thread. It is not `Send`.
    pub(super) struct Held(Rank, PhantomData<*const ()>);

    impl Held {
        #[track_caller]
        pub(super) fn begin(rank: Rank) -> Self {
            let mut held = HELD.get();
            for (other, _) in RANKS.into_iter().zip(held).filter(|(_, is_held)| *is_held) {
                assert!(
                    rank.may_follow(other),
                    "lock order: {rank:?} taken while {other:?} is held"
                );
            }
            held[rank as usize] = true;
            HELD.set(held);
            let mut taken = TAKEN.get();
            taken[rank as usize] += 1;
            TAKEN.set(taken);
            Self(rank, PhantomData)
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            let mut held = HELD.get();
            held[self.0 as usize] = false;
            HELD.set(held);
        }
    }

    pub(super) fn acquisitions(rank: Rank) -> u64 {
        TAKEN.get()[rank as usize]
    }
}

/// A release build does not check the order.
#[cfg(not(debug_assertions))]
mod order {
    use super::Rank;

    pub(super) struct Held;

    impl Held {
        #[inline]
        pub(super) const fn begin(_: Rank) -> Self {
            Self
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Whether a lock of rank `next` may be taken while one of rank `held` is held.
    fn is_allowed(held: Rank, next: Rank) -> bool {
        let (first, second) = (Mutex::new(held, ()), Mutex::new(next, ()));
        catch_unwind(AssertUnwindSafe(|| {
            let _first = first.lock();
            let _second = second.lock();
        }))
        .is_ok()
    }

    #[test]
    #[cfg(debug_assertions)]
    fn documented_order_is_allowed_and_its_reverse_panics() {
        for (held, next) in [
            (Rank::Partition, Rank::Room),
            (Rank::Room, Rank::Session),
            (Rank::Directory, Rank::Session),
            (Rank::Room, Rank::Leaf),
        ] {
            assert!(is_allowed(held, next), "{held:?} then {next:?}");
            assert!(!is_allowed(next, held), "{next:?} then {held:?}");
        }
        assert!(!is_allowed(Rank::Room, Rank::Directory));
        assert!(!is_allowed(Rank::Session, Rank::Leaf));
    }

    #[test]
    #[cfg(debug_assertions)]
    fn two_locks_of_one_rank_panic() {
        for rank in [Rank::Partition, Rank::Room, Rank::Session, Rank::Leaf] {
            assert!(!is_allowed(rank, rank), "{rank:?}");
        }
    }

    #[test]
    #[cfg(debug_assertions)]
    fn lock_that_is_far_down_is_compared_with_each_above() {
        let [room, session] = [Rank::Room, Rank::Session].map(|rank| Mutex::new(rank, ()));
        let [other_room, partition] =
            [Rank::Room, Rank::Partition].map(|rank| Mutex::new(rank, ()));
        let _partition = partition.lock();
        let _room = room.lock();
        drop(session.lock());
        let other = catch_unwind(AssertUnwindSafe(|| drop(other_room.lock())));
        assert!(other.is_err());
    }

    #[test]
    fn lock_is_usable_after_a_panic_and_after_a_refused_one() {
        let session = Mutex::new(Rank::Session, 1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut guard = session.lock();
            *guard = 2;
            panic!("while it is held");
        }));
        assert!(panicked.is_err());
        let refused = is_allowed(Rank::Session, Rank::Session);
        assert_eq!(refused, cfg!(not(debug_assertions)));
        assert_eq!(*session.lock(), 2);
    }

    #[test]
    #[cfg(debug_assertions)]
    fn acquisitions_are_counted_for_each_rank() {
        let session = Mutex::new(Rank::Session, ());
        let before = (acquisitions(Rank::Session), acquisitions(Rank::Room));
        drop(session.lock());
        drop(session.lock());
        assert_eq!(acquisitions(Rank::Session) - before.0, 2);
        assert_eq!(acquisitions(Rank::Room), before.1);
    }
}
