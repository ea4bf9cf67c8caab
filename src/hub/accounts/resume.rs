//! Resuming a session on a new connection.

use std::time::Duration;

use stagedoor_proto::{CloseCode, Reply, Resume, ResumeTicket, Resumed};

use super::{Accounts, OpenedSession};
use crate::engine::{DirectoryKey, Move, Moved};
use crate::hub::errors::StartError;
use crate::hub::session_meta::PeerInfo;
use crate::hub::sessions::SessionConnection;
use crate::request::RequestId;
use crate::session::{ResumeClaim, ResumeError, SecretHash};

impl Accounts {
    /// Takes a session up, replaying what came after `last_seq`; renews it in the same step when given an auth token.
    ///
    /// # Errors
    /// What the client is told: how the session ended, that its window has passed, or that it is not the client's.
    pub async fn resume(
        &self,
        resume: Resume,
        peer: &PeerInfo,
        request: &RequestId,
    ) -> Result<OpenedSession, StartError> {
        let shown = SecretHash::of(resume.secret.as_str());
        let session = self.sessions.find(resume.session).ok_or_else(StartError::resume_denied)?;
        if !session.inspect(|session| session.is_proved_by(shown)) {
            return Err(StartError::resume_denied());
        }
        self.access.check(&session, peer).await?;
        let renewed = match resume.auth_token {
            Some(token) => Some(self.verify_renewal(&session, token, peer, request).await?),
            None => None,
        };
        let secret = self.new_secret(session.user());
        let next = SecretHash::of(secret.as_str());
        let claim = ResumeClaim { shown, last_seq: resume.last_seq };
        let now = self.context.clock.now();
        // Checked first: a resume that is refused must not get in the way of a start.
        let checked = session.inspect(|session| claim.check(session, now));
        checked.map_err(resume_error)?;
        let to = Move {
            user: DirectoryKey::of(session.user()),
            session: session.id(),
            age: Duration::ZERO,
            shown,
            next,
        };
        let generation = match self.engine.move_here(to).await? {
            Moved::Here { generation, .. } => generation,
            Moved::Denied => return Err(session.resume_error(self.context.clock.now())),
        };
        let taken = session
            .resume(now, |session| claim.resume(session, generation, next, now))
            .map_err(resume_error)?;
        session.activity().set_held_by(Some(generation));
        self.sessions.notify(&session);
        self.context.metrics.replayed_frames.inc_by(taken.replayed as u64);
        let access_token =
            renewed.map(|renewal| self.apply_renewal(&session, renewal).access_token);
        let (state, _, expires_at_ms) = session.status();
        let reply = Reply::Resumed(Resumed {
            replayed: u32::try_from(taken.replayed).unwrap_or(u32::MAX),
            pending: taken.pending,
            state,
            expires_at_ms,
            resume: ResumeTicket { secret, window_ms: Some(self.window_ms()) },
            access_token,
        });
        Ok(OpenedSession { connection: SessionConnection::new(session, generation), reply })
    }
}

fn resume_error(refused: ResumeError) -> StartError {
    match refused {
        ResumeError::Denied => StartError::resume_denied(),
        ResumeError::Expired => {
            StartError::new(CloseCode::ResumeExpired, "the resume window has passed; start anew")
        }
        ResumeError::Ended(disconnect) => StartError::ended(disconnect),
    }
}
