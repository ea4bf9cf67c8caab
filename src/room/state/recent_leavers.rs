//! Users who left recently and may rejoin a locked room.
//!
//! A guest may only do so on the same instance, because the name proves nothing. Removed users are not included.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use stagedoor_proto::{InstanceId, Timestamp, Username};

use crate::room::settings::{LEAVER_RETENTION, MAX_RECENT_LEAVERS};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct RecentLeavers {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    left: BTreeMap<Username, RecentLeaver>,
    /// Ordered by time. An entry whose time differs from the user's row is stale.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    order: VecDeque<(Timestamp, Username)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RecentLeaver {
    at: Timestamp,
    guest_instance: Option<InstanceId>,
}

impl RecentLeavers {
    pub(in crate::room) fn add(
        &mut self,
        username: Username,
        guest_instance: Option<InstanceId>,
        now: Timestamp,
    ) {
        self.evict_expired(now);
        while self.order.len() >= MAX_RECENT_LEAVERS {
            self.evict_oldest();
        }
        self.order.push_back((now, username.clone()));
        self.left.insert(username, RecentLeaver { at: now, guest_instance });
    }

    pub(in crate::room) fn contains(
        &self,
        username: &Username,
        guest_instance: Option<&InstanceId>,
        now: Timestamp,
    ) -> bool {
        self.left.get(username).is_some_and(|departure| {
            now.saturating_since(departure.at) <= LEAVER_RETENTION
                && departure.guest_instance.as_ref() == guest_instance
        })
    }

    pub(in crate::room) fn remove(&mut self, username: &Username) {
        self.left.remove(username);
    }

    pub(in crate::room) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(in crate::room) fn is_bounded(&self) -> bool {
        self.left.len() <= self.order.len() && self.order.len() <= MAX_RECENT_LEAVERS
    }

    fn evict_expired(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(at, _)| now.saturating_since(*at) > LEAVER_RETENTION)
        {
            self.evict_oldest();
        }
    }

    fn evict_oldest(&mut self) {
        if let Some((at, username)) = self.order.pop_front()
            && self.left.get(&username).is_some_and(|departure| departure.at == at)
        {
            self.left.remove(&username);
        }
    }
}
