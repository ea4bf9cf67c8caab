//! Deletion, revocation, and pruning of guests.

use std::time::Duration;

use futures::future::join_all;
use stagedoor_proto::Timestamp;

use super::{
    NOW, TWO_HOURS, admit, ban, by_token, family, instance, registered, start, try_admit, unban,
    user,
};
use crate::revocation::{DEFAULT_REVOCATION_LEEWAY, Issued, REVOCATION_RETENTION};
use crate::store::{Admission, AuthMethod, Journal, Refusal, Store};

/// A token that the app issued at this time.
fn issued_at(issued: Timestamp) -> AuthMethod {
    AuthMethod::Hook { issued: Some(Issued::ByApp(Some(issued))) }
}

/// The rejection of credentials by a revocation at `NOW`.
fn voided_at_now() -> Refusal {
    Refusal::IssuedBeforeRevocation { retry_after: Some(DEFAULT_REVOCATION_LEEWAY) }
}

pub(in crate::store) async fn deleted_user_stays_rejected(store: &dyn Store) {
    for (username, method) in [("ada", AuthMethod::Guest), ("bob", registered())] {
        admit(store, start(username, method, 1)).await;
        assert!(store.delete_user(user(username), false, NOW, None).await.unwrap(), "{username}");
        assert!(
            !store.delete_user(user(username), false, NOW, None).await.unwrap(),
            "{username} again"
        );
        for method in [AuthMethod::Guest, issued_at(NOW + TWO_HOURS), by_token(1)] {
            assert_eq!(
                try_admit(store, start(username, method, 2)).await,
                Err(Refusal::Deleted),
                "{username}"
            );
        }
    }
    assert_eq!(store.prune_guests(Timestamp::MAX).await.unwrap(), 0);
    assert_eq!(try_admit(store, start("ada", AuthMethod::Guest, 2)).await, Err(Refusal::Deleted));
}

pub(in crate::store) async fn unknown_name_is_not_deleted(store: &dyn Store) {
    assert!(!store.delete_user(user("ada"), false, NOW, None).await.unwrap());
    assert_eq!(store.user(user("ada"), NOW).await.unwrap(), None, "nothing remains");
    admit(store, start("ada", registered(), 1)).await;
}

pub(in crate::store) async fn blocked_or_revoked_name_can_be_deleted(store: &dyn Store) {
    let ended = super::Block { until: Some(NOW), ..ban() };
    store.revoke_user(user("revoked"), NOW, None).await.unwrap();
    store.block(user("blocked"), ban(), None, false, Journal::default()).await.unwrap();
    store.block(user("no longer blocked"), ended, None, false, Journal::default()).await.unwrap();
    for (username, is_here, is_deleted) in [
        ("revoked", false, true),
        ("blocked", false, true),
        ("no longer blocked", false, false),
        ("unknown but connected", true, true),
    ] {
        let deleted = store.delete_user(user(username), is_here, NOW, None).await.unwrap();
        assert_eq!(deleted, is_deleted, "{username}");
        let refused = try_admit(store, start(username, registered(), 1)).await;
        assert_eq!(refused == Err(Refusal::Deleted), is_deleted, "{username}");
    }
}

pub(in crate::store) async fn revoked_user_needs_newer_credentials(store: &dyn Store) {
    admit(store, start("known", registered(), 1).on('a')).await;
    admit(store, start("known", registered(), 2).on('b')).await;
    for username in ["known", "never seen"] {
        store.revoke_user(user(username), NOW, None).await.unwrap();
        for (issued, is_refused) in [
            (NOW - TWO_HOURS, true),
            (NOW, true),
            (NOW + DEFAULT_REVOCATION_LEEWAY - Duration::from_millis(1), true),
            (NOW + DEFAULT_REVOCATION_LEEWAY, false),
        ] {
            let answer = try_admit(store, start(username, issued_at(issued), 3).on('c')).await;
            assert_eq!(
                answer == Err(voided_at_now()),
                is_refused,
                "{username}, {issued:?}: {answer:?}"
            );
        }
        let silent = AuthMethod::Hook { issued: Some(Issued::ByApp(None)) };
        let silent = start(username, silent, 4).on('d');
        assert_eq!(try_admit(store, silent.clone()).await, Err(voided_at_now()), "{username}");
        admit(store, silent.at(NOW + REVOCATION_RETENTION)).await;
        // A hook decided itself, after the revocation.
        admit(store, start(username, registered(), 5).on('e')).await;
    }
    for (letter, bits) in [('a', 1), ('b', 2)] {
        let old = try_admit(store, start("known", by_token(bits), 9).on(letter)).await;
        assert_eq!(old, Err(Refusal::Revoked), "instance {letter}");
    }
}

