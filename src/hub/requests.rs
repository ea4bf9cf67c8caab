//! What a session asks for once it is established.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{
    CloseCode, Command, Credentials, Disconnect, Error, ErrorCode, Postponed, Renewed, Reply,
    Request, Secret, Timestamp, encode_reply,
};

use tokio::sync::oneshot;

use super::Hub;
use super::errors::Refused;
use super::sessions::{Arrival, Credit, SessionHandle};
use crate::auth::token::AccessClaims;
use crate::auth::{AuthError, AuthRequest, Purpose, Verified};
use crate::grant::Grant;
use crate::request::RequestId;
use crate::session::RequestRefused;
use crate::telemetry::Limit;

/// A renewal that was granted and is not yet applied.
pub(super) struct Renewal {
    credit: Credit,
    expires: Timestamp,
}

impl Hub {
    /// Takes one request of a session. Its reply comes through the session's frames; a broken rule closes the connection.
    ///
    /// `Some` resolves when the request has its place in a room's log: the next request is not to be taken before, so
    /// that commands take effect in the order in which they were sent.
    pub fn handle_request(
        self: &Arc<Self>,
        session: &Arc<SessionHandle>,
        request: Request,
        now: Timestamp,
    ) -> Option<oneshot::Receiver<()>> {
        let Request { id, command } = request;
        if !self.begin(session, id, now) {
            return None;
        }
        let is_allowed_while_expired = command.class().is_allowed_while_expired();
        if let Err(code) = session.change(|session| session.permit(is_allowed_while_expired)) {
            let message = "the access token has expired; renew first";
            self.reply(session, id, &Err(Error::new(code, message)));
            return None;
        }
        match command {
            Command::PostponeRenewal(_) => {
                let next_prompt_ms = session.change(|session| session.postpone(now, &self.session));
                self.reply(session, id, &Ok(Reply::Postponed(Postponed { next_prompt_ms })));
            }
            Command::Renew(renew) => {
                let (hub, session) = (Arc::clone(self), Arc::clone(session));
                let request = session.request(id);
                self.spawn_request(&request.clone(), async move {
                    let result = hub.renew(&session, renew.auth_token, &request).await;
                    hub.reply_from_task(&session, id, &result);
                });
            }
            Command::End(end) => {
                let (hub, session) = (Arc::clone(self), Arc::clone(session));
                self.spawn_request(&session.request(id), async move {
                    hub.end_at_wish(&session, id, end.revoke).await;
                });
            }
            Command::Start(_) | Command::Resume(_) => {
                let message = "a session is established on this connection; `start` and `resume` come first or never";
                self.reply(session, id, &Err(Error::new(ErrorCode::NotAllowedNow, message)));
                let wrong = Disconnect::new(CloseCode::NotAllowedNow);
                self.end(session, wrong, Some(&session.request(id)));
            }
            Command::Join(join) => {
                let (hub, session, (placed, wait)) =
                    (Arc::clone(self), Arc::clone(session), oneshot::channel());
                self.spawn_request(&session.request(id), async move {
                    if let Err(error) = hub.join(&session, id, join).await {
                        hub.reply_from_task(&session, id, &Err(error));
                    }
                    // Its connection may be gone; the room has it all the same.
                    let _ = placed.send(());
                });
                return Some(wait);
            }
            in_room => {
                if let Some(result) = self.handle_room_command(session, id, in_room, now) {
                    self.reply(session, id, &result);
                }
            }
        }
        None
    }

    /// Takes a request under the session's bounds; `false` when it was refused, and answered or the connection closed.
    fn begin(&self, session: &Arc<SessionHandle>, id: u32, now: Timestamp) -> bool {
        match session.change(|session| session.begin(id, now, self.request_limits())) {
            Ok(()) => return true,
            Err(RequestRefused::RateLimited(wait)) => {
                self.hit(Limit::Commands);
                let error =
                    Error::new(ErrorCode::RateLimited, "too many commands; wait before the next");
                let body = encode_reply(id, &Err(error.retry_after(wait))).into();
                // Not its end: an older request of this number may still wait for its own reply.
                session.change(|session| session.push(body, now, &self.session));
            }
            Err(RequestRefused::Flood(wait)) => self.part_from_flood(session, wait, now),
            Err(RequestRefused::InFlight) => {
                self.hit(Limit::InFlight);
                let many = Disconnect::new(CloseCode::TooManyRequestsInFlight);
                self.end(session, many, Some(&session.request(id)));
            }
        }
        false
    }

    /// Takes note of what its client says to have seen; a flood of that closes the connection.
    pub fn handle_pong(&self, session: &SessionHandle, seq: u64, now: Timestamp) {
        let limits = self.request_limits();
        if let Err(wait) = session.change(|session| session.handle_pong(seq, now, limits)) {
            self.part_from_flood(session, wait, now);
        }
    }

    /// The client is to stay away for a while.
    fn part_from_flood(&self, session: &SessionHandle, wait: Duration, now: Timestamp) {
        self.hit(Limit::Commands);
        let mut disconnect = Disconnect::new(CloseCode::RateLimited);
        disconnect.retry_after_ms = u64::try_from(wait.as_millis()).ok();
        session.change(|session| session.part(disconnect, now, &self.session));
    }

