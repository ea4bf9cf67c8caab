//! The memberships of a room, by id, session and user.
//!
//! Invariants: a session has at most one membership; `moderators` and `publishers` are exactly the members with the
//! role moderator, and with a stream. Not here: permissions (`permit`), and visibility of participants (`visibility`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize, Serializer};
use stagedoor_proto::{
    Capabilities, Error, LayoutClasses, Link, Participant, ParticipantId, Role, Scope, SessionId,
    SessionState, StreamId, Timestamp, Username,
};

use crate::principal::{Coverage, Guest, Principal};
use crate::rate_limit::RateLimiter;
use crate::room::log::origin::NodeEpoch;
use crate::room::permissions::{ScopeSet, missing};

/// A session's membership of the room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct Membership {
    pub(in crate::room) id: ParticipantId,
    pub(in crate::room) session: SessionId,
    pub(in crate::room) home: NodeEpoch,
    /// The generation of the session's newest connection in the log.
    pub(in crate::room) generation: u64,
    pub(in crate::room) username: Username,
    /// `None`: a registered user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::room) guest: Option<Guest>,
    pub(in crate::room) role: Role,
    pub(in crate::room) basis: Basis,
    /// The version of the session's grant that was applied last.
    pub(in crate::room) grant_version: u64,
    pub(in crate::room) scopes: ScopeSet,
    pub(in crate::room) app_moderator: bool,
    pub(in crate::room) capabilities: Capabilities,
    pub(in crate::room) link: Link,
    /// Limits the pushes of its link.
    #[serde(default)]
    pub(in crate::room) link_pushes: RateLimiter,
    pub(in crate::room) state: SessionState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::room) data: Option<String>,
    pub(in crate::room) layout_classes: LayoutClasses,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::room) lease: Option<Lease>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(in crate::room) streams: BTreeSet<StreamId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(in crate::room) subscriptions: BTreeSet<StreamId>,
    /// Maximum size on the wire, in bytes.
    pub(in crate::room) wire_bytes: usize,
}

/// By what right a session is in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::room) enum Basis {
    /// The session's grant.
    Grant { role: Role },
    /// A room token. The session's scopes limit it.
    Token { role: Role, app_moderator: bool },
}

impl Basis {
    pub(in crate::room) const fn role(self) -> Role {
        match self {
            Self::Grant { role } | Self::Token { role, .. } => role,
        }
    }

    /// Whether it makes its user a moderator of the whole app, regardless of the session's grant.
    pub(in crate::room) const fn app_moderator(self) -> bool {
        match self {
            Self::Grant { .. } => false,
            Self::Token { app_moderator, .. } => app_moderator,
        }
    }
}

/// The end of a membership by room token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::room) struct Lease {
    pub(in crate::room) expires: Timestamp,
    /// When to warn the session. `None`: it was warned.
    pub(in crate::room) warn: Option<Timestamp>,
}

impl Lease {
    /// When its timer runs out.
    pub(in crate::room) fn due(self) -> Timestamp {
        self.warn.unwrap_or(self.expires)
    }
}

impl Membership {
    pub(in crate::room) const fn principal(&self) -> Principal<'_> {
        Principal { username: &self.username, guest: self.guest.as_ref() }
    }

    /// Checks the permission for `scope`.
    pub(in crate::room) fn permit(&self, scope: Scope) -> Result<(), Error> {
        let may = match scope {
            Scope::Join | Scope::Relay => self.scopes.contains(scope),
            Scope::Publish => self.capabilities.publish,
            Scope::Subscribe => self.capabilities.subscribe,
            Scope::Signal => self.capabilities.signal,
            Scope::Moderate => self.capabilities.moderate,
        };
        if may { Ok(()) } else { Err(missing(scope)) }
    }

    pub(in crate::room) fn to_wire(&self, mute_locked: bool) -> Participant {
        Participant {
            id: self.id,
            username: self.username.clone(),
            role: self.role,
            link: self.link,
            data: self.data.clone(),
            mute_locked,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Vec<Membership>")]
pub(in crate::room) struct Participants {
    all: BTreeMap<ParticipantId, Membership>,
    /// Only for lookup: iteration order differs between nodes.
    by_session: HashMap<SessionId, ParticipantId>,
    by_user: BTreeMap<Username, BTreeSet<ParticipantId>>,
    moderators: BTreeSet<ParticipantId>,
    publishers: BTreeSet<ParticipantId>,
}

/// Serialized as a list of memberships. The indexes are rebuilt from it.
impl Serialize for Participants {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.all.values())
    }
}

impl From<Vec<Membership>> for Participants {
    fn from(all: Vec<Membership>) -> Self {
        let mut members = Self::default();
        for membership in all {
            members.insert(membership);
        }
        members
    }
}

impl Participants {
    pub(in crate::room) fn len(&self) -> usize {
        self.all.len()
    }

    pub(in crate::room) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(in crate::room) fn find(&self, id: ParticipantId) -> Option<&Membership> {
        self.all.get(&id)
    }

