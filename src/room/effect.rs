//! Effects of a log entry: pushes, replies, and changes to persist.
//!
//! The type says where an effect is executed: [`Everywhere`], or by the [`Appender`] alone. Effects are executed in
//! order. An audience without a list of sessions is resolved in the state after the whole entry.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Actor, Error, ModerationCommand, ModerationReport, OutcomeCounts, ParticipantId, Push, Reason,
    Ref, Reply, RoomSnapshot, SessionId, Target, Timestamp, Username,
};

use crate::blocks::BlockSetter;
use crate::principal::Coverage;
use crate::request::RequestId;
use crate::room::durable::changes::DurableChange;
use crate::room::events::RoomEvent;
use crate::room::log::origin::{NodeEpoch, Origin};

/// An effect and where it is executed.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Executed by every node that has the room, for its own sessions and calls.
    Everywhere(Everywhere),
    /// Executed once, by the node that appended the entry.
    Appender(Appender),
}

/// Effects on a node's own sessions and calls. Those of other nodes are ignored.
#[derive(Clone, Debug, PartialEq)]
pub enum Everywhere {
    /// Send a push to sessions.
    Push { to: Audience, push: Box<Push> },
    /// Send a `room_reset` with this snapshot to sessions, to each with its own participant.
    Reset { to: Audience, snapshot: Box<RoomSnapshot> },
    /// Discard the unsent frames of this room for these sessions. Later effects in the list are not affected.
    Withdraw(Audience),
    /// The session has joined.
    MembershipCreated { session: SessionId, participant: ParticipantId },
    /// These memberships have ended. Earlier pushes are still delivered.
    RemoveMemberships(Audience),
    /// All memberships have ended: discard the participants' unsent frames of the room, then send this push.
    CloseRoom(Box<Push>),
    /// End all sessions of a user with close code 4010.
    EndSessions(RemovedUser),
    /// Report the progress of a moderation command to its session or call. Can happen several times, and from entries
    /// of other nodes.
    Report {
        /// The node that appended the command. It serves the call, and knows whether the command is durable.
        node: NodeEpoch,
        origin: Origin,
        report: Box<ModerationReport>,
    },
    /// Only durable state is left. The room may be removed; it reopens with `Open`.
    Closed,
}

/// Effects executed once: replies, and writes outside the process.
#[derive(Clone, Debug, PartialEq)]
pub enum Appender {
    /// Reply to the request. The appending node serves it.
    Reply {
        origin: Origin,
        result: Result<Reply, Error>,
    },
    /// Block a user from the app. Precedes [`Everywhere::EndSessions`] of the same user.
    BlockUser(RemovedUser),
    /// Lift what moderators set for a user in the app.
    UnblockUser(Username),
    Persist(DurableChange),
    Audit(Box<Audit>),
    /// Publish an event to the app's servers. Only where events are enabled.
    Emit {
        event: Box<RoomEvent>,
        /// The request that caused it. `None`: a timer or a lost connection.
        request: Option<RequestId>,
    },
    /// Count a moderation command rejected for a missing permission, for the audit log.
    Denied {
        username: Username,
        command: ModerationCommand,
    },
}

/// A user removed from the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedUser {
    pub coverage: Coverage,
    /// End of the block. `None`: not blocked.
    pub until: Option<Timestamp>,
    pub set_by: BlockSetter,
    /// As stated by the moderator.
    pub reason: Option<Reason>,
    /// The idempotency key of the command.
    pub ref_: Option<Ref>,
    pub request: Option<RequestId>,
}

impl From<Everywhere> for Effect {
    fn from(effect: Everywhere) -> Self {
        Self::Everywhere(effect)
    }
}

impl From<Appender> for Effect {
    fn from(effect: Appender) -> Self {
        Self::Appender(effect)
    }
}

/// The sessions that get a push.
///
/// Suspended sessions are included: their rings hold the frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A session, in the room or not.
    One(SessionId),
    /// These sessions, in the room or not.
    Sessions(Arc<[SessionId]>),
    /// All participants except one.
    All { except: Option<SessionId> },
    /// All participants who may subscribe, and so get pushes about streams, except one.
    Viewers { except: Option<SessionId> },
    /// All participants who may not subscribe, except one.
    NonSubscribers { except: Option<SessionId> },
    /// Moderators with the session feed on.
    Watchers,
}

/// A row for the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// The version of the command's log entry.
    pub version: u64,
    pub command: ModerationCommand,
    pub by: Actor,
    /// The acting participant's user. `None`: the server.
    pub username: Option<Username>,
    /// The server key or token of the caller.
    pub server: Option<Box<str>>,
    pub target: Target,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    pub reason: Option<Reason>,
    pub ref_: Option<Ref>,
    /// Targets by outcome so far.
    pub counts: OutcomeCounts,
    /// The counts in the first row of the command, if this is its second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<OutcomeCounts>,
    /// Time from the command to these outcomes. 0 in the first row; a second row follows if outcomes changed.
    pub elapsed_ms: u64,
}

/// Collects the effects of one entry.
#[derive(Debug)]
pub(super) struct Effects {
    list: Vec<Effect>,
    /// Appended after all other effects.
    pub(super) changes: Vec<DurableChange>,
    node: NodeEpoch,
    /// Whether this node emits events for the room.
    has_events: bool,
    /// The request that caused the effects added next.
    cause: Option<RequestId>,
}

impl Effects {
    pub(super) const fn new(node: NodeEpoch, has_events: bool) -> Self {
        Self { list: Vec::new(), changes: Vec::new(), node, has_events, cause: None }
    }

    pub(super) const fn node(&self) -> NodeEpoch {
        self.node
    }

    pub(super) fn into_list(mut self) -> Vec<Effect> {
        let changes = self.changes.into_iter().map(|change| Appender::Persist(change).into());
        self.list.extend(changes);
        self.list
    }

    /// Sets the request that caused the effects added next.
    pub(super) fn set_cause(&mut self, cause: Option<RequestId>) {
        self.cause = cause;
    }

    pub(super) fn cause(&self) -> Option<RequestId> {
        self.cause.clone()
    }

    pub(super) fn add(&mut self, effect: impl Into<Effect>) {
        self.list.push(effect.into());
    }

    pub(super) fn push(&mut self, to: Audience, push: Push) {
        self.add(Everywhere::Push { to, push: Box::new(push) });
    }

    pub(super) fn reply(&mut self, origin: Origin, result: Result<Reply, Error>) {
        self.add(Appender::Reply { origin, result });
    }

    /// Emits an event if events are enabled; only then `event` is called.
    pub(super) fn emit(&mut self, event: impl FnOnce() -> RoomEvent) {
        if self.has_events {
            let request = self.cause();
            self.add(Appender::Emit { event: Box::new(event()), request });
        }
    }

    pub(super) const fn has_events(&self) -> bool {
        self.has_events
    }

    /// Whether an event of this entry ended the room.
    pub(super) fn ends_room(&self) -> bool {
        let is_end = |effect: &Effect| match effect {
            Effect::Appender(Appender::Emit { event, .. }) => event.ends_room(),
            Effect::Appender(
                Appender::Reply { .. }
                | Appender::BlockUser(_)
                | Appender::UnblockUser(_)
                | Appender::Persist(_)
                | Appender::Audit(_)
                | Appender::Denied { .. },
            )
            | Effect::Everywhere(_) => false,
        };
        self.list.iter().any(is_end)
    }
}
