//! Errors shared by several commands.

use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode, MuteException, Timestamp};

pub(super) fn not_in_room() -> Error {
    Error::new(ErrorCode::NotInRoom, "session is not in the room; join it first")
}

pub(super) fn stream_not_found() -> Error {
    Error::new(ErrorCode::StreamNotFound, "no such stream in this room").at("stream")
}

pub(super) fn participant_not_found(field: &'static str) -> Error {
    let message = "no such participant in this room; it may have left";
    Error::new(ErrorCode::ParticipantNotFound, message).at(field)
}

pub(super) fn unknown_exception(index: usize, id: MuteException) -> Error {
    let message = format!("`except` names {id}: no such stream or participant in this room");
    Error::new(ErrorCode::StreamNotFound, message).at(format!("except[{index}]"))
}

pub(super) fn not_owner() -> Error {
    Error::new(ErrorCode::NotOwner, "only the stream's publisher may do this").at("stream")
}

pub(super) fn self_moderation() -> Error {
    Error::new(ErrorCode::SelfModeration, "you cannot moderate yourself")
}

pub(super) fn blocked(until: Timestamp) -> Error {
    let message = "user is blocked from this room by a moderator";
    Error::new(ErrorCode::Blocked, message).until(Some(until))
}

pub(super) fn rate_limited(message: &'static str, wait: Duration) -> Error {
    Error::new(ErrorCode::RateLimited, message).retry_after(wait)
}

pub(super) fn record_full() -> Error {
    Error::new(ErrorCode::Overloaded, "limit of stored blocks, mutes and roles reached")
}

pub(super) fn id_taken(field: &'static str) -> Error {
    Error::new(ErrorCode::InvalidArgument, "id is already in use; generate a new one").at(field)
}

pub(super) fn served_elsewhere() -> Error {
    Error::new(ErrorCode::NotAllowedNow, "session is served by another node now")
}

pub(super) fn node_lost() -> Error {
    Error::engine_unavailable("node was declared dead and is restarting; retry")
}

pub(super) fn for_participants_only() -> Error {
    Error::new(ErrorCode::NotAllowedNow, "only participants may send this command")
}

pub(super) fn outdated_grant() -> Error {
    let message = "the session was renewed with another grant meanwhile; join again";
    Error::new(ErrorCode::NotAllowedNow, message)
}
