//! The way back into the rooms of a session that is no more. Pure but for the clock of its retries.
//!
//! After a fresh start the client joins each room again as it was joined before, as fast as the gateway lets it. Until
//! that is done nothing else is sent, so that what a program asks of a room finds it there.

use std::collections::VecDeque;
use std::time::Duration;

use stagedoor_proto::{Error, Join, RoomId};
use tokio::time::Instant;

/// The rooms that are not entered again yet.
#[derive(Debug, Default)]
pub(crate) struct Rejoining {
    to_ask: VecDeque<Join>,
    asked: Vec<Join>,
    not_before: Option<Instant>,
}

impl Rejoining {
    pub(crate) fn begin(&mut self, joins: impl IntoIterator<Item = Join>) {
        *self = Self { to_ask: joins.into_iter().collect(), ..Self::default() };
    }

    /// Whether nothing of it is left to do.
    pub(crate) fn is_done(&self) -> bool {
        self.to_ask.is_empty() && self.asked.is_empty()
    }

    /// The next room to be asked for, if one may be now.
    pub(crate) fn next(&mut self) -> Option<Join> {
        if self.not_before.is_some_and(|due| due > Instant::now()) {
            return None;
        }
        self.not_before = None;
        let join = self.to_ask.pop_front()?;
        self.asked.push(join.clone());
        Some(join)
    }

    /// When there is something to ask for, though not yet.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.not_before.filter(|_| !self.to_ask.is_empty())
    }

    /// Takes in what came of a room; whether that is final, and not to be asked again later.
    pub(crate) fn answered(&mut self, room: &RoomId, error: Option<&Error>) -> bool {
        let Some(place) = self.asked.iter().position(|join| join.room == *room) else {
            return true;
        };
        let join = self.asked.remove(place);
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

/// Where a refusal does not say when.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);
/// All else a program asks waits meanwhile.
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
        let mut rejoining = Rejoining::default();
        rejoining.begin([join("one"), join("two")]);
        let (one, two) = (rejoining.next().unwrap(), rejoining.next().unwrap());
        assert!(rejoining.answered(&one.room, None));
        let limited = Error::new(ErrorCode::RateLimited, "").retry_after(Duration::from_secs(2));
        assert!(!rejoining.answered(&two.room, Some(&limited)));
        assert!(rejoining.next().is_none() && !rejoining.is_done());
        tokio::time::sleep_until(rejoining.due().unwrap()).await;
        assert_eq!(rejoining.next(), Some(two.clone()));
        assert!(rejoining.answered(&two.room, Some(&Error::new(ErrorCode::Blocked, ""))));
        assert!(rejoining.is_done());
    }
}
