//! What an operator may change while sessions live: the limits, and what each app's section says, whom it tells included.
//!
//! Each is one snapshot that is replaced as a whole. Who decides by it takes it once, so that half of a change is never
//! seen. Bounds that a session or a room was begun with (its announced limits, the size of a room) hold until it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{App, Hub};
use crate::config::Limits;
use crate::rate_limit::Rate;
use crate::room::RoomSettings;
use crate::session::RequestLimits;

impl Hub {
    /// Goes by these limits from now on.
    pub fn adopt_limits(&self, limits: Limits) {
        self.limits.store(Arc::new(limits));
    }

    /// Serves an app as `fresh` would from now on; one that is not here is not taken up.
    pub fn adopt_app(&self, fresh: &App) {
        if let Some(app) = self.app(fresh.id()) {
            app.adopt(fresh);
        }
        self.note_webhooks();
    }

    /// Sees whether any app has somebody who is told of what happens.
    pub(super) fn note_webhooks(&self) {
        let has_webhooks = self.apps.values().any(|app| app.webhooks().is_some());
        self.has_webhooks.store(has_webhooks, Ordering::Relaxed);
    }

    pub(super) fn limits(&self) -> arc_swap::Guard<Arc<Limits>> {
        self.limits.load()
    }

    pub(super) fn request_limits(&self) -> RequestLimits {
        let limits = self.limits();
        RequestLimits {
            commands: Rate::per_second(limits.commands_per_s, limits.commands_burst),
            in_flight: usize::from(limits.in_flight),
        }
    }

    pub(super) fn join_rate(&self) -> Rate {
        let per_second = self.limits().joins_per_s;
        Rate::per_second(per_second, per_second)
    }

    /// The bounds of rooms; what an app chooses for its own is added where a room opens.
    pub(super) fn room_limits(&self) -> RoomSettings {
        let limits = self.limits();
        RoomSettings {
            participants: limits.participants_per_room,
            streams_per_participant: u32::from(limits.streams_per_participant),
            streams: limits.streams_per_room,
            signals_per_s: limits.signals_per_s_per_room,
            message_bytes: u32::try_from(limits.message_out_bytes).unwrap_or(u32::MAX),
            ..RoomSettings::default()
        }
    }
}
