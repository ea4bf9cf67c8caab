//! What a fact is about, and how that is now: for facts that could not be kept when they were decided.
//!
//! Told as things are and not as they were, so that what was decided later is never undone.

use std::collections::BTreeSet;

use stagedoor_proto::Username;

use crate::room::effect::Fact;
use crate::room::settings::{RETENTION, ROOM_TOKEN_LIFE};
use crate::room::state::Room;

/// What a fact is about: of two about the same, the later counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The block of a user.
    Block(Username),
    /// A user's standing under mutes.
    Voice(Username),
    /// A user's role.
    Role(Username),
    /// The room's mute and lock.
    Room,
    /// The room's end.
    End,
    /// A room token.
    Spent(Box<str>),
    /// Whether anybody is in the room.
    Stay,
}

impl Fact {
    /// What it is about.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Self::Blocked(row) => Subject::Block(row.username.clone()),
            Self::Unblocked { username } => Subject::Block(username.clone()),
            Self::Voice { username, .. } => Subject::Voice(username.clone()),
            Self::Role { username, .. } => Subject::Role(username.clone()),
            Self::Room { .. } => Subject::Room,
            Self::Ended { .. } => Subject::End,
            Self::Spent(row) => Subject::Spent(row.jti.clone()),
            Self::Occupied | Self::Emptied { .. } => Subject::Stay,
        }
    }
}

impl Room {
    /// What is to be kept of these subjects as they are now.
    #[must_use]
    pub fn facts_of(&self, subjects: &BTreeSet<Subject>) -> Vec<Fact> {
        if subjects.is_empty() || !self.is_open() {
            return Vec::new();
        }
        let facts = subjects.iter().filter_map(|subject| self.held.fact_of(subject));
        // Last, because it gives the rows before it their end.
        let stay = if self.people.is_empty() {
            Fact::Emptied { keep_until: self.now + RETENTION }
        } else {
            Fact::Occupied
        };
        facts.chain([stay]).collect()
    }
}

impl crate::room::durable::records::DurableRecords {
    /// How a subject is now; `None` where there is nothing to keep of it by itself.
    fn fact_of(&self, subject: &Subject) -> Option<Fact> {
        match subject {
            Subject::Block(username) => Some(match self.block_of(username) {
                Some(row) => Fact::Blocked(row.clone()),
                None => Fact::Unblocked { username: username.clone() },
            }),
            Subject::Voice(username) => {
                Some(Fact::Voice { username: username.clone(), voice: self.voice(username) })
            }
            Subject::Role(username) => {
                self.role(username).map(|role| Fact::Role { username: username.clone(), role })
            }
            Subject::Room => Some(Fact::Room { mute: self.mute, locked: self.locked }),
            Subject::End => {
                self.ended.map(|at| Fact::Ended { at, keep_until: at + ROOM_TOKEN_LIFE })
            }
            Subject::Spent(jti) => self.spent(jti).cloned().map(Fact::Spent),
            Subject::Stay => None,
        }
    }
}
