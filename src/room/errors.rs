//! The errors several commands share, each saying what was expected.

use std::time::Duration;

use stagedoor_proto::{Error, ErrorCode, Timestamp};

pub(super) fn not_in_room() -> Error {
    Error::new(ErrorCode::NotInRoom, "this session is not in the room; join it first")
}

pub(super) fn stream_not_found() -> Error {
    Error::new(ErrorCode::StreamNotFound, "there is no such stream in this room").at("stream")
}

pub(super) fn participant_not_found(field: &'static str) -> Error {
    let message = "there is no such participant in this room; it may have left";
    Error::new(ErrorCode::ParticipantNotFound, message).at(field)
}

pub(super) fn not_owner() -> Error {
    Error::new(ErrorCode::NotOwner, "only the participant who publishes a stream may do this")
        .at("stream")
}

pub(super) fn self_moderation() -> Error {
    Error::new(ErrorCode::SelfModeration, "moderation is of others; this is the same user")
}

pub(super) fn blocked(until: Timestamp, now: Timestamp) -> Error {
    Error::new(ErrorCode::Blocked, "a moderator removed this user, who may not return yet")
        .retry_after(until.saturating_since(now))
}

pub(super) fn rate_limited(message: &'static str, wait: Duration) -> Error {
    Error::new(ErrorCode::RateLimited, message).retry_after(wait)
}

pub(super) fn record_full() -> Error {
    Error::new(ErrorCode::Overloaded, "the room keeps as many blocks, mutes or roles as it may")
}

pub(super) fn id_taken(field: &'static str) -> Error {
    Error::new(ErrorCode::InvalidArgument, "the id is taken; it must be new").at(field)
}

pub(super) fn served_elsewhere() -> Error {
    Error::new(ErrorCode::NotAllowedNow, "another node serves this session now")
}

pub(super) fn node_lost() -> Error {
    let message = "this node was declared dead and begins anew; try again";
    Error::new(ErrorCode::EngineUnavailable, message)
}

pub(super) fn for_participants_only() -> Error {
    Error::new(ErrorCode::NotAllowedNow, "only a participant may do this, not the server")
}
