//! Joins the rooms of a lost session again in the new one. Pure, except for the clock of its retries.
//!
//! After a new start the client repeats the `join` of each room, as fast as the gateway allows. It sends no other
//! requests until then, so that requests about a room find the session in it.

use std::collections::VecDeque;
use std::time::Duration;

use stagedoor_proto::{Error, Join, RoomId};
use tokio::time::Instant;

/// The rooms that are not joined again yet.
#[derive(Debug, Default)]
pub(crate) struct PendingRejoins {
    to_ask: VecDeque<Join>,
    asked: Vec<Join>,
    not_before: Option<Instant>,
}

impl PendingRejoins {
    pub(crate) fn begin(&mut self, joins: impl IntoIterator<Item = Join>) {
        *self = Self { to_ask: joins.into_iter().collect(), ..Self::default() };
    }

    /// Whether all rooms are done.
    pub(crate) fn is_done(&self) -> bool {
        self.to_ask.is_empty() && self.asked.is_empty()
    }

    /// The next room to join, if one may be joined now.
    pub(crate) fn next(&mut self) -> Option<Join> {
        if self.not_before.is_some_and(|due| due > Instant::now()) {
            return None;
        }
        self.not_before = None;
        let join = self.to_ask.pop_front()?;
        self.asked.push(join.clone());
        Some(join)
    }

    /// When the next retry is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.not_before.filter(|_| !self.to_ask.is_empty())
    }

    /// Records the result of a `join`; returns whether it is final, so that the client does not retry.
    pub(crate) fn answered(&mut self, room: &RoomId, error: Option<&Error>) -> bool {
        let Some(index) = self.asked.iter().position(|join| join.room == *room) else {
            return true;
        };
        let join = self.asked.remove(index);
        match error.filter(|error| error.code.is_temporary()) {
            Some(error) => {
                let wait = error.retry_after_ms.map_or(DEFAULT_RETRY, Duration::from_millis);
                self.not_before = Some(Instant::now() + wait.min(LONGEST_RETRY));
                self.to_ask.push_back(join);
                false
            }
            None => true,
        }
    }
}

/// The wait before a retry if the error has no `retry_after_ms`.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);
/// The maximum wait, because other requests wait meanwhile.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use stagedoor_proto::ErrorCode;

    use super::*;

    fn join(room: &str) -> Join {
        Join { room: room.parse().unwrap(), token: None, data: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_room_that_is_refused_for_a_while_is_asked_for_again() {
        let mut pending_rejoins = PendingRejoins::default();
        pending_rejoins.begin([join("one"), join("two")]);
        let (one, two) = (pending_rejoins.next().unwrap(), pending_rejoins.next().unwrap());
        assert!(pending_rejoins.answered(&one.room, None));
        let limited = Error::new(ErrorCode::RateLimited, "").retry_after(Duration::from_secs(2));
        assert!(!pending_rejoins.answered(&two.room, Some(&limited)));
        assert!(pending_rejoins.next().is_none() && !pending_rejoins.is_done());
        tokio::time::sleep_until(pending_rejoins.due().unwrap()).await;
        assert_eq!(pending_rejoins.next(), Some(two.clone()));
        assert!(pending_rejoins.answered(&two.room, Some(&Error::new(ErrorCode::Blocked, ""))));
        assert!(pending_rejoins.is_done());
    }
}
