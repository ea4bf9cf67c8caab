//! This node as the engine and other nodes see it: dispatches entries to rooms, and requests and notices to sessions.
//!
//! It uses all owners of the hub, because a request of another node may be for any of them. Nothing here waits for the
//! engine before it returns.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use serde::Serialize;
use stagedoor_proto::{CloseCode, Degraded, Disconnect, Push, encode_push};

use super::access_control::AccessControl;
use super::context::Context;
use super::handoff;
use super::keys::SigningKeys;
use super::peers::PeerRequest;
use super::rooms::{Replicas, Rooms};
use super::sessions::Sessions;
use crate::engine::{
    Displaced, Engine, Gap, Health, LEASE_RENEWAL, NodeHandler, Renewal, RoomLog, RoomMessage,
};
use crate::room::{Entry, NodeEpoch, RoomKey};
use crate::session::Body;

/// The handler of the engine's calls. It has no state.
pub(super) struct ClusterNode {
    context: Arc<Context>,
    sessions: Arc<Sessions>,
    access: Arc<AccessControl>,
    keys: Arc<SigningKeys>,
    rooms: Arc<Rooms>,
    replicas: Replicas,
    engine: Arc<dyn Engine>,
}

impl ClusterNode {
    pub(super) fn new(
        context: Arc<Context>,
        sessions: Arc<Sessions>,
        access: Arc<AccessControl>,
        keys: Arc<SigningKeys>,
        rooms: Arc<Rooms>,
        engine: Arc<dyn Engine>,
    ) -> Self {
        let replicas = rooms.replicas();
        Self { context, sessions, access, keys, rooms, replicas, engine }
    }

    /// Whether commands that need other nodes can be executed.
    pub(super) fn is_engine_ready(&self) -> bool {
        *self.engine.health().borrow() == Health::Ready
    }

    /// Renews this node's lease and notifies sessions when the engine is unavailable or back, until the gateway stops.
    pub(super) async fn run_lease(&self) {
        let mut health = self.engine.health();
        let mut ticks = tokio::time::interval(LEASE_RENEWAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.context.lifecycle.stopping() => return,
                Ok(()) = health.changed() => {
                    let now = *health.borrow_and_update();
                    match now {
                        Health::Ready => self.announce(false),
                        Health::Degraded => self.announce(true),
                        Health::Closed => return,
                    }
                }
                _ = ticks.tick() => self.renew_lease().await,
            }
        }
    }

    async fn renew_lease(&self) {
        match self.engine.renew_lease().await {
            Ok(Renewal::Held(_)) => {}
            Ok(Renewal::Lost) => tracing::error!("node declared dead by other nodes"),
            Err(error) => tracing::warn!(%error, "lease renewal failed"),
        }
    }

    /// Notifies all sessions whether commands that need other nodes are rejected now.
    fn announce(&self, is_degraded: bool) {
        if is_degraded {
            tracing::error!("engine unavailable");
        } else {
            tracing::warn!("engine available again");
        }
        let push = encode_push(&Push::Degraded(Degraded { active: is_degraded }));
        let body: Body = push.into();
        let now = self.context.clock.now();
        for session in self.sessions.select(|_| true) {
            session.update(|session| session.push(Body::clone(&body), now));
        }
    }
}

impl NodeHandler for ClusterNode {
    fn apply(&self, room: &RoomKey, entry: Entry) {
        self.replicas.apply(room, entry);
    }

    fn applied_version(&self, room: &RoomKey) -> u64 {
        self.replicas.applied_version(room)
    }

    fn restore(&self, room: &RoomKey, log: RoomLog) {
        self.replicas.load_log(room, log);
    }

    fn checkpoint_due(&self, room: &RoomKey) {
        self.replicas.store_checkpoint(room);
    }

    fn deliver(&self, room: &RoomKey, order: u64, message: RoomMessage) {
        self.replicas.deliver(room, order, message);
    }

