//! The rooms a connection's session is in, each with the view that handles share.
//!
//! The connection's task applies each frame in the order it came, before it hands it on: whoever reads an event, or has
//! a reply, finds the view at least that new. A view outlives its membership for the handles that still hold it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use stagedoor_proto::{Command, ParticipantId, Push, Reply, RoomId, StreamId};

use crate::view::{RoomView, Standing, room_of};

/// A view shared by the connection's task and the handles of its room.
///
/// The inner `Arc` is copied on write, and only while somebody looks at the former state.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Join(RoomId),
    Leave(RoomId),
    Unpublish(StreamId),
    Other,
}

impl Subject {
    pub(crate) fn of(command: &Command) -> Self {
        match command {
            Command::Join(join) => Self::Join(join.room.clone()),
            Command::Leave(leave) => Self::Leave(leave.room.clone()),
            Command::Unpublish(on) => Self::Unpublish(on.stream),
            _ => Self::Other,
        }
    }
}

/// The rooms the session is in, as far as this connection joined them.
#[derive(Debug, Default)]
pub(crate) struct Rooms(HashMap<RoomId, Shown>);

impl Rooms {
    pub(crate) fn find(&self, room: &RoomId) -> Option<Shown> {
        self.0.get(room).cloned()
    }

    pub(crate) fn apply_push(&mut self, push: &Push) {
        let Some(room) = room_of(push) else { return };
        let Some(shown) = self.0.get(room) else { return };
        let standing = shown.change(|view| {
            view.apply(push);
            view.standing
        });
        if standing != Standing::Inside {
            self.0.remove(room);
        }
    }

    pub(crate) fn apply_reply(&mut self, subject: &Subject, reply: &Reply) {
        match (subject, reply) {
            (Subject::Join(room), Reply::Joined(joined)) => {
                let view = RoomView::new((**joined).clone());
                match self.0.get(room) {
                    Some(shown) => shown.change(|known| *known = view),
                    None => drop(self.0.insert(room.clone(), Shown::new(view))),
                }
            }
            (Subject::Leave(room), Reply::Left {}) => {
                if let Some(shown) = self.0.remove(room) {
                    shown.change(|view| view.standing = Standing::Left);
                }
            }
            (_, Reply::Published(reply)) => {
                self.change_of(reply.stream.participant, |view| view.put(&reply.stream));
            }
            (_, Reply::Updated(reply)) => {
                self.change_of(reply.stream.participant, |view| view.put(&reply.stream));
            }
            (Subject::Unpublish(stream), Reply::Unpublished {}) => {
                for shown in self.0.values() {
                    if shown.now().streams.contains_key(stream) {
                        shown.change(|view| view.remove_stream(*stream));
                    }
                }
            }
            _ => {}
        }
    }

    /// The connection has ended: no view is kept up to date any more.
    pub(crate) fn lose(&mut self) {
        for (_, shown) in self.0.drain() {
            shown.change(|view| view.standing = Standing::Lost);
        }
    }

    fn change_of(&self, own: ParticipantId, change: impl FnOnce(&mut RoomView)) {
        if let Some(shown) = self.0.values().find(|shown| shown.now().own.id == own) {
            shown.change(change);
        }
    }
}
