//! Who is in which room of a run.
//!
//! Sessions are numbered through. The first `main` of them share room 0, the rest are in rooms of `others` each. The
//! first session of a room is its sender, and where a secret is given its moderator; in room 0 the next `publishers`
//! publish a stream each. Of those who only receive, a share may be deaf: they stop reading on request.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How a client comes back that lost its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// It takes its session up again, and is in its rooms as it was.
    Resume,
    /// It starts a new session with its access token and joins its room again.
    Start,
}

/// The rooms of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Crowd {
    /// Makes room ids this run's own.
    pub(crate) seed: String,
    /// Participants of room 0.
    pub(crate) main: u32,
    /// Participants of every other room.
    pub(crate) others: u32,
    /// How many of room 0 publish a stream.
    pub(crate) publishers: u32,
    /// The app secret that makes senders moderators.
    pub(crate) moderator_secret: Option<String>,
    /// How clients come back; without it, a client that loses its connection is lost.
    pub(crate) returns: Option<By>,
    /// How many of a hundred sessions are deaf, senders apart.
    pub(crate) deaf_percent: u32,
}

impl Crowd {
    /// In which room session `number` is.
    pub(crate) fn room_of(&self, number: u32) -> u32 {
        match number.checked_sub(self.main) {
            None => 0,
            Some(rest) => 1 + rest / self.others.max(1),
        }
    }

    /// Whether session `number` is its room's sender.
    pub(crate) fn is_sender(&self, number: u32) -> bool {
        match number.checked_sub(self.main) {
            None => number == 0,
            Some(rest) => rest.is_multiple_of(self.others.max(1)),
        }
    }

    /// Whether session `number` publishes a stream.
    pub(crate) fn is_publisher(&self, number: u32) -> bool {
        (1..=self.publishers).contains(&number) && number < self.main
    }

    /// Whether session `number` is one of the deaf.
    pub(crate) fn is_deaf(&self, number: u32) -> bool {
        let before = u64::from(number) * u64::from(self.deaf_percent) / 100;
        let after = (u64::from(number) + 1) * u64::from(self.deaf_percent) / 100;
        after > before && !self.is_sender(number)
    }

    /// The first number of the room that session `number` is in, so that rooms are not divided; room 0 may be.
    pub(crate) fn whole_rooms(&self, number: u32) -> u32 {
        match number.checked_sub(self.main) {
            None => number,
            Some(rest) => self.main + rest - rest % self.others.max(1),
        }
    }

    /// The id of a room.
    pub(crate) fn room_id(&self, room: u32) -> String {
        format!("load-{}-{room}", self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_session_has_a_room_and_every_room_one_sender() {
        let crowd =
            Crowd { seed: "s".to_owned(), main: 5, others: 3, publishers: 2, ..Crowd::default() };
        let rooms: Vec<u32> = (0..11).map(|number| crowd.room_of(number)).collect();
        assert_eq!(rooms, [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2]);
        let senders: Vec<u32> = (0..11).filter(|number| crowd.is_sender(*number)).collect();
        assert_eq!(senders, [0, 5, 8]);
        let publishers: Vec<u32> = (0..11).filter(|number| crowd.is_publisher(*number)).collect();
        assert_eq!(publishers, [1, 2]);
    }
    #[test]
    fn the_deaf_are_spread_over_the_rooms_and_no_sender_is_one() {
        for (percent, expected) in [(0, vec![]), (10, vec![9, 19, 29]), (100, (0..30).collect())] {
            let crowd = Crowd { others: 10, deaf_percent: percent, ..Crowd::default() };
            let deaf: Vec<u32> = (0..30).filter(|number| crowd.is_deaf(*number)).collect();
            let expected: Vec<u32> =
                expected.into_iter().filter(|number| number % 10 > 0).collect();
            assert_eq!(deaf, expected, "{percent}");
        }
    }

    #[test]
    fn only_the_main_room_is_divided() {
        let crowd = Crowd { main: 5, others: 3, ..Crowd::default() };
        let firsts: Vec<u32> = (3..10).map(|number| crowd.whole_rooms(number)).collect();
        assert_eq!(firsts, [3, 4, 5, 5, 5, 8, 8]);
    }
}
