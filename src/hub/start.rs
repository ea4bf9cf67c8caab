//! A start: authenticate, claim, check the store, be established, close the displaced; in this order.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stagedoor_proto::{
    CloseCode, Disconnect, FamilyId, Reply, ResumeTicket, Secret, SessionId, SessionInfo,
    SessionState, Start, Started, Timestamp, User,
};

use super::directory::{ClaimRules, Confirmed};
use super::handle::{Arrival, Credit, Identity, SessionHandle};
use super::refusal::Refused;
use super::{App, Hub, PROOF_OF_LIFE};
use crate::auth::{AuthRequest, Proof, Purpose, Verified};
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
        let rules = ClaimRules { policy: rules.duplicate_policy, max: rules.sessions_per_user };
        let new_family = FamilyId::from_bits(self.rng.bits());
        let secret = self.new_secret();
        let mut at_least = self.clock.micros();
        // Before the store is asked: its answer would make the tokens of the session that stays void.
        if self.registry.living() >= self.limits().sessions_per_node {
            return Err(self.full());
        }
        loop {
            let claim = self.directory.claim(&user, at_least);
            if let Some(holder) = claim.protected(&start.instance, rules) {
                self.ask_to_yield(&holder).await?;
            }
            let fence = claim.fence();
            let admission = Admission {
                user: user.clone(),
                instance: start.instance.clone(),
                address: arrival.address,
                entry: entry_of(&verified),
                new_family,
                generation: claim.generation(),
                now: self.clock.now(),
            };
            let admitted = match self.store.admit(admission).await? {
                Ok(admitted) => admitted,
                // Another gateway, or this one with a faster clock, was here before: only a live rival counts.
                Err(Refusal::Superseded { generation }) if !claim.has_rival() => {
                    at_least = generation + 1;
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
                claim.generation(),
                &secret,
            );
            if !self.registry.insert(&session, self.limits().sessions_per_node) {
                return Err(self.full());
            }
            match claim.confirm(&session, fence, rules) {
                Confirmed::Held(displaced) => {
                    self.close_displaced(&displaced, &session, admitted.was_guest, request);
                    if let Some(previous) = &previous {
                        self.end_previous(previous, &session, carried, request).await;
                    }
                    self.tell_started(&session, request.clone());
                    let reply = self.started(&session, &verified, admitted, secret);
                    return Ok(Established { session, generation: claim.generation(), reply });
                }
                Confirmed::Fenced => self.registry.remove(session.id()),
                Confirmed::Replaced => {
                    self.registry.remove(session.id());
                    return Err(Refusal::Superseded { generation: claim.generation() }.into());
                }
                Confirmed::Protected(holder) => {
                    self.registry.remove(session.id());
                    self.ask_to_yield(&holder).await?;
                }
            }
        }
    }

    /// A holder that is protected by the app's policy is asked for a sign of life; silent, it gives way.
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

    fn close_displaced(
        &self,
        displaced: &[Arc<SessionHandle>],
        by: &Arc<SessionHandle>,
        was_guest: bool,
        request: &RequestId,
    ) {
        for session in displaced {
            if session.instance() != by.instance() {
                self.hit(Limit::SessionsPerUser);
            }
            self.end(session, Disconnect::new(CloseCode::Replaced), Some(request));
        }
        if was_guest {
            // The name is registered now; whoever borrowed it has to find another.
            for session in
                self.directory.fence(by.user()).iter().filter(|session| session.is_guest())
            {
                self.end(session, Disconnect::new(CloseCode::TokenRevoked), Some(request));
            }
        }
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

    pub(super) fn window_ms(&self) -> u64 {
        u64::try_from(self.session.window.as_millis()).unwrap_or(u64::MAX)
    }

    fn full(&self) -> Refused {
        self.hit(Limit::SessionsPerNode);
        Refused::new(CloseCode::Overloaded, "this node holds as many sessions as it may")
            .retry_after(PROOF_OF_LIFE)
    }

    /// 256 random bits, as text.
    pub(super) fn new_secret(&self) -> Secret {
        let text = URL_SAFE_NO_PAD.encode(self.rng.bytes::<32>());
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
