//! Idempotency keys: a verb or signal sent again under the same `ref` is answered again, and done once.
//!
//! A key is of the user who used it (or of the server), and of this room alone. Whoever used it gets the answer again,
//! be they here no longer, or allowed less than before. The newest [`MAX_REFS`] are remembered, each for [`REF_LIFE`]; what
//! was refused is not remembered, for it changed nothing.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Error, ErrorCode, Ref, SessionId, Timestamp, Username};

use super::settings::{MAX_REFS, REF_LIFE};

/// The keys used in a room, each with the answer `A` it got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Refs<A>(VecDeque<Used<A>>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Used<A> {
    /// `None`: the server.
    owner: Option<Owner>,
    ref_: Ref,
    body: Fingerprint,
    at: Timestamp,
    answer: A,
}

/// A user who used a key, and the session by which they did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) username: Username,
    pub(super) session: SessionId,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asker<'a> {
    Server,
    Session {
        session: SessionId,
        /// Whose it is; only known while it is in the room.
        username: Option<&'a Username>,
    },
}

impl Asker<'_> {
    fn is(self, owner: Option<&Owner>) -> bool {
        match (self, owner) {
            (Self::Server, None) => true,
            (Self::Session { session, username }, Some(owner)) => {
                session == owner.session || username == Some(&owner.username)
            }
            (Self::Server, Some(_)) | (Self::Session { .. }, None) => false,
        }
    }
}

impl<A> Default for Refs<A> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<A> Refs<A> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<A: Clone> Refs<A> {
    /// Whether the asker used `ref_`.
    pub(super) fn knows(&self, asker: Asker<'_>, ref_: &Ref) -> bool {
        self.0.iter().any(|used| used.ref_ == *ref_ && asker.is(used.owner.as_ref()))
    }

    /// The answer that the asker got under `ref_`, if it was for the same body.
    ///
    /// # Errors
    /// `ref_conflict` when it was for another.
    pub(super) fn recall(
        &self,
        asker: Asker<'_>,
        ref_: &Ref,
        body: Fingerprint,
        now: Timestamp,
    ) -> Result<Option<A>, Error> {
        let lives = |used: &&Used<A>| now.saturating_since(used.at) <= REF_LIFE;
        let mut newest_first = self.0.iter().rev().take_while(lives);
        let used = newest_first.find(|used| used.ref_ == *ref_ && asker.is(used.owner.as_ref()));
        match used {
            Some(used) if used.body == body => Ok(Some(used.answer.clone())),
            Some(_) => {
                let message = "this `ref` was used before with other arguments; pick a new one";
                Err(Error::new(ErrorCode::RefConflict, message).at("ref"))
            }
            None => Ok(None),
        }
    }

    pub(super) fn remember(
        &mut self,
        owner: Option<Owner>,
        ref_: Ref,
        body: Fingerprint,
        now: Timestamp,
        answer: A,
    ) {
        while self.0.len() >= MAX_REFS
            || self.0.front().is_some_and(|used| now.saturating_since(used.at) > REF_LIFE)
        {
            self.0.pop_front();
        }
        self.0.push_back(Used { owner, ref_, body, at: now, answer });
    }

    pub(super) fn is_bounded(&self) -> bool {
        self.0.len() <= MAX_REFS
    }
}

/// What stands for the arguments under a key: 128 bits of FNV-1a over their JSON, the same on every node and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint(u128);

impl Fingerprint {
    pub(super) fn of<T: Serialize>(body: &T) -> Self {
        const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        let json = serde_json::to_vec(body).expect("arguments have a JSON form");
        let mix = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
        Self(json.iter().fold(OFFSET, mix))
    }
}
