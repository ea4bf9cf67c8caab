//! What may happen to a room: the commands of its log.
//!
//! Each carries all that is needed to decide it, on every node, at any later time.

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    ForceDisconnect, ForceMute, ForceMuteAll, ForceUnpublish, InstanceId, LayoutClasses,
    LeaveReason, Link, ModerateRoom, NewStream, OnStream, ParticipantId, Reason, Ref, Role,
    SessionId, SessionState, SetRole, StreamId, Timestamp, Unblock, UpdateStream, Username, Verb,
};

use crate::request::RequestId;
use crate::room::durable::rows::DurableState;
use crate::room::log::origin::{NodeEpoch, Origin};
use crate::room::permissions::ScopeSet;
use crate::room::settings::RoomSettings;

/// Who calls the server API, and by which call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The server key or token: for the audit log.
    pub name: Box<str>,
    /// The call.
    pub request: RequestId,
}

/// A command to a room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomCommand {
    /// Opens the room with what outlived it. Comes before all others, and again after [`crate::room::Everywhere::Closed`]; a
    /// second one (another node was as quick) changes nothing.
    Open(Box<OpenRoom>),
    /// Enters, or renews a membership.
    Join(Box<Join>),
    /// Ends a membership.
    Leave {
        /// Whose.
        session: SessionId,
        /// Why.
        reason: LeaveReason,
        /// Who waits for an answer, when it was asked for.
        origin: Option<Origin>,
        /// Which request ended the session, where that is why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<RequestId>,
    },
    /// A session lost its connection, or is back, be it on another node.
    Link {
        /// The session.
        session: SessionId,
        /// What it is now.
        link: Link,
        /// The node that serves the session from now on.
        home: NodeEpoch,
        /// The generation of the session's newest connection. An older one changes nothing.
        generation: u64,
    },
    /// A node was declared dead: its participants are suspended, and nothing it appends later takes effect.
    NodeLost {
        /// Its registration.
        epoch: NodeEpoch,
    },
    /// A session's state changed.
    SessionState {
        /// The session.
        session: SessionId,
        /// What it is now.
        state: SessionState,
    },
    /// Publishes a stream.
    Publish {
        /// Who asks.
        origin: Origin,
        /// The new stream's id, made by the appender.
        stream: StreamId,
        /// What is published.
        new: NewStream,
    },
    /// Changes a stream.
    UpdateStream {
        /// Who asks: its owner, or the server for its layout classes alone.
        origin: Origin,
        /// What changes.
        update: UpdateStream,
    },
    /// Ends one's own stream.
    Unpublish {
        /// Who asks.
        origin: Origin,
        /// The stream.
        stream: StreamId,
        /// The caller's idempotency key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ref_: Option<Ref>,
    },
    /// Watches a stream.
    Subscribe {
        /// Who asks.
        origin: Origin,
        /// The stream.
        stream: StreamId,
    },
    /// Stops watching a stream.
    Unsubscribe {
        /// Who asks.
        origin: Origin,
        /// The stream.
        stream: StreamId,
    },
    /// Turns the session feed on or off.
    Watch {
        /// Who asks.
        origin: Origin,
        /// Whether it is to be on.
        on: bool,
    },
    /// A moderation verb, by the participant or the server that `origin` names.
    Moderate {
        /// Who asks.
        origin: Origin,
        /// What for.
        verb: Moderation,
        /// Who calls, where it is a call.
        server: Option<Caller>,
    },
    /// A user goes on under another name: mute, role and block go with them.
    MigrateUser {
        /// The former name.
        from: Username,
        /// The new one.
        to: Username,
        /// By which start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<RequestId>,
    },
    /// Time has passed; appended when [`crate::room::Room::next_due`] is reached. The core looks at the time of every entry,
    /// so this one does nothing of its own.
    Tick,
}

impl RoomCommand {
    /// Who waits for its answer.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        match self {
            Self::Join(join) => Some(join.origin),
            Self::Leave { origin, .. } => *origin,
            Self::Publish { origin, .. }
            | Self::UpdateStream { origin, .. }
            | Self::Unpublish { origin, .. }
            | Self::Subscribe { origin, .. }
            | Self::Unsubscribe { origin, .. }
            | Self::Watch { origin, .. }
            | Self::Moderate { origin, .. } => Some(*origin),
            Self::Open(_)
            | Self::Link { .. }
            | Self::NodeLost { .. }
            | Self::SessionState { .. }
            | Self::MigrateUser { .. }
            | Self::Tick => None,
        }
    }

    /// The session that acts, or whose state it tells; `None`: the server, or nobody.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::Join(join) => Some(join.session),
            Self::Leave { session, .. }
            | Self::Link { session, .. }
            | Self::SessionState { session, .. } => Some(*session),
            Self::Publish { origin, .. }
            | Self::UpdateStream { origin, .. }
            | Self::Unpublish { origin, .. }
            | Self::Subscribe { origin, .. }
            | Self::Unsubscribe { origin, .. }
            | Self::Watch { origin, .. }
            | Self::Moderate { origin, .. } => match origin {
                Origin::Session { session, .. } => Some(*session),
                Origin::Call(_) => None,
            },
            Self::Open(_) | Self::NodeLost { .. } | Self::MigrateUser { .. } | Self::Tick => None,
        }
    }

    /// Which request it follows from; `None`: nobody asked for it.
    #[must_use]
    pub fn request(&self) -> Option<RequestId> {
        let told = match self {
            Self::Leave { cause, .. } | Self::MigrateUser { cause, .. } => cause.clone(),
            Self::Moderate { server, .. } => server.as_ref().map(|caller| caller.request.clone()),
            Self::Open(_)
            | Self::Join(_)
            | Self::Link { .. }
            | Self::NodeLost { .. }
            | Self::SessionState { .. }
            | Self::Publish { .. }
            | Self::UpdateStream { .. }
            | Self::Unpublish { .. }
            | Self::Subscribe { .. }
            | Self::Unsubscribe { .. }
            | Self::Watch { .. }
            | Self::Tick => None,
        };
        told.or_else(|| self.origin()?.request())
    }
}

