//! What every store does, told as tests against `dyn Store`.
//!
//! [`every_rule`] makes one test of each rule for one implementation. A rule is given an empty store.
//! Not here: what only one implementation can do wrong (files, batches).

pub(in crate::store) mod archive;
pub(in crate::store) mod audit;
pub(in crate::store) mod blocks;
pub(in crate::store) mod endings;
pub(in crate::store) mod entry;
pub(in crate::store) mod handoff;
pub(in crate::store) mod outbox;
pub(in crate::store) mod rooms;

use std::time::Duration;

use stagedoor_proto::{FamilyId, InstanceId, Timestamp};

use super::{
    Admission, Admitted, AuthMethod, Block, BlockKind, Check, Profile, Refusal, Store, UserKey,
};

/// Makes a test of each rule; `$store` is an expression that gives an empty store.
macro_rules! every_rule {
    ($store:expr) => {
        crate::store::conformance::every_rule! { $store =>
            entry::guest_is_let_in_and_recorded
            entry::restart_with_the_family_goes_on
            entry::new_start_voids_the_instances_former_family
            entry::families_of_other_instances_live_on
            entry::older_start_that_comes_late_changes_nothing
            entry::concurrent_starts_of_one_instance_leave_one_living_family
            entry::guest_on_a_registered_name_is_refused
            entry::profile_is_kept_for_restarts_and_replaced_by_the_hooks_next_word
            entry::name_that_becomes_registered_ends_its_guests_families
            entry::unknown_family_is_revoked
            entry::check_agrees_with_a_restart
            entry::nothing_crosses_apps
            entry::first_signing_key_becomes_the_only_one
            blocks::block_holds_for_every_way_in
            blocks::expired_block_does_not_count
            blocks::later_block_takes_an_earlier_ones_place
            blocks::guests_block_is_of_its_instances
            blocks::guests_block_is_of_its_addresses_if_asked
            blocks::guests_block_says_whom_else_it_reaches
            blocks::expired_block_is_not_lifted_again
            blocks::ipv4_address_is_the_same_however_it_is_told
            blocks::registered_users_block_is_of_the_name_alone
            blocks::unblock_lifts_what_came_with_the_block_and_nothing_else
            blocks::name_that_never_came_in_can_be_blocked
            blocks::refusals_come_in_order
            endings::deleted_user_stays_refused
            endings::name_nobody_knows_is_not_deleted
            endings::name_that_is_known_without_having_come_in_can_be_deleted
            endings::revoked_user_needs_newer_credentials
            endings::earlier_revocation_does_not_shorten_a_later_one
            endings::revoked_family_is_void_only_if_it_is_the_instances
            endings::unseen_guests_are_forgotten
            endings::blocked_guests_are_not_forgotten
            endings::forgetting_a_guest_keeps_its_revocation
            endings::more_guests_than_fit_a_step_are_forgotten
            endings::restart_and_check_count_as_seen
            rooms::room_nobody_knows_has_an_empty_record
            rooms::fact_of_each_kind_is_loaded_again
            rooms::later_fact_takes_an_earlier_ones_place
            rooms::what_is_taken_back_is_gone
            rooms::facts_end_when_they_say
            rooms::emptied_room_keeps_its_order_until_then
            rooms::room_that_is_entered_again_keeps_its_order
            rooms::what_ended_does_not_come_back_with_the_next_participant
            rooms::calls_take_effect_in_the_order_they_are_made
            rooms::no_fact_crosses_rooms_or_apps
            rooms::what_was_laid_on_a_user_is_carried_to_another_name
            rooms::carried_block_makes_no_block_shorter
            rooms::rooms_left_occupied_end_after_all
            audit::log_nobody_wrote_is_empty
            audit::events_are_numbered_from_one_and_read_back
            audit::row_is_appended_by_what_did_something
            audit::rows_come_after_a_number_and_within_a_limit
            audit::rows_come_before_a_number_newest_first
            audit::concurrent_appends_leave_no_gap
            audit::hash_depends_on_what_came_before
            audit::no_event_crosses_apps
            handoff::nothing_is_taken_up_where_nothing_was_handed_over
            handoff::what_was_handed_over_is_taken_up_once
            handoff::later_hand_over_takes_an_earlier_ones_place
            handoff::parts_keep_their_order
            archive::ended_sessions_are_listed_newest_first
            archive::old_sessions_are_forgotten_and_so_are_too_many
            archive::users_are_shown_with_what_keeps_them_out
            archive::created_room_is_kept_until_it_ends_or_nobody_asks
            archive::audit_log_is_checked_as_it_grows
            outbox::messages_are_due_at_once_and_in_their_order
            outbox::delivered_message_is_gone
            outbox::retried_message_waits_until_it_is_due
            outbox::dead_letter_is_listed_and_not_due
            outbox::dead_letters_come_after_a_number_and_within_a_limit
            outbox::replayed_message_is_tried_as_if_new
            outbox::late_word_on_a_dead_letter_changes_nothing
            outbox::what_was_tried_too_long_is_given_up_and_then_forgotten
            outbox::oldest_go_when_there_are_too_many_and_the_dead_first
            outbox::no_message_crosses_apps_or_endpoints
            outbox::more_than_fit_a_step_are_given_up_and_replayed
            outbox::backlog_is_of_all_apps_and_knows_its_oldest
        }
    };
    ($store:expr => $($subject:ident::$rule:ident)*) => {
        $(
            #[tokio::test]
            async fn $rule() {
                crate::store::conformance::$subject::$rule(&$store).await;
            }
        )*
    };
}
pub(in crate::store) use every_rule;

