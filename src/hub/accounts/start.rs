//! Starts of sessions after their authentication, in this order: claim, store admission, establish, close displaced
//! sessions.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stagedoor_proto::{
    CloseCode, FamilyId, InstanceId, Reply, ResumeTicket, Secret, SessionId, SessionInfo,
    SessionState, Start, Started, User,
};

use super::attempt::Attempt;
use super::authenticate::AuthenticatedStart;
use super::capacity::{
    FULL_RETRY_AFTER, bounds_of, check_capacity, check_names, check_reserved, overloaded,
};
use super::claim::prepared_claim;
use super::previous::PreviousSession;
use super::{Accounts, OpenedSession};
use crate::auth::{Authenticated, Authenticator};
use crate::config::GuestNames;
use crate::engine::{Claim, ClaimRules, DirectoryKey, NameHolder, SessionRow};
use crate::hub::app::App;
use crate::hub::errors::StartError;
use crate::hub::session_meta::{AuthContext, PeerInfo, SessionMeta};
use crate::hub::sessions::{Capacity, SessionConnection, SessionHandle};
use crate::request::RequestId;
use crate::room::RoomKey;
use crate::session::{Establishing, SecretHash};
use crate::store::{Admission, Admitted, FamilyGrant, FormerFamily, Refusal, Rename, UserKey};
use crate::telemetry::Limit;
use crate::time::Monotonic;

/// What a claim changed.
struct Held {
    displaced: Vec<SessionRow>,
    /// The rooms to which the moderation state of the former name was carried over.
    carried: Vec<RoomKey>,
}

impl Accounts {
    /// A new session id. It identifies the start in every log line, from the first one.
    #[must_use]
    pub fn new_session_id(&self) -> SessionId {
        SessionId::from_bits(self.context.rng.bits())
    }

    /// Establishes session `id` for an authenticated user, unless the store or another session rejects the start.
    ///
    /// # Errors
    /// The error and the close for the client, and the start that they reject.
    #[expect(clippy::too_many_arguments, reason = "it takes all that was learnt before")]
    pub async fn establish(
        &self,
        establishing: Establishing,
        authenticated: AuthenticatedStart,
        start: &Start,
        peer: PeerInfo,
        id: SessionId,
        attempt: &Attempt,
        request: &RequestId,
    ) -> Result<OpenedSession, (Establishing, StartError)> {
        let (user, mut begun) = (authenticated.user(), None);
        let opened = self.try_establish(
            &establishing,
            authenticated,
            &user,
            start,
            peer,
            id,
            attempt,
            request,
            &mut begun,
        );
        let opened = opened.await;
        if let (Err(_), Some(begun)) = (&opened, begun) {
            Box::pin(self.withdraw_admission(user, start.instance.clone(), begun)).await;
        }
        opened.map_err(|error| (establishing, error))
    }

    /// Of an error, `begun` is the family to withdraw.
    #[expect(clippy::too_many_arguments, reason = "as of `establish`")]
    async fn try_establish(
        &self,
        establishing: &Establishing,
        mut accepted: AuthenticatedStart,
        user: &UserKey,
        start: &Start,
        peer: PeerInfo,
        id: SessionId,
        attempt: &Attempt,
        request: &RequestId,
        begun: &mut Option<(FamilyId, FormerFamily)>,
    ) -> Result<OpenedSession, StartError> {
        let app = Arc::clone(&accepted.app);
        let (rules, new_family) = (claim_rules(&app), FamilyId::from_bits(self.context.rng.bits()));
        let key = DirectoryKey::of(user);
        let secret = self.new_secret(key);
        let hash = SecretHash::of(secret.as_str());
        // Before the admission: it would void the tokens of the session that stays.
        check_capacity(self, peer.address, Capacity::of_sessions)?;
        let (mut refused_generation, mut counts_reserved) = (None, true);
        loop {
            attempt.check(&self.context)?;
            // Boxed, as everything that few starts do: the state of a start is copied to the heap as a whole.
            if !accepted.is_current() {
                Box::pin(accepted.reauthenticate(&self.context, attempt)).await?;
            }
            let authenticated = &accepted.authenticated;
            let is_guest = authenticated.is_guest();
            let prepared =
                self.prepare(key, start, rules, is_guest, attempt, refused_generation).await?;
            let evict = match &prepared.protected {
                Some(holder) => Some(Box::pin(self.prove_dead(holder, attempt)).await?),
                None => None,
            };
            attempt.check(&self.context)?;
            if !accepted.is_current() {
                continue;
            }
            let guest_fence = self.access.guest_fence();
            let previous = PreviousSession::find(self, start, user, &prepared);
            let (mut names, instances) = bounds_of(&app, is_guest, &prepared, previous.as_ref());
            check_names(self, names.as_mut(), &prepared, &peer, counts_reserved)?;
            let admission = Admission {
                user: user.clone(),
                instance: start.instance.clone(),
                address: peer.address,
                method: authenticated.method,
                profile: authenticated.profile.clone(),
                granted: self.granted(authenticated),
                new_family,
                names,
                instances,
                max_guests: self.context.limits().guests_per_app,
                generation: prepared.generation,
                revocation_leeway: app.rules().revocation_leeway,
                now: self.context.clock.wall(),
            };
            let admitted = match self.context.store.admit(admission).await? {
                Ok(admitted) => self.admitted(admitted, &accepted.accepted_by),
                // Another process, or this one with a faster clock, admitted a newer one. Only a live one counts.
                Err(Refusal::Superseded { generation }) if refused_generation.is_none() => {
                    refused_generation = Some((prepared.generation, generation));
                    continue;
                }
                Err(Refusal::NamesReserved(names)) => {
                    Box::pin(check_reserved(self, &app, names, &peer)).await?;
                    counts_reserved = false;
                    continue;
                }
                Err(refusal) => {
                    let holders = &prepared.holders;
                    let rejected = self.rejected(refusal, user, start, holders, request);
                    return Err(Box::pin(rejected).await);
                }
            };
            // From the first admission: a repeated one would find the family that the first created.
            if begun.is_none() {
                *begun = admitted.former.clone().map(|former| (admitted.family, former));
            }
            let session = self.new_session(
                establishing,
                id,
                &app,
                user,
                &admitted,
                start,
                &peer,
                prepared.generation,
                hash,
                key,
            );
            let claim = prepared_claim(&session, &prepared, hash, rules, evict);
            attempt.check(&self.context)?;
            if !accepted.is_current() {
                continue;
            }
            let held = self.hold(&session, claim, previous.as_ref(), guest_fence, attempt).await?;
            let Some(held) = held else { continue };
            *begun = None;
            let keep = start.previous.as_ref().is_some_and(|previous| previous.keep);
            let previous = previous.as_ref().map(|previous| (previous, keep));
            self.replace_others(&session, held, previous, admitted.was_guest, request).await?;
            self.events.session_started(session.meta(), request.clone());
            let reply = self.started(&session, admitted, secret);
            let connection = SessionConnection::new(session, prepared.generation);
            return Ok(OpenedSession { connection, reply });
        }
    }

