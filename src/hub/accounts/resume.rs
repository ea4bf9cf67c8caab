//! Resuming a session on a new connection.

use std::sync::Arc;

use stagedoor_proto::{CloseCode, Disconnect, Reply, Resume, ResumeTicket, Resumed, Secret};

use super::attempt::Attempt;
use super::family::record_renewal;
use super::renew::credentials_of;
use super::{Accounts, OpenedSession};
use crate::engine::{DirectoryKey, Move, Moved, SessionRow};
use crate::hub::errors::StartError;
use crate::hub::handoff::{self, MovedSession};
use crate::hub::peers::{PEER_TIMEOUT, PeerRequest};
use crate::hub::session_meta::{PeerInfo, Renewal};
use crate::hub::sessions::{SessionConnection, SessionHandle, begin_renewal};
use crate::request::RequestId;
use crate::session::{ResumeClaim, ResumeError, SecretHash};
use crate::telemetry::Limit;

impl Accounts {
    /// Resumes a session and replays the frames after `last_seq`. With new credentials, renews it in the same step.
    ///
    /// # Errors
    /// The error for the client: how the session ended, that its resume window has passed, or that the secret is wrong.
    pub async fn resume(
        &self,
        resume: Resume,
        peer: &PeerInfo,
        attempt: &Attempt,
        request: &RequestId,
    ) -> Result<OpenedSession, StartError> {
        attempt.check(&self.context)?;
        let Some(session) = self.sessions.find(resume.session) else {
            return self.resume_elsewhere(resume, peer, attempt, request).await;
        };
        let shown = SecretHash::of(resume.secret.as_str());
        if !session.inspect(|session| session.is_proved_by(shown)) {
            return Err(StartError::resume_denied());
        }
        let claim = self.resume_claim(shown, &resume);
        // Before the store and a hook are asked.
        self.check_claim(&session, claim)?;
        self.access.check(&session, peer.address).await?;
        let renewal = self.renewal(&session, &resume, peer, attempt, request).await?;
        let user = session.meta().directory_key();
        let secret = self.new_secret(user);
        let next = SecretHash::of(secret.as_str());
        // A rejected resume must not move the fence that a concurrent start relies on.
        self.check_claim(&session, claim)?;
        attempt.check(&self.context)?;
        let age = attempt.age(&self.context.clock);
        let to = Move { user, session: session.id(), age, shown, next };
        let generation = match self.engine.move_here(to).await? {
            Moved::Here { generation, .. } => generation,
            Moved::Denied => return Err(session.resume_error(self.context.clock.now())),
        };
        self.take_over(session, peer, generation, claim, secret, renewal).await
    }

    /// Resumes a session of another node. Its secret contains the key of its directory row.
    ///
    /// The session moves before its renewal is verified, because its app and user move with it. If the attempt fails
    /// afterwards, the session stays on this node, suspended.
    async fn resume_elsewhere(
        &self,
        resume: Resume,
        peer: &PeerInfo,
        attempt: &Attempt,
        request: &RequestId,
    ) -> Result<OpenedSession, StartError> {
        let shown = SecretHash::of(resume.secret.as_str());
        let (key, _) = resume.secret.as_str().split_once('.').unwrap_or_default();
        let Ok(user) = key.parse::<DirectoryKey>() else { return Err(StartError::resume_denied()) };
        if !self.engine.is_shared() {
            return Err(StartError::resume_denied());
        }
        let secret = self.new_secret(user);
        let next = SecretHash::of(secret.as_str());
        let age = attempt.age(&self.context.clock);
        let to = Move { user, session: resume.session, age, shown, next };
        let (generation, previous) = match self.engine.move_here(to).await? {
            Moved::Here { generation, previous } => (generation, previous),
            Moved::Denied => return Err(StartError::resume_denied()),
        };
        let session = self.fetch(&previous, generation).await?;
        if !session.inspect(|session| session.is_proved_by(shown)) {
            return Err(StartError::resume_denied());
        }
        let claim = self.resume_claim(shown, &resume);
        let checked = async {
            self.access.check(&session, peer.address).await?;
            let renewal = self.renewal(&session, &resume, peer, attempt, request).await?;
            attempt.check(&self.context).map(|()| renewal)
        };
        match checked.await {
            Ok(renewal) => self.take_over(session, peer, generation, claim, secret, renewal).await,
            Err(rejected) => {
                let suspended = self.engine.suspend(user, session.id(), generation);
                self.context.run_detached(suspended);
                Err(rejected)
            }
        }
    }

