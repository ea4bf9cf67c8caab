//! Limits the memory of all replay buffers. The sweep calls it, so that a delivery only counts.
//!
//! Above the limit, suspended sessions lose the frames of their rooms, largest first, and get new snapshots as they
//! resume. When that does not suffice, the largest of what is left goes: a live session is closed as a slow consumer, a
//! suspended one, of which only replies and notices are left, ends. Nothing is lost silently: a client learns each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use stagedoor_proto::{CloseCode, Disconnect};

use super::Sessions;
use super::handle::SessionHandle;
use crate::session::{Link, ReplayRelief, RingUsage};
use crate::telemetry::Limit;
use crate::time::Now;

/// What a session does to free memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relief {
    /// Drops the frames of rooms, of a suspended session.
    DropRooms,
    /// Closes the connection (4203) and drops the frames of rooms.
    Close,
    /// Ends a suspended session.
    End,
}

/// A session with a replay buffer.
trait Buffered {
    /// Whether it is live, and its memory; `None` once it has ended.
    fn usage(&self) -> Option<(bool, RingUsage)>;

    fn apply(&self, relief: Relief);
}

/// Frees memory until `is_above_limit` is false. Returns the number of sessions that lost something.
fn relieve<S: Buffered>(sessions: &[S], is_above_limit: impl Fn() -> bool) -> u64 {
    let mut count = 0;
    let used = |index: usize| sessions[index].usage();
    let mut suspended: Vec<_> = (0..sessions.len())
        .filter_map(|index| match used(index) {
            Some((false, usage)) if usage.room_bytes > 0 => Some((usage.bytes, index)),
            Some(_) | None => None,
        })
        .collect();
    suspended.sort_unstable_by_key(|(bytes, _)| Reverse(*bytes));
    for (_, index) in suspended {
        if !is_above_limit() {
            return count;
        }
        sessions[index].apply(Relief::DropRooms);
        count += 1;
    }
    let mut largest: BinaryHeap<_> = (0..sessions.len())
        .filter_map(|index| Some((used(index)?.1.bytes, index)))
        .filter(|(bytes, _)| *bytes > 0)
        .collect();
    while is_above_limit() {
        let Some((_, index)) = largest.pop() else { break };
        let Some((is_live, _)) = used(index) else { continue };
        sessions[index].apply(if is_live { Relief::Close } else { Relief::End });
        count += 1;
        // What is left of a closed session may be the largest again.
        if let Some((_, usage)) = used(index).filter(|(_, usage)| usage.bytes > 0) {
            largest.push((usage.bytes, index));
        }
    }
    count
}

struct Holder<'a> {
    session: Arc<SessionHandle>,
    sessions: &'a Sessions,
    now: Now,
}

impl Buffered for Holder<'_> {
    fn usage(&self) -> Option<(bool, RingUsage)> {
        self.session.inspect(|session| match session.link() {
            Link::Live { .. } => Some((true, ReplayRelief::usage(session))),
            Link::Suspended => Some((false, ReplayRelief::usage(session))),
            Link::Ended { .. } => None,
        })
    }

    fn apply(&self, relief: Relief) {
        match relief {
            Relief::DropRooms => {
                self.session.update(|session| ReplayRelief::DropRooms.apply(session, self.now));
            }
            Relief::Close => {
                self.session.update(|session| ReplayRelief::Close.apply(session, self.now));
                self.sessions.notify(&self.session);
            }
            Relief::End => {
                let ended = Disconnect::new(CloseCode::ResumeExpired);
                self.sessions.end(&self.session, ended, None);
            }
        }
    }
}

