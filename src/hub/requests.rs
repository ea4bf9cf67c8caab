//! What a session asks for once it is established: admitted under its bounds, done, and answered.

use std::sync::Arc;
use std::time::Duration;

use stagedoor_proto::{
    CloseCode, Command, Disconnect, Error, ErrorCode, Join, Postponed, Renew, Reply, Request,
    Timestamp, encode_reply,
};
use tokio::sync::oneshot;

use super::accounts::Accounts;
use super::context::Context;
use super::rooms::Rooms;
use super::sessions::{SessionHandle, Sessions};
use crate::session::RequestRefused;
use crate::telemetry::Limit;

/// Dispatches requests of sessions. Shared by reference; called by the connections' tasks.
pub struct Requests {
    context: Arc<Context>,
    sessions: Arc<Sessions>,
    rooms: Arc<Rooms>,
    accounts: Arc<Accounts>,
}

impl Requests {
    pub(super) const fn new(
        context: Arc<Context>,
        sessions: Arc<Sessions>,
        rooms: Arc<Rooms>,
        accounts: Arc<Accounts>,
    ) -> Self {
        Self { context, sessions, rooms, accounts }
    }

    /// Does what a request of a session asks for. Its reply comes through the session's frames; a broken rule closes the
    /// connection.
    ///
    /// `Some` resolves when the request has its version in a room's log: the next request is not to be taken before, so
    /// that commands take effect in the order in which they were sent.
    pub fn handle(
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
                let settings = &self.context.session;
                let next_prompt_ms = session.change(|session| session.postpone(now, settings));
                self.reply(session, id, &Ok(Reply::Postponed(Postponed { next_prompt_ms })));
            }
            Command::Renew(renew) => self.renew(session, id, renew),
            Command::End(end) => self.end_by_client(session, id, end.revoke),
            Command::Start(_) | Command::Resume(_) => {
                let message = "a session is established on this connection; `start` and `resume` come first or never";
                self.reply(session, id, &Err(Error::new(ErrorCode::NotAllowedNow, message)));
                let wrong = Disconnect::new(CloseCode::NotAllowedNow);
                self.sessions.end(session, wrong, Some(&session.request(id)));
            }
            Command::Join(join) => return Some(self.join(session, id, join)),
            in_room => {
                if let Some(result) = self.rooms.handle_command(session, id, in_room, now) {
                    self.reply(session, id, &result);
                }
            }
        }
        None
    }

    /// Answers a request that could not be read, under the same bounds as one that could.
    pub fn refuse(&self, session: &Arc<SessionHandle>, id: u32, error: Error, now: Timestamp) {
        if self.begin(session, id, now) {
            self.reply(session, id, &Err(error));
        }
    }

    /// Takes note of what its client has seen; a flood of that closes the connection.
    pub fn handle_pong(&self, session: &SessionHandle, seq: u64, now: Timestamp) {
        let limits = self.context.request_limits();
        if let Err(wait) = session.change(|session| session.handle_pong(seq, now, limits)) {
            self.disconnect_flooding(session, wait, now);
        }
    }

    /// Admits a request under the session's bounds; `false` when it was rejected, and answered or the connection closed.
    fn begin(&self, session: &Arc<SessionHandle>, id: u32, now: Timestamp) -> bool {
        let limits = self.context.request_limits();
        match session.change(|session| session.begin(id, now, limits)) {
            Ok(()) => return true,
            Err(RequestRefused::RateLimited(wait)) => {
                self.context.hit(Limit::Commands);
                let error =
                    Error::new(ErrorCode::RateLimited, "too many commands; wait before the next");
                let body = encode_reply(id, &Err(error.retry_after(wait))).into();
                // Not its end: an older request of this number may still wait for its own reply.
                session.change(|session| session.push(body, now, &self.context.session));
            }
            Err(RequestRefused::Flood(wait)) => self.disconnect_flooding(session, wait, now),
            Err(RequestRefused::InFlight) => {
                self.context.hit(Limit::InFlight);
                let many = Disconnect::new(CloseCode::TooManyRequestsInFlight);
                self.sessions.end(session, many, Some(&session.request(id)));
            }
        }
        false
    }

    /// The client is to stay away for a while.
    fn disconnect_flooding(&self, session: &SessionHandle, wait: Duration, now: Timestamp) {
        self.context.hit(Limit::Commands);
        let mut disconnect = Disconnect::new(CloseCode::RateLimited);
        disconnect.retry_after_ms = u64::try_from(wait.as_millis()).ok();
        session.change(|session| session.part(disconnect, now, &self.context.session));
    }

    fn renew(self: &Arc<Self>, session: &Arc<SessionHandle>, id: u32, renew: Renew) {
        let (requests, session) = (Arc::clone(self), Arc::clone(session));
        let request = session.request(id);
        self.context.spawn_request(&request.clone(), async move {
            let renewed = requests.accounts.renew(&session, renew.auth_token, &request).await;
            requests.reply_from_task(&session, id, &renewed.map(Reply::Renewed));
        });
    }

    fn end_by_client(self: &Arc<Self>, session: &Arc<SessionHandle>, id: u32, revoke: bool) {
        let (requests, session) = (Arc::clone(self), Arc::clone(session));
        self.context.spawn_request(&session.request(id), async move {
            if revoke && let Err(rejected) = requests.accounts.revoke_family(&session).await {
                return requests.reply_from_task(&session, id, &Err(rejected.error));
            }
            requests.reply_from_task(&session, id, &Ok(Reply::Ended {}));
            let ended = Disconnect::new(CloseCode::Normal);
            requests.sessions.end(&session, ended, Some(&session.request(id)));
        });
    }

    fn join(
        self: &Arc<Self>,
        session: &Arc<SessionHandle>,
        id: u32,
        join: Join,
    ) -> oneshot::Receiver<()> {
        let (requests, session, (placed, wait)) =
            (Arc::clone(self), Arc::clone(session), oneshot::channel());
        self.context.spawn_request(&session.request(id), async move {
            if let Err(error) = requests.rooms.join(&session, id, join).await {
                requests.reply_from_task(&session, id, &Err(error));
            }
            // Its connection may be gone; the room has it all the same.
            let _ = placed.send(());
        });
        wait
    }

    /// Answers from the task of the session's own connection.
    fn reply(&self, session: &SessionHandle, id: u32, result: &Result<Reply, Error>) {
        let (now, settings) = (self.context.clock.now(), &self.context.session);
        let body = encode_reply(id, result).into();
        session.change(|session| session.finish(id, body, now, settings));
    }

    /// Answers from any other task.
    fn reply_from_task(&self, session: &SessionHandle, id: u32, result: &Result<Reply, Error>) {
        let (now, settings) = (self.context.clock.now(), &self.context.session);
        let body = encode_reply(id, result).into();
        session.tell(|session| session.finish(id, body, now, settings));
    }
}