    /// Fetches a session from its former node, after the directory row has moved to this node.
    async fn fetch(
        &self,
        previous: &SessionRow,
        generation: u64,
    ) -> Result<Arc<SessionHandle>, StartError> {
        let take = PeerRequest::TakeSession { session: previous.session, generation };
        let moved =
            self.peers.ask::<Option<MovedSession>>(previous.node, &take, PEER_TIMEOUT).await;
        let moved = moved.unwrap_or_else(|error| {
            tracing::warn!(%error, session = %previous.session, "a session cannot be fetched");
            None
        });
        let accepted = match moved {
            Some(moved) => {
                handoff::accept(&self.context, &self.sessions, &self.rooms, moved, generation)
                    .await
                    .map_err(|error| {
                        tracing::warn!(%error, "the rooms of a session are out of reach");
                    })
                    .ok()
                    .flatten()
            }
            None => None,
        };
        // The session is gone: its client starts a new one.
        accepted.ok_or_else(StartError::resume_denied)
    }

    /// The renewal that is part of a resume, verified but not in effect: the resume may still fail. The user's blocks
    /// are checked again after it was verified.
    async fn renewal(
        &self,
        session: &Arc<SessionHandle>,
        resume: &Resume,
        peer: &PeerInfo,
        attempt: &Attempt,
        request: &RequestId,
    ) -> Result<Option<(u64, Renewal)>, StartError> {
        let (token, params) = (resume.auth_token.clone(), resume.params.clone());
        let credentials = credentials_of(&self.context, token, params);
        let credentials = credentials.map_err(StartError::invalid_argument)?;
        if credentials.is_none() {
            return Ok(None);
        }
        let number = begin_renewal(session);
        let renewal = self.verify_renewal(session, credentials, peer, request);
        let renewal = attempt.wait_for(&self.context, renewal).await?;
        self.check_renewal(session, peer.address, &renewal).await?;
        Ok(Some((number, renewal)))
    }

    /// Moves a session to the current connection, by `generation`, then renews it. The user is checked once more if the
    /// connection has another address: a block of that address has either found the session or is found.
    async fn take_over(
        &self,
        session: Arc<SessionHandle>,
        peer: &PeerInfo,
        generation: u64,
        claim: ResumeClaim,
        secret: Secret,
        renewal: Option<(u64, Renewal)>,
    ) -> Result<OpenedSession, StartError> {
        let next = SecretHash::of(secret.as_str());
        let now = self.context.clock.now();
        let taken = session
            .resume(now, |session| claim.resume(session, generation, next, now))
            .map_err(|error| self.resume_error(error))?;
        session.activity().set_held_by(Some(generation));
        self.sessions.notify(&session);
        if session.activity().set_peer(session.meta(), peer)
            && let Err(rejected) = self.access.check(&session, peer.address).await
        {
            // Suspends it if the store failed; otherwise it has ended.
            let lost = Disconnect::new(CloseCode::HeartbeatLost);
            session.disconnect(lost, None, self.context.clock.now());
            return Err(rejected);
        }
        self.context.metrics.replayed_frames.inc_by(taken.replayed as u64);
        let access_token = match renewal {
            Some((number, renewal)) => self.renew_resumed(&session, renewal, number).await,
            None => None,
        };
        let (state, _, expires_at_ms) = session.status();
        let reply = Reply::Resumed(Resumed {
            replayed_count: u32::try_from(taken.replayed).unwrap_or(u32::MAX),
            pending: taken.pending,
            state,
            expires_at_ms,
            resume: ResumeTicket { secret, window_ms: Some(self.context.resume_window_ms()) },
            access_token,
            scopes: session.auth().grant.scope_names(),
            rooms: self.rooms.own_participants(&session),
        });
        Ok(OpenedSession { connection: SessionConnection::new(session, generation), reply })
    }

    fn resume_claim(&self, shown: SecretHash, resume: &Resume) -> ResumeClaim {
        let (rate, resets) = (self.context.resume_rate(), self.context.reset_rate());
        ResumeClaim { shown, last_seq: resume.last_seq, rate, resets }
    }

    fn check_claim(&self, session: &SessionHandle, claim: ResumeClaim) -> Result<(), StartError> {
        let now = self.context.clock.now();
        let checked = session.inspect(|session| claim.check(session, now));
        checked.map_err(|error| self.resume_error(error))
    }

    /// Records and applies the renewal of a resume that has succeeded. Returns the access token. `None`, and the
    /// session stays as it is, if a renewal that was sent later on the former connection is in force or the store
    /// fails.
    async fn renew_resumed(
        &self,
        session: &Arc<SessionHandle>,
        mut renewal: Renewal,
        number: u64,
    ) -> Option<Secret> {
        renewal.serial = record_renewal(&self.context, session, &renewal, number).await.ok()?;
        self.apply_renewal(session, renewal, number, None).ok()
    }

    fn resume_error(&self, error: ResumeError) -> StartError {
        match error {
            ResumeError::Denied => StartError::resume_denied(),
            ResumeError::Expired => {
                let message = "resume window expired; start a new session";
                StartError::new(CloseCode::ResumeExpired, message)
            }
            ResumeError::Ended(disconnect) => StartError::ended(disconnect),
            ResumeError::TooMany(wait) => {
                self.context.hit(Limit::Resumes);
                let message = "session was resumed too often; retry later";
                StartError::new(CloseCode::RateLimited, message).retry_after(wait)
            }
        }
    }
}