    /// The claim that displaced the session comes from another node, which also requests its end and waits for it. This
    /// notice ends the session if that node failed before its request.
    fn displaced(&self, displaced: Displaced) {
        let Displaced { user: _, session, generation } = displaced;
        let Some(session) = self.sessions.find(session) else { return };
        if session.activity().held_by().is_some_and(|held| held <= generation) {
            self.sessions.end(&session, Disconnect::new(CloseCode::Replaced), None);
        }
    }

    fn request(&self, _: NodeEpoch, body: Bytes) -> BoxFuture<'static, Bytes> {
        let request = match serde_json::from_slice(&body) {
            Ok(request) => request,
            Err(error) => {
                tracing::warn!(%error, "malformed request from another node");
                return Box::pin(std::future::ready(Bytes::new()));
            }
        };
        let (context, sessions) = (Arc::clone(&self.context), Arc::clone(&self.sessions));
        match request {
            PeerRequest::EndSessions { sessions: ids, guests_only, disconnect, request } => {
                let live = ids.into_iter().filter_map(|id| sessions.find(id));
                let meant = live.filter(|session| session.meta().guest || !guests_only);
                let ended = meant
                    .filter(|session| !session.has_ended())
                    .map(|session| sessions.end(&session, (*disconnect).clone(), request.as_ref()))
                    .count();
                answer(&ended)
            }
            PeerRequest::FindSession { app, session } => {
                let session = sessions.find_in(&app, session);
                let live = session.filter(|session| !session.has_ended());
                answer(&live.map(|session| session.user().username.clone()))
            }
            PeerRequest::EndSession { app, session, ref_, request } => {
                let ended = sessions.terminate(&app, session, ref_.as_ref(), request.as_ref());
                answer(&ended.is_some())
            }
            PeerRequest::EndReached { app, reach, disconnect, request } => {
                answer(&self.access.end_reached(&app, &reach, &disconnect, request.as_ref()))
            }
            PeerRequest::EndRevoked { app, revocation, disconnect, request } => {
                answer(&self.access.end_revoked(&app, revocation, &disconnect, request.as_ref()))
            }
            PeerRequest::ProbeLiveness { session } => {
                let access = Arc::clone(&self.access);
                Box::pin(async move {
                    let is_alive = match sessions.find(session) {
                        Some(session) => access.probe_liveness(&session, || true).await,
                        None => false,
                    };
                    encode(&is_alive)
                })
            }
            PeerRequest::ReloadKeys {} => {
                let keys = Arc::clone(&self.keys);
                Box::pin(async move { encode(&keys.reload().await.is_ok()) })
            }
            PeerRequest::TakeSession { session, generation } => {
                let rooms = Arc::clone(&self.rooms);
                Box::pin(async move {
                    encode(&handoff::give(&context, &sessions, &rooms, session, generation).await)
                })
            }
        }
    }

    fn resync(&self, gap: Gap) {
        match gap {
            Gap::Room(room) => self.replicas.reset_sessions(&room),
            Gap::Directory => {
                let (sessions, engine) = (Arc::clone(&self.sessions), Arc::clone(&self.engine));
                self.context
                    .lifecycle
                    .spawn(async move { end_displaced(&sessions, &*engine).await });
            }
        }
    }
}

/// Ends sessions that lost their instance while this node may have missed the notice.
async fn end_displaced(sessions: &Sessions, engine: &dyn Engine) {
    for session in sessions.select(|session| session.activity().held_by().is_some()) {
        let Ok(rows) = engine.rows(session.meta().directory_key()).await else { return };
        let is_held = rows.iter().any(|row| row.session == session.id());
        if !is_held && session.activity().held_by().is_some() {
            sessions.end(&session, Disconnect::new(CloseCode::Replaced), None);
        }
    }
}

fn answer<T: Serialize>(answer: &T) -> BoxFuture<'static, Bytes> {
    Box::pin(std::future::ready(encode(answer)))
}

fn encode<T: Serialize>(answer: &T) -> Bytes {
    serde_json::to_vec(answer).expect("an answer has a JSON form").into()
}
