//! The live state of this node, split by owner.
//!
//! Order of imports: `context` (shared and constant), `events`, `sessions`, `peers`, `access_control`, `rooms`,
//! `accounts`, `server_api`, `requests`, `cluster`. Each imports only earlier ones, and owns its state. Calls in the
//! other direction go through a trait that the later one implements (`sessions::SessionObserver`,
//! `engine::NodeHandler`). Not here: sockets (`transport`), and the rules of authentication, storage, sessions and
//! rooms (`auth`, `store`, `session`, `room`).

mod access_control;
mod accounts;
mod app;
mod cluster;
mod context;
mod errors;
mod events;
mod handoff;
mod keys;
mod peers;
mod pending_calls;
mod requests;
mod rooms;
mod server_api;
mod session_meta;
mod sessions;

use std::sync::{Arc, Weak};
use std::time::Duration;

use stagedoor_proto::{Ref, SessionId, Username};

pub use accounts::{Accounts, Attempt, AuthenticatedStart, OpenedSession};
pub use app::App;
pub use context::session_settings;
pub use errors::{CallError, StartError};
pub use handoff::{HandoffError, HandoffSnapshot};
pub use keys::{KeyRotation, SigningKeys};
pub use requests::Requests;
pub use server_api::{ModerationResult, RoomDetails, ServerApi};
pub use session_meta::{PeerInfo, SessionMeta};
pub use sessions::{
    Activity, ConnectionLimitExceeded, ConnectionPermit, Connections, MessageShare,
    SessionConnection, SessionHandle, Sessions, Written,
};

use crate::auth::token::AccessTokens;
use crate::clock::{Clock, Rng};
use crate::config::{Config, Limits};
use crate::engine::{Engine, NodeHandler};
use crate::lifecycle::Lifecycle;
use crate::request::RequestId;
use crate::session::{Session, SessionSettings};
use crate::store::{Handoff, Store, StoreError};
use crate::telemetry::Metrics;
use crate::time::StepDetector;
use access_control::AccessControl;
use accounts::{forget_surplus_guests, prune_guests};
use cluster::ClusterNode;
use context::Context;
use events::Events;
use peers::{PeerRequest, Peers};
use pending_calls::PendingCalls;
use rooms::Rooms;
use sessions::{SessionObserver, limit_replay_memory};

/// Interval of the sweep of sessions and rooms, and so the maximum delay of a due timer.
const SWEEP_INTERVAL: Duration = Duration::from_millis(250);
/// Number of sessions whose send queues are sampled at a scrape.
const SAMPLED_SESSIONS: usize = 256;

/// The live state of this node. Shared by reference.
pub struct Hub {
    /// Connections that have not started a session.
    pub connections: Connections,
    pub sessions: Arc<Sessions>,
    /// Start and resume, and actions of operators on users.
    pub accounts: Arc<Accounts>,
    /// Rotation of the keys that sign access tokens.
    pub keys: Arc<SigningKeys>,
    /// Calls of the server API in rooms.
    pub server_api: ServerApi,
    /// Requests of sessions.
    pub requests: Arc<Requests>,
    rooms: Arc<Rooms>,
    events: Arc<Events>,
    peers: Arc<Peers>,
    /// The handler of the engine's calls. The engine holds a weak reference.
    node: Arc<ClusterNode>,
    context: Arc<Context>,
}

impl Hub {
    /// A hub without sessions. `engine` delivers the entries of the rooms' logs.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "the composition root gives it every part")]
    pub fn new(
        config: &Config,
        apps: Vec<Arc<App>>,
        settings: Arc<SessionSettings>,
        store: Arc<dyn Store>,
        engine: &Arc<dyn Engine>,
        tokens: Arc<AccessTokens>,
        lifecycle: Lifecycle,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Arc<Self> {
        let context =
            Arc::new(Context::new(config, apps, settings, store, lifecycle, metrics, clock));
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
            Arc::clone(&tokens),
            Arc::clone(engine),
        ));
        let keys = Arc::new(SigningKeys::new(Arc::clone(&context), tokens, Arc::clone(&peers)));
        let node = Arc::new(ClusterNode::new(
            Arc::clone(&context),
            Arc::clone(&sessions),
            access,
            Arc::clone(&keys),
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
            keys,
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

    #[must_use]
    pub fn app(&self, id: &str) -> Option<&Arc<App>> {
        self.context.app(id)
    }

    /// All apps, in no order.
    pub fn apps(&self) -> impl Iterator<Item = &Arc<App>> {
        self.context.apps.values()
    }

    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.context.store
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.context.clock
    }

    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.context.metrics
    }

