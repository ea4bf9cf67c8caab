//! A start: authenticate, claim, check the store, be established, close the displaced; in this order.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stagedoor_proto::{
    CloseCode, Disconnect, FamilyId, Reply, ResumeTicket, Secret, SessionId, SessionInfo,
    SessionState, Start, Started, Timestamp, User,
};

use crate::auth::{AuthRequest, Proof, Purpose, Verified};
use crate::engine::{Claim, ClaimRules, Claimed, DirectoryKey, Prepare, Prepared, SessionRow};
use crate::hub::errors::Refused;
use crate::hub::sessions::{Arrival, Credit, Identity, SessionHandle};
use crate::hub::{App, Hub, PROOF_OF_LIFE};
use crate::request::RequestId;
use crate::room::{RoomCommand, RoomKey};
use crate::session::{SecretHash, Session};
use crate::store::{Admission, Admitted, Entry, Refusal, StoreError, UserKey};
use crate::telemetry::Limit;

/// A session that was let in, and what its client is told of it.
pub struct Established {
    /// The session.
    pub session: Arc<SessionHandle>,
    /// The generation of its connection.
    pub generation: u64,
    /// The reply to `start`.
    pub reply: Reply,
}

impl Hub {
    /// The id of a session that is about to start: whatever its start leads to is known by it from the first line on.
    #[must_use]
    pub fn new_session_id(&self) -> SessionId {
        SessionId::from_bits(self.rng.bits())
    }

