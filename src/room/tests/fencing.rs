//! Several nodes in one log: only a session's home acts for it, and no lost node acts at all.

use std::time::Duration;

use proptest::prelude::*;
use stagedoor_proto::{ErrorCode, LeaveReason, Link, Push, Role};

use super::model::{HOME, RoomModel, leave, publish, request, session, stream_id};
use super::property::{Seed, command};
use crate::room::{NodeEpoch, OpenRoom, RoomCommand, RoomSettings};

const OTHER: NodeEpoch = NodeEpoch(2);

fn moved(n: u8, link: Link, home: NodeEpoch, generation: u64) -> RoomCommand {
    RoomCommand::Link { session: session(n), link, home, generation }
}

fn lost(n: u8) -> RoomCommand {
    let reason = LeaveReason::NetworkLost;
    RoomCommand::Leave { session: session(n), reason, origin: None, cause: None }
}

fn link_of(model: &RoomModel, n: u8) -> Option<Link> {
    model.room.sessions().find(|(id, ..)| *id == session(n)).map(|(_, link, _)| link)
}

#[test]
fn command_from_another_node_is_rejected() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    let refused = model.step_from(OTHER, publish(1, 1));
    assert_eq!(refused.code(), Some(ErrorCode::NotAllowedNow));
    model.step_from(OTHER, lost(1));
    assert!(model.room.participant_of(session(1)).is_some(), "and one that waits for no answer");
    assert_eq!(model.step(publish(1, 1)).code(), None);
}

#[test]
fn a_link_moves_a_session_to_the_node_of_its_newest_connection() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    model.step_from(OTHER, moved(1, Link::Live, OTHER, 2));
    assert_eq!(model.step(publish(1, 1)).code(), Some(ErrorCode::NotAllowedNow));
    assert_eq!(model.step_from(OTHER, publish(1, 1)).code(), None);
    let late = model.step(moved(1, Link::Suspended, HOME, 1));
    assert!(late.0.is_empty(), "the loss of an older connection");
    assert_eq!(link_of(&model, 1), Some(Link::Live));
}

#[test]
fn joining_again_moves_a_session_unless_a_newer_connection_did() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    let join = |generation| {
        RoomCommand::Join(Box::new(crate::room::Join {
            generation,
            ..request(1, "ada", Role::Publisher)
        }))
    };
    assert_eq!(model.step_from(OTHER, join(2)).code(), None);
    assert_eq!(model.step(join(1)).code(), Some(ErrorCode::NotAllowedNow));
    assert_eq!(model.step_from(OTHER, leave(1)).code(), None);
}

#[test]
fn lost_node_participants_are_suspended_and_fenced() {
    let mut model = RoomModel::new();
    model.join(1, "ada", Role::Publisher);
    model.step_from(OTHER, RoomCommand::Join(Box::new(request(2, "bea", Role::Publisher))));
    let outcome = model.step_from(OTHER, RoomCommand::NodeLost { epoch: HOME });
    assert!(matches!(outcome.pushes()[..], [Push::ParticipantLink(_)]), "of its own alone");
    assert_eq!((link_of(&model, 1), link_of(&model, 2)), (Some(Link::Suspended), Some(Link::Live)));
    assert_eq!(model.step(publish(1, 1)).code(), Some(ErrorCode::EngineUnavailable));
    assert!(model.step(moved(1, Link::Live, HOME, 2)).0.is_empty());
    assert!(!model.room.has_stream(stream_id(1)));
}

#[test]
fn lost_node_participant_resumes_elsewhere_or_leaves_once() {
    let mut model = RoomModel::new();
    for (n, name) in [(1, "ada"), (2, "bea")] {
        model.join(n, name, Role::Publisher);
    }
    model.step_from(OTHER, RoomCommand::NodeLost { epoch: HOME });
    model.step_from(OTHER, moved(1, Link::Live, OTHER, 2));
    for n in [1, 2] {
        model.step_from(NodeEpoch(3), lost(n));
    }
    assert!(model.room.participant_of(session(1)).is_some(), "it was resumed before");
    assert_eq!(model.room.participant_of(session(2)), None);
    assert_eq!(model.room.homes().into_iter().collect::<Vec<_>>(), [OTHER]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]
    /// The model checks after each step that replicas agree, and that only its home acted for a session.
    #[test]
    fn fencing_is_equal_on_every_replica(
        steps in proptest::collection::vec((any::<Seed>(), 0_u64..4, 0_u64..4), 1..100),
    ) {
        let mut model = RoomModel::new();
        for (seed, node, generation) in steps {
            let node = NodeEpoch(1 + node);
            let mut command = if model.room.is_open() {
                command(seed, &model)
            } else {
                let settings = RoomSettings::default();
                RoomCommand::Open(Box::new(OpenRoom { settings, ..OpenRoom::default() }))
            };
            match &mut command {
                RoomCommand::Join(join) => join.generation = generation,
                RoomCommand::Link { home, generation: newest, .. } => {
                    (*home, *newest) = (node, generation);
                }
                RoomCommand::Tick if seed.3 & 1 == 0 => {
                    command = RoomCommand::NodeLost { epoch: NodeEpoch(1 + u64::from(seed.1 % 3)) };
                }
                _ => {}
            }
            model.step_from(node, command);
            model.now = model.now + Duration::from_millis(u64::from(seed.3) * 10);
        }
    }
}
