//! The live state of this node, split by owner.
//!
//! From below: `context` (what all need and none changes), `events`, `sessions`, `peers`, `access_control`, `rooms`, `accounts`,
//! `server_api`, `requests`, `cluster`. Each imports the ones before it alone, and owns its state; what must reach upwards does so
//! through a trait that the upper one implements (`sessions::SessionObserver`, `engine::NodeHandler`).
//! Not here: sockets (`transport`), the decisions themselves (`auth`, `store`, `session`, `room`).

mod access_control;
mod accounts;
mod app;
mod cluster;
mod context;
mod errors;
mod events;
mod handoff;
mod peers;
mod pending_calls;
mod requests;
mod rooms;
mod server_api;
mod session_meta;
mod sessions;

use std::sync::{Arc, Weak};
use std::time::Duration;

use stagedoor_proto::{SessionId, Username};

pub use accounts::{Accounts, Attempt, AuthenticatedStart, OpenedSession};
pub use app::App;
pub use errors::{CallError, StartError};
pub use handoff::{HandoffError, HandoffSnapshot};
pub use requests::Requests;
pub use server_api::{ModerationResult, ServerApi, ShownRoom};
pub use session_meta::{PeerInfo, SessionMeta};
pub use sessions::{
    Activity, ConnectionLimitExceeded, ConnectionPermit, Connections, SessionConnection,
    SessionHandle, Sessions, Written,
};

use crate::auth::token::AccessTokens;
use crate::clock::{Clock, Rng};
use crate::config::{Config, Limits};
use crate::engine::{Engine, NodeHandler};
use crate::lifecycle::Lifecycle;
use crate::request::RequestId;
use crate::session::Session;
use crate::store::{Handoff, Store};
use crate::telemetry::Metrics;
use access_control::AccessControl;
use cluster::ClusterNode;
use context::Context;
use events::Events;
use peers::{PeerRequest, Peers};
use pending_calls::PendingCalls;
use rooms::Rooms;
use sessions::SessionObserver;

/// How often every session and room is looked at; what is due waits for it at most that long.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);
/// How many sessions are asked at a scrape how many frames wait for them.
const SAMPLED_SESSIONS: usize = 256;

/// The owners of this node's live state. Shared by reference.
pub struct Hub {
    /// Connections that have not started a session.
    pub connections: Connections,
    /// The live sessions.
    pub sessions: Arc<Sessions>,
    /// Users: start, resume, and what operators do to them.
    pub accounts: Arc<Accounts>,
    /// What apps' servers do in rooms.
    pub server_api: ServerApi,
    /// What sessions ask for.
    pub requests: Arc<Requests>,
    rooms: Arc<Rooms>,
    events: Arc<Events>,
    /// The other nodes.
    peers: Arc<Peers>,
    /// What the engine calls, which holds it weakly.
    node: Arc<ClusterNode>,
    context: Arc<Context>,
}

impl Hub {
    /// A hub without sessions, which takes the entries of rooms' logs from `engine`.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "the composition root gives it every part")]
    pub fn new(
        config: &Config,
        apps: Vec<Arc<App>>,
        store: Arc<dyn Store>,
        engine: &Arc<dyn Engine>,
        tokens: Arc<AccessTokens>,
        lifecycle: Lifecycle,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Arc<Self> {
        let context = Arc::new(Context::new(config, apps, store, lifecycle, metrics, clock));
        let events = Arc::new(Events::new(Arc::clone(&context)));
        let sessions =
            Arc::new(Sessions::new(Arc::clone(&context), Arc::clone(&events), Arc::clone(engine)));
        let peers = Arc::new(Peers::new(Arc::clone(engine)));
        let access = Arc::new(AccessControl::new(
            Arc::clone(&context),
            Arc::clone(&sessions),
            Arc::clone(&events),
            Arc::clone(engine),
            Arc::clone(&peers),
        ));
        let calls = Arc::new(PendingCalls::new(u64::from_be_bytes(Rng.bytes())));
        let rooms = Arc::new(Rooms::new(
            Arc::clone(&context),
            Arc::clone(&events),
            Arc::clone(&sessions),
            Arc::clone(&access),
            Arc::clone(&calls),
            Arc::clone(engine),
        ));
        let observer: Weak<Rooms> = Arc::downgrade(&rooms);
        sessions.subscribe(observer as Weak<dyn SessionObserver>);
        let accounts = Arc::new(Accounts::new(
            Arc::clone(&context),
            Arc::clone(&sessions),
            Arc::clone(&events),
            Arc::clone(&access),
            Arc::clone(&rooms),
            Arc::clone(&peers),
            tokens,
            Arc::clone(engine),
        ));
        let node = Arc::new(ClusterNode::new(
            Arc::clone(&context),
            Arc::clone(&sessions),
            access,
            Arc::clone(&rooms),
            Arc::clone(engine),
        ));
        let handler: Weak<ClusterNode> = Arc::downgrade(&node);
        engine.attach(handler as Weak<dyn NodeHandler>, &context.lifecycle);
        let requests = Arc::new(Requests::new(
            Arc::clone(&context),
            Arc::clone(&sessions),
            Arc::clone(&rooms),
            Arc::clone(&accounts),
        ));
        let server_api = ServerApi::new(Arc::clone(&context), Arc::clone(&rooms), calls);
        let connections = Connections::new(Arc::clone(&context));
        let hub = Self {
            connections,
            sessions,
            accounts,
            server_api,
            requests,
            rooms,
            events,
            peers,
            node,
            context,
        };
        Arc::new(hub)
    }

    /// The app of this id.
    #[must_use]
    pub fn app(&self, id: &str) -> Option<&Arc<App>> {
        self.context.app(id)
    }

    /// The durable facts behind it.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.context.store
    }

