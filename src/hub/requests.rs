//! Requests of established sessions: admitted within limits, executed and answered.

use std::sync::Arc;

use stagedoor_proto::{
    CloseCode, Command, CommandClass, Disconnect, Error, ErrorCode, Join, Renew, Reply, Request,
    RoomId,
};
use tokio::sync::oneshot;

use super::accounts::{Accounts, RejectedRenewal};
use super::context::Context;
use super::rooms::{Rooms, named_room};
use super::sessions::{
    Refusal, RequestPermit, SessionConnection, SessionHandle, Sessions, begin_renewal,
    postpone_renewal,
};
use crate::telemetry::Limit;
use crate::time::Now;

/// Dispatches requests of sessions. Shared by reference; the tasks of connections call it.
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

    /// Executes a request of a session. Its reply is a frame of the session; a protocol violation closes
    /// the connection.
    ///
    /// `Some` resolves when the request has its version in a room's log. The caller must not take the next request
    /// before, so that commands take effect in order.
    #[must_use]
    pub fn handle(
        self: &Arc<Self>,
        connection: &SessionConnection,
        request: Request,
        now: Now,
    ) -> Option<oneshot::Receiver<()>> {
        let Request { id, command } = request;
        if matches!(command, Command::Ping(_)) {
            self.answer_ping(connection, id, now);
            return None;
        }
        let permit = self.admit(connection, id, command.class(), named_room(&command), now)?;
        let session = connection.session();
        match command {
            Command::PostponeRenewal(_) => postpone_renewal(session, id, now),
            Command::Renew(renew) => self.renew(session, permit, renew),
            Command::End(end) => self.end_by_client(session, permit, end.revoke),
            Command::Start(_) | Command::Resume(_) => {
                let message = "`start` and `resume` are only valid as the first message";
                let error = Error::new(ErrorCode::NotAllowedNow, message);
                self.reply(session, permit, &Err(error));
                let wrong = Disconnect::new(CloseCode::NotAllowedNow);
                self.sessions.end(session, wrong, Some(&session.request_id(id)));
            }
            Command::Join(join) => return Some(self.join(session, permit, join)),
            in_room => {
                if let Some(result) = self.rooms.handle_command(session, &permit, in_room, now) {
                    self.reply(session, permit, &result);
                }
            }
        }
        None
    }

    /// Answers a malformed request, within the same limits as a valid one.
    pub fn refuse(&self, connection: &SessionConnection, id: u32, error: &Error, now: Now) {
        // A malformed request counts as a session command, which every session may send.
        if let Some(permit) = self.admit(connection, id, CommandClass::Session, None, now) {
            self.reply(connection.session(), permit, &Err(error.clone()));
        }
    }

    /// Counts a ping or pong, and applies the `seq` that a pong confirms; a flood closes the connection.
    pub fn handle_keepalive(
        &self,
        connection: &SessionConnection,
        confirmed: Option<u64>,
        now: Now,
    ) {
        if !connection.note_keepalive(confirmed, now, self.context.request_limits()) {
            self.context.hit(Limit::Pings);
        }
    }

    /// Counts a ping or pong between the fragments of a message. It is no activity: a message that does not end would
    /// take memory for ever.
    pub fn handle_frame_amid_message(&self, connection: &SessionConnection, now: Now) {
        if !connection.note_frame_amid_message(now, self.context.request_limits()) {
            self.context.hit(Limit::Pings);
        }
    }

    /// Answers a ping of the client. It is no request of the session: it has no number, and its limit is that of pongs.
    fn answer_ping(&self, connection: &SessionConnection, id: u32, now: Now) {
        if !connection.answer_ping(id, now, self.context.request_limits()) {
            self.context.hit(Limit::Pings);
        }
    }

    /// Admits a request; `None` if it was answered with an error or the connection was closed.
    fn admit(
        &self,
        connection: &SessionConnection,
        id: u32,
        class: CommandClass,
        room: Option<&RoomId>,
        now: Now,
    ) -> Option<RequestPermit> {
        match connection.admit(id, class, room, now, self.context.request_limits()) {
            Ok(permit) => return Some(permit),
            Err(Refusal::Superseded | Refusal::State) => {}
            Err(Refusal::RateLimited | Refusal::Flooding) => self.context.hit(Limit::Commands),
            Err(Refusal::InFlight) => {
                self.context.hit(Limit::RequestsInFlight);
                self.sessions.release(connection.session());
                self.sessions.notify(connection.session());
            }
        }
        None
    }

    fn renew(self: &Arc<Self>, session: &Arc<SessionHandle>, permit: RequestPermit, renew: Renew) {
        let (requests, session) = (Arc::clone(self), Arc::clone(session));
        // Renewals take effect in the order in which they arrived.
        let (number, request) = (begin_renewal(&session), permit.number());
        self.context.spawn_request(&session.request_id(request), async move {
            match requests.accounts.renew(&session, renew, number, request).await {
                // It was answered as it took effect.
                Ok(()) => drop(permit),
                Err(RejectedRenewal { error, ending }) => {
                    requests.reply(&session, permit, &Err(error));
                    if let Some(ending) = ending {
                        requests.sessions.end(
                            &session,
                            *ending,
                            Some(&session.request_id(request)),
                        );
                    }
                }
            }
        });
    }

    fn end_by_client(
        self: &Arc<Self>,
        session: &Arc<SessionHandle>,
        permit: RequestPermit,
        revoke: bool,
    ) {
        let (requests, session) = (Arc::clone(self), Arc::clone(session));
        let request = session.request_id(permit.number());
        self.context.spawn_request(&request.clone(), async move {
            if revoke && let Err(rejected) = requests.accounts.revoke_family(&session).await {
                return requests.reply(&session, permit, &Err(rejected.error));
            }
            requests.reply(&session, permit, &Ok(Reply::Ended {}));
            let ended = Disconnect::new(CloseCode::Normal);
            requests.sessions.end(&session, ended, Some(&request));
        });
    }

    fn join(
        self: &Arc<Self>,
        session: &Arc<SessionHandle>,
        permit: RequestPermit,
        join: Join,
    ) -> oneshot::Receiver<()> {
        let (requests, session, (placed, wait)) =
            (Arc::clone(self), Arc::clone(session), oneshot::channel());
        self.context.spawn_request(&session.request_id(permit.number()), async move {
            if let Err(error) = requests.rooms.join(&session, permit.number(), join).await {
                requests.reply(&session, permit, &Err(error));
            }
            // The connection may be gone; the command still takes effect in the room.
            let _ = placed.send(());
        });
        wait
    }

    fn reply(&self, session: &SessionHandle, permit: RequestPermit, result: &Result<Reply, Error>) {
        session.reply(permit.into_number(), result, self.context.clock.now());
    }
}
