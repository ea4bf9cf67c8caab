//! Renewals of sessions, by new credentials or without any.

use std::net::IpAddr;
use std::sync::Arc;

use stagedoor_proto::{
    Credentials, Data, Disconnect, Error, ErrorCode, Renew, Renewed, Reply, Secret,
};

use super::Accounts;
use super::family::record_renewal;
use crate::auth::token::AccessClaims;
use crate::auth::{AuthError, AuthMethod, AuthRequest, Authenticated, CredentialSource, Purpose};
use crate::hub::context::Context;
use crate::hub::errors::StartError;
use crate::hub::session_meta::{PeerInfo, Renewal};
use crate::hub::sessions::SessionHandle;
use crate::request::RequestId;
use crate::revocation::Issued;
use crate::store::{FamilyGrant, TokenPosition};
use crate::telemetry::Limit;

/// A rejected renewal that is not yet answered.
pub(in crate::hub) struct RejectedRenewal {
    pub(in crate::hub) error: Error,
    /// The close that ends the session after the reply, if it ends.
    pub(in crate::hub) ending: Option<Box<Disconnect>>,
}

impl From<Error> for RejectedRenewal {
    fn from(error: Error) -> Self {
        Self { error, ending: None }
    }
}

impl Accounts {
    /// Renews a session, by new credentials or, where the app allows that, without any, and replies to `request`.
    /// `number` is that of [`begin_renewal`](crate::hub::sessions::begin_renewal), taken when the request arrived.
    ///
    /// # Errors
    /// The reply to a rejected renewal.
    pub(in crate::hub) async fn renew(
        &self,
        session: &Arc<SessionHandle>,
        renew: Renew,
        number: u64,
        request: u32,
    ) -> Result<(), RejectedRenewal> {
        let request_id = session.request_id(request);
        let credentials = credentials_of(&self.context, renew.auth_token, renew.params)?;
        let peer = session.activity().peer(session.meta());
        let verified = self.verify_renewal(session, credentials, &peer, &request_id).await;
        let mut renewal = match verified {
            Ok(renewal) => renewal,
            Err(rejected) => return Err(Self::reject_renewal(session, rejected)),
        };
        self.check_renewal(session, session.activity().address(session.meta()), &renewal)
            .await
            .map_err(|rejected| rejected.error)?;
        renewal.serial = record_renewal(&self.context, session, &renewal, number)
            .await
            .map_err(|rejected| rejected.error)?;
        self.apply_renewal(session, renewal, number, Some(request))?;
        Ok(())
    }

    /// A rejected renewal ends the session of a guest if the app no longer allows guests.
    fn reject_renewal(session: &SessionHandle, rejected: StartError) -> RejectedRenewal {
        let StartError { error, disconnect } = rejected;
        let is_guest = session.auth().source == CredentialSource::Guest;
        let ends_session = is_guest && !session.app().auth().allows_guests();
        RejectedRenewal { error, ending: ends_session.then_some(disconnect) }
    }

    /// Verifies the credentials of a renewal: they must be of the same user and instance. Without credentials, checks
    /// whether the app lets the client extend the session.
    ///
    /// The app's settings may change while a key set or a hook is waited for; the current ones decide.
    pub(super) async fn verify_renewal(
        &self,
        session: &SessionHandle,
        credentials: Option<Credentials>,
        peer: &PeerInfo,
        request: &RequestId,
    ) -> Result<Renewal, StartError> {
        let (auth, mut settings) = (session.auth(), session.app().auth());
        let Some(credentials) = credentials else {
            let (source, authenticated_at) = (auth.source, auth.authenticated_at);
            let expires = settings
                .self_renew(source, authenticated_at, self.context.clock.wall())
                .map_err(AuthError::Denied)?;
            let grant = settings.configured_grant(source).cloned().map_or(auth.grant, Arc::new);
            let token_issued = auth.token_issued;
            let (issued, serial) = (None, 0);
            return Ok(Renewal {
                grant,
                source,
                authenticated_at,
                token_issued,
                expires,
                issued,
                serial,
            });
        };
        settings.may_renew_with(auth.source, &credentials).map_err(AuthError::Denied)?;
        let auth_request = AuthRequest {
            app: Arc::clone(session.app().id()),
            username: Some(session.user().username.clone()),
            instance: session.meta().instance.clone(),
            credentials,
            address: peer.address,
            user_agent: peer.user_agent.as_deref().map(str::to_owned),
            purpose: Purpose::Renew,
            request_id: request.clone(),
        };
        let mut authenticated = settings.authenticate(&auth_request).await?;
        loop {
            let current = session.app().auth();
            if Arc::ptr_eq(&settings, &current) {
                break;
            }
            settings = current;
            authenticated = settings.reauthenticate(&auth_request, &authenticated).await?;
        }
        settings.check_renewal(auth.source, authenticated.source).map_err(AuthError::Denied)?;
        let authenticated_at = authenticated.authenticated_at(self.context.clock.wall());
        let issued = match authenticated.method {
            AuthMethod::Hook { issued } => issued,
            AuthMethod::AccessToken { issued, .. } => Some(Issued::ByGateway(issued)),
            AuthMethod::Guest => None,
        };
        let Authenticated { grant, source, token_issued, expires, .. } = authenticated;
        let (grant, serial) = (Arc::new(grant), 0);
        Ok(Renewal { grant, source, authenticated_at, token_issued, expires, issued, serial })
    }

