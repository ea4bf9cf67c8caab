//! Who left within the last minutes, and may come back into a locked room.
//!
//! A guest comes back on its own instance alone, for its name proves nothing. Whoever was removed is not among them.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use stagedoor_proto::{InstanceId, Timestamp, Username};

use crate::room::settings::{MAX_RECENT, RECENT_WINDOW};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::room) struct Recent {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    left: BTreeMap<Username, Departure>,
    /// The same in the order of time; a row whose time is not the departure's own is out of date.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    order: VecDeque<(Timestamp, Username)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Departure {
    at: Timestamp,
    guest_instance: Option<InstanceId>,
}

impl Recent {
    pub(in crate::room) fn add(
        &mut self,
        username: Username,
        guest_instance: Option<InstanceId>,
        now: Timestamp,
    ) {
        self.forget_old(now);
        while self.order.len() >= MAX_RECENT {
            self.forget_first();
        }
        self.order.push_back((now, username.clone()));
        self.left.insert(username, Departure { at: now, guest_instance });
    }

    pub(in crate::room) fn contains(
        &self,
        username: &Username,
        guest_instance: Option<&InstanceId>,
        now: Timestamp,
    ) -> bool {
        self.left.get(username).is_some_and(|departure| {
            now.saturating_since(departure.at) <= RECENT_WINDOW
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
        self.left.len() <= self.order.len() && self.order.len() <= MAX_RECENT
    }

    fn forget_old(&mut self, now: Timestamp) {
        while self.order.front().is_some_and(|(at, _)| now.saturating_since(*at) > RECENT_WINDOW) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((at, username)) = self.order.pop_front()
            && self.left.get(&username).is_some_and(|departure| departure.at == at)
        {
            self.left.remove(&username);
        }
    }
}