/// When the tests take place.
pub(in crate::store) const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

/// More than the exactness of when somebody was last seen.
const TWO_HOURS: Duration = Duration::from_hours(2);

const ADDRESS: &str = "192.0.2.1";

pub(in crate::store) fn user(username: &str) -> UserKey {
    UserKey { app: "app".into(), username: username.parse().unwrap() }
}

pub(in crate::store) fn family(bits: u128) -> FamilyId {
    FamilyId::from_bits(bits)
}

/// A start of `username` on instance `instance-a` that would begin family `new`.
pub(in crate::store) fn start(username: &str, method: AuthMethod, new: u128) -> Admission {
    Admission {
        user: user(username),
        instance: instance('a'),
        address: ADDRESS.parse().unwrap(),
        method,
        profile: Profile::default(),
        new_family: family(new),
        generation: 0,
        now: NOW,
    }
}

/// A block without end.
pub(in crate::store) fn ban() -> Block {
    Block { kind: BlockKind::Ban, reason: Some("spam".into()), since: NOW, until: None }
}

fn instance(letter: char) -> InstanceId {
    format!("instance-{letter}").parse().unwrap()
}

/// What a hook says that knows nothing but that the user may come in.
fn registered() -> AuthMethod {
    AuthMethod::Hook { issued: None }
}

/// A guest's access token of this family, minted when the tests take place.
pub(in crate::store) fn by_token(bits: u128) -> AuthMethod {
    AuthMethod::AccessToken { family: family(bits), guest: true, authenticated: NOW, issued: NOW }
}

impl Admission {
    fn on(self, letter: char) -> Self {
        Self { instance: instance(letter), ..self }
    }

    fn from(self, address: &str) -> Self {
        Self { address: address.parse().unwrap(), ..self }
    }

    fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }

    /// The same with the access token of `family`.
    fn with_family(self, bits: u128) -> Self {
        Self { method: by_token(bits), ..self }
    }

    fn check(&self, bits: u128) -> Check {
        let Self { user, instance, address, now, .. } = self.clone();
        Check { user, instance, address, family: family(bits), now }
    }
}

/// The store's answer to a start that it can write down.
async fn admit(store: &dyn Store, admission: Admission) -> Result<Admitted, Refusal> {
    store.admit(admission).await.unwrap()
}

/// Lets somebody in who is to be let in.
async fn let_in(store: &dyn Store, admission: Admission) -> Admitted {
    admit(store, admission).await.expect("they may come in")
}
