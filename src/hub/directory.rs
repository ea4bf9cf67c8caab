//! Which session of a user holds which client instance.
//!
//! A start *claims* its instance before it asks the store whether the user is welcome, and is *confirmed* after. So a
//! ban, which writes first and then looks for sessions, always meets it: the ban raises the user's fence, and a claim
//! made before it must ask again. Of racing claims the highest generation is held in the end, whatever the order in
//! which they are confirmed.

use std::sync::Arc;

use dashmap::DashMap;
use smallvec::SmallVec;
use stagedoor_proto::InstanceId;

use super::handle::SessionHandle;
use crate::config::DuplicatePolicy;
use crate::store::UserKey;

/// The sessions of every user, by client instance.
#[derive(Default)]
pub(super) struct Directory {
    users: DashMap<UserKey, UserSessions>,
}

#[derive(Default)]
struct UserSessions {
    /// The newest generation given to any of the user's connections.
    generation: u64,
    /// Raised by whatever may have made the user unwelcome.
    fence: u64,
    /// Claims that are neither confirmed nor given up.
    claims: usize,
    held: SmallVec<[Held; 1]>,
}

struct Held {
    generation: u64,
    session: Arc<SessionHandle>,
}

/// The rules a claim is held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClaimRules {
    pub(super) policy: DuplicatePolicy,
    /// Sessions a user may have.
    pub(super) max: usize,
}

/// A start on its way. Dropping it gives it up.
pub(super) struct Claim<'a> {
    directory: &'a Directory,
    user: UserKey,
    generation: u64,
}

/// What became of a claim.
pub(super) enum Confirmed {
    /// It holds its instance; these gave way to it.
    Held(Vec<Arc<SessionHandle>>),
    /// The user's standing may have changed since the claim's fence was read: ask again.
    Fenced,
    /// A newer session of the instance holds it already.
    Replaced,
    /// An older session is protected by the app's policy.
    Protected(Arc<SessionHandle>),
}

impl Directory {
    /// A generation newer than any of the user's before it, and than `at_least`.
    pub(super) fn claim(&self, user: &UserKey, at_least: u64) -> Claim<'_> {
        let mut sessions = self.users.entry(user.clone()).or_default();
        sessions.generation = (sessions.generation + 1).max(at_least);
        sessions.claims += 1;
        Claim { directory: self, user: user.clone(), generation: sessions.generation }
    }

    /// Raises the user's fence and names the sessions it holds: whoever claimed before asks again.
    pub(super) fn fence(&self, user: &UserKey) -> Vec<Arc<SessionHandle>> {
        match self.users.get_mut(user) {
            Some(mut sessions) => {
                sessions.fence += 1;
                sessions.held.iter().map(|held| Arc::clone(&held.session)).collect()
            }
            None => Vec::new(),
        }
    }

    /// The sessions a user holds.
    pub(super) fn held(&self, user: &UserKey) -> Vec<Arc<SessionHandle>> {
        let sessions = self.users.get(user);
        let held = sessions.iter().flat_map(|sessions| &sessions.held);
        held.map(|held| Arc::clone(&held.session)).collect()
    }

    /// The same for whoever of an app may be meant: raises the fence of all who have a claim on its way, and names the
    /// sessions that are `meant`. It goes through everybody, a part of the map at a time.
    pub(super) fn fence_all(
        &self,
        app: &str,
        meant: impl Fn(&SessionHandle) -> bool,
    ) -> Vec<Arc<SessionHandle>> {
        let mut found = Vec::new();
        for mut sessions in self.users.iter_mut().filter(|entry| *entry.key().app == *app) {
            if sessions.claims > 0 {
                sessions.fence += 1;
            }
            let held = sessions.held.iter().map(|held| &held.session);
            found.extend(held.filter(|session| meant(session)).map(Arc::clone));
        }
        found
    }

    /// By which generation `session` is what its user's instance is held by, if it is.
    pub(super) fn held_by(&self, session: &Arc<SessionHandle>) -> Option<u64> {
        let sessions = self.users.get(session.user())?;
        let held = sessions.held.iter().find(|held| Arc::ptr_eq(&held.session, session))?;
        Some(held.generation)
    }

    /// Has `session` hold its instance by `generation`, as it did in another process.
    pub(super) fn restore(&self, session: &Arc<SessionHandle>, generation: u64) {
        let mut sessions = self.users.entry(session.user().clone()).or_default();
        sessions.generation = sessions.generation.max(generation);
        sessions.held.push(Held { generation, session: Arc::clone(session) });
    }

    /// Lets go of `session`, if it is still what its user's instance is held by.
    pub(super) fn release(&self, session: &Arc<SessionHandle>) {
        if let Some(mut sessions) = self.users.get_mut(session.user()) {
            sessions.held.retain(|held| !Arc::ptr_eq(&held.session, session));
        }
        self.forget_if_idle(session.user());
    }

    /// Lets `take` have the generation of a new connection of a session that is held; `None` when it no longer is.
    ///
    /// In one step with `take`, which may lock the session: a resume that it refuses stands in no start's way.
    pub(super) fn take_up<T, E>(
        &self,
        session: &Arc<SessionHandle>,
        at_least: u64,
        take: impl FnOnce(u64) -> Result<T, E>,
    ) -> Option<Result<(u64, T), E>> {
        let mut sessions = self.users.get_mut(session.user())?;
        let generation = (sessions.generation + 1).max(at_least);
        let held = sessions.held.iter_mut().find(|held| Arc::ptr_eq(&held.session, session))?;
        let taken = take(generation);
        if taken.is_ok() {
            held.generation = generation;
            sessions.generation = generation;
        }
        Some(taken.map(|taken| (generation, taken)))
    }

    fn forget_if_idle(&self, user: &UserKey) {
        self.users.remove_if(user, |_, sessions| sessions.claims == 0 && sessions.held.is_empty());
    }
}

