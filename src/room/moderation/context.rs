//! The actor and the targets of a moderation command.

use stagedoor_proto::{Actor, Error, ParticipantId, Scope, StreamId, Target, Username, Who};

use crate::room::errors;
use crate::room::log::origin::Origin;
use crate::room::state::RoomState;
use crate::room::state::refs::RefOwner;

/// The actor of a moderation command.
pub(in crate::room) struct ModeratorContext {
    pub(in crate::room) by: Actor,
    /// The acting participant's user. `None`: the server.
    pub(in crate::room) username: Option<Username>,
    /// The server key or token of the caller.
    pub(in crate::room) server: Option<Box<str>>,
    pub(in crate::room) is_app_moderator: bool,
}

impl ModeratorContext {
    pub(in crate::room) const fn gateway() -> Self {
        Self { by: Actor::Server {}, username: None, server: None, is_app_moderator: true }
    }

    /// Rejects moderation of the actor's own user, in any membership.
    pub(in crate::room) fn ensure_not_self(&self, username: &Username) -> Result<(), Error> {
        if self.username.as_ref() == Some(username) {
            Err(errors::self_moderation())
        } else {
            Ok(())
        }
    }

    pub(in crate::room) fn ref_owner(&self, origin: Origin) -> Option<RefOwner> {
        match origin {
            Origin::Session { session, .. } => {
                self.username.clone().map(|username| RefOwner { username, session })
            }
            Origin::Call(_) => None,
        }
    }
}

/// The actor of a command: its participant, or the server with the key `server`.
///
/// # Errors
/// When the participant may not moderate.
pub(in crate::room) fn moderator_of(
    state: &RoomState,
    origin: Origin,
    server: Option<Box<str>>,
) -> Result<ModeratorContext, Error> {
    match origin {
        Origin::Session { .. } => {
            let member = state.requester(origin)?;
            member.permit(Scope::Moderate)?;
            Ok(ModeratorContext {
                by: Actor::Participant(member.id),
                username: Some(member.username.clone()),
                server,
                is_app_moderator: member.app_moderator,
            })
        }
        Origin::Call(_) => Ok(ModeratorContext { server, ..ModeratorContext::gateway() }),
    }
}

/// The user of a target, which is a participant or any username.
pub(in crate::room) fn user_of(state: &RoomState, who: &Who) -> Result<Username, Error> {
    match who {
        Who::Username(username) => Ok(username.clone()),
        Who::Participant(id) => {
            let member = state.participants.find(*id);
            let member = member.ok_or_else(|| errors::participant_not_found("participant"))?;
            Ok(member.username.clone())
        }
    }
}

/// A stream as a target, with its owner.
pub(in crate::room) fn target_stream(state: &RoomState, id: StreamId) -> Result<Target, Error> {
    let stream = state.streams.find(id).ok_or_else(errors::stream_not_found)?;
    let owner = state.participants.find(stream.wire.participant).expect("a stream has an owner");
    let username = Some(owner.username.clone());
    Ok(Target { participant: Some(owner.id), stream: Some(id), username })
}

pub(in crate::room) fn target_participant(state: &RoomState, id: ParticipantId) -> Target {
    let username = state.participants.find(id).map(|member| member.username.clone());
    Target { participant: Some(id), stream: None, username }
}
