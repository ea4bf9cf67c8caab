//! Rules of every store, as tests against `dyn Store`.
//!
//! [`every_rule`] generates a test per rule for an implementation. A rule gets an empty store.
//! Not here: behavior of a single implementation (files, batches).

pub(in crate::store) mod archive;
pub(in crate::store) mod audit;
pub(in crate::store) mod blocks;
pub(in crate::store) mod bounds;
pub(in crate::store) mod endings;
pub(in crate::store) mod entry;
pub(in crate::store) mod handoff;
pub(in crate::store) mod names;
pub(in crate::store) mod outbox;
pub(in crate::store) mod rooms;

use std::time::Duration;

use stagedoor_proto::{BlockSource, FamilyId, InstanceId, Role, Timestamp};

use super::{
    Admission, Admitted, AuditEvent, AuthMethod, Block, BlockKind, Check, CredentialSource,
    FamilyGrant, Profile, Refusal, Store, TokenPosition, UserKey,
};
use crate::blocks::BlockSetter;
use crate::grant::Grant;
use crate::revocation::DEFAULT_REVOCATION_LEEWAY;

/// Generates a test per rule; `$store` is an expression for an empty store, which `$check` examines after the rule.
macro_rules! every_rule {
    ($store:expr, $check:expr) => {
        crate::store::conformance::every_rule! { $store, $check =>
            entry::guest_is_admitted_and_recorded
            entry::restart_continues_its_family
            entry::new_start_voids_the_former_family
            entry::older_token_starts_with_the_current_grant
            entry::withdrawn_admission_restores_the_former_tokens
            entry::families_of_other_instances_stay_valid
            entry::late_older_start_is_superseded
            entry::withdrawn_admission_restores_the_former_family
            entry::concurrent_starts_leave_one_valid_family
            entry::guest_on_a_registered_name_is_rejected
            entry::profile_survives_restarts_until_the_hook_replaces_it
            entry::registering_a_name_voids_guest_families
            entry::unknown_family_is_revoked
            entry::check_agrees_with_a_restart
            names::instances_of_a_user_are_bounded
            names::instances_of_a_user_under_a_penalty_stay
            names::held_guest_name_is_for_its_proof
            names::reserved_guest_name_is_released_after_its_retention
            names::reserved_names_of_an_address_are_bounded
            entry::nothing_crosses_apps
            entry::first_signing_key_becomes_the_only_one
            entry::rotated_keys_end_and_are_bounded
            entry::revocation_of_an_app_never_moves_back
            blocks::block_applies_to_every_auth_method
            blocks::block_of_one_guest_leaves_others_of_the_name
            blocks::guest_block_leaves_the_registered_user
            blocks::expired_block_has_no_effect
            blocks::later_block_replaces_an_earlier_one
            blocks::guest_block_covers_its_instances
            blocks::latest_end_of_all_setters_holds
            blocks::identities_expire_with_their_own_block
            blocks::unblock_clears_one_slot
            blocks::guest_block_covers_addresses_on_request
            blocks::guest_block_covers_the_ipv6_network
            blocks::guest_block_returns_its_identities
            blocks::expired_block_cannot_be_lifted
            blocks::mapped_ipv4_addresses_are_equal
            blocks::registered_user_block_covers_the_name_alone
            blocks::unblock_lifts_exactly_the_block_and_its_identities
            blocks::unknown_name_can_be_blocked
            blocks::rejections_have_an_order
            endings::deleted_user_stays_rejected
            endings::unknown_name_is_not_deleted
            endings::blocked_or_revoked_name_can_be_deleted
            endings::revoked_user_needs_newer_credentials
            endings::earlier_revocation_does_not_shorten_a_later_one
            endings::only_the_current_family_can_be_revoked
            endings::unseen_guests_are_pruned
            endings::blocked_guests_are_not_pruned
            endings::pruning_a_guest_keeps_its_revocation
            endings::more_guests_than_a_batch_are_pruned
            endings::restart_and_check_count_as_seen
            rooms::unknown_room_has_default_state
            rooms::change_of_each_kind_is_loaded
            rooms::later_change_replaces_an_earlier_one
            rooms::undone_changes_are_removed
            rooms::changes_expire
            rooms::emptied_room_retains_state_until_expiry
            rooms::rejoined_room_retains_its_state
            rooms::next_participant_does_not_restore_expired_state
            rooms::calls_take_effect_in_call_order
            rooms::no_change_crosses_rooms_or_apps
            rooms::moderation_state_follows_a_renamed_user
            rooms::migrated_block_shortens_no_block
            rooms::rooms_left_occupied_expire
            bounds::guests_are_counted_and_bounded
            bounds::idle_guests_are_forgotten_oldest_first
            bounds::guests_with_penalties_or_roles_stay
            bounds::guest_who_came_back_is_not_forgotten
            bounds::moderation_records_are_counted
            bounds::ended_blocks_are_removed
            bounds::migration_stops_at_the_limit_of_records
            audit::unknown_log_is_empty
            audit::events_are_numbered_from_one_and_read_back
            audit::only_effective_calls_append_rows
            audit::rows_come_after_a_number_and_within_a_limit
            audit::rows_come_before_a_number_newest_first
            audit::concurrent_appends_leave_no_gap
            audit::hash_covers_all_previous_rows
            audit::no_event_crosses_apps
            audit::old_rows_are_pruned_in_batches
            audit::rows_of_a_wrong_clock_are_pruned_in_order
            handoff::nothing_is_taken_before_a_save
            handoff::saved_handoff_is_taken_once
            handoff::later_handoff_replaces_an_earlier_one
            handoff::parts_keep_their_order
            archive::ended_sessions_are_listed_newest_first
            archive::old_and_surplus_sessions_are_pruned
            archive::users_are_listed_with_their_block
            archive::created_room_is_retained_until_ended_or_unused
            archive::audit_log_is_verified_while_it_grows
            outbox::messages_are_due_at_once_and_in_their_order
            outbox::messages_of_the_future_are_due_now
            outbox::delivered_message_is_gone
            outbox::retried_message_waits_until_it_is_due
            outbox::dead_letter_is_listed_and_not_due
            outbox::dead_letters_come_after_a_number_and_within_a_limit
            outbox::replayed_message_is_retried_as_new
            outbox::late_result_of_a_dead_letter_is_ignored
            outbox::old_messages_are_dead_lettered_then_pruned
            outbox::pending_messages_move_with_the_wall_clock
            outbox::full_outbox_evicts_oldest_dead_letters_first
            outbox::common_messages_evict_no_reserved_ones
            outbox::no_message_crosses_apps_or_endpoints
            outbox::more_than_a_batch_are_dead_lettered_and_replayed
            outbox::backlog_covers_all_apps_and_has_the_oldest
        }
    };
    ($store:expr, $check:expr => $($subject:ident::$rule:ident)*) => {
        $(
            #[tokio::test]
            async fn $rule() {
                let store = $store;
                crate::store::conformance::$subject::$rule(&store).await;
                $check(&store).await;
            }
        )*
    };
}
pub(in crate::store) use every_rule;