    /// An admission, with the current grant where the app's settings alone decide it.
    fn admitted(&self, mut admitted: Admitted, settings: &Authenticator) -> Admitted {
        if admitted.forgotten > 0 {
            self.context.hit(Limit::InstancesPerUser);
        }
        if let Some(grant) = settings.configured_grant(admitted.granted.source) {
            admitted.granted.grant.clone_from(grant);
        }
        admitted
    }

    /// Claims the instance for an admitted session. `None`: the fence moved, and the start is decided again.
    async fn hold(
        &self,
        session: &Arc<SessionHandle>,
        claim: Claim,
        previous: Option<&PreviousSession>,
        guest_fence: u64,
        attempt: &Attempt,
    ) -> Result<Option<Held>, StartError> {
        // On disk before any other effect: a crash in between must not lose a block.
        let carried = match previous {
            Some(previous) => Box::pin(self.migrate_user_state(previous.rename(session))).await?,
            None => Vec::new(),
        };
        attempt.check(&self.context)?;
        let capacity = Capacity::of_sessions(session.meta().peer.address, &self.context.limits());
        let inserted = self.sessions.insert(session, capacity);
        inserted.map_err(|exceeded| overloaded(self, exceeded))?;
        let claimed = if self.access.guest_fence() == guest_fence {
            self.claim(session, claim, attempt).await
        } else {
            Ok(None)
        };
        if !matches!(claimed, Ok(Some(_))) {
            self.sessions.remove(session.id());
        }
        Ok(claimed?.map(|displaced| Held { displaced, carried }))
    }

    /// Closes the sessions that a claimed one displaces, and continues the previous one of its user. An error if the
    /// new session has ended meanwhile.
    async fn replace_others(
        &self,
        session: &Arc<SessionHandle>,
        Held { displaced, carried }: Held,
        previous: Option<(&PreviousSession, bool)>,
        was_guest: bool,
        request: &RequestId,
    ) -> Result<(), StartError> {
        if !displaced.is_empty() {
            Box::pin(self.close_displaced(&displaced, session, request)).await;
        }
        if session.has_ended() {
            // A ban or a newer start ended it before it was confirmed. The sessions it displaced are closed anyway: the
            // newer start only knows this session.
            self.sessions.release(session);
            self.sessions.remove(session.id());
            return Err(session.resume_error(self.context.clock.now()));
        }
        if was_guest {
            Box::pin(self.end_borrowers(session, request)).await?;
        }
        if let Some((previous, keep)) = previous {
            Box::pin(previous.continue_by(self, session, keep, carried, request)).await;
        }
        Ok(())
    }

