//! Appends commands to rooms' logs, and answers commands that could not be appended.

use std::sync::Arc;

use stagedoor_proto::Error;

use super::Rooms;
use super::deferred::DeferredExecutor;
use crate::engine::{AppendError, Appended, Condition};
use crate::room::{Origin, RoomCommand, RoomKey};

impl Rooms {
    /// Appends a command to a room's log. A request always receives a reply: from the room if the command was appended,
    /// otherwise from here.
    pub(in crate::hub) fn append(&self, room: &RoomKey, command: RoomCommand) {
        self.append_if(room, command, Condition::None);
    }

    /// As [`Rooms::append`], if `condition` holds.
    pub(super) fn append_if(&self, room: &RoomKey, command: RoomCommand, condition: Condition) {
        let (origin, deferred) = (command.origin(), &self.executor.deferred);
        match self.engine.append(room, command, condition).now_or_later() {
            Ok(appended) => answer_failed(deferred, origin, appended),
            Err(later) => {
                let deferred = Arc::clone(deferred);
                let answered = async move { answer_failed(&deferred, origin, later.await) };
                self.context.lifecycle.spawn(answered);
            }
        }
    }
}

fn answer_failed(deferred: &DeferredExecutor, origin: Option<Origin>, appended: Appended) {
    let error = match appended {
        Appended::Placed(_) => return,
        Appended::Refused(error) => refused(error),
        Appended::Unknown => {
            Error::engine_unavailable("the outcome is unknown; retry with the same `ref`")
        }
    };
    if let Some(origin) = origin {
        deferred.reply(None, origin, &Err(error));
    }
}

fn refused(error: AppendError) -> Error {
    match error {
        AppendError::Engine(error) => error.into(),
        AppendError::VersionChanged | AppendError::NoInterest => {
            Error::engine_unavailable(format!("{error}; try again"))
        }
    }
}
