//! On whose authority a moderation command is executed, and what it is aimed at.

use stagedoor_proto::{Actor, Error, ParticipantId, Scope, StreamId, Target, Username, Who};

use crate::room::errors;
use crate::room::log::origin::Origin;
use crate::room::state::RoomState;
use crate::room::state::refs::RefOwner;

/// On whose authority a moderation command is executed.
pub(in crate::room) struct ModeratorContext {
    pub(in crate::room) by: Actor,
    /// The acting participant's user; `None`: the server.
    pub(in crate::room) username: Option<Username>,
    /// The server key or token by which the server acts.
    pub(in crate::room) server: Option<Box<str>>,
    pub(in crate::room) is_app_moderator: bool,
}

impl ModeratorContext {
    /// The gateway itself.
    pub(in crate::room) const fn gateway() -> Self {
        Self { by: Actor::Server {}, username: None, server: None, is_app_moderator: true }
    }

    /// Nobody moderates themselves, nor another membership of the same user.
    pub(in crate::room) fn ensure_not_self(&self, username: &Username) -> Result<(), Error> {
        if self.username.as_ref() == Some(username) {
            Err(errors::self_moderation())
        } else {
            Ok(())
        }
    }

    /// The owner of the idempotency keys it uses.
    pub(in crate::room) fn ref_owner(&self, origin: Origin) -> Option<RefOwner> {
        match origin {
            Origin::Session { session, .. } => {
                self.username.clone().map(|username| RefOwner { username, session })
            }
            Origin::Call(_) => None,
        }
    }
}

/// The context of the participant, or of the server key `server`, that a command comes from.
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
            let person = state.requester(origin)?;
            person.permit(Scope::Moderate)?;
            Ok(ModeratorContext {
                by: Actor::Participant(person.id),
                username: Some(person.username.clone()),
                server,
                is_app_moderator: person.app_moderator,
            })
        }
        Origin::Call(_) => Ok(ModeratorContext { server, ..ModeratorContext::gateway() }),
    }
}

/// Whose a target is: a participant here, or any user by name.
pub(in crate::room) fn user_of(state: &RoomState, who: &Who) -> Result<Username, Error> {
    match who {
        Who::Username(username) => Ok(username.clone()),
        Who::Participant(id) => {
            let person = state.participants.find(*id);
            let person = person.ok_or_else(|| errors::participant_not_found("participant"))?;
            Ok(person.username.clone())
        }
    }
}

/// A stream as the target of a verb, and whose it is.
pub(in crate::room) fn target_stream(state: &RoomState, id: StreamId) -> Result<Target, Error> {
    let stream = state.streams.find(id).ok_or_else(errors::stream_not_found)?;
    let owner = state.participants.find(stream.wire.participant).expect("a stream's owner is here");
    let username = Some(owner.username.clone());
    Ok(Target { participant: Some(owner.id), stream: Some(id), username })
}

/// A participant as the target of a verb.
pub(in crate::room) fn target_participant(state: &RoomState, id: ParticipantId) -> Target {
    let username = state.participants.find(id).map(|person| person.username.clone());
    Target { participant: Some(id), stream: None, username }
}
