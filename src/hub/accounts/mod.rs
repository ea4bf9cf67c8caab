//! Users and their sessions: start, resume, renew, end, and what operators do to users.
//!
//! Has no state of users: it coordinates `auth`, the store, the directory and the sessions. Imports `sessions`,
//! `events` and `rooms`.

mod attempt;
mod authenticate;
mod capacity;
mod claim;
mod family;
mod forgetting;
mod guests;
mod operator;
mod previous;
mod renew;
mod resume;
mod start;

use std::sync::Arc;

use stagedoor_proto::Reply;

pub use attempt::Attempt;
pub use authenticate::AuthenticatedStart;
pub(in crate::hub) use guests::{forget_surplus_guests, prune_guests};
pub(in crate::hub) use renew::RejectedRenewal;

use forgetting::Forgetting;

use super::access_control::AccessControl;
use super::context::Context;
use super::events::Events;
use super::peers::Peers;
use super::rooms::Rooms;
use super::sessions::{SessionConnection, SessionHandle, Sessions};
use crate::auth::token::AccessTokens;
use crate::engine::Engine;

/// An established session with its connection, and the reply to its client.
pub struct OpenedSession {
    pub connection: SessionConnection,
    /// The reply to `start`, or to `resume`; the missed frames follow it.
    pub reply: Reply,
}

/// The users of this node's apps. Shared by reference; every method may be called from any task.
pub struct Accounts {
    context: Arc<Context>,
    sessions: Arc<Sessions>,
    events: Arc<Events>,
    access: Arc<AccessControl>,
    rooms: Arc<Rooms>,
    peers: Arc<Peers>,
    tokens: Arc<AccessTokens>,
    engine: Arc<dyn Engine>,
    forgetting: Forgetting,
}

impl Accounts {
    #[expect(clippy::too_many_arguments, reason = "the hub gives it every owner below it")]
    pub(super) fn new(
        context: Arc<Context>,
        sessions: Arc<Sessions>,
        events: Arc<Events>,
        access: Arc<AccessControl>,
        rooms: Arc<Rooms>,
        peers: Arc<Peers>,
        tokens: Arc<AccessTokens>,
        engine: Arc<dyn Engine>,
    ) -> Self {
        let forgetting = Forgetting::default();
        Self { context, sessions, events, access, rooms, peers, tokens, engine, forgetting }
    }

    pub fn log_opened(&self, session: &SessionHandle) {
        let user = session.user();
        tracing::debug!(
            app = &*user.app,
            user = %self.context.users.of(&user.app, &user.username),
            session = %session.id(),
            "session opened"
        );
    }
}
