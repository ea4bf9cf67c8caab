//! The requests that wait for their reply, by id.
//!
//! Invariant: no more than the announced number, and no id twice. Dropping this tells every one of them that the
//! connection was lost.

use std::collections::HashMap;

use stagedoor_proto::{Error, Reply};
use tokio::sync::oneshot;

use crate::rooms::Subject;

/// Where a reply goes.
pub(crate) type ReplyTo = oneshot::Sender<Result<Reply, Error>>;

/// The requests of one connection that are on their way.
#[derive(Debug)]
pub(crate) struct Waiting {
    by_id: HashMap<u32, (ReplyTo, Subject)>,
    next_id: u32,
    most: usize,
}

impl Waiting {
    /// `first_id` is where numbering begins; `most` may wait at a time.
    pub(crate) fn new(first_id: u32, most: u16) -> Self {
        Self { by_id: HashMap::new(), next_id: first_id, most: usize::from(most.max(1)) }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.by_id.len() < self.most
    }

    /// Takes a request in, under a number that no other waiting one has.
    pub(crate) fn add(&mut self, reply_to: ReplyTo, subject: Subject) -> u32 {
        // Ends: fewer wait than there are numbers.
        while self.by_id.contains_key(&self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        self.by_id.insert(id, (reply_to, subject));
        id
    }

    /// Who waits for the reply to `id`, if anybody here does, and what the request was about.
    pub(crate) fn take(&mut self, id: u32) -> Option<(ReplyTo, Subject)> {
        self.by_id.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_use_is_passed_over_when_numbering_wraps() {
        let mut waiting = Waiting::new(u32::MAX, 8);
        let add = |waiting: &mut Waiting| waiting.add(oneshot::channel().0, Subject::Other);
        assert_eq!((add(&mut waiting), add(&mut waiting)), (u32::MAX, 0));
        waiting.next_id = u32::MAX;
        assert_eq!(add(&mut waiting), 1);
    }

    #[test]
    fn who_waits_is_found_once_and_makes_room() {
        let mut waiting = Waiting::new(7, 1);
        let (reply_to, mut reply) = oneshot::channel();
        let subject = Subject::Leave("lobby".parse().unwrap());
        let id = waiting.add(reply_to, subject.clone());
        assert!(!waiting.has_room());
        assert!(waiting.take(8).is_none());
        let (reply_to, about) = waiting.take(id).unwrap();
        assert_eq!(about, subject);
        reply_to.send(Ok(Reply::Left {})).unwrap();
        assert_eq!(reply.try_recv(), Ok(Ok(Reply::Left {})));
        assert!(waiting.take(id).is_none());
        assert!(waiting.has_room());
    }
}
