//! Errors of rooms as problem details.

#![deny(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use hyper::StatusCode;
use stagedoor_proto::{Error, ErrorCode};

use crate::http::problem::{Problem, ProblemKind};
use crate::hub::CallError;

/// The room does not exist.
pub(super) const NO_ROOM: ProblemKind = ProblemKind::new(StatusCode::NOT_FOUND, "room_not_found");
/// The room exists already.
pub(super) const ROOM_EXISTS: ProblemKind = ProblemKind::new(StatusCode::CONFLICT, "room_exists");
/// The participant is not in the room.
pub(super) const NO_PARTICIPANT: ProblemKind = kind_of(ErrorCode::ParticipantNotFound);
/// The stream is not in the room.
pub(super) const NO_STREAM: ProblemKind = kind_of(ErrorCode::StreamNotFound);
/// The engine did not answer.
pub(super) const ENGINE_UNAVAILABLE: ProblemKind = kind_of(ErrorCode::EngineUnavailable);

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoRoom => {
                let detail = "room not found: it is neither open nor created; create it first";
                Self::new(NO_ROOM, detail)
            }
            CallError::RoomExists => {
                let detail = "room already exists; end it before you create it with other settings";
                Self::new(ROOM_EXISTS, detail)
            }
            CallError::Refused(error) => Self::from(error),
            CallError::Store(error) => Self::from(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let Error { code, message, missing: _, retry_after_ms, until_ms: _, field } = error;
        let problem = Self::new(kind_of(code), message);
        let problem = match field {
            Some(field) => problem.at(field),
            None => problem,
        };
        match retry_after_ms {
            Some(ms) => problem.retry_after(Duration::from_millis(ms)),
            None => problem,
        }
    }
}

const fn kind_of(code: ErrorCode) -> ProblemKind {
    let Ok(status) = StatusCode::from_u16(code.http_status()) else {
        panic!("the table of error codes has HTTP statuses")
    };
    let kind = ProblemKind::new(status, code.as_str());
    if code.is_temporary() { kind.passing() } else { kind }
}