/// How a room opens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OpenRoom {
    /// Its bounds and choices.
    pub settings: RoomSettings,
    /// What the store knew of it, expired rows left out.
    pub durable_state: DurableState,
}

/// One session's entering.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// Who waits for the answer.
    pub origin: Origin,
    /// The session that enters.
    pub session: SessionId,
    /// The generation of the session's connection. The entry's node becomes the participant's home by it.
    pub generation: u64,
    /// The id of its membership, made by the appender; not used when it is in already.
    pub participant: ParticipantId,
    /// Whose session it is.
    pub username: Username,
    /// On which client instance.
    pub instance: InstanceId,
    /// Whether the name is only borrowed; a block of a guest is of its instance too.
    pub guest: bool,
    /// The role its token or grant gives; one set by `set_role` wins over it.
    pub role: Role,
    /// The scopes its grant holds.
    pub scopes: ScopeSet,
    /// Whether it moderates the whole app.
    pub app_moderator: bool,
    /// Connection data: the token's, or else the client's.
    pub data: Option<String>,
    /// What its room token says, when it came by one.
    pub token: Option<RoomToken>,
    /// Whether it has a connection.
    pub link: Link,
    /// The session's state.
    pub state: SessionState,
}

/// What a room token says, once verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoomToken {
    /// When it was issued.
    pub issued: Timestamp,
    /// When it runs out.
    pub expires: Timestamp,
    /// Its id: it is spent by one session.
    pub jti: Option<Box<str>>,
    /// The layout classes of streams that name none.
    pub layout_classes: LayoutClasses,
}

/// A moderation verb, as the wire tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moderation {
    ForceDisconnect(ForceDisconnect),
    Unblock(Unblock),
    ForceUnpublish(ForceUnpublish),
    ForceMute(ForceMute),
    LiftMute(ForceMute),
    ForceMuteAll(ForceMuteAll),
    DisableForceMute(ModerateRoom),
    AskUnmute(OnStream),
    SetRole(SetRole),
    LockRoom(ModerateRoom),
    UnlockRoom(ModerateRoom),
    EndRoom(ModerateRoom),
}

impl Moderation {
    /// Its name without its arguments.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Self::ForceDisconnect(_) => Verb::ForceDisconnect,
            Self::Unblock(_) => Verb::Unblock,
            Self::ForceUnpublish(_) => Verb::ForceUnpublish,
            Self::ForceMute(_) => Verb::ForceMute,
            Self::LiftMute(_) => Verb::LiftMute,
            Self::ForceMuteAll(_) => Verb::ForceMuteAll,
            Self::DisableForceMute(_) => Verb::DisableForceMute,
            Self::AskUnmute(_) => Verb::AskUnmute,
            Self::SetRole(_) => Verb::SetRole,
            Self::LockRoom(_) => Verb::LockRoom,
            Self::UnlockRoom(_) => Verb::UnlockRoom,
            Self::EndRoom(_) => Verb::EndRoom,
        }
    }

    /// The caller's idempotency key.
    #[must_use]
    pub const fn ref_(&self) -> Option<&Ref> {
        match self {
            Self::ForceDisconnect(body) => body.ref_.as_ref(),
            Self::Unblock(body) => body.ref_.as_ref(),
            Self::ForceUnpublish(body) => body.ref_.as_ref(),
            Self::ForceMute(body) | Self::LiftMute(body) => body.ref_.as_ref(),
            Self::ForceMuteAll(body) => body.ref_.as_ref(),
            Self::AskUnmute(body) => body.ref_.as_ref(),
            Self::SetRole(body) => body.ref_.as_ref(),
            Self::DisableForceMute(body)
            | Self::LockRoom(body)
            | Self::UnlockRoom(body)
            | Self::EndRoom(body) => body.ref_.as_ref(),
        }
    }

    /// Why, in the moderator's words.
    #[must_use]
    pub const fn reason(&self) -> Option<&Reason> {
        match self {
            Self::ForceDisconnect(body) => body.reason.as_ref(),
            Self::ForceUnpublish(body) => body.reason.as_ref(),
            Self::Unblock(_)
            | Self::ForceMute(_)
            | Self::LiftMute(_)
            | Self::ForceMuteAll(_)
            | Self::DisableForceMute(_)
            | Self::AskUnmute(_)
            | Self::SetRole(_)
            | Self::LockRoom(_)
            | Self::UnlockRoom(_)
            | Self::EndRoom(_) => None,
        }
    }
}