impl Claim<'_> {
    /// Grows with each claim of the user.
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// The user's fence now: read it before the store is asked.
    pub(super) fn fence(&self) -> u64 {
        self.directory.users.get(&self.user).map_or(0, |sessions| sessions.fence)
    }

    /// Whether somebody of this node claimed the user's sessions later than this.
    pub(super) fn has_rival(&self) -> bool {
        self.directory
            .users
            .get(&self.user)
            .is_some_and(|sessions| sessions.generation > self.generation)
    }

    /// The session that keeps others out of `instance`, where the policy protects it.
    pub(super) fn protected(
        &self,
        instance: &InstanceId,
        rules: ClaimRules,
    ) -> Option<Arc<SessionHandle>> {
        let sessions = self.directory.users.get(&self.user)?;
        sessions.protected(instance, rules)
    }

    /// Gives the instance to `session`, unless something came between.
    pub(super) fn confirm(
        &self,
        session: &Arc<SessionHandle>,
        fence: u64,
        rules: ClaimRules,
    ) -> Confirmed {
        let Some(mut sessions) = self.directory.users.get_mut(&self.user) else {
            return Confirmed::Fenced;
        };
        if sessions.fence != fence {
            return Confirmed::Fenced;
        }
        let instance = session.instance();
        if sessions
            .held
            .iter()
            .any(|held| held.is_of(instance) && held.generation > self.generation)
        {
            return Confirmed::Replaced;
        }
        if let Some(protected) = sessions.protected(instance, rules) {
            return Confirmed::Protected(protected);
        }
        let mut gone = Vec::new();
        if let Some(own) = sessions.held.iter().position(|held| held.is_of(instance)) {
            gone.push(sessions.held.remove(own));
        }
        sessions.held.push(Held { generation: self.generation, session: Arc::clone(session) });
        while sessions.held.len() > rules.max {
            let oldest = sessions.held.iter().enumerate().min_by_key(|(_, held)| held.generation);
            let oldest = oldest.map(|(index, _)| index).expect("more than none are held");
            gone.push(sessions.held.remove(oldest));
        }
        Confirmed::Held(gone.into_iter().map(|held| held.session).collect())
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if let Some(mut sessions) = self.directory.users.get_mut(&self.user) {
            sessions.claims -= 1;
        }
        self.directory.forget_if_idle(&self.user);
    }
}

impl UserSessions {
    /// The living session that `instance`, or the user's cap, would have to displace, where the policy forbids that.
    fn protected(&self, instance: &InstanceId, rules: ClaimRules) -> Option<Arc<SessionHandle>> {
        let DuplicatePolicy::RejectNew = rules.policy else { return None };
        let own = self.held.iter().find(|held| held.is_of(instance));
        let in_the_way = match own {
            Some(own) => Some(own),
            None if self.held.len() >= rules.max => {
                self.held.iter().min_by_key(|held| held.generation)
            }
            None => None,
        };
        in_the_way.filter(|held| held.session.is_connected()).map(|held| Arc::clone(&held.session))
    }
}

impl Held {
    fn is_of(&self, instance: &InstanceId) -> bool {
        self.session.instance() == instance
    }
}
