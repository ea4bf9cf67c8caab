//! The rules of all engines, as tests against `dyn Engine`.
//!
//! [`every_rule`] defines one test per rule for an implementation; [`every_cluster_rule`] adds the rules that need
//! several nodes. Not here: tests of a single implementation.

pub(in crate::engine) mod claims;
pub(in crate::engine) mod cluster;
pub(in crate::engine) mod log;
pub(in crate::engine) mod moves;
pub(in crate::engine) mod nodes;
mod recorder;

use std::sync::Arc;

use stagedoor_proto::{Link, SessionId, Timestamp};

pub(in crate::engine) use recorder::Recorder;

use super::{Appended, Condition, Engine, NodeHandler};
use crate::clock::Clock;
use crate::lifecycle::Lifecycle;
use crate::room::{NodeEpoch, RoomCommand, RoomKey};

/// Defines a test per rule; `$harness` is an expression of type [`Harness`].
macro_rules! every_rule {
    ($harness:expr) => {
        crate::engine::conformance::each_rule! { $harness =>
            log::versions_increase_and_entries_arrive_in_order
            log::entry_is_applied_before_its_append_is_answered
            log::concurrent_appends_get_distinct_versions
            log::calls_of_one_caller_keep_their_order
            log::condition_on_the_version_is_checked_in_the_same_step
            log::closed_engine_refuses_every_call
            log::close_waits_for_entries_in_progress
            log::messages_get_growing_orders
            claims::newest_claim_holds_the_instance
            claims::claim_that_arrived_earlier_is_superseded
            claims::racing_claims_leave_exactly_the_last_arrival
            claims::late_claim_does_not_follow_a_released_one
            claims::claim_prepared_before_the_fence_moved_is_fenced
            claims::claim_that_was_not_prepared_is_fenced
            claims::racing_bans_leave_no_banned_session
            claims::repeated_claim_changes_nothing
            claims::cap_displaces_the_oldest_session
            claims::protected_session_yields_only_when_dead
            claims::generation_follows_the_age_of_the_attempt
            moves::row_is_released_by_its_own_session_alone
            moves::late_suspension_does_not_touch_a_newer_connection
            moves::move_gives_a_newer_generation
            moves::session_that_is_not_held_is_not_moved
            moves::restored_row_does_not_displace_a_newer_one
            nodes::own_lease_is_listed
            nodes::request_is_answered_once
            nodes::request_without_an_answer_ends_at_its_deadline
            nodes::request_to_a_node_that_is_not_there_fails_at_once
        }
    };
}
pub(in crate::engine) use every_rule;

/// Like [`every_rule`], for the rules that need several nodes.
macro_rules! every_cluster_rule {
    ($harness:expr) => {
        crate::engine::conformance::each_rule! { $harness =>
            cluster::entries_reach_every_interested_node_in_one_order
            cluster::node_without_interest_is_excluded
            cluster::interest_brings_the_log_so_far_without_a_gap
            cluster::checkpoint_replaces_included_entries
            cluster::older_checkpoint_is_refused
            cluster::long_log_asks_one_node_for_a_checkpoint
            cluster::messages_reach_every_interested_node_in_one_order
            cluster::node_of_displaced_session_is_notified
            cluster::racing_claims_of_two_nodes_leave_exactly_one
            cluster::moved_row_belongs_to_the_new_node
            cluster::move_needs_the_newest_or_previous_secret
            cluster::leases_of_all_nodes_are_listed
            cluster::lapsed_node_is_buried_once
            cluster::living_node_is_not_buried
            cluster::lapsed_node_that_was_not_buried_renews
            cluster::node_with_lapsed_lease_cannot_bury
        }
    };
}
pub(in crate::engine) use every_cluster_rule;

macro_rules! each_rule {
    ($harness:expr => $($subject:ident::$rule:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                crate::engine::conformance::$subject::$rule(&$harness).await;
            }
        )*
    };
}
pub(in crate::engine) use each_rule;

/// Creates an engine with a clock.
type Make = dyn Fn(&Clock) -> Arc<dyn Engine>;

/// Creates the nodes of one test.
pub(in crate::engine) struct Harness {
    pub(in crate::engine) clock: Clock,
    make: Box<Make>,
}

/// One node: its engine, and the recorded calls of its handler.
pub(in crate::engine) struct Node {
    pub(in crate::engine) engine: Arc<dyn Engine>,
    pub(in crate::engine) seen: Arc<Recorder>,
}

impl Harness {
    pub(in crate::engine) fn new(make: impl Fn(&Clock) -> Arc<dyn Engine> + 'static) -> Self {
        let clock = Clock::manual(Timestamp::from_secs(1_900_000_000));
        Self { clock, make: Box::new(make) }
    }

    /// Adds a node; an engine for one process has only one.
    pub(in crate::engine) fn node(&self) -> Node {
        let engine = (self.make)(&self.clock);
        let seen = Arc::new(Recorder::default());
        let handler: Arc<dyn NodeHandler> = Arc::clone(&seen) as _;
        engine.attach(Arc::downgrade(&handler), &Lifecycle::default());
        Node { engine, seen }
    }
}

impl Node {
    /// Appends a command that `number` identifies. Returns its version.
    pub(in crate::engine) async fn append(&self, room: &RoomKey, number: u128) -> u64 {
        match self.engine.append(room, numbered(number), Condition::None).await {
            Appended::Placed(version) => version,
            other => panic!("the append was answered with {other:?}"),
        }
    }
}

pub(in crate::engine) fn room() -> RoomKey {
    RoomKey { app: "main".into(), room: "lobby".parse().unwrap() }
}

pub(in crate::engine) fn numbered(number: u128) -> RoomCommand {
    let session = SessionId::from_bits(number);
    RoomCommand::Link { session, link: Link::Live, home: NodeEpoch(1), generation: 1 }
}
