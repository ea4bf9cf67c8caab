//! The actor and the targets of a moderation command.

use stagedoor_proto::{Actor, Error, ParticipantId, Scope, StreamId, Target, Username, Who};

use crate::blocks::BlockSetter;
use crate::principal::{Coverage, Guest, NameCoverage, Principal};
use crate::room::errors;
use crate::room::log::origin::Origin;
use crate::room::state::RoomState;
use crate::room::state::refs::RefOwner;

/// The actor of a moderation command.
pub(in crate::room) struct ModeratorContext {
    pub(in crate::room) by: Actor,
    /// The acting participant's user. `None`: the server.
    pub(in crate::room) username: Option<Username>,
    /// `None`: a registered user, or the server.
    pub(in crate::room) guest: Option<Guest>,
    /// The server key or token of the caller.
    pub(in crate::room) server: Option<Box<str>>,
    pub(in crate::room) is_app_moderator: bool,
}

impl ModeratorContext {
    pub(in crate::room) const fn gateway() -> Self {
        Self {
            by: Actor::Server {},
            username: None,
            guest: None,
            server: None,
            is_app_moderator: true,
        }
    }

    fn principal(&self) -> Option<Principal<'_>> {
        let username = self.username.as_ref()?;
        Some(Principal { username, guest: self.guest.as_ref() })
    }

    /// Whose blocks a command sets and replaces.
    pub(in crate::room) fn setter(&self) -> BlockSetter {
        self.principal().map_or(BlockSetter::Server, BlockSetter::of)
    }

    /// Rejects moderation of the actor's own user, in any membership.
    pub(in crate::room) fn ensure_not_self(&self, coverage: &Coverage) -> Result<(), Error> {
        if self.principal().is_some_and(|own| coverage.includes(own)) {
            Err(errors::self_moderation())
        } else {
            Ok(())
        }
    }

    pub(in crate::room) fn ref_owner(&self, origin: Origin) -> Option<RefOwner> {
        match origin {
            Origin::Session { session, .. } => {
                self.principal().map(|own| RefOwner::of(own, session))
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
                guest: member.guest.clone(),
                server,
                is_app_moderator: member.app_moderator,
            })
        }
        Origin::Call(_) => Ok(ModeratorContext { server, ..ModeratorContext::gateway() }),
    }
}

/// The principals of a target: those of a participant, or of any username.
pub(in crate::room) fn coverage_of(state: &RoomState, who: &Who) -> Result<Coverage, Error> {
    match who {
        Who::Username(username) => Ok(coverage_of_name(state, username)),
        Who::Participant(id) => {
            let member = state.participants.find(*id);
            let member = member.ok_or_else(|| errors::participant_not_found("participant"))?;
            Ok(Coverage::of(member.principal()))
        }
    }
}

/// Everybody who is known under a name: who is in the room, left recently, or has a mute or role. Of guests, all of the
/// name are covered; of an unknown name, a registered user too.
pub(in crate::room) fn coverage_of_name(state: &RoomState, username: &Username) -> Coverage {
    let present = state.participants.of_user(username).into_iter();
    let present = present.filter_map(|id| state.participants.find(id));
    let mut known: Vec<Option<&Guest>> = present.map(|member| member.guest.as_ref()).collect();
    known.extend(state.recent_leavers.named(username, state.now.monotonic));
    known.extend(state.records.guests_named(username).map(|row| Some(&row.guest)));
    let is_guests = !known.is_empty() && known.iter().all(Option::is_some);
    let guests = known.into_iter().flatten();
    Coverage {
        username: username.clone(),
        name: if is_guests { NameCoverage::Guests } else { NameCoverage::All },
        guests: guests.map(|guest| (guest.instance.clone(), guest.proof)).collect(),
    }
}

/// The owner of a stream.
pub(in crate::room) fn coverage_of_owner(
    state: &RoomState,
    id: StreamId,
) -> Result<Coverage, Error> {
    let stream = state.streams.find(id).ok_or_else(errors::stream_not_found)?;
    let owner = state.participants.find(stream.wire.participant).expect("a stream has an owner");
    Ok(Coverage::of(owner.principal()))
}

pub(in crate::room) fn target_participant(state: &RoomState, id: ParticipantId) -> Target {
    let username = state.participants.find(id).map(|member| member.username.clone());
    Target { participant: Some(id), stream: None, username }
}
