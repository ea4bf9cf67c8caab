//! Claims of client instances: what a start claims, which session it displaces, and which session rejects it.

use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect, Start, Timestamp};

use super::Accounts;
use super::attempt::Attempt;
use crate::engine::{
    Claim, ClaimRules, Claimed, DirectoryKey, NameHolder, Prepare, Prepared, SessionRow,
};
use crate::hub::access_control::LIVENESS_TIMEOUT;
use crate::hub::errors::StartError;
use crate::hub::peers::{PEER_TIMEOUT, PeerRequest};
use crate::hub::sessions::SessionHandle;
use crate::request::RequestId;
use crate::session::SecretHash;
use crate::store::Refusal;
use crate::telemetry::Limit;

/// How long a start waits for other nodes to confirm that what it displaced is closed.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_millis(250);

impl Accounts {
    /// Begins a claim. After the store has `refused` a generation because it has a newer one, the new claim is newer
    /// than that, unless the newer one belongs to an attempt in progress.
    pub(super) async fn prepare(
        &self,
        user: DirectoryKey,
        start: &Start,
        rules: ClaimRules,
        is_guest: bool,
        attempt: &Attempt,
        refused: Option<(u64, u64)>,
    ) -> Result<Prepared, StartError> {
        let prepare = Prepare {
            is_guest,
            user,
            instance: start.instance.clone(),
            age: attempt.age(&self.context.clock),
            at_least: refused.map_or(0, |(_, newer)| newer + 1),
            rules,
            previous: start
                .previous
                .as_ref()
                .map(|previous| (previous.session, SecretHash::of(previous.secret.as_str()))),
        };
        let prepared = self.engine.prepare(prepare).await?;
        attempt.check(&self.context)?;
        // Before the admission: it would void the tokens of the session that stays.
        if prepared.held >= prepared.generation {
            return Err(Refusal::Superseded { generation: prepared.held }.into());
        }
        match refused {
            Some((generation, _)) if prepared.newest > generation => {
                Err(Refusal::Superseded { generation }.into())
            }
            Some(_) | None => Ok(prepared),
        }
    }

    /// Claims the instance for a session. Returns the displaced sessions; `None` if the fence moved and the admission
    /// must be repeated.
    pub(super) async fn claim(
        &self,
        session: &SessionHandle,
        claim: Claim,
        attempt: &Attempt,
    ) -> Result<Option<Vec<SessionRow>>, StartError> {
        let generation = claim.generation;
        let displaced = match self.engine.claim(claim).await? {
            Claimed::Held { displaced } => displaced,
            Claimed::Fenced => return Ok(None),
            Claimed::Superseded => return Err(Refusal::Superseded { generation }.into()),
            Claimed::NameTaken(holder) => return Err(self.name_taken(&[holder], None)),
            Claimed::Protected(holder) => {
                Box::pin(self.prove_dead(&holder, attempt)).await?;
                return Ok(None);
            }
        };
        session.activity().set_held_by(Some(generation));
        Ok(Some(displaced))
    }

    /// The rejection of a guest whose name another guest holds: by a session, or until a time.
    pub(super) fn name_taken(
        &self,
        holders: &[NameHolder],
        until: Option<Timestamp>,
    ) -> StartError {
        let is_connected = holders.iter().any(|holder| holder.is_live);
        let now = self.context.clock.wall();
        let wait = until.map_or(self.context.session.window, |until| until.saturating_since(now));
        StartError::name_taken((!is_connected).then_some(wait))
    }

    /// Probes a session that the app's policy protects, on its node. Returns its generation if it does not answer.
    pub(super) async fn prove_dead(
        &self,
        holder: &SessionRow,
        attempt: &Attempt,
    ) -> Result<u64, StartError> {
        let is_alive = if self.peers.is_here(holder) {
            match self.sessions.find(holder.session) {
                Some(session) => {
                    self.access.probe_liveness(&session, || attempt.is_connected()).await
                }
                None => false,
            }
        } else {
            let probe = PeerRequest::ProbeLiveness { session: holder.session };
            let patience = LIVENESS_TIMEOUT + PEER_TIMEOUT;
            self.peers.ask(holder.node, &probe, patience).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "a node did not say whether a session lives: it gives way");
                false
            })
        };
        attempt.check(&self.context)?;
        if is_alive {
            return Err(StartError::new(
                CloseCode::SessionActive,
                "another session of this client instance is active",
            ));
        }
        Ok(holder.generation)
    }

    /// Closes displaced sessions on their nodes. Returns when the nodes have confirmed, or after
    /// [`CONFIRMATION_TIMEOUT`].
    pub(super) async fn close_displaced(
        &self,
        displaced: &[SessionRow],
        by: &SessionHandle,
        request: &RequestId,
    ) {
        let replaced = Disconnect::new(CloseCode::Replaced);
        for row in displaced {
            if row.instance != by.meta().instance {
                self.context.hit(Limit::SessionsPerUser);
            }
            if let Some(session) = self.sessions.find(row.session) {
                self.sessions.end(&session, replaced.clone(), Some(request));
            }
        }
        let elsewhere = self.peers.end_sessions(
            displaced,
            false,
            &replaced,
            Some(request),
            CONFIRMATION_TIMEOUT,
        );
        if let Err(error) = elsewhere.await {
            tracing::warn!(%error, "a node did not confirm that it closed a displaced session");
        }
    }

    /// Ends the sessions of guests whose name is registered now.
    pub(super) async fn end_borrowers(
        &self,
        by: &SessionHandle,
        request: &RequestId,
    ) -> Result<(), StartError> {
        let revoked = Disconnect::new(CloseCode::TokenRevoked);
        let rows = self.engine.fence(by.meta().directory_key()).await?;
        for row in &rows {
            let borrower = self.sessions.find(row.session).filter(|session| session.meta().guest);
            if let Some(session) = borrower {
                self.sessions.end(&session, revoked.clone(), Some(request));
            }
        }
        let elsewhere = self.peers.end_sessions(&rows, true, &revoked, Some(request), PEER_TIMEOUT);
        if let Err(error) = elsewhere.await {
            tracing::warn!(%error, "a guest of a name that is registered now goes on on another node");
        }
        Ok(())
    }
}

/// The claim of a session that the store has admitted.
pub(super) fn prepared_claim(
    session: &SessionHandle,
    prepared: &Prepared,
    secret: SecretHash,
    rules: ClaimRules,
    evict: Option<u64>,
) -> Claim {
    Claim {
        user: session.user().clone(),
        key: session.meta().directory_key(),
        guest: session.meta().guest.then(|| session.meta().proof()),
        instance: session.meta().instance.clone(),
        session: session.id(),
        generation: prepared.generation,
        fence: prepared.fence,
        secret,
        rules,
        evict,
        record: None,
    }
}
