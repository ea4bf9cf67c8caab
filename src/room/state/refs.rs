//! Idempotency keys: a repeated command or signal with the same `ref` gets the first answer and is not executed again.
//!
//! A key belongs to a user (or the server) and a room. Its owner gets the answer even after leaving the room or losing
//! permissions. Keys are retained for [`REF_RETENTION`], the newest [`MAX_REFS_PER_USER`] of each user. Rejected
//! commands are not stored, because they changed nothing.
//!
//! Invariant: no user evicts a key of another one who has fewer.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use stagedoor_proto::{Error, ErrorCode, InstanceId, Ref, SessionId, Username};

use crate::idempotency::{Fingerprint, KeyConflict, Recorded};
use crate::principal::{Guest, Principal};
use crate::room::settings::{MAX_REFS, MAX_REFS_PER_USER, REF_RETENTION};
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

/// Whose keys are counted together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Holder<'a> {
    Server,
    User(&'a Username),
    Guest(&'a InstanceId),
}

impl<'a> Holder<'a> {
    fn of(owner: Option<&'a RefOwner>) -> Self {
        let Some(owner) = owner else { return Self::Server };
        owner
            .guest
            .as_ref()
            .map_or(Self::User(&owner.username), |guest| Self::Guest(&guest.instance))
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

impl<A> CachedAnswer<A> {
    fn holder(&self) -> Holder<'_> {
        Holder::of(self.owner.as_ref())
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

    pub(in crate::room) fn len(&self) -> usize {
        self.0.len()
    }

    /// When the newest key was used.
    pub(in crate::room) fn newest(&self) -> Option<Monotonic> {
        self.0.back().map(|used| used.done.at())
    }
}

impl<A: Clone> Refs<A> {
    /// The keys that have not expired and whose answers match `wanted`.
    pub(in crate::room) fn retained(&self, now: Monotonic, wanted: impl Fn(&A) -> bool) -> Self {
        let is_retained = |used: &&CachedAnswer<A>| {
            !used.done.has_expired(REF_RETENTION, now) && wanted(used.done.answer())
        };
        Self(self.0.iter().filter(is_retained).cloned().collect())
    }

    /// Whether the requester has used this key, and its answer has not expired.
    pub(in crate::room) fn contains(
        &self,
        requester: Requester<'_>,
        ref_: &Ref,
        now: Monotonic,
    ) -> bool {
        let lives = |used: &&CachedAnswer<A>| !used.done.has_expired(REF_RETENTION, now);
        let mut newest_first = self.0.iter().rev().take_while(lives);
        newest_first.any(|used| used.ref_ == *ref_ && requester.owns(used.owner.as_ref()))
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
        while self.0.front().is_some_and(|used| used.done.has_expired(REF_RETENTION, now)) {
            self.0.pop_front();
        }
        let holder = Holder::of(owner.as_ref());
        let mut own = self.0.iter().enumerate().filter(|(_, used)| used.holder() == holder);
        let oldest = own.next().map(|(index, _)| index);
        let is_at_limit = holder != Holder::Server && 1 + own.count() >= MAX_REFS_PER_USER;
        let evicted = match oldest {
            Some(oldest) if is_at_limit => Some(oldest),
            Some(_) | None if self.0.len() >= MAX_REFS => self.oldest_of_largest_holder(),
            Some(_) | None => None,
        };
        if let Some(index) = evicted {
            self.0.remove(index);
        }
        self.0.push_back(CachedAnswer { owner, ref_, done: Recorded::new(body, now, answer) });
    }

    /// The index of the oldest key of the holder who has the most; of several, the one with the oldest key.
    fn oldest_of_largest_holder(&self) -> Option<usize> {
        let mut holders: BTreeMap<Holder<'_>, (usize, usize)> = BTreeMap::new();
        for (index, used) in self.0.iter().enumerate() {
            holders.entry(used.holder()).or_insert((0, index)).0 += 1;
        }
        let largest =
            holders.into_values().max_by_key(|(count, oldest)| (*count, Reverse(*oldest)));
        largest.map(|(_, oldest)| oldest)
    }

    pub(in crate::room) fn is_bounded(&self) -> bool {
        let mut counts: BTreeMap<Holder<'_>, usize> = BTreeMap::new();
        for used in &self.0 {
            *counts.entry(used.holder()).or_default() += 1;
        }
        counts.remove(&Holder::Server);
        self.0.len() <= MAX_REFS && counts.into_values().all(|count| count <= MAX_REFS_PER_USER)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stagedoor_proto::FamilyId;

    use super::*;

    const NOW: Monotonic = Monotonic::from_millis(1);

    fn owner(n: u8) -> RefOwner {
        let username = format!("user-{n}").parse().expect("a username");
        let session = SessionId::from_bits(u128::from(n));
        let instance = format!("instance-{n}").parse().expect("an instance");
        let guest = (n % 2 == 1).then(|| Guest::new(instance, FamilyId::from_bits(u128::from(n))));
        RefOwner { username, guest, session }
    }

    fn ref_of(n: usize) -> Ref {
        format!("ref-{n}").parse().expect("a ref")
    }

    fn knows(refs: &Refs<u32>, owner: &RefOwner, n: usize) -> bool {
        let requester =
            Requester::Session { session: owner.session, user: Some(owner.principal()) };
        let known = refs.lookup(requester, &ref_of(n), Fingerprint::of(&n), NOW);
        known.expect("the same body").is_some()
    }

    fn insert(refs: &mut Refs<u32>, owner: Option<&RefOwner>, n: usize) {
        refs.insert(owner.cloned(), ref_of(n), Fingerprint::of(&n), NOW, 0);
    }

    #[test]
    fn key_of_one_user_survives_many_of_others() {
        let mut refs = Refs::default();
        let moderator = owner(0);
        insert(&mut refs, Some(&moderator), 0);
        for n in 0..2_000 {
            insert(&mut refs, Some(&owner(1)), n);
        }
        for n in 0..2_000 {
            insert(&mut refs, None, n);
        }
        for n in 0..2_400 {
            insert(&mut refs, Some(&owner(u8::try_from(2 + n % 200).expect("a small one"))), n);
        }
        assert!(knows(&refs, &moderator, 0) && refs.is_bounded());
        assert!(
            refs.lookup(Requester::Server, &ref_of(1_999), Fingerprint::of(&1_999_usize), NOW)
                .expect("the same body")
                .is_some()
        );
    }

    #[test]
    fn newest_keys_of_a_user_are_retained() {
        let (mut refs, ada) = (Refs::default(), owner(1));
        for n in 0..1_100 {
            insert(&mut refs, Some(&ada), n);
        }
        assert!(!knows(&refs, &ada, 1_100 - MAX_REFS_PER_USER - 1));
        assert!((1_100 - MAX_REFS_PER_USER..1_100).all(|n| knows(&refs, &ada, n)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn no_user_evicts_a_key_of_one_with_fewer(
            senders in prop::collection::vec(0..12_u8, 1..2_000),
        ) {
            let mut refs = Refs::default();
            for (n, sender) in senders.iter().enumerate() {
                insert(&mut refs, Some(&owner(*sender)), n);
            }
            prop_assert!(refs.is_bounded());
            for sender in 0..12 {
                let own: Vec<_> = (0..senders.len()).filter(|n| senders[*n] == sender).collect();
                let fair = own.len().min(MAX_REFS / 12);
                let newest = &own[own.len() - fair..];
                prop_assert!(newest.iter().all(|n| knows(&refs, &owner(sender), *n)), "{}", sender);
            }
        }
    }
}