/// Frees memory of replay buffers, if they use more than the limit.
pub(in crate::hub) fn limit_replay_memory(sessions: &Sessions, now: Now) {
    let (memory, max) = (&sessions.context.session.memory, sessions.context.ring_bytes_total);
    let before = memory.bytes();
    if before <= max {
        return;
    }
    let all = sessions.registry.select(|_| true).into_iter();
    let holders: Vec<_> = all.map(|session| Holder { session, sessions, now }).collect();
    let count = relieve(&holders, || memory.bytes() > max);
    sessions.context.metrics.limits_hit.inc_by(Limit::RingTotal, count);
    let freed_bytes = before.saturating_sub(memory.bytes());
    tracing::warn!(sessions = count, freed_bytes, "replay buffers exceed resume.ring_bytes_total");
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use proptest::prelude::*;

    use super::*;

    /// A session whose memory is what its replies and its rooms use.
    #[derive(Clone, Debug)]
    struct Model {
        is_live: Cell<bool>,
        has_ended: Cell<bool>,
        replies: Cell<usize>,
        rooms: Cell<usize>,
    }

    impl Model {
        fn bytes(&self) -> usize {
            self.replies.get() + self.rooms.get()
        }
    }

    struct Recorded<'a> {
        index: usize,
        model: &'a Model,
        log: &'a RefCell<Vec<(usize, Relief, usize)>>,
    }

    impl Buffered for Recorded<'_> {
        fn usage(&self) -> Option<(bool, RingUsage)> {
            let usage = RingUsage { bytes: self.model.bytes(), room_bytes: self.model.rooms.get() };
            (!self.model.has_ended.get()).then_some((self.model.is_live.get(), usage))
        }

        fn apply(&self, relief: Relief) {
            self.log.borrow_mut().push((self.index, relief, self.model.bytes()));
            self.model.rooms.set(0);
            match relief {
                Relief::DropRooms => assert!(!self.model.is_live.get()),
                Relief::Close => assert!(self.model.is_live.replace(false)),
                Relief::End => {
                    assert!(!self.model.is_live.get());
                    self.model.has_ended.set(true);
                    self.model.replies.set(0);
                }
            }
        }
    }

    fn models() -> impl Strategy<Value = Vec<Model>> {
        let model =
            (any::<bool>(), 0..100_usize, 0..100_usize).prop_map(|(live, replies, rooms)| Model {
                is_live: Cell::new(live),
                has_ended: Cell::new(false),
                replies: Cell::new(replies),
                rooms: Cell::new(rooms),
            });
        prop::collection::vec(model, 0..12)
    }

    proptest! {
        #[test]
        fn memory_is_freed_largest_first_and_no_more(models in models(), max in 0..800_usize) {
            let before = models.clone();
            let (log, total) = (RefCell::default(), || models.iter().map(Model::bytes).sum::<usize>());
            let holders: Vec<_> = models
                .iter()
                .enumerate()
                .map(|(index, model)| Recorded { index, model, log: &log })
                .collect();
            let count = relieve(&holders, || total() > max);
            let log = log.into_inner();
            prop_assert_eq!(count, log.len() as u64);
            prop_assert!(total() <= max, "at the end all can be freed");
            let dropped: Vec<_> =
                log.iter().filter(|(_, relief, _)| *relief == Relief::DropRooms).collect();
            let later = &log[dropped.len()..];
            prop_assert!(later.iter().all(|(_, relief, _)| *relief != Relief::DropRooms));
            prop_assert!(dropped.is_sorted_by_key(|(_, _, bytes)| Reverse(*bytes)));
            prop_assert!(later.is_sorted_by_key(|(_, _, bytes)| Reverse(*bytes)));
            let has_rooms = |model: &&Model| !model.is_live.get() && model.rooms.get() > 0;
            let all = before.iter().filter(has_rooms).count();
            prop_assert!(later.is_empty() || dropped.len() == all, "suspended sessions first");
            // The last step was necessary.
            if let Some((index, relief, bytes)) = log.last() {
                let left = if *relief == Relief::End { 0 } else { before[*index].replies.get() };
                prop_assert!(total() + bytes - left > max);
            }
            for (index, model) in models.iter().enumerate() {
                let ended = log.contains(&(index, Relief::End, before[index].replies.get()))
                    || model.has_ended.get();
                prop_assert!(ended || model.replies.get() == before[index].replies.get());
            }
        }
    }
}
