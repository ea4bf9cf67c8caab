//! The handle of a session: its requests and its current state.

use std::sync::Arc;

use stagedoor_proto::{
    Command, Data, End, Ping, PostponeRenewal, Postponed, Renew, Renewed, Reply, RoomId, Secret,
    SessionId, SessionLimits, SessionState, Timestamp, User,
};
use tokio::sync::{mpsc, oneshot};

use crate::connection_state::{ConnectionObserver, ConnectionSnapshot};
use crate::link::Order;
use crate::observer::StateObserver;
use crate::record::Shared;
use crate::repeat::with_ref;
use crate::rooms::SharedView;
use crate::{FrameCounts, RequestError, Ticket};

/// A handle of one session, over all its connections; clones are handles of the same session.
///
/// When all clones and the [`Events`](crate::Events) are dropped, the session is detached as by [`Session::detach`].
#[derive(Clone, Debug)]
pub struct Session {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
}

impl Session {
    pub(crate) const fn new(shared: Arc<Shared>, orders: mpsc::Sender<Order>) -> Self {
        Self { shared, orders }
    }

    /// Sends `command` and waits for its reply, also across lost connections.
    ///
    /// A command that accepts a `ref` and has none gets a random one, so that a repetition has no second effect.
    /// Waits while the connection is lost and the program does not read its [`Events`](crate::Events).
    ///
    /// # Errors
    /// [`RequestError::Refused`] with the error of the gateway; [`RequestError::Interrupted`] if the session was lost
    /// and the outcome is unknown; [`RequestError::Lost`] and [`RequestError::Closed`] if the client ends or has ended.
    ///
    /// # Cancel safety
    /// After the future is dropped the command may still be sent; its reply is discarded.
    pub async fn request(&self, command: Command) -> Result<Reply, RequestError> {
        let (reply_to, reply) = oneshot::channel();
        let order = Order { command: with_ref(command), reply_to };
        self.orders.send(order).await.map_err(|_| RequestError::Closed)?;
        reply.await.map_err(|_| RequestError::Lost)?
    }

    /// Sends `command` and converts its reply.
    pub(crate) async fn ask<T>(
        &self,
        command: Command,
        fit: impl FnOnce(Reply) -> Option<T>,
    ) -> Result<T, RequestError> {
        let name = command.name();
        let reply = self.request(command).await?;
        fit(reply).ok_or(RequestError::Unexpected { command: name })
    }

    /// The view of a room that this client joined.
    pub(crate) fn shared_view(&self, room: &RoomId) -> Option<SharedView> {
        self.shared.lock().rooms.find(room)
    }

    /// Renews the access token, with a new auth token or by the gateway itself.
    ///
    /// # Errors
    /// [`RequestError`]; an error does not change the session.
    pub async fn renew(&self, auth_token: Option<Secret>) -> Result<Renewed, RequestError> {
        self.renew_by(Renew { auth_token, params: None }).await
    }

    /// Extends the session with params for the app's own auth hook.
    ///
    /// # Errors
    /// [`RequestError`]; a rejection leaves the session as it was.
    pub async fn renew_with_params(&self, params: Data) -> Result<Renewed, RequestError> {
        self.renew_by(Renew { auth_token: None, params: Some(params) }).await
    }

    async fn renew_by(&self, renew: Renew) -> Result<Renewed, RequestError> {
        self.ask(Command::Renew(renew), |reply| match reply {
            Reply::Renewed(renewed) => Some(renewed),
            _ => None,
        })
        .await
    }

    /// Postpones the renewal, because no auth token is available now.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn postpone_renewal(&self) -> Result<Postponed, RequestError> {
        self.ask(Command::PostponeRenewal(PostponeRenewal {}), |reply| match reply {
            Reply::Postponed(postponed) => Some(postponed),
            _ => None,
        })
        .await
    }

    /// Ends the session; `revoke` also revokes its access token. Does nothing once the session is over.
    ///
    /// # Errors
    /// [`RequestError`], if the session may go on.
    pub async fn end(&self, revoke: bool) -> Result<(), RequestError> {
        if self.is_over() {
            return Ok(());
        }
        let command = Command::End(End { revoke });
        let ended = self.ask(command, |reply| matches!(reply, Reply::Ended {}).then_some(())).await;
        // Another call, or the gateway, may have ended the session meanwhile.
        if self.is_over() { Ok(()) } else { ended }
    }

    /// Checks the connection. Returns the clock of the gateway.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn ping(&self) -> Result<Timestamp, RequestError> {
        self.ask(Command::Ping(Ping {}), |reply| match reply {
            Reply::Pong(pong) => Some(pong.time_ms),
            _ => None,
        })
        .await
    }

    /// Closes the connection without ending the session, which can be resumed within its window.
    ///
    /// Pending requests fail. [`Event::Ended`](crate::Event::Ended) follows.
    pub fn detach(&self) {
        self.shared.detach();
    }

    /// The id of the session; it changes with [`Event::Restarted`](crate::Event::Restarted).
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.shared.lock().session
    }

    /// The user of the session; `None` if it was resumed from a ticket alone.
    #[must_use]
    pub fn user(&self) -> Option<User> {
        self.shared.lock().user.clone()
    }

    /// The limits of the session; `None` if it was resumed from a ticket alone.
    #[must_use]
    pub fn limits(&self) -> Option<SessionLimits> {
        self.shared.lock().limits
    }

    /// The state of the session, as the gateway reported it last.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.shared.lock().state
    }

    /// Whether the session ended and its client starts no other one.
    ///
    /// A session whose client only detached from it goes on at the gateway.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.shared.lock().is_over()
    }

    /// Observes the state. The observer agrees with [`Session::state`].
    #[must_use]
    pub fn observe(&self) -> StateObserver {
        StateObserver::new(self.shared.observe())
    }

    /// The connection now.
    #[must_use]
    pub fn connection(&self) -> ConnectionSnapshot {
        self.shared.observe_connection().borrow().clone()
    }

    /// Observes the connection. The observer agrees with [`Session::connection`].
    #[must_use]
    pub fn observe_connection(&self) -> ConnectionObserver {
        ConnectionObserver::new(self.shared.observe_connection())
    }

    /// Whether the client has ended: its observers saw the last value.
    pub(crate) fn has_client_ended(&self) -> bool {
        self.shared.lock().has_client_ended()
    }

    /// When the access token expires.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.shared.lock().expires_at
    }

    /// The access token; `None` if the session was resumed from a ticket alone and not renewed since.
    #[must_use]
    pub fn access_token(&self) -> Option<Secret> {
        self.shared.lock().access_token.clone()
    }

    /// The granted scopes: those of the gateway, and those that the application defines.
    #[must_use]
    pub fn scopes(&self) -> Vec<String> {
        self.shared.lock().scopes.clone()
    }

    /// The current arguments to resume this session.
    #[must_use]
    pub fn resume_ticket(&self) -> Ticket {
        self.shared.lock().ticket()
    }

    /// The highest frame number received.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.shared.lock().sequence.last()
    }

    /// The numbers of duplicate and skipped frames of this session.
    #[must_use]
    pub fn frame_counts(&self) -> FrameCounts {
        self.shared.lock().sequence.counts()
    }
}
