//! The rooms of a session, each with its `join` and the view that handles share.
//!
//! The task of the session applies each frame in order, before it emits the event: a program that has an event or a
//! reply finds the view at least as new. Handles keep the view of an ended membership.

use std::collections::HashMap;
use std::sync::Arc;

use stagedoor_proto::{Command, Join, ParticipantId, Push, Reply, RoomId, StreamId};
use tokio::sync::watch;

use crate::view::{MembershipState, RoomView, room_of};

/// A view that the session's task writes and the handles of its room read and observe.
///
/// The inner `Arc` is copied on write, and only while the former state is in use.
#[derive(Clone, Debug)]
pub(crate) struct SharedView(watch::Sender<Arc<RoomView>>);

impl SharedView {
    pub(crate) fn new(view: RoomView) -> Self {
        Self(watch::Sender::new(Arc::new(view)))
    }

    pub(crate) fn now(&self) -> Arc<RoomView> {
        Arc::clone(&self.0.borrow())
    }

    pub(crate) fn observe(&self) -> watch::Receiver<Arc<RoomView>> {
        self.0.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut RoomView)) {
        self.0.send_modify(|view| change(Arc::make_mut(view)));
    }
}

/// The part of a request that its reply does not repeat.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RequestContext {
    Join(Join),
    Leave(RoomId),
    Unpublish(StreamId),
    End,
    Other,
}

impl RequestContext {
    pub(crate) fn of(command: &Command) -> Self {
        match command {
            Command::Join(join) => Self::Join(join.clone()),
            Command::Leave(leave) => Self::Leave(leave.room.clone()),
            Command::Unpublish(on) => Self::Unpublish(on.stream),
            Command::End(_) => Self::End,
            _ => Self::Other,
        }
    }
}

/// A joined room.
#[derive(Debug)]
struct Joined {
    /// The command to join the room again.
    join: Join,
    shared_view: SharedView,
}

/// The rooms of the session that this client joined.
#[derive(Debug, Default)]
pub(crate) struct Rooms(HashMap<RoomId, Joined>);

impl Rooms {
    pub(crate) fn find(&self, room: &RoomId) -> Option<SharedView> {
        self.0.get(room).map(|joined| joined.shared_view.clone())
    }

    pub(crate) fn apply_push(&mut self, push: &Push) {
        let Some(room) = room_of(push) else { return };
        let Some(joined) = self.0.get(room) else { return };
        joined.shared_view.change(|view| view.apply(push));
        if joined.shared_view.now().membership != MembershipState::Inside {
            self.0.remove(room);
        }
    }

    pub(crate) fn apply_reply(&mut self, subject: &RequestContext, reply: &Reply) {
        match (subject, reply) {
            (RequestContext::Join(join), Reply::Joined(joined)) => {
                let view = RoomView::new((**joined).clone());
                if let Some(existing) = self.0.get_mut(&join.room) {
                    existing.shared_view.change(|former| *former = view);
                    existing.join = join.clone();
                } else {
                    let joined = Joined { join: join.clone(), shared_view: SharedView::new(view) };
                    self.0.insert(join.room.clone(), joined);
                }
            }
            (RequestContext::Leave(room), Reply::Left {}) => {
                self.leave(room, MembershipState::Left);
            }
            (_, Reply::Published(reply)) => {
                self.change_of(reply.stream.participant, |view| view.put(&reply.stream));
            }
            (_, Reply::Updated(reply)) => {
                self.change_of(reply.stream.participant, |view| view.put(&reply.stream));
            }
            (RequestContext::Unpublish(stream), Reply::Unpublished {}) => {
                for Joined { shared_view, .. } in self.0.values() {
                    if shared_view.now().streams.contains_key(stream) {
                        shared_view.change(|view| view.remove_stream(*stream));
                    }
                }
            }
            _ => {}
        }
    }

    /// How each room was joined.
    pub(crate) fn joins(&self) -> Vec<Join> {
        self.0.values().map(|joined| joined.join.clone()).collect()
    }

    /// Removes a room that the session left.
    pub(crate) fn leave(&mut self, room: &RoomId, membership: MembershipState) {
        if let Some(joined) = self.0.remove(room) {
            joined.shared_view.change(|view| view.membership = membership);
        }
    }

    /// Marks all views as outdated after a detach.
    pub(crate) fn mark_lost(&mut self) {
        for (_, joined) in self.0.drain() {
            joined.shared_view.change(|view| view.membership = MembershipState::Lost);
        }
    }

    fn change_of(&self, own: ParticipantId, change: impl FnOnce(&mut RoomView)) {
        let mut views = self.0.values().map(|joined| &joined.shared_view);
        if let Some(shared_view) = views.find(|shared_view| shared_view.now().own.id == own) {
            shared_view.change(change);
        }
    }
}
