//! The handle of a session: what can be asked of it, and what is known.

use std::sync::Arc;

use stagedoor_proto::{Command, End, PostponeRenewal, Postponed, Renew, Renewed, Reply};
use stagedoor_proto::{RoomId, Secret, SessionId, SessionLimits, SessionState, Timestamp, User};
use tokio::sync::{mpsc, oneshot};

use crate::known::Shared;
use crate::link::Order;
use crate::repeat::with_ref;
use crate::rooms::Shown;
use crate::{FrameCounts, RequestError, Ticket};

/// A handle of one session, over all its connections; clones are the same session.
///
/// When every clone and the [`Events`](crate::Events) are gone, the session is detached as by [`Session::detach`].
#[derive(Clone, Debug)]
pub struct Session {
    shared: Arc<Shared>,
    orders: mpsc::Sender<Order>,
}

impl Session {
    pub(crate) const fn new(shared: Arc<Shared>, orders: mpsc::Sender<Order>) -> Self {
        Self { shared, orders }
    }

    /// Sends `command` and waits for its reply, over lost connections too.
    ///
    /// A command that takes a `ref` and has none gets a random one, so that sending it again has no second effect.
    /// While the connection is lost, and the [`Events`](crate::Events) that say so are left unread, this waits.
    ///
    /// # Errors
    /// [`RequestError::Refused`] with the gateway's error; [`RequestError::Interrupted`] when its session was lost and
    /// it may have had its effect; [`RequestError::Lost`] and [`RequestError::Closed`] when the client ends or has
    /// ended.
    ///
    /// # Cancel safety
    /// Dropping the future may or may not send the command; its reply is then discarded.
    pub async fn request(&self, command: Command) -> Result<Reply, RequestError> {
        let (reply_to, reply) = oneshot::channel();
        let order = Order { command: with_ref(command), reply_to };
        self.orders.send(order).await.map_err(|_| RequestError::Closed)?;
        reply.await.map_err(|_| RequestError::Lost)?
    }

    /// Sends `command` and picks what it is answered with.
    pub(crate) async fn ask<T>(
        &self,
        command: Command,
        fit: impl FnOnce(Reply) -> Option<T>,
    ) -> Result<T, RequestError> {
        let name = command.name();
        let reply = self.request(command).await?;
        fit(reply).ok_or(RequestError::Unexpected { command: name })
    }

    /// What is known of a room that this client joined.
    pub(crate) fn shown(&self, room: &RoomId) -> Option<Shown> {
        self.shared.lock().rooms.find(room)
    }

    /// Prolongs the session, with a new auth token or on the gateway's own word.
    ///
    /// # Errors
    /// [`RequestError`]; a refusal leaves the session as it was.
    pub async fn renew(&self, auth_token: Option<Secret>) -> Result<Renewed, RequestError> {
        self.ask(Command::Renew(Renew { auth_token }), |reply| match reply {
            Reply::Renewed(renewed) => Some(renewed),
            _ => None,
        })
        .await
    }

    /// Says that no auth token is to be had now.
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

    /// Ends the session; `revoke` voids its access token too.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn end(&self, revoke: bool) -> Result<(), RequestError> {
        let command = Command::End(End { revoke });
        self.ask(command, |reply| matches!(reply, Reply::Ended {}).then_some(())).await
    }

    /// Closes the connection and leaves the session to be resumed within its window.
    ///
    /// Requests without a reply are lost; [`Event::Ended`](crate::Event::Ended) follows when it is done.
    pub fn detach(&self) {
        self.shared.detach();
    }

    /// The session's id; another after [`Event::Restarted`](crate::Event::Restarted).
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.shared.lock().session
    }

    /// Whose session it is; `None` when it was resumed from a bare ticket, which does not say.
    #[must_use]
    pub fn user(&self) -> Option<User> {
        self.shared.lock().user.clone()
    }

    /// The bounds the session is held to; `None` when it was resumed from a bare ticket.
    #[must_use]
    pub fn limits(&self) -> Option<SessionLimits> {
        self.shared.lock().limits
    }

    /// Where the session stands, by the newest word of the gateway.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.shared.lock().state
    }

    /// When the access token runs out.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.shared.lock().expires_at
    }

    /// The access token; `None` when the session was resumed from a bare ticket and not renewed since.
    #[must_use]
    pub fn access_token(&self) -> Option<Secret> {
        self.shared.lock().access_token.clone()
    }

    /// What takes this session up again, as of now.
    #[must_use]
    pub fn resume_ticket(&self) -> Ticket {
        self.shared.lock().ticket()
    }

    /// The highest frame number received.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.shared.lock().sequence.last()
    }

    /// How many frame numbers of this session came twice or never.
    #[must_use]
    pub fn frame_counts(&self) -> FrameCounts {
        self.shared.lock().sequence.counts()
    }
}