    /// Asks whether the credentials of a start let anybody in.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn authenticate(
        &self,
        start: &Start,
        arrival: &Arrival,
        request: &RequestId,
    ) -> Result<(Arc<App>, Verified), Refused> {
        if self.lifecycle.is_draining() {
            return Err(self.turned_away());
        }
        let app = self.app(&start.app).ok_or_else(|| {
            Refused::new(
                CloseCode::AuthDenied,
                "there is no such app, or the credentials do not let this user in",
            )
        })?;
        let auth_request = AuthRequest {
            app: Arc::clone(app.id()),
            username: start.username.clone(),
            instance: start.instance.clone(),
            credentials: start.credentials.clone(),
            address: arrival.address,
            user_agent: arrival.user_agent.as_deref().map(str::to_owned),
            purpose: Purpose::Start,
            request_id: request.clone(),
        };
        let verified = app.auth().authenticate(&auth_request).await?;
        Ok((Arc::clone(app), verified))
    }

    /// Lets a user in whose credentials were good as session `id`, unless the store or another session is against it.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn establish(
        &self,
        app: Arc<App>,
        verified: Verified,
        start: &Start,
        arrival: Arrival,
        id: SessionId,
        request: &RequestId,
    ) -> Result<Established, Refused> {
        let user = UserKey { app: Arc::clone(app.id()), username: verified.username.clone() };
        let rules = app.rules();
        let rules =
            ClaimRules { policy: rules.duplicate_policy, max_sessions: rules.sessions_per_user };
        let new_family = FamilyId::from_bits(self.rng.bits());
        let secret = self.new_secret(&user);
        // Before the store is asked: its answer would make the tokens of the session that stays void.
        if self.registry.living() >= self.limits().sessions_per_node {
            return Err(self.full());
        }
        let mut refused_generation = None;
        loop {
            let prepared = self.prepare(&user, start, rules, refused_generation).await?;
            let evict = match &prepared.protected {
                Some(holder) => Some(self.prove_dead(holder).await?),
                None => None,
            };
            let guest_fence = self.guest_fence.load(Ordering::SeqCst);
            let admission = Admission {
                user: user.clone(),
                instance: start.instance.clone(),
                address: arrival.address,
                entry: entry_of(&verified),
                new_family,
                generation: prepared.generation,
                now: self.clock.now(),
            };
            let admitted = match self.store.admit(admission).await? {
                Ok(admitted) => admitted,
                // Another gateway, or this one with a faster clock, was here before: only a live rival counts.
                Err(Refusal::Superseded { generation }) if refused_generation.is_none() => {
                    refused_generation = Some((prepared.generation, generation));
                    continue;
                }
                Err(refusal) => return Err(refusal.into()),
            };
            // On disk before anything else comes of it: a crash in between must not lose a block.
            let previous = self.previous(start, &user);
            let carried = match &previous {
                Some(previous) => self.carry(previous, &user).await?,
                None => Vec::new(),
            };
            let session = self.new_session(
                id,
                &app,
                &user,
                &verified,
                &admitted,
                start,
                &arrival,
                prepared.generation,
                &secret,
            );
            if !self.registry.insert(&session, self.limits().sessions_per_node) {
                return Err(self.full());
            }
            if self.guest_fence.load(Ordering::SeqCst) != guest_fence {
                self.registry.remove(session.id());
                continue;
            }
            let hash = SecretHash::of(secret.as_str());
            let claimed = self.claim(&session, &prepared, hash, rules, evict).await;
            let displaced = match claimed {
                Ok(Some(displaced)) => displaced,
                Ok(None) => {
                    self.registry.remove(session.id());
                    continue;
                }
                Err(refused) => {
                    self.registry.remove(session.id());
                    return Err(refused);
                }
            };
            self.close_displaced(&displaced, &session, request);
            if admitted.was_guest {
                self.end_borrowers(&session, request).await?;
            }
            if let Some(previous) = &previous {
                self.end_previous(previous, &session, carried, request).await;
            }
            self.tell_started(&session, request.clone());
            let reply = self.started(&session, &verified, admitted, secret);
            return Ok(Established { session, generation: prepared.generation, reply });
        }
    }

    /// Begins a claim. After the store has `refused` a generation for a newer one that it has seen, this one is newer still,
    /// unless the newer one is of an attempt that is being made now.
    async fn prepare(
        &self,
        user: &UserKey,
        start: &Start,
        rules: ClaimRules,
        refused: Option<(u64, u64)>,
    ) -> Result<Prepared, Refused> {
        let prepare = Prepare {
            user: user.clone(),
            instance: start.instance.clone(),
            age: Duration::ZERO,
            at_least: refused.map_or(0, |(_, newer)| newer + 1),
            rules,
        };
        let prepared = self.engine.prepare(prepare).await?;
        match refused {
            Some((generation, _)) if prepared.newest > generation => {
                Err(Refusal::Superseded { generation }.into())
            }
            Some(_) | None => Ok(prepared),
        }
    }

    /// Has a session that the store has admitted hold its instance; which ones it displaced. `None`: something came
    /// between, and the store is to be asked again.
    async fn claim(
        &self,
        session: &Arc<SessionHandle>,
        prepared: &Prepared,
        secret: SecretHash,
        rules: ClaimRules,
        evict: Option<u64>,
    ) -> Result<Option<Vec<SessionRow>>, Refused> {
        let generation = prepared.generation;
        let claim = Claim {
            user: session.user().clone(),
            instance: session.instance().clone(),
            session: session.id(),
            generation,
            fence: prepared.fence,
            secret,
            rules,
            evict,
            record: None,
        };
        let displaced = match self.engine.claim(claim).await? {
            Claimed::Held { displaced } => displaced,
            Claimed::Fenced => return Ok(None),
            Claimed::Superseded => return Err(Refusal::Superseded { generation }.into()),
            Claimed::Protected(holder) => {
                self.prove_dead(&holder).await?;
                return Ok(None);
            }
        };
        session.set_held_by(Some(generation));
        if session.has_ended() {
            // A ban found it before it held its instance.
            self.release(session);
            return Err(self.ended_or_denied(session));
        }
        Ok(Some(displaced))
    }

    /// A session that is protected by the app's policy is asked for a sign of life; silent, it gives way: its generation.
    async fn prove_dead(&self, holder: &SessionRow) -> Result<u64, Refused> {
        let session = self.registry.find(holder.session);
        if let Some(session) = session.filter(|session| session.is_connected()) {
            self.ask_to_yield(&session).await?;
        }
        Ok(holder.generation)
    }

    async fn ask_to_yield(&self, holder: &SessionHandle) -> Result<(), Refused> {
        let proof = holder.ask_for_life(self.clock.now());
        if tokio::time::timeout(PROOF_OF_LIFE, proof.cancelled()).await.is_ok() {
            return Err(Refused::new(
                CloseCode::SessionActive,
                "another session of this client instance is active",
            ));
        }
        let lost = Disconnect::new(CloseCode::HeartbeatLost);
        holder.tell(|session| session.part(lost, self.clock.now(), &self.session));
        Ok(())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a session is made of all that was learnt on the way to it"
    )]
    fn new_session(
        &self,
        id: SessionId,
        app: &Arc<App>,
        user: &UserKey,
        verified: &Verified,
        admitted: &Admitted,
        start: &Start,
        arrival: &Arrival,
        generation: u64,
        secret: &Secret,
    ) -> Arc<SessionHandle> {
        let now = self.clock.now();
        let hash = SecretHash::of(secret.as_str());
        let session = Session::established(generation, hash, verified.expires, now, &self.session);
        let identity = Identity {
            id,
            app: Arc::clone(app),
            user: user.clone(),
            instance: start.instance.clone(),
            guest: admitted.guest,
            family: admitted.family,
            client: start.client.clone().map(Box::new),
            arrival: arrival.clone(),
            started: now,
        };
        let credit = Credit { grant: Arc::new(verified.grant.clone()), auth: verified.auth };
        Arc::new(SessionHandle::new(identity, session, credit, self.first_life(now)))
    }

    /// When a new session counts as last heard: up to a quarter of an interval ago, so that many started at once are not all
    /// pinged at once.
    fn first_life(&self, now: Timestamp) -> Timestamp {
        let quarter = u64::try_from(self.keepalive.interval.as_millis() / 4).unwrap_or(u64::MAX);
        now - std::time::Duration::from_millis(self.rng.below(quarter))
    }

    fn close_displaced(&self, displaced: &[SessionRow], by: &SessionHandle, request: &RequestId) {
        for row in displaced {
            if row.instance != *by.instance() {
                self.hit(Limit::SessionsPerUser);
            }
            if let Some(session) = self.registry.find(row.session) {
                self.end(&session, Disconnect::new(CloseCode::Replaced), Some(request));
            }
        }
    }

    /// The name is registered now; guests who borrowed it have to find another.
    async fn end_borrowers(&self, by: &SessionHandle, request: &RequestId) -> Result<(), Refused> {
        for row in self.engine.fence(by.user()).await? {
            let borrower = self.registry.find(row.session).filter(|session| session.is_guest());
            if let Some(session) = borrower {
                self.end(&session, Disconnect::new(CloseCode::TokenRevoked), Some(request));
            }
        }
        Ok(())
    }

    /// The session that a start continues, if its client proved it.
    fn previous(&self, start: &Start, user: &UserKey) -> Option<Arc<SessionHandle>> {
        let previous = start.previous.as_ref()?;
        let session = self.registry.find(previous.session)?;
        let secret = SecretHash::of(previous.secret.as_str());
        let is_own = session.user().app == user.app
            && session.change(|session| session.is_proved_by(secret));
        is_own.then_some(session)
    }

    /// Keeps for a user what was laid on them under the name of `previous`; in which rooms.
    async fn carry(
        &self,
        previous: &SessionHandle,
        to: &UserKey,
    ) -> Result<Vec<RoomKey>, StoreError> {
        if previous.user() == to {
            return Ok(Vec::new());
        }
        self.store.carry(previous.user().clone(), to.username.clone(), self.clock.now()).await
    }

    /// Ends the session that `by` continues. The rooms where something was laid on its user are told; those among
    /// `carried` are opened for it: one that is just being opened may know them as they were.
    async fn end_previous(
        &self,
        previous: &Arc<SessionHandle>,
        by: &Arc<SessionHandle>,
        carried: Vec<RoomKey>,
        request: &RequestId,
    ) {
        self.end(previous, Disconnect::new(CloseCode::Replaced), Some(request));
        let (from, to) = (&previous.user().username, &by.user().username);
        if from == to {
            return;
        }
        let mut rooms: HashSet<_> = self.rooms.holding(by.app().id(), from).into_iter().collect();
        for room in carried {
            match self.open_room(&room).await {
                Ok(()) => drop(rooms.insert(room)),
                Err(error) => {
                    tracing::warn!(%error, "a room learns what it holds of a user when it opens");
                }
            }
        }
        for room in rooms {
            let (from, to, cause) = (from.clone(), to.clone(), Some(request.clone()));
            self.append(&room, RoomCommand::Carry { from, to, cause });
        }
    }

    fn started(
        &self,
        session: &SessionHandle,
        verified: &Verified,
        admitted: Admitted,
        secret: Secret,
    ) -> Reply {
        let access_token =
            self.mint_access(session, &verified.grant, verified.auth, verified.expires);
        Reply::Started(Box::new(Started {
            session: SessionInfo {
                id: session.id(),
                user: User {
                    username: session.user().username.clone(),
                    guest: admitted.guest,
                    name: admitted.profile.name,
                    properties: admitted.profile.properties,
                },
                instance: session.instance().clone(),
                state: SessionState::Established,
                expires_at_ms: verified.expires,
            },
            access_token,
            resume: ResumeTicket { secret, window_ms: Some(self.window_ms()) },
            heartbeat: self.heartbeat(),
            limits: self.limits().announced(),
            server: self.server_info(),
        }))
    }

    pub(in crate::hub) fn window_ms(&self) -> u64 {
        u64::try_from(self.session.window.as_millis()).unwrap_or(u64::MAX)
    }

    fn full(&self) -> Refused {
        self.hit(Limit::SessionsPerNode);
        Refused::new(CloseCode::Overloaded, "this node holds as many sessions as it may")
            .retry_after(PROOF_OF_LIFE)
    }

    /// 256 random bits, after what the user's sessions are found by on another node.
    pub(in crate::hub) fn new_secret(&self, user: &UserKey) -> Secret {
        let random = URL_SAFE_NO_PAD.encode(self.rng.bytes::<32>());
        let text = format!("{}.{random}", DirectoryKey::of(user));
        text.parse().expect("any text is a secret")
    }
}

fn entry_of(verified: &Verified) -> Entry {
    match &verified.proof {
        Proof::Guest => Entry::Guest,
        Proof::Fresh { issued } => {
            Entry::Registered { profile: verified.profile.clone(), issued: *issued }
        }
        Proof::Family(family) => Entry::Family(*family),
    }
}
