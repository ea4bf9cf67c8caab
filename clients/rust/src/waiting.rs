//! The requests that wait for their reply, by id.
//!
//! Invariant: no more than the announced number, and no id twice. Dropping this tells every one of them that the
//! connection was lost.

use std::collections::HashMap;

use stagedoor_proto::{Error, Reply};
use tokio::sync::oneshot;

/// Where a reply goes.
pub(crate) type ReplyTo = oneshot::Sender<Result<Reply, Error>>;

/// The requests of one connection that are on their way.
#[derive(Debug)]
pub(crate) struct Waiting {
    by_id: HashMap<u32, ReplyTo>,
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
    pub(crate) fn add(&mut self, reply_to: ReplyTo) -> u32 {
        // Ends: fewer wait than there are numbers.
        while self.by_id.contains_key(&self.next_id) {
            self.next_id = self.next_id.wrapping_add(1);
        }
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        self.by_id.insert(id, reply_to);
        id
    }

    /// Hands `result` to whoever waits for `id`, or gives it back.
    pub(crate) fn answer(
        &mut self,
        id: u32,
        result: Result<Reply, Error>,
    ) -> Result<(), Result<Reply, Error>> {
        match self.by_id.remove(&id) {
            Some(reply_to) => {
                // Who gave up on the reply does not want it later either.
                let _ = reply_to.send(result);
                Ok(())
            }
            None => Err(result),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_use_is_passed_over_when_numbering_wraps() {
        let mut waiting = Waiting::new(u32::MAX, 8);
        let (first, second, third) = (oneshot::channel(), oneshot::channel(), oneshot::channel());
        assert_eq!((waiting.add(first.0), waiting.add(second.0)), (u32::MAX, 0));
        waiting.next_id = u32::MAX;
        assert_eq!(waiting.add(third.0), 1);
    }

    #[test]
    fn a_reply_reaches_its_request_once_and_others_come_back() {
        let mut waiting = Waiting::new(7, 1);
        let (reply_to, mut reply) = oneshot::channel();
        let id = waiting.add(reply_to);
        assert!(!waiting.has_room());
        assert_eq!(waiting.answer(8, Ok(Reply::Left {})), Err(Ok(Reply::Left {})));
        assert_eq!(waiting.answer(id, Ok(Reply::Ended {})), Ok(()));
        assert_eq!(reply.try_recv(), Ok(Ok(Reply::Ended {})));
        assert_eq!(waiting.answer(id, Ok(Reply::Ended {})), Err(Ok(Reply::Ended {})));
        assert!(waiting.has_room());
    }
}
