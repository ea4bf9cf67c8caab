//! Blocks, and their effect on live sessions. Both `rooms` and `accounts` use it.
//!
//! The store is written before live sessions are searched. The engine's directory explains why a concurrent start
//! sees the block or is found.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect, Error, FamilyId, InstanceId, Ref, Timestamp};

use super::context::Context;
use super::errors::{CallError, StartError, block_disconnect};
use super::events::Events;
use super::peers::{AppRevocation, PEER_TIMEOUT, PeerRequest, Peers};
use super::sessions::{SessionHandle, Sessions};
use crate::engine::{DirectoryKey, Engine};
use crate::principal::{Coverage, NameCoverage};
use crate::request::RequestId;
use crate::revocation::{DEFAULT_REVOCATION_LEEWAY, Issued, Revocation};
use crate::store::{
    AuditEvent, Block, Blocked, BlockedGuests, BlockedIdentities, Check, CheckedUser, Journal,
    StoreError, UserKey,
};

/// How long a protected session has to answer a liveness probe when another start claims its instance.
pub(super) const LIVENESS_TIMEOUT: Duration = Duration::from_secs(3);

/// Checks whether users are blocked, and ends the sessions of blocked users.
pub(super) struct AccessControl {
    context: Arc<Context>,
    sessions: Arc<Sessions>,
    events: Arc<Events>,
    engine: Arc<dyn Engine>,
    peers: Arc<Peers>,
    guest_fence: AtomicU64,
}

/// A block of a user from the app.
pub(super) struct NewBlock {
    pub(super) user: UserKey,
    pub(super) block: Block,
    /// The only guests it covers. `None`: everybody of the name, and a guest's known instances.
    pub(super) guests: Option<BlockedGuests>,
    /// Whether it covers the addresses of a guest.
    pub(super) by_address: bool,
    /// The idempotency key of the command, for the `disconnect` of the sessions.
    pub(super) ref_: Option<Ref>,
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

    /// Blocks a user from the app and ends their sessions. A block of a guest also ends the sessions of other guests
    /// that match it. Returns the number of ended sessions, and the block that holds: an earlier one may end later.
    ///
    /// # Errors
    /// If the store fails, nothing happened. If the engine does not answer, the block is in force.
    pub(super) async fn block(
        &self,
        new: NewBlock,
        row: Option<AuditEvent>,
        request: Option<&RequestId>,
    ) -> Result<(usize, Block), CallError> {
        let NewBlock { user, block, guests, by_address, ref_ } = new;
        let (messages, queued) = self.events.prepare_ban(&user, &block, request).unzip();
        let journal = Journal { audit: row, messages };
        let store = &self.context.store;
        let (covers_name, guests_only) =
            (guests.as_ref().is_none_or(|guests| guests.by_name), guests.is_some());
        let blocked = store.block(user.clone(), block, guests, by_address, journal).await;
        if let Some(queued) = queued {
            queued.finish(blocked.as_ref().map(|blocked| blocked.evicted));
        }
        let Blocked { identities: reach, holding, .. } = blocked?;
        let disconnect = block_disconnect(&holding).caused_by(ref_.as_ref());
        let mut ended = 0;
        if covers_name {
            ended += self.end_sessions_of(&user, guests_only, &disconnect, request).await?;
        }
        if reach != BlockedIdentities::default() {
            ended += self.end_all_reached(&user.app, reach, &disconnect, request).await?;
        }
        Ok((ended, holding))
    }

