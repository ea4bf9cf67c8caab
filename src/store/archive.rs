//! What operators look up: users, sessions that ended, rooms created before anybody joined, the audit log's check.
//!
//! Nothing here decides who comes in; a gateway that never asked would serve the same. Not here: live sessions and open
//! rooms (`hub`).

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

/// How long a created room is kept that nobody enters, or asks for.
pub const CREATED_ROOM_RETENTION: Duration = Duration::from_hours(30 * 24);

/// A session that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it was.
    pub username: Username,
    /// Whether the name was only borrowed.
    pub guest: bool,
    /// On which client instance.
    pub instance: InstanceId,
    /// What software it was.
    pub client: Option<ClientInfo>,
    /// From where it started.
    pub address: IpAddr,
    /// What its client called itself in HTTP.
    pub user_agent: Option<Box<str>>,
    /// Since when it was.
    pub started_ms: Timestamp,
    /// Since when it is over.
    pub ended_ms: Timestamp,
    /// The state it ended in.
    pub state: SessionState,
    /// What it was told.
    pub ending: Disconnect,
}

/// Which of an app's ended sessions are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndedSessions {
    /// Those of one user.
    pub username: Option<Username>,
    /// Those that ended in one state.
    pub state: Option<SessionState>,
}

/// Which rows of an app's audit log are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditSearch {
    /// Those of one verb.
    pub verb: Option<String>,
    /// Those of one room.
    pub room: Option<RoomId>,
    /// Those aimed at this user, or of what they did.
    pub username: Option<Username>,
}

impl AuditSearch {
    /// Whether this row is wanted.
    #[must_use]
    pub fn wants(&self, row: &AuditRow) -> bool {
        let event = &row.event;
        let is_of = |name: &Username| {
            event.target.username.as_ref() == Some(name)
                || matches!(&event.actor, AuditActor::User(actor) if actor == name)
        };
        self.verb.as_ref().is_none_or(|verb| **verb == *event.verb)
            && self.room.as_ref().is_none_or(|room| event.room.as_ref() == Some(room))
            && self.username.as_ref().is_none_or(is_of)
    }
}

/// A user, as an operator sees them.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownUser {
    /// The unique name.
    pub username: Username,
    /// Whether the name is somebody's; otherwise a guest's, or nobody's yet.
    pub registered: bool,
    /// What the app says of them.
    pub profile: Profile,
    /// When they were last here.
    pub seen: Option<Timestamp>,
    /// Until when issued credentials are refused.
    pub revoked: Option<Timestamp>,
    /// When they were deleted.
    pub deleted: Option<Timestamp>,
    /// What keeps them out.
    pub block: Option<Block>,
}

/// A room that a server created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedRoom {
    /// What is to be otherwise there than in the app's other rooms.
    pub choices: RoomOverrides,
    /// When it was created.
    pub created: Timestamp,
}

/// What is stored of a room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredRoom {
    /// What outlived its participants.
    pub durable_state: DurableState,
    /// How it was created, if it was and has not ended since.
    pub created: Option<CreatedRoom>,
}

/// Where a list goes on, and how much of it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<C> {
    /// The last of the page before.
    pub after: Option<C>,
    /// At most so many.
    pub limit: usize,
}

/// What operators look up. Every call is as those of [`super::Store`].
pub trait Archive: Send + Sync + 'static {
    /// Keeps sessions that ended, in their order.
    fn record_sessions(&self, app: Arc<str>, ended: Vec<EndedSession>) -> StoreFuture<'static, ()>;

    /// An app's ended session of this id.
    fn ended_session(&self, app: Arc<str>, id: SessionId) -> StoreFuture<'_, Option<EndedSession>>;

    /// An app's ended sessions with their numbers, newest first.
    fn ended_sessions(
        &self,
        app: Arc<str>,
        which: EndedSessions,
        page: Page<u64>,
    ) -> StoreFuture<'_, Vec<(u64, EndedSession)>>;

    /// Forgets sessions that ended before `before`, and all but the newest `most` of each app; how many. Each few hundred are a step
    /// of their own: a failure leaves the others for the next time.
    fn prune_sessions(&self, before: Timestamp, most: u64) -> StoreFuture<'_, u64>;

    /// What is known of a user, be it only that they are blocked.
    fn user(&self, user: UserKey, now: Timestamp) -> StoreFuture<'_, Option<KnownUser>>;

    /// An app's users by name; `blocked`: those who are kept out, whether or not they were ever here.
    fn users(
        &self,
        app: Arc<str>,
        blocked: bool,
        page: Page<Username>,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<KnownUser>>;

    /// Creates a room with `changes` laid on it; `false`, and nothing is changed, when it was created before and not ended
    /// since. `row` is appended to the app's audit log in the same step.
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
