//! Authentication of starts: by the app's settings when they arrive, and again by those in force when they take effect.

use std::sync::Arc;

use stagedoor_proto::{CloseCode, Start};

use super::Accounts;
use super::attempt::Attempt;
use crate::auth::{AuthRequest, Authenticated, Authenticator, Purpose};
use crate::hub::app::App;
use crate::hub::context::Context;
use crate::hub::errors::StartError;
use crate::hub::session_meta::PeerInfo;
use crate::request::RequestId;
use crate::store::UserKey;

/// A start whose credentials were accepted.
pub struct AuthenticatedStart {
    pub(super) app: Arc<App>,
    request: AuthRequest,
    /// The settings of the app that accepted them.
    pub(super) accepted_by: Arc<Authenticator>,
    pub(super) authenticated: Authenticated,
}

impl AuthenticatedStart {
    pub(super) fn user(&self) -> UserKey {
        let username = self.authenticated.username.clone();
        UserKey { app: Arc::clone(self.app.id()), username }
    }

    /// Whether the settings that accepted the credentials are still in force.
    pub(super) fn is_current(&self) -> bool {
        Arc::ptr_eq(&self.accepted_by, &self.app.auth())
    }

    /// Decides it again by the app's current settings, after earlier ones accepted it.
    pub(super) async fn reauthenticate(
        &mut self,
        context: &Context,
        attempt: &Attempt,
    ) -> Result<(), StartError> {
        while !self.is_current() {
            let current = self.app.auth();
            let decided = current.reauthenticate(&self.request, &self.authenticated);
            self.authenticated = attempt.wait_for(context, decided).await?;
            self.accepted_by = current;
        }
        Ok(())
    }
}

impl Accounts {
    /// Authenticates the credentials of a start.
    ///
    /// # Errors
    /// The error and the close for the client.
    pub async fn authenticate(
        &self,
        start: &Start,
        peer: &PeerInfo,
        attempt: &Attempt,
        request: &RequestId,
    ) -> Result<AuthenticatedStart, StartError> {
        attempt.check(&self.context)?;
        let app = self.context.app(&start.app).ok_or_else(|| {
            StartError::new(
                CloseCode::AuthDenied,
                "there is no such app, or the credentials do not let this user in",
            )
        })?;
        let auth_request = AuthRequest {
            app: Arc::clone(app.id()),
            username: start.username.clone(),
            instance: start.instance.clone(),
            credentials: start.credentials.clone(),
            address: peer.address,
            user_agent: peer.user_agent.as_deref().map(str::to_owned),
            purpose: Purpose::Start,
            request_id: request.clone(),
        };
        let accepted_by = app.auth();
        let decided = accepted_by.authenticate(&auth_request);
        let authenticated = attempt.wait_for(&self.context, decided).await?;
        let app = Arc::clone(app);
        Ok(AuthenticatedStart { app, request: auth_request, accepted_by, authenticated })
    }
}
