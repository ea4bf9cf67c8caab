//! What a room refuses, as problem details.

use std::time::Duration;

use hyper::StatusCode;
use stagedoor_proto::{Error, ErrorCode};

use super::super::problem::Problem;
use crate::hub::CallError;

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoRoom => {
                let detail = "there is no such room: it is not open, and nothing is kept of it; create it first";
                Self::new(StatusCode::NOT_FOUND, "room_not_found", detail)
            }
            CallError::RoomExists => {
                let detail = "the room is open or was created before; its settings hold until it is ended and closed";
                Self::new(StatusCode::CONFLICT, "room_exists", detail)
            }
            CallError::Refused(error) => Self::from(error),
            CallError::Store(error) => Self::from(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let Error { code, message, missing: _, retry_after_ms, field } = error;
        let problem = Self::new(status_of(code), code.as_str(), message);
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

const fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Malformed | ErrorCode::UnknownCommand | ErrorCode::InvalidArgument => {
            StatusCode::BAD_REQUEST
        }
        ErrorCode::AuthDenied
        | ErrorCode::TokenExpired
        | ErrorCode::TokenRevoked
        | ErrorCode::TokenInvalid
        | ErrorCode::TokenSpent => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden
        | ErrorCode::SelfModeration
        | ErrorCode::NotOwner
        | ErrorCode::MutedByModerator
        | ErrorCode::Blocked
        | ErrorCode::Banned
        | ErrorCode::Kicked => StatusCode::FORBIDDEN,
        ErrorCode::ParticipantNotFound | ErrorCode::StreamNotFound | ErrorCode::NotInRoom => {
            StatusCode::NOT_FOUND
        }
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::RefConflict => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::RateLimited | ErrorCode::TooManyRequestsInFlight => {
            StatusCode::TOO_MANY_REQUESTS
        }
        ErrorCode::Overloaded
        | ErrorCode::Draining
        | ErrorCode::EngineUnavailable
        | ErrorCode::AuthUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::NotAllowedNow
        | ErrorCode::UnsupportedVersion
        | ErrorCode::UserDeleted
        | ErrorCode::SessionActive
        | ErrorCode::Replaced
        | ErrorCode::Terminated
        | ErrorCode::Superseded
        | ErrorCode::ResumeExpired
        | ErrorCode::ResumeDenied
        | ErrorCode::RoomFull
        | ErrorCode::RoomLocked
        | ErrorCode::RoomEnded
        | ErrorCode::TooManyRooms
        | ErrorCode::TooManyStreams
        | ErrorCode::NotSubscribed => StatusCode::CONFLICT,
    }
}
