//! Waiting for the owners of muted streams: whoever is connected and does not answer loses the stream.
//!
//! The clock runs from the telling while the owner is connected, and anew from its return when it was not. Any answer
//! about the stream's audio settles all mutes that wait for it, and so does its end.
//! Not here: what happens when the clock has run (`expiry`).

use stagedoor_proto::{Link, Outcome, StreamId};

use crate::room::moderation::moderate::initial_outcome;
use crate::room::settings::ACKNOWLEDGE_WITHIN;
use crate::room::state::Room;

impl Room {
    /// Turns a stream's audio off; what that comes to at its owner, who acknowledges it unless it was off already.
    pub(in crate::room) fn mute_audio(&mut self, id: StreamId) -> Outcome {
        let Some(stream) = self.streams.get_mut(&id) else { return Outcome::Enforced };
        let was_on = std::mem::replace(&mut stream.wire.has_audio, false);
        stream.wire.muted = true;
        if !was_on && stream.unacknowledged.is_empty() {
            return Outcome::Enforced;
        }
        stream.unacknowledged.push(self.version);
        let owner = self.people.find(stream.wire.participant).expect("a stream's owner is here");
        if owner.link == Link::Live && stream.deadline.is_none() {
            let deadline = self.now + ACKNOWLEDGE_WITHIN;
            stream.deadline = Some(deadline);
            self.deadlines.insert((deadline, id));
        }
        initial_outcome(owner.link)
    }

    /// Ends the waiting of mutes for a stream's owner.
    pub(in crate::room) fn resolve_mutes(&mut self, id: StreamId, outcome: Outcome) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        if let Some(deadline) = stream.deadline.take() {
            self.deadlines.remove(&(deadline, id));
        }
        for version in std::mem::take(&mut stream.unacknowledged) {
            self.settled.extend(self.receipts.change(version, id, outcome, self.now));
        }
    }

    /// The time to acknowledge runs while the owner is connected, from its return on.
    pub(in crate::room) fn restart_mute_clock(&mut self, id: StreamId, link: Link) {
        let Some(stream) =
            self.streams.get_mut(&id).filter(|stream| !stream.unacknowledged.is_empty())
        else {
            return;
        };
        let deadline = (link == Link::Live).then_some(self.now + ACKNOWLEDGE_WITHIN);
        if let Some(old) = std::mem::replace(&mut stream.deadline, deadline) {
            self.deadlines.remove(&(old, id));
        }
        self.deadlines.extend(deadline.map(|deadline| (deadline, id)));
        for version in stream.unacknowledged.clone() {
            self.settled.extend(self.receipts.change(version, id, initial_outcome(link), self.now));
        }
    }
}
