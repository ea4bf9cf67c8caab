//! What operators look up: users, ended sessions and created rooms.
//!
//! No admission decision depends on it. Not here: live sessions and open rooms (`hub`).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    ClientInfo, Disconnect, InstanceId, RoomId, SessionId, SessionState, Timestamp, Username,
};

use super::admission::{Block, Profile};
use super::audit::{AuditActor, AuditEvent, AuditRow};
use super::error::StoreFuture;
use super::key::UserKey;
use crate::room::{DurableChange, DurableState, RoomKey, RoomOverrides};

/// How long a created room is retained without being joined or looked up.
pub const CREATED_ROOM_RETENTION: Duration = Duration::from_hours(30 * 24);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedSession {
    pub id: SessionId,
    pub username: Username,
    /// Whether the name was not registered.
    pub guest: bool,
    pub instance: InstanceId,
    pub client: Option<ClientInfo>,
    /// The client's address when the session started.
    pub address: IpAddr,
    /// The `user-agent` header of the client.
    pub user_agent: Option<Box<str>>,
    pub started_ms: Timestamp,
    pub ended_ms: Timestamp,
    /// The final state.
    pub state: SessionState,
    /// The `disconnect` message that the client got.
    pub ending: Disconnect,
}

/// Filter of an app's ended sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndedSessions {
    pub username: Option<Username>,
    pub state: Option<SessionState>,
}

/// Filter of an app's audit rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditSearch {
    /// Those of one command.
    pub command: Option<String>,
    pub room: Option<RoomId>,
    /// The target of the action, or the acting user.
    pub username: Option<Username>,
}

impl AuditSearch {
    /// Whether the row matches the filter.
    #[must_use]
    pub fn wants(&self, row: &AuditRow) -> bool {
        let event = &row.event;
        let is_of = |name: &Username| {
            event.target.username.as_ref() == Some(name)
                || matches!(&event.actor, AuditActor::User(actor) if actor == name)
        };
        self.command.as_ref().is_none_or(|command| **command == *event.command)
            && self.room.as_ref().is_none_or(|room| event.room.as_ref() == Some(room))
            && self.username.as_ref().is_none_or(is_of)
    }
}

/// A user as operators see them.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownUser {
    pub username: Username,
    /// Whether the name is registered. Otherwise a guest uses it, or no user does.
    pub registered: bool,
    pub profile: Profile,
    pub seen: Option<Timestamp>,
    /// Credentials issued before this time are void.
    pub revoked: Option<Timestamp>,
    pub deleted: Option<Timestamp>,
    /// The block in force.
    pub block: Option<Block>,
}

/// A room created through the server API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedRoom {
    /// Where its settings differ from the app's.
    pub overrides: RoomOverrides,
    pub created: Timestamp,
}

/// The stored state of a room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredRoom {
    pub durable_state: DurableState,
    /// How it was created. `None`: it was not, or it has ended since.
    pub created: Option<CreatedRoom>,
}

/// The position and size of a page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<C> {
    /// The cursor: the last item of the previous page.
    pub after: Option<C>,
    /// Maximum number of items.
    pub limit: usize,
}

/// What operators look up. The rules of [`super::Store`] apply to every call.
pub trait Archive: Send + Sync + 'static {
    /// Records ended sessions in order.
    fn record_sessions(&self, app: Arc<str>, ended: Vec<EndedSession>) -> StoreFuture<'static, ()>;

    fn ended_session(&self, app: Arc<str>, id: SessionId) -> StoreFuture<'_, Option<EndedSession>>;

    /// An app's ended sessions with their numbers, newest first.
    fn ended_sessions(
        &self,
        app: Arc<str>,
        which: EndedSessions,
        page: Page<u64>,
    ) -> StoreFuture<'_, Vec<(u64, EndedSession)>>;

    /// Removes sessions that ended before `before`, and all but the newest `most` of each app. Returns their number.
    /// Works in batches: a failure leaves the rest for the next call.
    fn prune_sessions(&self, before: Timestamp, most: u64) -> StoreFuture<'_, u64>;

    /// A user that is known or blocked.
    fn user(&self, user: UserKey, now: Timestamp) -> StoreFuture<'_, Option<KnownUser>>;

    /// An app's users by name. `blocked`: only blocked ones, known or not.
    fn users(
        &self,
        app: Arc<str>,
        blocked: bool,
        page: Page<Username>,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<KnownUser>>;

    /// Creates a room with initial `changes`. Returns `false` and changes nothing if it exists and has not ended.
    /// Appends `row` to the app's audit log in the same transaction.
    fn create_room(
        &self,
        room: RoomKey,
        created: CreatedRoom,
        changes: Vec<DurableChange>,
        row: Option<AuditEvent>,
    ) -> StoreFuture<'_, bool>;

    /// An app's created rooms by name.
    fn created_rooms(
        &self,
        app: Arc<str>,
        page: Page<RoomId>,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<(RoomId, CreatedRoom)>>;
}
