//! Idempotency keys: a repeated command or signal with the same `ref` gets the first answer and is not executed again.
//!
//! A key belongs to a user (or the server) and a room. Its owner gets the answer even after leaving the room or losing
//! permissions. The newest [`MAX_REFS`] keys are retained for [`REF_RETENTION`]. Rejected commands are not stored,
//! because they changed nothing.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Error, ErrorCode, Ref, SessionId, Username};

use crate::idempotency::{Fingerprint, KeyConflict, Recorded};
use crate::principal::{Guest, Principal};
use crate::room::settings::{MAX_REFS, REF_RETENTION};
use crate::time::Monotonic;

/// The keys used in a room with their answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct Refs<A>(VecDeque<CachedAnswer<A>>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct CachedAnswer<A> {
    /// `None`: the server.
    owner: Option<RefOwner>,
    ref_: Ref,
    done: Recorded<A>,
}

/// The user and session that used a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct RefOwner {
    username: Username,
    /// `None`: a registered user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guest: Option<Guest>,
    session: SessionId,
}

impl RefOwner {
    pub(in crate::room) fn of(who: Principal<'_>, session: SessionId) -> Self {
        Self { username: who.username.clone(), guest: who.guest.cloned(), session }
    }

    const fn principal(&self) -> Principal<'_> {
        Principal { username: &self.username, guest: self.guest.as_ref() }
    }
}

/// The sender of a command.
#[derive(Clone, Copy, Debug)]
pub(in crate::room) enum Requester<'a> {
    Server,
    Session {
        session: SessionId,
        /// Known only while the session is in the room.
        user: Option<Principal<'a>>,
    },
}

impl Requester<'_> {
    fn owns(self, owner: Option<&RefOwner>) -> bool {
        match (self, owner) {
            (Self::Server, None) => true,
            (Self::Session { session, user }, Some(owner)) => {
                session == owner.session || user.is_some_and(|user| user.is_same(owner.principal()))
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
    pub(in crate::room) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<A: Clone> Refs<A> {
    /// Whether an answer that matches `wanted` is retained.
    pub(in crate::room) fn any_recent(&self, now: Monotonic, wanted: impl Fn(&A) -> bool) -> bool {
        let lives = |used: &&CachedAnswer<A>| !used.done.has_expired(REF_RETENTION, now);
        self.0.iter().rev().take_while(lives).any(|used| wanted(used.done.answer()))
    }

    pub(in crate::room) fn contains(&self, requester: Requester<'_>, ref_: &Ref) -> bool {
        self.0.iter().any(|used| used.ref_ == *ref_ && requester.owns(used.owner.as_ref()))
    }

    /// The stored answer for the same body.
    ///
    /// # Errors
    /// `ref_conflict` for another body.
    pub(in crate::room) fn lookup(
        &self,
        requester: Requester<'_>,
        ref_: &Ref,
        body: Fingerprint,
        now: Monotonic,
    ) -> Result<Option<A>, Error> {
        let lives = |used: &&CachedAnswer<A>| !used.done.has_expired(REF_RETENTION, now);
        let mut newest_first = self.0.iter().rev().take_while(lives);
        let used =
            newest_first.find(|used| used.ref_ == *ref_ && requester.owns(used.owner.as_ref()));
        used.map(|used| used.done.answer_to(body).cloned()).transpose().map_err(|KeyConflict| {
            let message = "`ref` was already used with other arguments; use a new one";
            Error::new(ErrorCode::RefConflict, message).at("ref")
        })
    }

    pub(in crate::room) fn insert(
        &mut self,
        owner: Option<RefOwner>,
        ref_: Ref,
        body: Fingerprint,
        now: Monotonic,
        answer: A,
    ) {
        while self.0.len() >= MAX_REFS
            || self.0.front().is_some_and(|used| used.done.has_expired(REF_RETENTION, now))
        {
            self.0.pop_front();
        }
        self.0.push_back(CachedAnswer { owner, ref_, done: Recorded::new(body, now, answer) });
    }

    pub(in crate::room) fn is_bounded(&self) -> bool {
        self.0.len() <= MAX_REFS
    }
}
