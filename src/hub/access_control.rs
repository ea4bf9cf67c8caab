//! Blocks, and their effect on live sessions. Below both `rooms` and `accounts`, which need it.
//!
//! The store is written first, then live sessions are looked for: see the engine's directory for why one always
//! meets the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect, Error, ErrorCode};

use super::context::Context;
use super::errors::{CallError, StartError, block_disconnect};
use super::events::Events;
use super::peers::{PEER_TIMEOUT, PeerRequest, Peers};
use super::session_meta::PeerInfo;
use super::sessions::{SessionHandle, Sessions};
use crate::engine::Engine;
use crate::principal::{Coverage, NameCoverage};
use crate::request::RequestId;
use crate::store::{AuditEvent, Block, BlockedIdentities, Check, Journal, UserKey};

/// How long a protected session has to show life when another start wants its instance.
pub(super) const LIVENESS_TIMEOUT: Duration = Duration::from_secs(3);

/// Decides whether users may stay, and ends the sessions of those who may not.
pub(super) struct AccessControl {
    context: Arc<Context>,
    sessions: Arc<Sessions>,
    events: Arc<Events>,
    engine: Arc<dyn Engine>,
    peers: Arc<Peers>,
    guest_fence: AtomicU64,
}

impl AccessControl {
    pub(super) const fn new(
        context: Arc<Context>,
        sessions: Arc<Sessions>,
        events: Arc<Events>,
        engine: Arc<dyn Engine>,
        peers: Arc<Peers>,
    ) -> Self {
        Self { context, sessions, events, engine, peers, guest_fence: AtomicU64::new(0) }
    }

    /// Blocks a user from the app and ends their sessions and, of a guest, those of other guests whom the block reaches;
    /// how many. `row` is what the audit log keeps of it.
    ///
    /// # Errors
    /// When the store did not take it; nothing happened then. When the engine does not answer; the block holds then.
    pub(super) async fn block(
        &self,
        user: UserKey,
        block: Block,
        address: bool,
        row: Option<AuditEvent>,
        request: Option<&RequestId>,
    ) -> Result<usize, CallError> {
        let (messages, queued) = self.events.prepare_ban(&user, &block, request).unzip();
        let journal = Journal { audit: row, messages };
        let store = &self.context.store;
        let blocked = store.block(user.clone(), block.clone(), address, journal).await;
        if let Some(queued) = queued {
            queued.finish(blocked.as_ref().map(|blocked| blocked.evicted));
        }
        let reach = blocked?.identities;
        let disconnect = block_disconnect(&block);
        let mut ended = self.end_sessions(&user, &disconnect, request).await?;
        if reach != BlockedIdentities::default() {
            ended += self.end_all_reached(&user.app, reach, &disconnect, request).await?;
        }
        Ok(ended)
    }

    /// Ends all sessions of a user, and has starts that are on their way ask the store again; how many ended.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(super) async fn end_sessions(
        &self,
        user: &UserKey,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> Result<usize, CallError> {
        let rows = self.engine.fence(user).await?;
        let mut ended = 0;
        for session in rows.iter().filter_map(|row| self.sessions.find(row.session)) {
            self.sessions.end(&session, disconnect.clone(), request);
            ended += 1;
        }
        let elsewhere =
            self.peers.end_sessions(&rows, false, disconnect, request, PEER_TIMEOUT).await;
        elsewhere.map(|elsewhere| ended + elsewhere).map_err(|error| {
            tracing::warn!(%error, "sessions of a user on another node could not be ended");
            unreachable_peers()
        })
    }