    pub(in crate::room) fn find_mut(&mut self, id: ParticipantId) -> Option<&mut Membership> {
        self.all.get_mut(&id)
    }

    pub(in crate::room) fn of_session(&self, session: SessionId) -> Option<&Membership> {
        self.by_session.get(&session).and_then(|id| self.all.get(id))
    }

    pub(in crate::room) fn of_session_mut(
        &mut self,
        session: SessionId,
    ) -> Option<&mut Membership> {
        self.by_session.get(&session).and_then(|id| self.all.get_mut(id))
    }

    /// A user's memberships in the order of their ids.
    pub(in crate::room) fn of_user(&self, username: &Username) -> Vec<ParticipantId> {
        self.by_user.get(username).into_iter().flatten().copied().collect()
    }

    /// The memberships that a command covers, in the order of their ids.
    pub(in crate::room) fn covered(&self, coverage: &Coverage) -> Vec<ParticipantId> {
        let is_covered = |member: &&Membership| coverage.includes(member.principal());
        if coverage.guests.is_empty() {
            let named = self.of_user(&coverage.username).into_iter();
            let members = named.filter_map(|id| self.all.get(&id));
            return members.filter(is_covered).map(|member| member.id).collect();
        }
        self.all.values().filter(is_covered).map(|member| member.id).collect()
    }

    pub(in crate::room) fn iter(&self) -> impl Iterator<Item = &Membership> {
        self.all.values()
    }

    /// The ids after `after`, in order.
    pub(in crate::room) fn after(
        &self,
        after: Option<ParticipantId>,
    ) -> impl Iterator<Item = ParticipantId> {
        self.all.range(range_after(after)).map(|(id, _)| *id)
    }

    pub(in crate::room) const fn moderators(&self) -> &BTreeSet<ParticipantId> {
        &self.moderators
    }

    pub(in crate::room) const fn publishers(&self) -> &BTreeSet<ParticipantId> {
        &self.publishers
    }

    pub(in crate::room) fn insert(&mut self, membership: Membership) {
        let id = membership.id;
        self.by_session.insert(membership.session, id);
        self.by_user.entry(membership.username.clone()).or_default().insert(id);
        if membership.role == Role::Moderator {
            self.moderators.insert(id);
        }
        if !membership.streams.is_empty() {
            self.publishers.insert(id);
        }
        self.all.insert(id, membership);
    }

    /// Removes a membership, whose streams must have ended before.
    pub(in crate::room) fn remove(&mut self, id: ParticipantId) -> Option<Membership> {
        let membership = self.all.remove(&id)?;
        self.by_session.remove(&membership.session);
        if let Some(ids) = self.by_user.get_mut(&membership.username) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_user.remove(&membership.username);
            }
        }
        self.moderators.remove(&id);
        self.publishers.remove(&id);
        Some(membership)
    }

    /// Changes a membership's role and capabilities.
    pub(in crate::room) fn assign(
        &mut self,
        id: ParticipantId,
        role: Role,
        capabilities: Capabilities,
    ) {
        let Some(membership) = self.all.get_mut(&id) else { return };
        membership.role = role;
        membership.capabilities = capabilities;
        if role == Role::Moderator {
            self.moderators.insert(id);
        } else {
            self.moderators.remove(&id);
        }
    }

    pub(in crate::room) fn add_stream(&mut self, id: ParticipantId, stream: StreamId) {
        let Some(membership) = self.all.get_mut(&id) else { return };
        membership.streams.insert(stream);
        self.publishers.insert(id);
    }

    pub(in crate::room) fn remove_stream(&mut self, id: ParticipantId, stream: StreamId) {
        let Some(membership) = self.all.get_mut(&id) else { return };
        membership.streams.remove(&stream);
        if membership.streams.is_empty() {
            self.publishers.remove(&id);
        }
    }

    /// Whether all indexes agree with a membership.
    pub(in crate::room) fn is_indexed(&self, membership: &Membership) -> bool {
        let id = membership.id;
        self.by_session.len() == self.all.len()
            && self.by_session.get(&membership.session) == Some(&id)
            && self.by_user.get(&membership.username).is_some_and(|ids| ids.contains(&id))
            && self.moderators.contains(&id) == (membership.role == Role::Moderator)
            && self.publishers.contains(&id) != membership.streams.is_empty()
    }

    /// The number of memberships in the index by user.
    pub(in crate::room) fn indexed_by_user(&self) -> usize {
        self.by_user.values().map(BTreeSet::len).sum()
    }
}

/// The range of ids after `after`; all ids without it.
pub(in crate::room) fn range_after(
    after: Option<ParticipantId>,
) -> (std::ops::Bound<ParticipantId>, std::ops::Bound<ParticipantId>) {
    let start = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
    (start, std::ops::Bound::Unbounded)
}

/// The serialized size of `value`, without allocating it.
pub(in crate::room) fn wire_bytes<T: Serialize>(value: &T) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("wire types have a JSON form");
    count.0
}