pub(in crate::store) async fn earlier_revocation_does_not_shorten_a_later_one(store: &dyn Store) {
    store.revoke_user(user("ada"), NOW, None).await.unwrap();
    let at = store.revoke_user(user("ada"), NOW - TWO_HOURS, None).await.unwrap();
    assert_eq!(at, NOW);
    assert_eq!(try_admit(store, start("ada", issued_at(NOW), 1)).await, Err(voided_at_now()));
}

pub(in crate::store) async fn only_the_current_family_can_be_revoked(store: &dyn Store) {
    admit(store, start("ada", registered(), 1)).await;
    let visit = start("ada", by_token(1), 9);
    for (letter, bits) in [('a', 2), ('b', 1)] {
        let other = store.revoke_family(user("ada"), instance(letter), family(bits), None);
        assert!(!other.await.unwrap(), "{letter}");
    }
    admit(store, visit.clone()).await;
    assert!(store.revoke_family(user("ada"), instance('a'), family(1), None).await.unwrap());
    assert_eq!(try_admit(store, visit).await, Err(Refusal::Revoked));
}

pub(in crate::store) async fn unseen_guests_are_pruned(store: &dyn Store) {
    admit(store, start("old", AuthMethod::Guest, 1)).await;
    admit(store, start("registered", registered(), 2)).await;
    admit(store, start("new", AuthMethod::Guest, 3).at(NOW + TWO_HOURS)).await;
    assert_eq!(store.prune_guests(NOW).await.unwrap(), 0, "seen just then");
    assert_eq!(store.prune_guests(NOW + TWO_HOURS).await.unwrap(), 1);
    assert_eq!(store.prune_guests(NOW + TWO_HOURS).await.unwrap(), 0);
    let gone = try_admit(store, start("old", by_token(1), 9)).await;
    assert_eq!(gone, Err(Refusal::Revoked));
    admit(store, start("registered", by_token(2), 9)).await;
    admit(store, start("new", by_token(3), 9)).await;
    let registers = admit(store, start("old", registered(), 4)).await;
    assert!(!registers.was_guest, "the name is free");
}

pub(in crate::store) async fn blocked_guests_are_not_pruned(store: &dyn Store) {
    admit(store, start("ada", AuthMethod::Guest, 1).on('a')).await;
    admit(store, start("eve", AuthMethod::Guest, 2).on('b')).await;
    let until = Some(NOW + Duration::from_secs(1));
    store.block(user("ada"), ban(), None, false, Journal::default()).await.unwrap();
    store
        .block(user("eve"), super::Block { until, ..ban() }, None, false, Journal::default())
        .await
        .unwrap();
    assert_eq!(store.prune_guests(NOW + TWO_HOURS).await.unwrap(), 1, "eve's block has expired");
    let evaded =
        try_admit(store, start("new name", AuthMethod::Guest, 3).on('a').at(NOW + TWO_HOURS)).await;
    assert_eq!(evaded, Err(Refusal::Blocked(ban())));
    assert!(unban(store, user("ada"), NOW, None).await);
    admit(store, start("ada", by_token(1), 9).on('a')).await;
}

pub(in crate::store) async fn pruning_a_guest_keeps_its_revocation(store: &dyn Store) {
    admit(store, start("ada", AuthMethod::Guest, 1)).await;
    store.revoke_user(user("ada"), NOW, None).await.unwrap();
    assert_eq!(store.prune_guests(NOW + TWO_HOURS).await.unwrap(), 1);
    assert_eq!(try_admit(store, start("ada", issued_at(NOW), 2)).await, Err(voided_at_now()));
    assert!(!admit(store, start("ada", registered(), 3)).await.was_guest);
}

pub(in crate::store) async fn more_guests_than_a_batch_are_pruned(store: &dyn Store) {
    let names: Vec<String> = (0..1_203).map(|n| format!("guest {n}")).collect();
    let starts = names.iter().map(|name| store.admit(start(name, AuthMethod::Guest, 1)));
    for admitted in join_all(starts).await {
        admitted.unwrap().unwrap();
    }
    assert_eq!(store.prune_guests(NOW + TWO_HOURS).await.unwrap(), 1_203);
}

pub(in crate::store) async fn restart_and_check_count_as_seen(store: &dyn Store) {
    for username in ["restarts", "is checked"] {
        admit(store, start(username, AuthMethod::Guest, 1)).await;
    }
    let later =
        |username| Admission { now: NOW + TWO_HOURS, ..start(username, AuthMethod::Guest, 9) };
    admit(store, later("restarts").with_family(1)).await;
    store.check(later("is checked").check(1)).await.unwrap().unwrap();
    assert_eq!(store.prune_guests(NOW + TWO_HOURS).await.unwrap(), 0);
    assert_eq!(store.prune_guests(NOW + TWO_HOURS * 2).await.unwrap(), 2);
}