    /// Ends all sessions of a user, and makes starts in progress ask the store again. Returns how many ended.
    ///
    /// # Errors
    /// If the engine does not answer.
    pub(super) async fn end_sessions(
        &self,
        user: &UserKey,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> Result<usize, CallError> {
        self.end_sessions_of(user, false, disconnect, request).await
    }

    /// As [`Self::end_sessions`], or with `guests_only` those of guests under the user's name.
    async fn end_sessions_of(
        &self,
        user: &UserKey,
        guests_only: bool,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> Result<usize, CallError> {
        let rows = self.engine.fence(DirectoryKey::of(user)).await?;
        let mut ended = 0;
        let here = rows.iter().filter_map(|row| self.sessions.find(row.session));
        for session in here.filter(|session| session.meta().guest || !guests_only) {
            self.sessions.end(&session, disconnect.clone(), request);
            ended += 1;
        }
        let elsewhere =
            self.peers.end_sessions(&rows, guests_only, disconnect, request, PEER_TIMEOUT).await;
        elsewhere.map(|elsewhere| ended + elsewhere).map_err(|error| {
            tracing::warn!(%error, "cannot end sessions on another node");
            unreachable_peers()
        })
    }

    /// Ends the session of a token family on a client instance, and makes starts in progress ask the store again.
    ///
    /// # Errors
    /// If the engine or a node does not answer.
    pub(super) async fn end_instance(
        &self,
        user: &UserKey,
        instance: &InstanceId,
        family: FamilyId,
        disconnect: &Disconnect,
        request: &RequestId,
    ) -> Result<(), CallError> {
        let mut rows = self.engine.fence(DirectoryKey::of(user)).await?;
        rows.retain(|row| row.instance == *instance);
        for session in rows.iter().filter_map(|row| self.sessions.find(row.session)) {
            if session.meta().family == family {
                self.sessions.end(&session, disconnect.clone(), Some(request));
            }
        }
        let elsewhere =
            self.peers.end_sessions(&rows, false, disconnect, Some(request), PEER_TIMEOUT).await;
        elsewhere.map(drop).map_err(|error| {
            tracing::warn!(%error, "cannot end a session on another node");
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
            let guests_only = coverage.name == NameCoverage::Guests;
            ended += self.end_sessions_of(&user, guests_only, disconnect, request).await?;
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
        let (counts, failures) = self.peers.request_all::<usize>(&elsewhere).await;
        if failures > 0 {
            return Err(unreachable_peers());
        }
        Ok(ended + counts.iter().sum::<usize>())
    }

    /// Ends the sessions of guests that match a block, and makes starts in progress ask the store again. Returns how
    /// many ended.
    pub(super) fn end_reached(
        &self,
        app: &str,
        reach: &BlockedIdentities,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> usize {
        // A start is registered before it reads the fence: it is found here, or it sees the new fence.
        self.guest_fence.fetch_add(1, Ordering::SeqCst);
        let mut reached = self.sessions.select(|session| {
            let meta = session.meta();
            let is_reached = || reach.includes(&meta.instance, session.activity().address(meta));
            meta.guest && *meta.user.app == *app && is_reached()
        });
        reached.retain(|session| !session.has_ended());
        for session in &reached {
            self.sessions.end(session, disconnect.clone(), request);
        }
        reached.len()
    }

    /// Ends an app's sessions that were authenticated before the end of a revocation, or by a token that it voids, and
    /// those that joined a room with such a token, on every node. Makes starts in progress ask the store again. Returns
    /// how many ended.
    ///
    /// # Errors
    /// If a node does not answer.
    pub(super) async fn end_revoked_everywhere(
        &self,
        app: &Arc<str>,
        revocation: AppRevocation,
        disconnect: &Disconnect,
        request: &RequestId,
    ) -> Result<usize, CallError> {
        let ended = self.end_revoked(app, revocation, disconnect, Some(request));
        let elsewhere = PeerRequest::EndRevoked {
            app: Arc::clone(app),
            revocation,
            disconnect: Box::new(disconnect.clone()),
            request: Some(request.clone()),
        };
        let (counts, failures) = self.peers.request_all::<usize>(&elsewhere).await;
        if failures > 0 {
            return Err(unreachable_peers());
        }
        Ok(ended + counts.iter().sum::<usize>())
    }

    /// As [`Self::end_revoked_everywhere`], on this node.
    pub(super) fn end_revoked(
        &self,
        app: &str,
        revocation: AppRevocation,
        disconnect: &Disconnect,
        request: Option<&RequestId>,
    ) -> usize {
        let AppRevocation { revoked, ends_all } = revocation;
        let mut leeway = DEFAULT_REVOCATION_LEEWAY;
        if let Some(app) = self.context.app(app) {
            app.revoke_tokens(revoked);
            leeway = app.rules().revocation_leeway;
        }
        let (revocation, now) = (Revocation::new(revoked, leeway), self.context.clock.wall());
        // A start is registered before it reads the fence: it is found here, or it sees the new fence.
        self.guest_fence.fetch_add(1, Ordering::SeqCst);
        let mut meant = self.sessions.select(|session| *session.user().app == *app);
        meant.retain(|session| {
            let (auth, of_room) = (session.auth(), session.activity().oldest_room_token());
            let mut tokens = auth.token_issued.into_iter().chain(of_room);
            let is_meant = ends_all
                || revocation.voids(Issued::ByGateway(auth.authenticated_at), now)
                || tokens.any(|issued| revocation.voids(Issued::ByApp(Some(issued)), now));
            is_meant && !session.has_ended()
        });
        for session in &meant {
            self.sessions.end(session, disconnect.clone(), request);
        }
        meant.len()
    }

    /// Probes the liveness of a connected session, and disconnects a silent one if `matters` still holds. Returns
    /// whether it is live.
    pub(super) async fn probe_liveness(
        &self,
        session: &SessionHandle,
        matters: impl Fn() -> bool,
    ) -> bool {
        if !session.status().1 {
            return false;
        }
        let proof = session.probe_liveness(self.context.clock.now());
        if tokio::time::timeout(LIVENESS_TIMEOUT, proof.cancelled()).await.is_ok() {
            return true;
        }
        if matters() {
            let lost = Disconnect::new(CloseCode::HeartbeatLost);
            session.disconnect(lost, None, self.context.clock.now());
        }
        false
    }

    /// Increases when guests with other names may have been blocked, or an app's tokens were revoked: earlier starts
    /// ask the store again.
    pub(super) fn guest_fence(&self) -> u64 {
        self.guest_fence.load(Ordering::SeqCst)
    }

    /// Checks a session's user as [`Self::check`] does, and the token that renews the session or joins a room. A
    /// revocation of the user voids it if it `names_user`.
    ///
    /// # Errors
    /// As [`Self::check`]. A token issued before the revocation of the user or of the app; the session stays then.
    pub(super) async fn check_token(
        &self,
        session: &Arc<SessionHandle>,
        address: IpAddr,
        issued: Issued,
        names_user: bool,
    ) -> Result<(), StartError> {
        let CheckedUser { revoked, app_revoked } = self.check(session, address).await?;
        let revoked = revoked.filter(|_| names_user).max(app_revoked);
        let Some(revoked) = revoked else { return Ok(()) };
        let revocation = Revocation::new(revoked, session.app().rules().revocation_leeway);
        let now = self.context.clock.wall();
        if revocation.voids(issued, now) {
            return Err(StartError::token_revoked(revocation.retry_after(now)));
        }
        Ok(())
    }

    /// Checks that the user of a session is not blocked; otherwise ends the session.
    ///
    /// # Errors
    /// The reason for which the session was ended.
    pub(super) async fn check(
        &self,
        session: &Arc<SessionHandle>,
        address: IpAddr,
    ) -> Result<CheckedUser, StartError> {
        let now = self.context.clock.now();
        if session.has_ended() {
            return Err(session.resume_error(now));
        }
        match self.context.store.check(check_of(session, address, now.wall)).await? {
            Ok(user) => Ok(user),
            Err(refusal) => {
                let error = StartError::from(refusal);
                self.sessions.end(session, (*error.disconnect).clone(), None);
                Err(error)
            }
        }
    }

    /// Records that the user of a session is here. A session that would not pass the check goes on: a start in progress
    /// may be withdrawn.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn record_presence(&self, session: &SessionHandle) -> Result<(), StoreError> {
        let address = session.activity().address(session.meta());
        let check = check_of(session, address, self.context.clock.wall());
        self.context.store.check(check).await.map(drop)
    }
}

fn check_of(session: &SessionHandle, address: IpAddr, now: Timestamp) -> Check {
    let auth = session.auth();
    Check {
        user: session.user().clone(),
        instance: session.meta().instance.clone(),
        address,
        family: session.meta().family,
        authenticated: auth.authenticated_at,
        token_issued: auth.token_issued,
        revocation_leeway: session.app().rules().revocation_leeway,
        now,
    }
}

/// The block is persisted; a repetition ends the sessions that were unreachable.
fn unreachable_peers() -> CallError {
    let message = "applied, but some nodes could not end their sessions; retry";
    CallError::Refused(Error::engine_unavailable(message))
}
