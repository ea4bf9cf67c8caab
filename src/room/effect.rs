//! What a room wants done: answers, pushes, facts to keep.
//!
//! Effects are carried out in their order. Audiences that are not named one by one are those of the room as it is after
//! the whole entry.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stagedoor_proto::{
    Actor, Error, InstanceId, ModerationReport, OutcomeCounts, ParticipantId, Push, Reason, Ref,
    Reply, Role, RoomMute, SessionId, Target, Timestamp, Username, Verb,
};

use crate::request::RequestId;
use crate::room::durable::records::{BlockRow, SpentRow, Voice};
use crate::room::events::Happening;
use crate::room::log::origin::Origin;

/// Something to be done because of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answer a request. Done by the node that appended it.
    Reply {
        /// Who waits.
        origin: Origin,
        /// What became of it.
        result: Result<Reply, Error>,
    },
    /// Tell sessions.
    Push {
        /// Whom.
        to: Audience,
        /// What.
        push: Box<Push>,
    },
    /// Withdraw what these sessions were not yet sent of this room. What follows in the list stays.
    Withdraw(Audience),
    /// These memberships are over. What was pushed before is still to be delivered.
    Forget(Audience),
    /// Every membership is over at once: what those who were in the room were not yet sent of it is withdrawn, and they
    /// are told this.
    Disband(Box<Push>),
    /// A session is in the room now.
    Enrolled {
        /// The session.
        session: SessionId,
        /// Its membership.
        participant: ParticipantId,
    },
    /// End every session of a user with 4010, on all nodes; the block is to be written first.
    EndSessions {
        /// Whose.
        username: Username,
        /// The instances a guest was seen on here.
        instances: Vec<InstanceId>,
        /// Until when the user may not start again; `None`: at once.
        until: Option<Timestamp>,
        /// Why.
        reason: Option<Reason>,
        /// By which request.
        request: Option<RequestId>,
    },
    /// Tell a caller of the server API what became of its verb; may come several times.
    Report {
        /// The call.
        call: u64,
        /// What became of it.
        report: Box<ModerationReport>,
    },
    /// Keep a fact. Done by the node that appended the entry.
    Persist(Fact),
    /// Keep a row in the audit log. Done by the node that appended the entry.
    Audit(Box<Audit>),
    /// An app's own servers may be told of this; only after [`crate::room::Room::tell_happenings`]. Done by the node that
    /// appended the entry.
    Happened {
        /// What happened.
        what: Box<Happening>,
        /// Because of which request; `None`: nobody asked for it.
        request: Option<RequestId>,
    },
    /// A verb was refused for want of permission; counted in the audit log.
    Denied {
        /// Who tried.
        username: Username,
        /// What.
        verb: Verb,
    },
    /// Nothing is left but durable facts: the room may be dropped, and opens anew with `Open`.
    Closed,
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
    Blind {
        /// The session left out.
        except: Option<SessionId>,
    },
    /// Moderators with the session feed on.
    Watchers,
}

/// A fact that outlives the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// A user may not enter until then; takes the place of an earlier block.
    Blocked(BlockRow),
    /// A user may enter again.
    Unblocked {
        /// Who.
        username: Username,
    },
    /// A user's standing under mutes.
    Voice {
        /// Whose.
        username: Username,
        /// What it is; `None`: nothing special.
        voice: Option<Voice>,
    },
    /// A user's role, from `set_role`.
    Role {
        /// Whose.
        username: Username,
        /// What it is.
        role: Role,
    },
    /// The room's standing mute and lock.
    Room {
        /// The mute.
        mute: RoomMute,
        /// Whether it is locked.
        locked: bool,
    },
    /// The room was ended: tokens issued up to then are refused.
    Ended {
        /// When.
        at: Timestamp,
        /// No token from before lives longer.
        keep_until: Timestamp,
    },
    /// A room token was spent.
    Spent(SpentRow),
    /// Somebody is in the room: voices, roles, mute and lock are kept.
    Occupied,
    /// Nobody is in the room: voices, roles, mute and lock are kept until then.
    Emptied {
        /// Until when.
        keep_until: Timestamp,
    },
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
#[derive(Debug, Default)]
pub(super) struct Effects {
    list: Vec<Effect>,
    /// Which request what is added now follows from.
    cause: Option<RequestId>,
}

impl Effects {
    pub(super) fn into_list(self) -> Vec<Effect> {
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

    pub(super) fn add(&mut self, effect: Effect) {
        self.list.push(effect);
    }

    pub(super) fn tell(&mut self, to: Audience, push: Push) {
        self.list.push(Effect::Push { to, push: Box::new(push) });
    }

    pub(super) fn reply(&mut self, origin: Origin, result: Result<Reply, Error>) {
        self.list.push(Effect::Reply { origin, result });
    }

    /// Whether a fact is to be kept.
    pub(super) fn keeps_any(&self) -> bool {
        self.list.iter().any(|effect| matches!(effect, Effect::Persist(_)))
    }

    /// Whether the room was ended.
    pub(super) fn ends_room(&self) -> bool {
        let is_end = |happening: &Happening| matches!(happening, Happening::Ended { .. });
        self.list
            .iter()
            .any(|effect| matches!(effect, Effect::Happened { what, .. } if is_end(what)))
    }

    pub(super) fn keep(&mut self, fact: Fact) {
        self.list.push(Effect::Persist(fact));
    }
}
