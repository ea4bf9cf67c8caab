//! An entry of a room's log: the room decides, and what it decided is carried out before the next entry.

use std::sync::Arc;

use super::effects::Later;
use super::fan_out::beside_others;
use super::handle::Place;
use crate::engine::NodeHandler;
use crate::hub::Hub;
use crate::room::{Entry, RoomCommand, RoomKey};

impl NodeHandler for Hub {
    fn apply(&self, key: &RoomKey, entry: Entry) {
        let place = self.rooms.enter(key);
        let is_verb = matches!(entry.command, RoomCommand::Moderate { .. });
        // A verb over a crowd goes through all of it.
        let is_long = is_verb && place.lock().is_crowded();
        beside_others(is_long, || self.apply_to(&place, entry, is_verb));
    }

    fn applied_version(&self, key: &RoomKey) -> u64 {
        self.rooms.find(key).map_or(0, |place| place.lock().room.version())
    }
}

impl Hub {
    /// What a moderator did is answered when it is durable; all else is answered in its place among the pushes.
    fn apply_to(&self, place: &Arc<Place>, entry: Entry, answers_late: bool) {
        let (key, now, request) = (place.key(), entry.now, entry.command.request());
        let webhooks = self.webhooks(&key.app);
        let mut inside = place.lock();
        inside.room.tell_happenings(webhooks.is_some());
        let mut later =
            Later::new(Arc::clone(place), answers_late, now, request, webhooks.cloned());
        later.take_up_debts(&mut inside);
        let effects = inside.room.apply(entry);
        for effect in effects {
            self.carry_out(place, &mut inside, effect, &mut later);
        }
        for session in later.take_forgotten() {
            if let Some(session) = inside.sessions.remove(&session) {
                session.leave(place.tag());
            }
        }
        if later.has_disbanded {
            inside.sessions.clear();
        }
        place.note_due(&inside);
        // Queued under the lock, so that facts reach the store in the order of the log.
        let kept = self.begin_keeping(&mut later);
        drop(inside);
        if later.has_closed {
            self.rooms.forget(key);
        }
        self.finish_later(later, kept);
    }
}
