//! The handle of a room one has joined: what a participant may do there.
//!
//! Each method is one request and its reply, typed; one's own streams are in `stream`, the
//! moderation commands in `moderate`. Pushes of the room come as
//! [`Event`](crate::Event)s of the session, and is in [`Room::view`] by then.

use std::sync::Arc;

use stagedoor_proto::{
    Capabilities, Command, Data, InRoom, Join, OnStream, ParticipantId, Ref, Relay, Reply, RoomId,
    Roster, RosterPage, Secret, SendSignal, Sent, SignalType, StreamId,
};

use crate::rooms::Shown;
use crate::view::{RoomView, Standing};
use crate::{RequestError, Session};

/// A room that a session has joined; clones are the same membership.
///
/// It outlives lost connections. After [`Event::Restarted`](crate::Event::Restarted) it is a new membership: what was
/// published is to be published again.
#[derive(Clone, Debug)]
pub struct Room {
    session: Session,
    id: RoomId,
    shown: Shown,
}

impl Session {
    /// Enters a room by `token`, or where there is none by the session's grant. `data` is shown to all.
    ///
    /// Done again, it renews role and expiry, and handles of the room go on.
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
        let shown = self.shown(&room).unwrap_or_else(|| {
            // It was entered, and is over already.
            let mut view = RoomView::new(*joined);
            view.standing = Standing::Lost;
            Shown::new(view)
        });
        Ok(Room { session: self.clone(), id: room, shown })
    }
}

impl Room {
    /// The room's id.
    #[must_use]
    pub const fn id(&self) -> &RoomId {
        &self.id
    }

    /// The session that is in it.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The room as of now. It does not change in the caller's hands: ask again for what is newer.
    #[must_use]
    pub fn view(&self) -> Arc<RoomView> {
        self.shown.now()
    }

    /// One's own id in the room.
    #[must_use]
    pub fn participant(&self) -> ParticipantId {
        self.view().own.id
    }

    /// What one may do in it.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.view().capabilities
    }

    /// Leaves for good.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn leave(&self) -> Result<(), RequestError> {
        let command = Command::Leave(InRoom { room: self.id.clone() });
        self.ask(command, |reply| matches!(reply, Reply::Left {}).then_some(())).await
    }

    /// A page of everybody; `after` is the `next` of the page before.
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

    /// Wants a stream no more.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unsubscribe(&self, stream: StreamId) -> Result<(), RequestError> {
        let command = Command::Unsubscribe(OnStream { stream, ref_: None });
        self.ask(command, |reply| matches!(reply, Reply::Unsubscribed {}).then_some(())).await
    }

    /// Hands media negotiation from a stream's publisher to a subscriber of it, or back.
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
