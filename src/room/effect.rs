//! What a room wants done: pushes, replies, changes to persist.
//!
//! The type says where an effect is executed: [`Everywhere`] or by the [`Appender`] alone. Effects are executed in their
//! order. Audiences that are not named one by one are those of the room as it is after the whole entry.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Actor, Error, InstanceId, ModerationReport, OutcomeCounts, ParticipantId, Push, Reason, Ref,
    Reply, SessionId, Target, Timestamp, Username, Verb,
};

use crate::request::RequestId;
use crate::room::durable::changes::DurableChange;
use crate::room::events::RoomEvent;
use crate::room::log::origin::{NodeEpoch, Origin};

/// Something to be done because of an entry, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Done by every node that has the room, for the sessions and calls it has itself.
    Everywhere(Everywhere),
    /// Done once, by the node that appended the entry.
    Appender(Appender),
}

/// What each node does for its own sessions and calls; for those of others it comes to nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Everywhere {
    /// Send sessions a push.
    Push {
        /// The sessions.
        to: Audience,
        /// The push.
        push: Box<Push>,
    },
    /// Withdraw what these sessions were not yet sent of this room. What follows in the list stays.
    Withdraw(Audience),
    /// A session is in the room now.
    MembershipCreated {
        /// The session.
        session: SessionId,
        /// Its membership.
        participant: ParticipantId,
    },
    /// These memberships are over. What was pushed before is still to be delivered.
    RemoveMemberships(Audience),
    /// Every membership is over at once: what the participants were not yet sent of the room is withdrawn, and they are
    /// sent this.
    CloseRoom(Box<Push>),
    /// End every session of a user with 4010.
    EndSessions(RemovedUser),
    /// Answer a call of the server API with what became of its command so far; may come several times, and because of
    /// entries of other nodes too.
    Report {
        /// The node that has the call.
        node: NodeEpoch,
        /// The call, by an id of that node.
        call: u64,
        /// What became of the command.
        report: Box<ModerationReport>,
    },
    /// Nothing is left but durable state: the room may be dropped, and opens anew with `Open`.
    Closed,
}

/// What is done once: replies, and what leaves the process.
#[derive(Clone, Debug, PartialEq)]
pub enum Appender {
    /// Answer the request that was appended. Who waits for it waits on the node that appended it.
    Reply {
        /// The request.
        origin: Origin,
        /// What became of it.
        result: Result<Reply, Error>,
    },
    /// Block a user from the app until the time it names, before [`Everywhere::EndSessions`] of the same user.
    BlockUser(RemovedUser),
    /// Persist a change of what outlives the process.
    Persist(DurableChange),
    /// Write a row of the audit log.
    Audit(Box<Audit>),
    /// Send an event to the app's own servers; only where events are wanted.
    Emit {
        /// What happened.
        event: Box<RoomEvent>,
        /// Because of which request; `None`: nobody asked for it.
        request: Option<RequestId>,
    },
    /// Count a moderation command that was refused for want of permission, for the audit log.
    Denied {
        /// Who tried.
        username: Username,
        /// Which command.
        verb: Verb,
    },
}

/// A user who is removed from the whole app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedUser {
    /// The user.
    pub username: Username,
    /// The instances a guest was seen on in the room.
    pub instances: Vec<InstanceId>,
    /// Until when they may not start again; `None`: at once.
    pub until: Option<Timestamp>,
    /// Why, in the moderator's words.
    pub reason: Option<Reason>,
    /// By which request.
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

/// Whom a push is for.
///
/// Those without a connection are among them: their rings keep it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One session, whether or not it is still in the room.
    One(SessionId),
    /// These sessions, whether or not they are still in the room.
    Sessions(Arc<[SessionId]>),
    /// Every participant but one.
    All {
        /// The session left out.
        except: Option<SessionId>,
    },
    /// Every participant who may subscribe, and so is told of streams, but one.
    Viewers {
        /// The session left out.
        except: Option<SessionId>,
    },
    /// Every participant who may not subscribe, but one.
    NonSubscribers {
        /// The session left out.
        except: Option<SessionId>,
    },
    /// Moderators with the session feed on.
    Watchers,
}

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// The verb's place in the room's log.
    pub version: u64,
    /// Which verb.
    pub verb: Verb,
    /// Who acted.
    pub by: Actor,
    /// The acting participant's user; `None`: the server.
    pub username: Option<Username>,
    /// The server key or token by which the server acted.
    pub server: Option<Box<str>>,
    /// Whom it was aimed at.
    pub target: Target,
    /// By which request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// Why.
    pub reason: Option<Reason>,
    /// The caller's idempotency key.
    pub ref_: Option<Ref>,
    /// What became of it at its targets so far.
    pub counts: OutcomeCounts,
    /// From the verb until these outcomes: 0 for the first row; a second follows when receipts were open.
    pub elapsed_ms: u64,
}

/// Collects the effects of one entry.
#[derive(Debug)]
pub(super) struct Effects {
    list: Vec<Effect>,
    /// Changes to persist; they come after all other effects.
    pub(super) changes: Vec<DurableChange>,
    /// The node that appended the entry.
    node: NodeEpoch,
    /// Whether events are wanted.
    has_events: bool,
    /// Which request what is added now follows from.
    cause: Option<RequestId>,
}

impl Effects {
    pub(super) const fn new(node: NodeEpoch, has_events: bool) -> Self {
        Self { list: Vec::new(), changes: Vec::new(), node, has_events, cause: None }
    }

    /// The node that appended the entry.
    pub(super) const fn node(&self) -> NodeEpoch {
        self.node
    }

    pub(super) fn into_list(mut self) -> Vec<Effect> {
        let changes = self.changes.into_iter().map(|change| Appender::Persist(change).into());
        self.list.extend(changes);
        self.list
    }

    /// What is added from now on follows from this request, or from none.
    pub(super) fn follow(&mut self, cause: Option<RequestId>) {
        self.cause = cause;
    }

    /// Which request what is added now follows from.
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

    /// Emits an event, which is made only where events are wanted.
    pub(super) fn emit(&mut self, event: impl FnOnce() -> RoomEvent) {
        if self.has_events {
            let request = self.cause();
            self.add(Appender::Emit { event: Box::new(event()), request });
        }
    }

    /// Whether events are wanted.
    pub(super) const fn has_events(&self) -> bool {
        self.has_events
    }

    /// Whether the room was ended by an event of this entry.
    pub(super) fn ends_room(&self) -> bool {
        let is_end = |effect: &Effect| match effect {
            Effect::Appender(Appender::Emit { event, .. }) => event.ends_room(),
            Effect::Appender(
                Appender::Reply { .. }
                | Appender::BlockUser(_)
                | Appender::Persist(_)
                | Appender::Audit(_)
                | Appender::Denied { .. },
            )
            | Effect::Everywhere(_) => false,
        };
        self.list.iter().any(is_end)
    }
}
