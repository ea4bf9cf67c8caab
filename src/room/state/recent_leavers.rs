//! Users who left recently: they may rejoin a locked room, and a command about their name covers the guests among them.
//!
//! A guest may only rejoin on the same instance, because the name proves nothing. Removed users may not.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use stagedoor_proto::{InstanceId, Username};

use crate::principal::{Coverage, Guest, Principal};
use crate::room::settings::{LEAVER_RETENTION, MAX_RECENT_LEAVERS};
use crate::time::Monotonic;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct RecentLeavers {
    /// By name and instance, `None` for a registered user. Never empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    left: BTreeMap<Username, Vec<RecentLeaver>>,
    /// Ordered by time. An entry whose time differs from the user's row is stale.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    order: VecDeque<(Monotonic, Username, Option<InstanceId>)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RecentLeaver {
    at: Monotonic,
    guest: Option<Guest>,
    /// Whether a locked room readmits it.
    may_rejoin: bool,
}

impl RecentLeaver {
    fn instance(&self) -> Option<&InstanceId> {
        self.guest.as_ref().map(|guest| &guest.instance)
    }
}

impl RecentLeavers {
    pub(in crate::room) fn add(&mut self, who: Principal<'_>, may_rejoin: bool, now: Monotonic) {
        self.evict_expired(now);
        while self.order.len() >= MAX_RECENT_LEAVERS {
            self.evict_oldest();
        }
        let leaver = RecentLeaver { at: now, guest: who.guest.cloned(), may_rejoin };
        self.push(who.username, leaver);
    }

    fn push(&mut self, username: &Username, leaver: RecentLeaver) {
        self.order.push_back((leaver.at, username.clone(), leaver.instance().cloned()));
        let left = self.left.entry(username.clone()).or_default();
        left.retain(|other| other.instance() != leaver.instance());
        left.push(leaver);
    }

    /// Whether a locked room readmits the user.
    pub(in crate::room) fn may_rejoin(&self, who: Principal<'_>, now: Monotonic) -> bool {
        let instance = who.guest.map(|guest| &guest.instance);
        self.recent(who.username, now)
            .any(|leaver| leaver.may_rejoin && leaver.instance() == instance)
    }

    /// The users who left under this name; `None` for a registered one.
    pub(in crate::room) fn named<'a>(
        &'a self,
        username: &Username,
        now: Monotonic,
    ) -> impl Iterator<Item = Option<&'a Guest>> + use<'a> {
        self.recent(username, now).map(|leaver| leaver.guest.as_ref())
    }

    fn recent<'a>(
        &'a self,
        username: &Username,
        now: Monotonic,
    ) -> impl Iterator<Item = &'a RecentLeaver> + use<'a> {
        let left = self.left.get(username).into_iter().flatten();
        left.filter(move |leaver| now.saturating_since(leaver.at) <= LEAVER_RETENTION)
    }

    /// Those who left recently and match `wanted`.
    pub(in crate::room) fn retained(
        &self,
        now: Monotonic,
        wanted: impl Fn(Principal<'_>) -> bool,
    ) -> Self {
        let mut retained = Self::default();
        for (at, username, instance) in &self.order {
            let mut recent = self.recent(username, now);
            let current = recent
                .find(|leaver| leaver.at == *at && leaver.instance() == instance.as_ref())
                .filter(|leaver| wanted(Principal { username, guest: leaver.guest.as_ref() }));
            if let Some(leaver) = current {
                retained.push(username, leaver.clone());
            }
        }
        retained
    }

    /// When the last of them left.
    pub(in crate::room) fn newest(&self) -> Option<Monotonic> {
        self.order.back().map(|(at, ..)| *at)
    }

    pub(in crate::room) fn len(&self) -> usize {
        self.order.len()
    }

    /// Locks these principals out of a locked room: guests also under another name that they left with.
    pub(in crate::room) fn forbid_rejoin(&mut self, coverage: &Coverage) {
        let forbid = |(username, leavers): (&Username, &mut Vec<RecentLeaver>)| {
            for leaver in leavers {
                let who = Principal { username, guest: leaver.guest.as_ref() };
                leaver.may_rejoin &= !coverage.includes(who);
            }
        };
        if coverage.guests.is_empty() {
            let named = self.left.get_mut(&coverage.username);
            named.map(|leavers| (&coverage.username, leavers)).into_iter().for_each(forbid);
        } else {
            self.left.iter_mut().for_each(forbid);
        }
    }

    pub(in crate::room) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(in crate::room) fn is_bounded(&self) -> bool {
        let left: usize = self.left.values().map(Vec::len).sum();
        left <= self.order.len() && self.order.len() <= MAX_RECENT_LEAVERS
    }

    fn evict_expired(&mut self, now: Monotonic) {
        let is_expired = |at: Monotonic| now.saturating_since(at) > LEAVER_RETENTION;
        while self.order.front().is_some_and(|(at, ..)| is_expired(*at)) {
            self.evict_oldest();
        }
    }

    fn evict_oldest(&mut self) {
        let Some((at, username, instance)) = self.order.pop_front() else { return };
        let Some(left) = self.left.get_mut(&username) else { return };
        left.retain(|leaver| leaver.at != at || leaver.instance() != instance.as_ref());
        if left.is_empty() {
            self.left.remove(&username);
        }
    }
}