    /// Undoes an admission that led to no session: the tokens of the session that goes on are valid again.
    async fn withdraw_admission(
        &self,
        user: UserKey,
        instance: InstanceId,
        (family, former): (FamilyId, FormerFamily),
    ) {
        let withdrawn = self.context.store.withdraw_admission(user, instance, family, former);
        if let Err(error) = withdrawn.await {
            tracing::warn!(%error, "cannot withdraw an admission");
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a session is made of all that was learnt on the way to it"
    )]
    fn new_session(
        &self,
        establishing: &Establishing,
        id: SessionId,
        app: &Arc<App>,
        user: &UserKey,
        admitted: &Admitted,
        start: &Start,
        peer: &PeerInfo,
        generation: u64,
        hash: SecretHash,
        key: DirectoryKey,
    ) -> Arc<SessionHandle> {
        let now = self.context.clock.now();
        let FamilyGrant { grant, source, authenticated, token_issued, expires } =
            admitted.granted.clone();
        let settings = Arc::clone(&self.context.session);
        let session = establishing.session(generation, hash, expires, now, settings);
        let meta = SessionMeta {
            id,
            user: user.clone(),
            instance: start.instance.clone(),
            guest: admitted.guest,
            family: admitted.family,
            proof: admitted.proof,
            registered: admitted.registered.clone(),
            client: start.client.clone().map(Box::new),
            peer: peer.clone(),
            started: now.wall,
            key: key.into(),
        };
        let auth = AuthContext {
            grant: Arc::new(grant),
            source,
            version: 0,
            authenticated_at: authenticated,
            token_issued,
            serial: admitted.position.serial,
        };
        let (app, first_life) = (Arc::clone(app), self.first_life(id, now.monotonic));
        Arc::new(SessionHandle::new(app, meta, session, auth, first_life))
    }

    /// The initial time of last activity: up to a quarter of an interval ago, so that sessions that start together are
    /// not pinged together. It comes from the random id.
    fn first_life(&self, id: SessionId, now: Monotonic) -> Monotonic {
        let quarter = (self.context.keepalive.interval / 4).as_millis().max(1);
        let ms = u64::try_from(id.bits() % quarter).unwrap_or(u64::MAX);
        now - Duration::from_millis(ms)
    }

    /// Carries the penalties of a renamed user over in the store. Returns the rooms that have some.
    async fn migrate_user_state(&self, rename: Rename) -> Result<Vec<RoomKey>, StartError> {
        if rename.is_empty() {
            return Ok(Vec::new());
        }
        let (max, now) =
            (self.context.limits().moderation_records_per_app, self.context.clock.wall());
        self.context.store.migrate_user(rename, max, now).await?.ok_or_else(|| {
            self.context.hit(Limit::ModerationRecordsPerApp);
            let message = "the penalties of the former name cannot be stored; retry later";
            StartError::new(CloseCode::Overloaded, message).retry_after(FULL_RETRY_AFTER)
        })
    }

    /// The error of a start that the store rejects.
    async fn rejected(
        &self,
        refusal: Refusal,
        user: &UserKey,
        start: &Start,
        holders: &[NameHolder],
        request: &RequestId,
    ) -> StartError {
        match refusal {
            Refusal::Reused { family } => {
                self.void_reused_family(user, &start.instance, family, request).await
            }
            Refusal::NameHeld { until } => self.name_taken(holders, until),
            Refusal::TooManyGuests => {
                self.context.hit(Limit::GuestsPerApp);
                refusal.into()
            }
            other => other.into(),
        }
    }

    /// What credentials grant, before the store replaces it by what their family grants now.
    fn granted(&self, authenticated: &Authenticated) -> FamilyGrant {
        FamilyGrant {
            grant: authenticated.grant.clone(),
            source: authenticated.source,
            authenticated: authenticated.authenticated_at(self.context.clock.wall()),
            token_issued: authenticated.token_issued,
            expires: authenticated.expires,
        }
    }

    fn started(&self, session: &SessionHandle, admitted: Admitted, secret: Secret) -> Reply {
        let (expires, scopes) = (admitted.granted.expires, admitted.granted.grant.scope_names());
        let access_token = self.mint_access(session, admitted.granted, admitted.position);
        Reply::Started(Box::new(Started {
            session: SessionInfo {
                id: session.id(),
                user: User {
                    username: session.user().username.clone(),
                    guest: admitted.guest,
                    name: admitted.profile.name,
                    properties: admitted.profile.properties,
                },
                instance: session.meta().instance.clone(),
                state: SessionState::Established,
                expires_at_ms: expires,
            },
            access_token,
            scopes,
            resume: ResumeTicket { secret, window_ms: Some(self.context.resume_window_ms()) },
            heartbeat: self.context.keepalive.announced(),
            limits: self.context.limits().announced(),
            server: self.context.server_info(),
        }))
    }

    /// The key under which other nodes find the user's sessions, then 256 random bits.
    pub(super) fn new_secret(&self, user: DirectoryKey) -> Secret {
        let random = URL_SAFE_NO_PAD.encode(self.context.rng.bytes::<32>());
        let text = format!("{user}.{random}");
        text.parse().expect("any text is a secret")
    }
}

fn claim_rules(app: &App) -> ClaimRules {
    let rules = app.rules();
    ClaimRules {
        policy: rules.duplicate_policy,
        max_sessions: rules.sessions_per_user,
        exclusive_names: rules.guest_names == GuestNames::Exclusive,
    }
}
