//! The groups of operations in the API's document. A client generator makes one module of each.

/// A group of operations.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
}

pub(super) const SESSIONS: Tag =
    Tag::new("sessions", "Sessions of clients, live and ended, and tokens that start one.");
pub(super) const TOKENS: Tag = Tag::new("tokens", "Room tokens and server tokens.");
pub(super) const USERS: Tag = Tag::new("users", "Users of the app: bans, revocation, deletion.");
pub(super) const ROOMS: Tag =
    Tag::new("rooms", "Rooms, their settings, and commands for a whole room.");
pub(super) const PARTICIPANTS: Tag =
    Tag::new("participants", "Participants of a room: removal, blocks, roles.");
pub(super) const STREAMS: Tag =
    Tag::new("streams", "Streams of a room: mutes, removal, layout classes.");
pub(super) const AUDIT: Tag =
    Tag::new("audit", "The audit log of the app, which reveals later changes to it.");
pub(super) const WEBHOOKS: Tag =
    Tag::new("webhooks", "Webhook endpoints, their health, and messages that were not delivered.");
pub(super) const NODE: Tag = Tag::new("node", "The gateway process, for operators.");

impl Tag {
    const fn new(name: &'static str, description: &'static str) -> Self {
        Self { name, description }
    }
}
