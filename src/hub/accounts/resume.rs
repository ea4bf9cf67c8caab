//! Taking a session up again on a new connection.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{CloseCode, Reply, Resume, ResumeTicket, Resumed};

use crate::engine::{DirectoryKey, Move, Moved};
use crate::hub::Hub;
use crate::hub::errors::Refused;
use crate::hub::sessions::{Arrival, SessionHandle};
use crate::request::RequestId;
use crate::session::{Link, ResumeRefused, SecretHash};
use crate::store::Check;

/// A session that was taken up, and what its client is told of it.
pub struct Resumption {
    /// The session.
    pub session: Arc<SessionHandle>,
    /// The generation of its connection.
    pub generation: u64,
    /// The reply to `resume`; the missed frames follow it.
    pub reply: Reply,
}

impl Hub {
    /// Takes a session up, replaying what came after `last_seq`; renews it in the same step when given an auth token.
    ///
    /// # Errors
    /// What the client is told: how the session ended, that its window has passed, or that it is not the client's.
    pub async fn resume(
        &self,
        resume: Resume,
        arrival: &Arrival,
        request: &RequestId,
    ) -> Result<Resumption, Refused> {
        let shown = SecretHash::of(resume.secret.as_str());
        let session = self.registry.find(resume.session).ok_or_else(denied)?;
        if !session.change(|session| session.is_proved_by(shown)) {
            return Err(denied());
        }
        self.check_standing(&session, arrival).await?;
        let renewed = match resume.auth_token {
            Some(token) => Some(self.verify_renewal(&session, token, arrival, request).await?),
            None => None,
        };
        let secret = self.new_secret(session.user());
        let (next, last_seq) = (SecretHash::of(secret.as_str()), resume.last_seq);
        let now = self.clock.now();
        // Looked at first: a resume that is refused stands in no start's way.
        session.change(|session| session.check_resume(shown, last_seq, now)).map_err(refused)?;
        let to = Move {
            user: DirectoryKey::of(session.user()),
            session: session.id(),
            age: Duration::ZERO,
            shown,
            next,
        };
        let generation = match self.engine.move_here(to).await? {
            Moved::Here { generation, .. } => generation,
            Moved::Denied => return Err(self.ended_or_denied(&session)),
        };
        let taken = session
            .take_up(now, |session| session.resume(generation, shown, next, last_seq, now))
            .map_err(refused)?;
        session.set_held_by(Some(generation));
        self.settle(&session);
        self.metrics.replayed_frames.inc_by(taken.replayed as u64);
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
        Ok(Resumption { session, generation, reply })
    }

    /// How a session that is no longer held ended, for as long as that is told.
    pub(in crate::hub) fn ended_or_denied(&self, session: &SessionHandle) -> Refused {
        let now = self.clock.now();
        session.change(|session| match session.link() {
            Link::Ended { ending, until } if now < *until => Refused::ended((**ending).clone()),
            Link::Ended { .. } | Link::Live { .. } | Link::Suspended { .. } => denied(),
        })
    }

    /// Whether the user of a session is still welcome.
    ///
    /// # Errors
    /// Why not. The session is ended with it.
    pub(in crate::hub) async fn check_standing(
        &self,
        session: &Arc<SessionHandle>,
        arrival: &Arrival,
    ) -> Result<(), Refused> {
        if session.has_ended() {
            return Err(self.ended_or_denied(session));
        }
        let check = Check {
            user: session.user().clone(),
            instance: session.instance().clone(),
            address: arrival.address,
            family: session.family(),
            now: self.clock.now(),
        };
        match self.store.check(check).await? {
            Ok(()) => Ok(()),
            Err(refusal) => {
                let refused = Refused::from(refusal);
                self.end(session, (*refused.disconnect).clone(), None);
                Err(refused)
            }
        }
    }
}

fn denied() -> Refused {
    let message = "there is no such session, or this is not its newest resume secret; start anew";
    Refused::new(CloseCode::ResumeDenied, message)
}

fn refused(refused: ResumeRefused) -> Refused {
    match refused {
        ResumeRefused::Denied => denied(),
        ResumeRefused::Expired => {
            Refused::new(CloseCode::ResumeExpired, "the resume window has passed; start anew")
        }
        ResumeRefused::Ended(disconnect) => Refused::ended(disconnect),
    }
}