    /// All current metrics in the text format.
    #[must_use]
    pub fn scrape(&self) -> String {
        let metrics = &self.context.metrics;
        metrics.rooms.set(gauge(self.rooms.count()));
        metrics.room_stubs.set(gauge(rooms::stub_count(&self.rooms)));
        let sizes = self.apps().map(|app| self.context.store.sizes(app.id()));
        let (guests, records) = sizes.fold((0, 0), |(guests, records), sizes| {
            (guests + sizes.guests, records + sizes.moderation_records())
        });
        metrics.stored_guests.set(gauge(guests));
        metrics.moderation_records.set(gauge(records));
        metrics.pending_connections.set(gauge(self.connections.pending()));
        metrics.incomplete_messages.set(gauge(self.connections.message_bytes()));
        metrics.task_panics.inc_by(self.context.lifecycle.take_panics());
        metrics.replay_buffers.set(gauge(self.context.session.memory.bytes()));
        metrics.draining.set(i64::from(self.context.lifecycle.is_draining()));
        for session in self.sessions.sample(SAMPLED_SESSIONS) {
            metrics.send_queue.observe(session.inspect(Session::backlog));
        }
        metrics.encode()
    }

    /// Removes guests without a session who were not seen for the `guest_retention` of the app that retains them
    /// longest. Returns how many were removed.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn prune_guests(&self) -> Result<u64, StoreError> {
        let apps = self.context.apps.values();
        let retention = apps.map(|app| app.rules().guest_retention).max().unwrap_or_default();
        prune_guests(&self.accounts, retention).await
    }

    pub fn reload_limits(&self, limits: Limits) {
        self.context.reload_limits(limits);
    }

    /// Applies the settings of `fresh` to the app of the same id, if there is one.
    pub fn reload_app(&self, fresh: &App) {
        if let Some(app) = self.app(fresh.id()) {
            app.reload(fresh);
        }
        self.events.reload();
    }

    /// Sweeps until the gateway stops. Sessions and rooms have no runtime timers.
    pub async fn run_sweep(self: Arc<Self>) {
        let mut steps = StepDetector::new(self.context.clock.now());
        let mut ticks = tokio::time::interval(self.sweep_interval());
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.context.lifecycle.stopping() => return self.sessions.flush_history(),
                _ = ticks.tick() => self.sweep(&mut steps),
            }
        }
    }

    /// The interval of the sweep, short enough for the shortest configured timeout.
    fn sweep_interval(&self) -> Duration {
        let (keepalive, session) = (&self.context.keepalive, &self.context.session);
        SWEEP_INTERVAL.min(keepalive.room_timeout / 4).min(session.going_away_window / 4)
    }

    fn sweep(&self, steps: &mut StepDetector) {
        let now = self.context.clock.now();
        let step = steps.detect(now);
        if let Some(step_ms) = step {
            tracing::warn!(step_ms, "wall clock stepped");
            self.context.metrics.clock_steps.inc();
        }
        self.connections.sweep(now.monotonic);
        self.sessions.sweep(now, step.is_some());
        self.rooms.sweep(now);
        limit_replay_memory(&self.sessions, now);
        forget_surplus_guests(&self.accounts, now.monotonic);
        self.sessions.flush_history();
    }

    /// Keeps this node registered with the engine and notifies its sessions of changes, until the gateway stops.
    pub async fn run_lease(self: Arc<Self>) {
        self.node.run_lease().await;
    }

    /// Whether commands that need other nodes can be executed.
    #[must_use]
    pub fn is_engine_ready(&self) -> bool {
        self.node.is_engine_ready()
    }

    /// The user of a live session of an app, on any node.
    pub async fn find_user_of(&self, app: &Arc<str>, session: SessionId) -> Option<Username> {
        let here = self.sessions.find_in(app, session).filter(|session| !session.has_ended());
        if let Some(session) = here {
            return Some(session.user().username.clone());
        }
        let find = PeerRequest::FindSession { app: Arc::clone(app), session };
        let (users, _) = self.peers.request_all::<Option<Username>>(&find).await;
        users.into_iter().flatten().next()
    }

    /// Ends a live session of an app, on any node. Returns whether it existed. `ref_`: the idempotency key of the call.
    pub async fn end_session(
        &self,
        app: &Arc<str>,
        session: SessionId,
        ref_: Option<&Ref>,
        request: Option<&RequestId>,
    ) -> bool {
        if self.sessions.terminate(app, session, ref_, request).is_some() {
            return true;
        }
        let (app, ref_) = (Arc::clone(app), ref_.cloned());
        let end = PeerRequest::EndSession { app, session, ref_, request: request.cloned() };
        let (ended, _) = self.peers.request_all::<bool>(&end).await;
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

    /// The snapshot for the next process; `None` if it is empty. `last` is the highest version in any room's log.
    #[must_use]
    pub fn save(&self, last: u64) -> Option<Handoff> {
        handoff::save(&self.context, &self.sessions, &self.rooms, last)
    }

    /// Restores the snapshot, before the gateway accepts connections and before any entry is appended.
    pub async fn restore(&self, snapshot: HandoffSnapshot) {
        handoff::restore(&self.context, &self.sessions, &self.rooms, snapshot).await;
    }
}

fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
