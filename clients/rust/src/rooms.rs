//! The rooms a session is in, each with how it was joined and the view that handles share.
//!
//! The session's task applies each frame in the order it came, before it hands it on: a program that reads an event, or
//! has a reply, finds the view at least that new. A view outlives its membership for the handles that still hold it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use stagedoor_proto::{Command, Join, ParticipantId, Push, Reply, RoomId, StreamId};

use crate::view::{RoomView, Standing, room_of};

/// A view shared by the session's task and the handles of its room.
///
/// The inner `Arc` is copied on write, and only while the former state is in use.
#[derive(Clone, Debug)]
pub(crate) struct Shown(Arc<Mutex<Arc<RoomView>>>);

impl Shown {
    pub(crate) fn new(view: RoomView) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(view))))
    }

    pub(crate) fn now(&self) -> Arc<RoomView> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<R>(&self, change: impl FnOnce(&mut RoomView) -> R) -> R {
        let mut view = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut view))
    }
}

/// What a request was about, as far as its reply does not say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Subject {
    Join(Join),
    Leave(RoomId),
    Unpublish(StreamId),
    End,
    Other,
}

impl Subject {
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

/// A room one is in.
#[derive(Debug)]
struct Joined {
    /// What lets one in again.
    join: Join,
    shown: Shown,
}

/// The rooms the session is in, as far as this client joined them.
#[derive(Debug, Default)]
pub(crate) struct Rooms(HashMap<RoomId, Joined>);

impl Rooms {
    pub(crate) fn find(&self, room: &RoomId) -> Option<Shown> {
        self.0.get(room).map(|joined| joined.shown.clone())
    }

    pub(crate) fn apply_push(&mut self, push: &Push) {
        let Some(room) = room_of(push) else { return };
        let Some(joined) = self.0.get(room) else { return };
        let standing = joined.shown.change(|view| {
            view.apply(push);
            view.standing
        });
        if standing != Standing::Inside {
            self.0.remove(room);
        }
    }

    pub(crate) fn apply_reply(&mut self, subject: &Subject, reply: &Reply) {
        match (subject, reply) {
            (Subject::Join(join), Reply::Joined(joined)) => {
                let view = RoomView::new((**joined).clone());
                if let Some(known) = self.0.get_mut(&join.room) {
                    known.shown.change(|former| *former = view);
                    known.join = join.clone();
                } else {
                    let joined = Joined { join: join.clone(), shown: Shown::new(view) };
                    self.0.insert(join.room.clone(), joined);
                }
            }
            (Subject::Leave(room), Reply::Left {}) => {
                self.leave(room, Standing::Left);
            }
            (_, Reply::Published(reply)) => {
                self.change_of(reply.stream.participant, |view| view.put(&reply.stream));
            }
            (_, Reply::Updated(reply)) => {
                self.change_of(reply.stream.participant, |view| view.put(&reply.stream));
            }
            (Subject::Unpublish(stream), Reply::Unpublished {}) => {
                for Joined { shown, .. } in self.0.values() {
                    if shown.now().streams.contains_key(stream) {
                        shown.change(|view| view.remove_stream(*stream));
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

    /// One is in this room no more.
    pub(crate) fn leave(&mut self, room: &RoomId, standing: Standing) {
        if let Some(joined) = self.0.remove(room) {
            joined.shown.change(|view| view.standing = standing);
        }
    }

    /// The session is detached: no view is updated any more.
    pub(crate) fn lose(&mut self) {
        for (_, joined) in self.0.drain() {
            joined.shown.change(|view| view.standing = Standing::Lost);
        }
    }

    fn change_of(&self, own: ParticipantId, change: impl FnOnce(&mut RoomView)) {
        let mut views = self.0.values().map(|joined| &joined.shown);
        if let Some(shown) = views.find(|shown| shown.now().own.id == own) {
            shown.change(change);
        }
    }
}