    async fn renew(
        &self,
        session: &Arc<SessionHandle>,
        auth_token: Option<Secret>,
        request: &RequestId,
    ) -> Result<Reply, Error> {
        let arrival = session.arrival().clone();
        let renewal = match auth_token {
            Some(token) => self.verify_renewal(session, token, &arrival, request).await,
            None => self.renew_by_itself(session),
        };
        let renewal = renewal.map_err(|refused| refused.error)?;
        self.check_standing(session, &arrival).await.map_err(|refused| refused.error)?;
        Ok(Reply::Renewed(self.apply_renewal(session, renewal)))
    }

    /// A renewal on the gateway's own word, where the app allows that.
    fn renew_by_itself(&self, session: &SessionHandle) -> Result<Renewal, Refused> {
        let credit = session.credit();
        let (auth, now) = (session.app().auth(), self.clock.now());
        auth.may_self_renew(credit.auth, now).map_err(AuthError::Denied)?;
        Ok(Renewal { credit, expires: auth.expiry(now) })
    }

    /// Asks whether an auth token renews a session: of the same user, on the same instance.
    pub(super) async fn verify_renewal(
        &self,
        session: &SessionHandle,
        token: Secret,
        arrival: &Arrival,
        request: &RequestId,
    ) -> Result<Renewal, Refused> {
        let auth_request = AuthRequest {
            app: Arc::clone(session.app().id()),
            username: Some(session.user().username.clone()),
            instance: session.instance().clone(),
            credentials: Credentials::Token(token),
            address: arrival.address,
            user_agent: arrival.user_agent.as_deref().map(str::to_owned),
            purpose: Purpose::Renew,
            request_id: request.clone(),
        };
        let Verified { grant, auth, expires, .. } =
            session.app().auth().authenticate(&auth_request).await?;
        Ok(Renewal { credit: Credit { grant: Arc::new(grant), auth }, expires })
    }

    pub(super) fn apply_renewal(&self, session: &Arc<SessionHandle>, renewal: Renewal) -> Renewed {
        let Renewal { credit, expires } = renewal;
        let now = self.clock.now();
        let access_token = self.mint_access(session, &credit.grant, credit.auth, expires);
        session.set_credit(credit);
        session.tell(|session| session.renew(expires, now, &self.session));
        self.settle(session);
        Renewed { access_token, expires_at_ms: expires }
    }

    /// The access token of a session.
    pub(super) fn mint_access(
        &self,
        session: &SessionHandle,
        grant: &Grant,
        auth: Timestamp,
        expires: Timestamp,
    ) -> Secret {
        let claims = AccessClaims {
            sub: session.user().username.clone(),
            instance: session.instance().clone(),
            family: session.family(),
            guest: session.is_guest(),
            auth_ms: auth,
            grant: grant.clone(),
        };
        self.access.mint(session.app().id(), &claims, expires)
    }

    async fn end_at_wish(&self, session: &Arc<SessionHandle>, id: u32, revoke: bool) {
        if revoke {
            let (user, instance) = (session.user().clone(), session.instance().clone());
            if let Err(error) = self.store.revoke_family(user, instance, session.family()).await {
                return self.reply_from_task(session, id, &Err(Refused::from(error).error));
            }
        }
        self.reply_from_task(session, id, &Ok(Reply::Ended {}));
        self.end(session, Disconnect::new(CloseCode::Normal), Some(&session.request(id)));
    }

    /// Ends a session, because of a request or of none: it holds its instance no more, and its connection is told why.
    pub(super) fn end(
        &self,
        session: &Arc<SessionHandle>,
        disconnect: Disconnect,
        request: Option<&RequestId>,
    ) {
        session.part(disconnect, request, self.clock.now(), &self.session);
        self.release(session);
        self.settle(session);
    }

    /// Ends a session of its connection's own accord, unless it is served by another than that of `generation`.
    pub fn end_from(&self, session: &Arc<SessionHandle>, generation: u64, disconnect: Disconnect) {
        let now = self.clock.now();
        let is_served = session.change(|session| {
            let is_served = session.is_served_by(generation);
            if is_served {
                session.part(disconnect, now, &self.session);
            }
            is_served
        });
        if is_served {
            self.release(session);
        }
    }

    /// The connection of `generation` was lost; the session waits for its client, unless a newer one serves it.
    pub fn handle_loss(&self, session: &Arc<SessionHandle>, generation: u64) {
        session.change(|session| session.handle_loss(generation, self.clock.now(), &self.session));
        self.in_background(self.engine.suspend(session.user(), session.id(), generation));
        self.settle(session);
    }

    /// Answers a request that could not be read, under the same bounds as one that could.
    pub fn refuse_request(
        self: &Arc<Self>,
        session: &Arc<SessionHandle>,
        id: u32,
        error: Error,
        now: Timestamp,
    ) {
        if self.begin(session, id, now) {
            self.reply(session, id, &Err(error));
        }
    }

    /// Answers from the task of the session's own connection.
    fn reply(&self, session: &SessionHandle, id: u32, result: &Result<Reply, Error>) {
        let body = encode_reply(id, result).into();
        session.change(|session| session.finish(id, body, self.clock.now(), &self.session));
    }

    /// Answers from any other task.
    fn reply_from_task(&self, session: &SessionHandle, id: u32, result: &Result<Reply, Error>) {
        let body = encode_reply(id, result).into();
        session.tell(|session| session.finish(id, body, self.clock.now(), &self.session));
    }
}
