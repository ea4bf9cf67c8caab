//! Who is in which room of a run.
//!
//! Sessions are numbered through. The first `main` of them share room 0, the rest are in rooms of `others` each. The
//! first session of a room is its sender, and where a secret is given its moderator; in room 0 the next `publishers`
//! publish a stream each.

use serde::{Deserialize, Serialize};

/// The rooms of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
        let crowd = Crowd {
            seed: "s".to_owned(),
            main: 5,
            others: 3,
            publishers: 2,
            moderator_secret: None,
        };
        let rooms: Vec<u32> = (0..11).map(|number| crowd.room_of(number)).collect();
        assert_eq!(rooms, [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2]);
        let senders: Vec<u32> = (0..11).filter(|number| crowd.is_sender(*number)).collect();
        assert_eq!(senders, [0, 5, 8]);
        let publishers: Vec<u32> = (0..11).filter(|number| crowd.is_publisher(*number)).collect();
        assert_eq!(publishers, [1, 2]);
    }
}
