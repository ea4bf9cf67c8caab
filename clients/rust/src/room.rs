//! The handle of a joined room: the commands of a participant.
//!
//! Each method is one typed request and its reply. Streams of the session itself are in `stream`, the
//! moderation commands in `moderate`. Pushes of the room come as [`Event`](crate::Event)s of the session;
//! [`Room::view`] has applied them by then.

use std::sync::Arc;

use stagedoor_proto::{
    Capabilities, Command, Data, InRoom, Join, OnStream, ParticipantId, Ref, Relay, Reply, RoomId,
    Roster, RosterPage, Secret, SendSignal, Sent, SignalType, StreamId,
};

use crate::observer::Observer;
use crate::rooms::SharedView;
use crate::view::{MembershipState, RoomView};
use crate::{RequestError, Session};

/// A room that a session has joined; clones are handles of the same membership.
///
/// The handle survives lost connections. After [`Event::Restarted`](crate::Event::Restarted) it is a new membership,
/// and streams have to be published again.
#[derive(Clone, Debug)]
pub struct Room {
    session: Session,
    id: RoomId,
    shared_view: SharedView,
}

impl Session {
    /// Joins a room with `token`, otherwise with the grant of the session. `data` is visible to all participants.
    ///
    /// A repeated `join` renews role and expiry; existing handles stay valid.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn join(
        &self,
        room: RoomId,
        token: Option<Secret>,
        data: Option<String>,
    ) -> Result<Room, RequestError> {
        let command = Command::Join(Join { room: room.clone(), token, data });
        let joined = self
            .ask(command, |reply| match reply {
                Reply::Joined(joined) => Some(joined),
                _ => None,
            })
            .await?;
        let shared_view = self.shared_view(&room).unwrap_or_else(|| {
            // The room was joined, and the membership has ended already.
            let mut view = RoomView::new(*joined);
            view.membership = MembershipState::Lost;
            SharedView::new(view)
        });
        Ok(Room { session: self.clone(), id: room, shared_view })
    }
}

impl Room {
    /// The id of the room.
    #[must_use]
    pub const fn id(&self) -> &RoomId {
        &self.id
    }

    /// The session that joined the room.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The current state of the room. The value does not change: call again for a newer one.
    #[must_use]
    pub fn view(&self) -> Arc<RoomView> {
        self.shared_view.now()
    }

    /// Observes the state of the room. The observer agrees with [`Room::view`].
    #[must_use]
    pub fn observe(&self) -> Observer<Arc<RoomView>> {
        Observer::new(self.shared_view.observe())
    }

    /// The id of this participant.
    #[must_use]
    pub fn participant(&self) -> ParticipantId {
        self.view().own.id
    }

    /// The capabilities of this participant.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.view().capabilities
    }

    /// Leaves the room.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn leave(&self) -> Result<(), RequestError> {
        let command = Command::Leave(InRoom { room: self.id.clone() });
        self.ask(command, |reply| matches!(reply, Reply::Left {}).then_some(())).await
    }

    /// A page of the participants; `after` is the `next` cursor of the previous page.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn roster(&self, after: Option<String>) -> Result<RosterPage, RequestError> {
        let command = Command::Roster(Roster { room: self.id.clone(), after });
        self.ask(command, |reply| match reply {
            Reply::Roster(page) => Some(page),
            _ => None,
        })
        .await
    }

    /// Subscribes to a stream; its publisher is notified.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn subscribe(&self, stream: StreamId) -> Result<(), RequestError> {
        let command = Command::Subscribe(OnStream { stream, ref_: None });
        self.ask(command, |reply| matches!(reply, Reply::Subscribed {}).then_some(())).await
    }

    /// Unsubscribes from a stream.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unsubscribe(&self, stream: StreamId) -> Result<(), RequestError> {
        let command = Command::Unsubscribe(OnStream { stream, ref_: None });
        self.ask(command, |reply| matches!(reply, Reply::Unsubscribed {}).then_some(())).await
    }

    /// Sends media negotiation from the publisher of a stream to a subscriber, or back.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn relay(
        &self,
        to: ParticipantId,
        stream: StreamId,
        data: Data,
    ) -> Result<(), RequestError> {
        let command = Command::Relay(Relay { to, stream, data });
        self.ask(command, |reply| matches!(reply, Reply::Relayed {}).then_some(())).await
    }

    /// Sends an application message to one participant, or to all others.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn signal(
        &self,
        to: Option<ParticipantId>,
        type_: SignalType,
        data: Data,
        ref_: Option<Ref>,
    ) -> Result<Sent, RequestError> {
        let signal = SendSignal { room: self.id.clone(), to, type_, data, ref_ };
        self.ask(Command::Signal(signal), |reply| match reply {
            Reply::Sent(sent) => Some(sent),
            _ => None,
        })
        .await
    }

    pub(crate) async fn ask<T>(
        &self,
        command: Command,
        fit: impl FnOnce(Reply) -> Option<T>,
    ) -> Result<T, RequestError> {
        self.session.ask(command, fit).await
    }
}
