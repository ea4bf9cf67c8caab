//! Fencing by the log: which node may act for a session.
//!
//! A participant has a home, the node that serves its session, and the generation of the session's newest connection.
//! Entries that another node appends for it have no effect on any node. Only the log decides, so a paused or
//! disconnected node cannot act by mistake.

use stagedoor_proto::{Error, Link, ParticipantId};

use crate::room::effect::Effects;
use crate::room::errors;
use crate::room::log::commands::RoomCommand;
use crate::room::log::origin::NodeEpoch;
use crate::room::participants::link::change_link;
use crate::room::state::RoomState;

/// Whether `node` may append this command.
pub(in crate::room) fn check_home(
    state: &RoomState,
    node: NodeEpoch,
    command: &RoomCommand,
) -> Result<(), Error> {
    if state.lost_nodes.contains(node) {
        return Err(errors::node_lost());
    }
    let member = command.session().and_then(|session| state.participants.of_session(session));
    let Some(member) = member else { return Ok(()) };
    let is_at_home = member.home == node;
    let may_act = match command {
        RoomCommand::Join(join) => join.generation >= member.generation,
        RoomCommand::Link { home, generation, .. } => {
            *generation >= member.generation && !state.lost_nodes.contains(*home)
        }
        // Any node may end the membership of a participant whose node was lost.
        RoomCommand::Leave { .. } => is_at_home || state.lost_nodes.contains(member.home),
        RoomCommand::SessionState { .. }
        | RoomCommand::Authorize { .. }
        | RoomCommand::Publish { .. }
        | RoomCommand::UpdateStream { .. }
        | RoomCommand::Unpublish { .. }
        | RoomCommand::Subscribe { .. }
        | RoomCommand::Unsubscribe { .. }
        | RoomCommand::SetSessionFeed { .. }
        | RoomCommand::Moderate { .. } => is_at_home,
        RoomCommand::Open(_)
        | RoomCommand::Recreate(_)
        | RoomCommand::NodeLost { .. }
        | RoomCommand::MigrateUser { .. }
        | RoomCommand::Tick => true,
    };
    if may_act { Ok(()) } else { Err(errors::served_elsewhere()) }
}

pub(in crate::room) fn move_home(
    state: &mut RoomState,
    id: ParticipantId,
    home: NodeEpoch,
    generation: u64,
) {
    if let Some(member) = state.participants.find_mut(id) {
        (member.home, member.generation) = (home, generation);
    }
}

/// Suspends a lost node's participants until their sessions are resumed on other nodes.
pub(in crate::room) fn mark_node_lost(state: &mut RoomState, epoch: NodeEpoch, out: &mut Effects) {
    state.lost_nodes.insert(epoch);
    let theirs = state.participants.iter().filter(|member| member.home == epoch);
    let theirs: Vec<_> = theirs.map(|member| member.session).collect();
    for session in theirs {
        change_link(state, session, Link::Suspended, out);
    }
}