    /// Ends the sessions of these principals, guests under any name; how many ended.
    ///
    /// # Errors
    /// When the engine or a node does not answer.
    pub(super) async fn end_covered(
        &self,
        app: &Arc<str>,
        coverage: &Coverage,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> Result<usize, CallError> {
        let mut ended = 0;
        if coverage.name != NameCoverage::None {
            let user = UserKey { app: Arc::clone(app), username: coverage.username.clone() };
            ended += self.end_sessions(&user, disconnect, request).await?;
        }
        if !coverage.guests.is_empty() {
            let instances = coverage.guests.keys().cloned().collect();
            let reach = BlockedIdentities { instances, ..BlockedIdentities::default() };
            ended += self.end_all_reached(app, reach, disconnect, request).await?;
        }
        Ok(ended)
    }

    /// As [`AccessControl::end_reached`], on every node.
    async fn end_all_reached(
        &self,
        app: &Arc<str>,
        reach: BlockedIdentities,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> Result<usize, CallError> {
        let ended = self.end_reached(app, &reach, disconnect, request);
        let (app, disconnect) = (Arc::clone(app), Box::new(disconnect.clone()));
        let elsewhere =
            PeerRequest::EndReached { app, reach, disconnect, request: request.cloned() };
        let (counts, failures) = self.peers.ask_all::<usize>(&elsewhere).await;
        if failures > 0 {
            return Err(unreachable_peers());
        }
        Ok(ended + counts.iter().sum::<usize>())
    }

    /// Ends the sessions of guests whom a block reaches, and has starts that are on their way ask the store again; how
    /// many ended.
    pub(super) fn end_reached(
        &self,
        app: &str,
        reach: &BlockedIdentities,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> usize {
        // A start is registered before it looks at the fence: it is found here, or it sees the fence moved.
        self.guest_fence.fetch_add(1, Ordering::SeqCst);
        let mut reached = self.sessions.select(|session| {
            let meta = session.meta();
            let is_reached = || reach.includes(&meta.instance, meta.peer.address);
            meta.guest && *meta.user.app == *app && is_reached()
        });
        reached.retain(|session| !session.has_ended());
        for session in &reached {
            self.sessions.end(session, disconnect.clone(), request);
        }
        reached.len()
    }

    /// Asks a connected session for a sign of life; one that is silent is disconnected, if that still `matters`. Whether
    /// it lives.
    pub(super) async fn probe_liveness(
        &self,
        session: &SessionHandle,
        matters: impl Fn() -> bool,
    ) -> bool {
        if !session.status().1 {
            return false;
        }
        let proof = session.probe_liveness(self.context.clock.wall());
        if tokio::time::timeout(LIVENESS_TIMEOUT, proof.cancelled()).await.is_ok() {
            return true;
        }
        if matters() {
            let lost = Disconnect::new(CloseCode::HeartbeatLost);
            session.disconnect(lost, None, self.context.clock.wall());
        }
        false
    }

    /// Moves when guests of other names may have been blocked: a start that began before asks the store again.
    pub(super) fn guest_fence(&self) -> u64 {
        self.guest_fence.load(Ordering::SeqCst)
    }

    /// Whether the user of a session may stay.
    ///
    /// # Errors
    /// Why not. The session is ended with it.
    pub(super) async fn check(
        &self,
        session: &Arc<SessionHandle>,
        peer: &PeerInfo,
    ) -> Result<(), StartError> {
        let now = self.context.clock.wall();
        if session.has_ended() {
            return Err(session.resume_error(now));
        }
        let check = Check {
            user: session.user().clone(),
            instance: session.meta().instance.clone(),
            address: peer.address,
            family: session.meta().family,
            now,
        };
        match self.context.store.check(check).await? {
            Ok(()) => Ok(()),
            Err(refusal) => {
                let error = StartError::from(refusal);
                self.sessions.end(session, (*error.disconnect).clone(), None);
                Err(error)
            }
        }
    }
}

/// The block is written; a repetition reaches the sessions that were out of reach.
fn unreachable_peers() -> CallError {
    let message = "it is in force, and not all nodes could end the sessions they have; try again";
    CallError::Refused(Error::new(ErrorCode::EngineUnavailable, message))
}