    /// The clock it goes by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.context.clock
    }

    /// Where everything is counted.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.context.metrics
    }

    /// All metrics as they are now, as text.
    #[must_use]
    pub fn scrape(&self) -> String {
        let metrics = &self.context.metrics;
        metrics.rooms.set(gauge(self.rooms.count()));
        metrics.pending_connections.set(gauge(self.connections.pending()));
        metrics.draining.set(i64::from(self.context.lifecycle.is_draining()));
        for session in self.sessions.sample(SAMPLED_SESSIONS) {
            metrics.send_queue.observe(session.inspect(Session::backlog));
        }
        metrics.encode()
    }

    /// Applies these limits from now on.
    pub fn reload_limits(&self, limits: Limits) {
        self.context.reload_limits(limits);
    }

    /// Serves an app as `fresh` would from now on; one that is not here is not added.
    pub fn reload_app(&self, fresh: &App) {
        if let Some(app) = self.app(fresh.id()) {
            app.reload(fresh);
        }
        self.events.reload();
    }

    /// Sweeps until the gateway stops. No session and no room has a timer of its own.
    pub async fn run_sweep(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(self.sweep_interval());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.context.lifecycle.stopping() => return self.sessions.flush_history(),
                _ = ticks.tick() => self.sweep(),
            }
        }
    }

    /// As short as the shortest configured wait needs it.
    fn sweep_interval(&self) -> Duration {
        let (keepalive, session) = (&self.context.keepalive, &self.context.session);
        SWEEP_INTERVAL.min(keepalive.room_timeout / 4).min(session.window / 4)
    }

    fn sweep(&self) {
        let now = self.context.clock.wall();
        self.connections.sweep(now);
        self.sessions.sweep(now);
        self.rooms.sweep(now);
        self.sessions.flush_history();
    }

    /// Keeps this node registered with the engine, and its sessions told how that goes, until the gateway stops.
    pub async fn run_lease(self: Arc<Self>) {
        self.node.run_lease().await;
    }

    /// Whether what needs other nodes can be done.
    #[must_use]
    pub fn is_engine_ready(&self) -> bool {
        self.node.is_engine_ready()
    }

    /// The user of a live session of an app, on whichever node it is.
    pub async fn find_user_of(&self, app: &Arc<str>, session: SessionId) -> Option<Username> {
        let here = self.sessions.find_in(app, session).filter(|session| !session.has_ended());
        if let Some(session) = here {
            return Some(session.user().username.clone());
        }
        let find = PeerRequest::FindSession { app: Arc::clone(app), session };
        let (users, _) = self.peers.ask_all::<Option<Username>>(&find).await;
        users.into_iter().flatten().next()
    }

    /// Ends a live session of an app, on whichever node it is; whether there was one.
    pub async fn end_session(
        &self,
        app: &Arc<str>,
        session: SessionId,
        request: Option<&RequestId>,
    ) -> bool {
        if self.sessions.terminate(app, session, request).is_some() {
            return true;
        }
        let end =
            PeerRequest::EndSession { app: Arc::clone(app), session, request: request.cloned() };
        let (ended, _) = self.peers.ask_all::<bool>(&end).await;
        ended.into_iter().any(|has_ended| has_ended)
    }

    /// Resolves when the gateway drains. Cancel-safe.
    pub async fn draining(&self) {
        self.context.lifecycle.draining().await;
    }

    /// Rejects a client without a session while the gateway drains.
    #[must_use]
    pub fn draining_error(&self) -> StartError {
        self.context.draining_error()
    }

    /// What the next process goes on with; `None` when there is nothing. `last` was the last version in any room's log.
    #[must_use]
    pub fn save(&self, last: u64) -> Option<Handoff> {
        handoff::save(&self.context, &self.sessions, &self.rooms, last)
    }

    /// Goes on with what the previous process saved; before clients are served, and before anything is appended.
    pub async fn restore(&self, snapshot: HandoffSnapshot) {
        handoff::restore(&self.context, &self.sessions, &self.rooms, snapshot).await;
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