    /// Checks the user of a session before it is renewed, and when the credentials of the renewal were issued.
    ///
    /// # Errors
    /// As [`AccessControl::check_token`](crate::hub::access_control::AccessControl::check_token).
    pub(super) async fn check_renewal(
        &self,
        session: &Arc<SessionHandle>,
        address: IpAddr,
        renewal: &Renewal,
    ) -> Result<(), StartError> {
        match renewal.issued {
            Some(issued) => self.access.check_token(session, address, issued, true).await,
            None => self.access.check(session, address).await.map(drop),
        }
    }

    /// Applies a renewal, in the session and in its rooms, unless one that arrived later was applied.
    ///
    /// # Errors
    /// As [`SessionHandle::renew`].
    pub(super) fn apply_renewal(
        &self,
        session: &Arc<SessionHandle>,
        renewal: Renewal,
        number: u64,
        request: Option<u32>,
    ) -> Result<Secret, Error> {
        let expires = renewal.expires;
        let position = TokenPosition { serial: renewal.serial, previous: session.auth().serial };
        let access_token = self.mint_access(session, renewal.granted(), position);
        let scopes = renewal.grant.scope_names();
        let renewed =
            Renewed { access_token: access_token.clone(), expires_at_ms: expires, scopes };
        let reply = Ok(Reply::Renewed(renewed));
        let reply = request.map(|request| (request, &reply));
        let has_to_wake = session.renew(number, renewal, reply, self.context.clock.now())?;
        self.sessions.notify(session);
        if has_to_wake {
            session.flush_wake();
        }
        Ok(access_token)
    }

    pub(super) fn mint_access(
        &self,
        session: &SessionHandle,
        granted: FamilyGrant,
        position: TokenPosition,
    ) -> Secret {
        let FamilyGrant { grant, source, authenticated, token_issued, expires } = granted;
        let claims = AccessClaims {
            sub: session.user().username.clone(),
            instance: session.meta().instance.clone(),
            family: session.meta().family,
            guest: session.meta().guest,
            source,
            auth_ms: authenticated,
            token_ms: token_issued,
            issued_ms: self.context.clock.wall(),
            serial: position.serial,
            previous: position.previous,
            grant,
        };
        self.tokens.mint(session.app().id(), &claims, expires)
    }
}

/// The credentials of a `renew` or `resume`, if it has any.
///
/// # Errors
/// `invalid_argument` for both kinds at once; `too_large` for params.
pub(super) fn credentials_of(
    context: &Context,
    auth_token: Option<Secret>,
    params: Option<Data>,
) -> Result<Option<Credentials>, Error> {
    let most = context.limits().auth_params_bytes;
    match (auth_token, params) {
        (None, None) => Ok(None),
        (Some(token), None) => Ok(Some(Credentials::Token(token))),
        (None, Some(params)) if params.as_json().len() > most => {
            context.hit(Limit::AuthParamsBytes);
            let message = format!("`params` must be at most {most} bytes");
            Err(Error::new(ErrorCode::TooLarge, message).at("params"))
        }
        (None, Some(params)) => Ok(Some(Credentials::Params(params))),
        (Some(_), Some(_)) => {
            let message = "expected either `auth_token` or `params`";
            Err(Error::new(ErrorCode::InvalidArgument, message).at("params"))
        }
    }
}
