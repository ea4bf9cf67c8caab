//! How a start gets its client instance: what it claims, whom it displaces, and who may keep it out.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect, Start};

use super::Accounts;
use crate::engine::{Claim, ClaimRules, Claimed, Prepare, Prepared, SessionRow};
use crate::hub::errors::StartError;
use crate::hub::sessions::SessionHandle;
use crate::request::RequestId;
use crate::session::SecretHash;
use crate::store::{Refusal, UserKey};
use crate::telemetry::Limit;

/// How long a protected session has to show life when another start wants its instance.
const LIVENESS_TIMEOUT: Duration = Duration::from_secs(3);

impl Accounts {
    /// Begins a claim. After the store has `refused` a generation for a newer one that it has seen, this one is newer still,
    /// unless the newer one is of an attempt that is being made now.
    pub(super) async fn prepare(
        &self,
        user: &UserKey,
        start: &Start,
        rules: ClaimRules,
        refused: Option<(u64, u64)>,
    ) -> Result<Prepared, StartError> {
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
    pub(super) async fn claim(
        &self,
        session: &Arc<SessionHandle>,
        prepared: &Prepared,
        secret: SecretHash,
        rules: ClaimRules,
        evict: Option<u64>,
    ) -> Result<Option<Vec<SessionRow>>, StartError> {
        let generation = prepared.generation;
        let claim = Claim {
            user: session.user().clone(),
            instance: session.meta().instance.clone(),
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
        session.activity().set_held_by(Some(generation));
        Ok(Some(displaced))
    }

    /// A session that is protected by the app's policy is asked for a sign of life; silent, it gives way: its generation.
    pub(super) async fn prove_dead(&self, holder: &SessionRow) -> Result<u64, StartError> {
        let session = self.sessions.find(holder.session);
        if let Some(session) = session.filter(|session| session.status().1) {
            self.probe_liveness(&session).await?;
        }
        Ok(holder.generation)
    }

    /// Asks a protected session for a sign of life; one that is silent is disconnected.
    async fn probe_liveness(&self, holder: &SessionHandle) -> Result<(), StartError> {
        let proof = holder.probe_liveness(self.context.clock.now());
        if tokio::time::timeout(LIVENESS_TIMEOUT, proof.cancelled()).await.is_ok() {
            return Err(StartError::new(
                CloseCode::SessionActive,
                "another session of this client instance is active",
            ));
        }
        let lost = Disconnect::new(CloseCode::HeartbeatLost);
        self.sessions.disconnect(holder, lost);
        Ok(())
    }

    pub(super) fn close_displaced(
        &self,
        displaced: &[SessionRow],
        by: &SessionHandle,
        request: &RequestId,
    ) {
        for row in displaced {
            if row.instance != by.meta().instance {
                self.context.hit(Limit::SessionsPerUser);
            }
            if let Some(session) = self.sessions.find(row.session) {
                self.sessions.end(&session, Disconnect::new(CloseCode::Replaced), Some(request));
            }
        }
    }

    /// The name is registered now; guests who borrowed it have to find another.
    pub(super) async fn end_borrowers(
        &self,
        by: &SessionHandle,
        request: &RequestId,
    ) -> Result<(), StartError> {
        for row in self.engine.fence(by.user()).await? {
            let borrower = self.sessions.find(row.session).filter(|session| session.meta().guest);
            if let Some(session) = borrower {
                self.sessions.end(
                    &session,
                    Disconnect::new(CloseCode::TokenRevoked),
                    Some(request),
                );
            }
        }
        Ok(())
    }
}
