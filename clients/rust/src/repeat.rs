//! Which commands may be sent twice, and the `ref` that makes them idempotent.
//!
//! A gateway stores the `ref` of a command of a user in a room, beyond the session of the command. A repeated command
//! with the same `ref` has the same reply and no second effect.

use stagedoor_proto::{Command, Ref};

use crate::random::random_ref;

/// Adds a random `ref` to a command that accepts one and has none.
pub(crate) fn with_ref(mut command: Command) -> Command {
    if let Some(ref_) = ref_of(&mut command) {
        ref_.get_or_insert_with(random_ref);
    }
    command
}

/// Whether the command, with its `ref`, may be sent again if its outcome is unknown.
pub(crate) const fn is_repeatable(command: &Command) -> bool {
    match command {
        // A repetition would publish a second stream, undo an update in between, or make a second offer.
        Command::Publish(_) | Command::UpdateStream(_) | Command::Relay(_) => false,
        // The first messages of a connection are never repeated on another.
        Command::Start(_) | Command::Resume(_) => false,
        Command::Ping(_)
        | Command::Renew(_)
        | Command::PostponeRenewal(_)
        | Command::End(_)
        | Command::Join(_)
        | Command::Leave(_)
        | Command::Roster(_)
        | Command::SetSessionFeed(_)
        | Command::Unpublish(_)
        | Command::Subscribe(_)
        | Command::Unsubscribe(_)
        | Command::Signal(_)
        | Command::ForceDisconnect(_)
        | Command::Unblock(_)
        | Command::ForceUnpublish(_)
        | Command::ForceMute(_)
        | Command::LiftMute(_)
        | Command::ForceMuteAll(_)
        | Command::DisableForceMute(_)
        | Command::RequestUnmute(_)
        | Command::SetRole(_)
        | Command::LockRoom(_)
        | Command::UnlockRoom(_)
        | Command::EndRoom(_) => true,
    }
}

const fn ref_of(command: &mut Command) -> Option<&mut Option<Ref>> {
    match command {
        Command::Signal(body) => Some(&mut body.ref_),
        Command::Unpublish(body)
        | Command::Subscribe(body)
        | Command::Unsubscribe(body)
        | Command::RequestUnmute(body) => Some(&mut body.ref_),
        Command::ForceDisconnect(body) => Some(&mut body.ref_),
        Command::Unblock(body) => Some(&mut body.ref_),
        Command::ForceUnpublish(body) => Some(&mut body.ref_),
        Command::ForceMute(body) | Command::LiftMute(body) => Some(&mut body.ref_),
        Command::ForceMuteAll(body) => Some(&mut body.ref_),
        Command::SetRole(body) => Some(&mut body.ref_),
        Command::DisableForceMute(body)
        | Command::LockRoom(body)
        | Command::UnlockRoom(body)
        | Command::EndRoom(body) => Some(&mut body.ref_),
        Command::Start(_)
        | Command::Resume(_)
        | Command::Ping(_)
        | Command::Renew(_)
        | Command::PostponeRenewal(_)
        | Command::End(_)
        | Command::Join(_)
        | Command::Leave(_)
        | Command::Roster(_)
        | Command::Publish(_)
        | Command::UpdateStream(_)
        | Command::Relay(_)
        | Command::SetSessionFeed(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stagedoor_proto::{End, ModerateRoom};

    fn lock(ref_: Option<&str>) -> Command {
        let ref_ = ref_.map(|text| text.parse().unwrap());
        Command::LockRoom(ModerateRoom { room: "lobby".parse().unwrap(), ref_ })
    }

    #[test]
    fn command_without_ref_gets_a_random_one() {
        assert_eq!(with_ref(lock(Some("mine"))), lock(Some("mine")));
        let refs = [with_ref(lock(None)), with_ref(lock(None))].map(|mut command| {
            assert!(is_repeatable(&command));
            ref_of(&mut command).unwrap().clone().unwrap()
        });
        assert_ne!(refs[0], refs[1]);
        let end = Command::End(End { revoke: true });
        assert_eq!(with_ref(end.clone()), end);
    }
}