/// The current time of the tests.
pub(in crate::store) const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

/// More than the precision of the time last seen.
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
        granted: granted("*"),
        new_family: family(new),
        names: None,
        instances: None,
        max_guests: usize::MAX,
        generation: 0,
        revocation_leeway: DEFAULT_REVOCATION_LEEWAY,
        now: NOW,
    }
}

/// The grant of the rooms of a pattern, for long.
pub(in crate::store) fn granted(rooms: &str) -> FamilyGrant {
    let pattern = rooms.to_owned().try_into().expect("a pattern");
    FamilyGrant {
        grant: Grant { rooms: vec![(pattern, Role::Publisher)], ..Grant::default() },
        source: CredentialSource::Guest,
        authenticated: NOW,
        token_issued: None,
        expires: Timestamp::MAX,
    }
}

/// A permanent block.
pub(in crate::store) fn ban() -> Block {
    Block {
        kind: BlockKind::Ban,
        set_by: BlockSetter::Ban,
        reason: Some("spam".into()),
        since: NOW,
        until: None,
    }
}

/// Lifts the operator's blocks of a user; whether there was one in force.
pub(in crate::store) async fn unban(
    store: &dyn Store,
    user: UserKey,
    now: Timestamp,
    row: Option<AuditEvent>,
) -> bool {
    store.unblock(user, BlockSource::Operator, now, row).await.unwrap().was_blocked
}

pub(in crate::store) fn instance(letter: char) -> InstanceId {
    format!("instance-{letter}").parse().unwrap()
}

/// A user admitted by a hook that reports nothing else.
pub(in crate::store) fn registered() -> AuthMethod {
    AuthMethod::Hook { issued: None }
}

/// A guest's access token of this family, minted now.
pub(in crate::store) fn by_token(bits: u128) -> AuthMethod {
    let position = TokenPosition { serial: 1, previous: 0 };
    let (family, guest) = (family(bits), true);
    AuthMethod::AccessToken { family, guest, authenticated: NOW, issued: NOW, position }
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

    pub(in crate::store) fn check(&self, bits: u128) -> Check {
        let Self { user, instance, address, now, .. } = self.clone();
        Check {
            user,
            instance,
            address,
            family: family(bits),
            authenticated: now,
            token_issued: None,
            revocation_leeway: DEFAULT_REVOCATION_LEEWAY,
            now,
        }
    }
}

/// The store's decision about a start.
async fn try_admit(store: &dyn Store, admission: Admission) -> Result<Admitted, Refusal> {
    store.admit(admission).await.unwrap()
}

/// Starts a session that must be admitted.
async fn admit(store: &dyn Store, admission: Admission) -> Admitted {
    try_admit(store, admission).await.expect("the start is admitted")
}
