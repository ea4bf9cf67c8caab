//! Token families: the access tokens of a client instance that follow from one authentication.
//!
//! The store has the family's newest tokens and its grant; a session has the serial number of its own newest token.

use stagedoor_proto::{
    CloseCode, Disconnect, Error, ErrorCode, FamilyId, InstanceId, Target, Timestamp,
};

use super::Accounts;
use crate::hub::context::Context;
use crate::hub::errors::StartError;
use crate::hub::session_meta::Renewal;
use crate::hub::sessions::SessionHandle;
use crate::request::RequestId;
use crate::store::{AuditActor, AuditEvent, AuditOutcome, FamilyRenewal, UserKey};

impl Accounts {
    /// Revokes the token family of a session that its client ends.
    pub(in crate::hub) async fn revoke_family(
        &self,
        session: &SessionHandle,
    ) -> Result<(), StartError> {
        let (user, instance) = (session.user().clone(), session.meta().instance.clone());
        self.context.store.revoke_family(user, instance, session.meta().family, None).await?;
        Ok(())
    }

    /// Voids a family of which an outdated access token was presented, and ends its session. Returns the error of the
    /// start.
    pub(super) async fn void_reused_family(
        &self,
        user: &UserKey,
        instance: &InstanceId,
        family: FamilyId,
        request: &RequestId,
    ) -> StartError {
        let revoked = StartError::token_revoked(None);
        let row = reuse_row(user, self.context.clock.wall());
        let voided =
            self.context.store.revoke_family(user.clone(), instance.clone(), family, Some(row));
        match voided.await {
            Ok(true) => {}
            // A concurrent start was faster.
            Ok(false) => return revoked,
            Err(error) => return error.into(),
        }
        self.context.metrics.token_families_voided.inc();
        tracing::warn!(
            app = &*user.app,
            user = %self.context.users.of(&user.app, &user.username),
            %request,
            "outdated access token presented; token family voided"
        );
        let disconnect = &revoked.disconnect;
        if let Err(error) =
            self.access.end_instance(user, instance, family, disconnect, request).await
        {
            tracing::warn!(%error, "cannot end the session of a voided token family");
        }
        revoked
    }
}

/// Records the grant of a renewal as that of the session's family, before it takes effect: earlier tokens of the
/// family start sessions with it from then on. Returns the serial number of its access token.
///
/// # Errors
/// `superseded`: a renewal that arrived later was recorded, or the family is void.
pub(super) async fn record_renewal(
    context: &Context,
    session: &SessionHandle,
    renewal: &Renewal,
    number: u64,
) -> Result<u64, StartError> {
    let renewal = FamilyRenewal {
        user: session.user().clone(),
        instance: session.meta().instance.clone(),
        family: session.meta().family,
        number,
        granted: renewal.granted(),
        now: context.clock.wall(),
    };
    context.store.renew_family(renewal).await?.ok_or_else(|| {
        let message = "a renewal that was sent later has been applied";
        StartError {
            error: Error::new(ErrorCode::Superseded, message),
            disconnect: Box::new(Disconnect::new(CloseCode::Superseded)),
        }
    })
}

/// The audit row of a family that was voided because one of its tokens was copied.
fn reuse_row(user: &UserKey, now: Timestamp) -> AuditEvent {
    AuditEvent {
        at_ms: now,
        actor: AuditActor::Gateway,
        command: "void_token_family".into(),
        room: None,
        version: None,
        target: Target { username: Some(user.username.clone()), ..Target::default() },
        reason: None,
        ref_: None,
        outcome: AuditOutcome::Done,
    }
}
