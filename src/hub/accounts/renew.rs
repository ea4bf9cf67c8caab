//! Renewals: while a session lives, its client proves again that it may.

use std::sync::Arc;

use stagedoor_proto::{Credentials, Error, Renewed, Secret, Timestamp};

use super::Accounts;
use crate::auth::token::AccessClaims;
use crate::auth::{AuthError, AuthRequest, Purpose};
use crate::grant::Grant;
use crate::hub::errors::StartError;
use crate::hub::session_meta::{AuthContext, PeerInfo};
use crate::hub::sessions::SessionHandle;
use crate::request::RequestId;

/// A renewal that was granted and is not yet applied.
pub(super) struct Renewal {
    auth: AuthContext,
    expires: Timestamp,
}

impl Accounts {
    /// Renews a session, by an auth token or, where the app allows that, without one.
    pub(in crate::hub) async fn renew(
        &self,
        session: &Arc<SessionHandle>,
        auth_token: Option<Secret>,
        request: &RequestId,
    ) -> Result<Renewed, Error> {
        let peer = &session.meta().peer;
        let renewal = match auth_token {
            Some(token) => self.verify_renewal(session, token, peer, request).await,
            None => self.self_renew(session),
        };
        let renewal = renewal.map_err(|rejected| rejected.error)?;
        self.access.check(session, peer).await.map_err(|rejected| rejected.error)?;
        Ok(self.apply_renewal(session, renewal))
    }

    /// A renewal on the gateway's own word, where the app allows that.
    fn self_renew(&self, session: &SessionHandle) -> Result<Renewal, StartError> {
        let (auth, now) = (session.auth(), self.context.clock.wall());
        let authenticator = session.app().auth();
        authenticator.may_self_renew(auth.authenticated_at, now).map_err(AuthError::Denied)?;
        Ok(Renewal { auth, expires: authenticator.expiry(now) })
    }

    /// Asks whether an auth token renews a session: of the same user, on the same instance.
    pub(super) async fn verify_renewal(
        &self,
        session: &SessionHandle,
        token: Secret,
        peer: &PeerInfo,
        request: &RequestId,
    ) -> Result<Renewal, StartError> {
        let auth_request = AuthRequest {
            app: Arc::clone(session.app().id()),
            username: Some(session.user().username.clone()),
            instance: session.meta().instance.clone(),
            credentials: Credentials::Token(token),
            address: peer.address,
            user_agent: peer.user_agent.as_deref().map(str::to_owned),
            purpose: Purpose::Renew,
            request_id: request.clone(),
        };
        let authenticated = session.app().auth().authenticate(&auth_request).await?;
        let authenticated_at = authenticated.authenticated_at(self.context.clock.wall());
        let (grant, expires) = (Arc::new(authenticated.grant), authenticated.expires);
        Ok(Renewal { auth: AuthContext { grant, authenticated_at }, expires })
    }

    pub(super) fn apply_renewal(&self, session: &Arc<SessionHandle>, renewal: Renewal) -> Renewed {
        let Renewal { auth, expires } = renewal;
        let access_token = self.mint_access(session, &auth.grant, auth.authenticated_at, expires);
        session.renew(auth, expires, self.context.clock.wall());
        self.sessions.notify(session);
        Renewed { access_token, expires_at_ms: expires }
    }

    /// The access token of a session.
    pub(super) fn mint_access(
        &self,
        session: &SessionHandle,
        grant: &Grant,
        authenticated_at: Timestamp,
        expires: Timestamp,
    ) -> Secret {
        let claims = AccessClaims {
            sub: session.user().username.clone(),
            instance: session.meta().instance.clone(),
            family: session.meta().family,
            guest: session.meta().guest,
            auth_ms: authenticated_at,
            issued_ms: self.context.clock.wall(),
            grant: grant.clone(),
        };
        self.tokens.mint(session.app().id(), &claims, expires)
    }
}
