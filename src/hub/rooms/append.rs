//! Into a room's log, the one way there; and what a client hears whose command did not get there.

use stagedoor_proto::{Error, ErrorCode};

use crate::engine::{AppendError, Appended, Condition};
use crate::hub::Hub;
use crate::room::{Origin, RoomCommand, RoomKey};

impl Hub {
    /// Appends a command. Whoever waits for its answer gets one: from the room where it was placed, else from here.
    pub(in crate::hub) fn append(&self, room: &RoomKey, command: RoomCommand) {
        let origin = command.origin();
        let appended = match self.engine.append(room, command, Condition::None).now_or_later() {
            Ok(appended) => appended,
            Err(later) => {
                let Some(hub) = self.me.upgrade() else { return };
                self.lifecycle.spawn(async move {
                    let appended = later.await;
                    hub.answer_refused(origin, appended);
                });
                return;
            }
        };
        self.answer_refused(origin, appended);
    }

    fn answer_refused(&self, origin: Option<Origin>, appended: Appended) {
        let error = match appended {
            Appended::Placed(_) => return,
            Appended::Refused(error) => refused(error),
            Appended::Unknown => {
                let message = "whether it took effect is not known; ask again, under the same `ref` if it has one";
                Error::new(ErrorCode::EngineUnavailable, message)
            }
        };
        if let Some(origin) = origin {
            self.answer(origin, &Err(error));
        }
    }
}

fn refused(error: AppendError) -> Error {
    match error {
        AppendError::Engine(error) => error.into(),
        AppendError::VersionChanged | AppendError::NoInterest => {
            Error::new(ErrorCode::EngineUnavailable, format!("{error}; try again"))
        }
    }
}
