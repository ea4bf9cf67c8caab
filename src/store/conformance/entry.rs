//! Admission by each method, and the family that is valid afterwards.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use stagedoor_proto::{Data, Timestamp};

use super::{NOW, admit, by_token, family, granted, instance, registered, start, try_admit, user};
use crate::store::{
    Admission, Admitted, AuthMethod, Check, CheckedUser, FamilyRenewal, FormerFamily, Journal,
    MAX_SIGNING_KEYS, Profile, Refusal, SigningKey, Store, TokenPosition, UserKey,
};

pub(in crate::store) async fn guest_is_admitted_and_recorded(store: &dyn Store) {
    let admitted = admit(store, start("ada", AuthMethod::Guest, 1)).await;
    let expected = Admitted {
        proof: None,
        registered: None,
        forgotten: 0,
        family: family(1),
        position: TokenPosition { serial: 1, previous: 0 },
        granted: granted("*"),
        guest: true,
        profile: Profile::default(),
        former: Some(FormerFamily::default()),
        revoked: None,
        was_guest: false,
    };
    assert_eq!(admitted, expected);
    assert_eq!(
        store.check(start("ada", AuthMethod::Guest, 0).check(1)).await.unwrap(),
        Ok(CheckedUser::default())
    );
}

pub(in crate::store) async fn restart_continues_its_family(store: &dyn Store) {
    for (username, method, guest) in
        [("ada", AuthMethod::Guest, true), ("bob", registered(), false)]
    {
        admit(store, start(username, method, 1)).await;
        let again = admit(store, start(username, by_token(1), 2)).await;
        assert_eq!((again.family, again.guest), (family(1), guest), "{username}");
        admit(store, start(username, by_token(1), 3)).await;
    }
}

pub(in crate::store) async fn new_start_voids_the_former_family(store: &dyn Store) {
    for (username, method) in [("ada", AuthMethod::Guest), ("bob", registered())] {
        let first = start(username, method, 1);
        admit(store, first.clone()).await;
        admit(store, Admission { new_family: family(2), ..first.clone() }).await;
        assert_eq!(
            try_admit(store, first.clone().with_family(1)).await,
            Err(Refusal::Revoked),
            "{username}"
        );
        admit(store, first.with_family(2)).await;
    }
}

pub(in crate::store) async fn families_of_other_instances_stay_valid(store: &dyn Store) {
    admit(store, start("ada", registered(), 1).on('a')).await;
    admit(store, start("ada", registered(), 2).on('b')).await;
    admit(store, start("ada", registered(), 3).on('b').with_family(2)).await;
    admit(store, start("ada", registered(), 3).on('a').with_family(1)).await;
    let crossed = try_admit(store, start("ada", registered(), 3).on('a').with_family(2)).await;
    assert_eq!(crossed, Err(Refusal::Revoked));
}

pub(in crate::store) async fn late_older_start_is_superseded(store: &dyn Store) {
    let at = |generation, bits| Admission { generation, ..start("ada", AuthMethod::Guest, bits) };
    admit(store, at(7, 1)).await;
    assert_eq!(try_admit(store, at(6, 2)).await, Err(Refusal::Superseded { generation: 7 }));
    admit(store, start("ada", by_token(1), 3)).await;
    admit(store, at(8, 4)).await;
    assert_eq!(try_admit(store, start("ada", by_token(1), 5)).await, Err(Refusal::Revoked));
}

pub(in crate::store) async fn withdrawn_admission_restores_the_former_family(store: &dyn Store) {
    let at = |generation, bits| Admission { generation, ..start("ada", AuthMethod::Guest, bits) };
    let withdraw = |admitted: &Admitted| {
        let former = admitted.former.clone().expect("it began a family");
        store.withdraw_admission(user("ada"), instance('a'), admitted.family, former)
    };
    let first = admit(store, at(5, 1)).await;
    let second = admit(store, at(7, 2)).await;
    withdraw(&second).await.unwrap();
    admit(store, start("ada", by_token(1), 9)).await;
    assert_eq!(try_admit(store, start("ada", by_token(2), 9)).await, Err(Refusal::Revoked));
    // An older attempt is not superseded by the one that came to nothing.
    admit(store, at(6, 3)).await;
    withdraw(&first).await.unwrap();
    admit(store, start("ada", by_token(3), 9)).await;
}

pub(in crate::store) async fn concurrent_starts_leave_one_valid_family(store: &dyn Store) {
    let starts = (1..=64).map(|bits| store.admit(start("ada", AuthMethod::Guest, bits)));
    for admitted in join_all(starts).await {
        admitted.unwrap().unwrap();
    }
    let checks = (1..=64).map(|bits| store.check(start("ada", AuthMethod::Guest, 0).check(bits)));
    let living = join_all(checks).await.into_iter().filter(|check| check.as_ref().unwrap().is_ok());
    assert_eq!(living.count(), 1);
}

pub(in crate::store) async fn guest_on_a_registered_name_is_rejected(store: &dyn Store) {
    admit(store, start("ada", registered(), 1)).await;
    assert_eq!(try_admit(store, start("ada", AuthMethod::Guest, 2)).await, Err(Refusal::NameTaken));
    admit(store, start("ada", by_token(1), 3)).await;
}

pub(in crate::store) async fn profile_survives_restarts_until_the_hook_replaces_it(
    store: &dyn Store,
) {
    let properties = Data::from_json(r#"{ "tier" : 1.50 }"#.into()).unwrap();
    let full = Profile { name: Some("Ada L.".into()), properties: Some(properties) };
    for (bits, profile) in [(1, full), (2, Profile::default())] {
        let visit = Admission { profile: profile.clone(), ..start("ada", registered(), bits) };
        assert_eq!(admit(store, visit).await.profile, profile);
        let again = admit(store, start("ada", by_token(bits), 9)).await;
        assert_eq!(again.profile, profile, "family {bits}");
    }
}

pub(in crate::store) async fn registering_a_name_voids_guest_families(store: &dyn Store) {
    admit(store, start("ada", AuthMethod::Guest, 1).on('a')).await;
    admit(store, start("ada", AuthMethod::Guest, 2).on('b')).await;
    assert!(admit(store, start("ada", registered(), 3).on('a')).await.was_guest);
    for (letter, bits) in [('a', 1), ('b', 2)] {
        let old =
            try_admit(store, start("ada", AuthMethod::Guest, 9).on(letter).with_family(bits)).await;
        assert_eq!(old, Err(Refusal::Revoked), "instance {letter}");
    }
    let again = admit(store, start("ada", registered(), 9).with_family(3)).await;
    assert_eq!((again.guest, again.was_guest), (false, false));
    let other = admit(store, start("ada", registered(), 4).on('b')).await;
    assert!(!other.was_guest, "the name is no guest's any more");
}

pub(in crate::store) async fn unknown_family_is_revoked(store: &dyn Store) {
    assert_eq!(try_admit(store, start("ada", by_token(1), 2)).await, Err(Refusal::Revoked));
    admit(store, start("ada", AuthMethod::Guest, 1).on('a')).await;
    let elsewhere = try_admit(store, start("ada", by_token(1), 2).on('b')).await;
    assert_eq!(elsewhere, Err(Refusal::Revoked));
}

pub(in crate::store) async fn check_agrees_with_a_restart(store: &dyn Store) {
    admit(store, start("living", AuthMethod::Guest, 1)).await;
    admit(store, start("deleted", AuthMethod::Guest, 1)).await;
    // On other instances: the block of a registered user covers guests on its instance.
    admit(store, start("blocked", registered(), 1).on('b')).await;
    admit(store, start("revoked", registered(), 1).on('b')).await;
    store.delete_user(user("deleted"), false, NOW, None).await.unwrap();
    store.block(user("blocked"), super::ban(), None, false, Journal::default()).await.unwrap();
    store.revoke_user(user("revoked"), NOW, None).await.unwrap();
    for (username, letter, expected) in [
        ("living", 'a', Ok(())),
        ("deleted", 'a', Err(Refusal::Deleted)),
        ("blocked", 'b', Err(Refusal::Blocked(super::ban()))),
        ("revoked", 'b', Err(Refusal::Revoked)),
    ] {
        let visit = start(username, AuthMethod::Guest, 2).on(letter);
        assert_eq!(store.check(visit.check(1)).await.unwrap().map(drop), expected, "{username}");
        assert_eq!(try_admit(store, visit.with_family(1)).await.map(drop), expected, "{username}");
    }
}

pub(in crate::store) async fn nothing_crosses_apps(store: &dyn Store) {
    let elsewhere = |username| UserKey { app: "other".into(), ..user(username) };
    admit(store, start("ada", registered(), 1)).await;
    store.block(elsewhere("ada"), super::ban(), None, true, Journal::default()).await.unwrap();
    store.revoke_user(elsewhere("ada"), NOW, None).await.unwrap();
    store.revoke_family(elsewhere("ada"), instance('a'), family(1), None).await.unwrap();
    store.delete_user(elsewhere("ada"), false, NOW, None).await.unwrap();
    admit(store, start("ada", by_token(1), 2)).await;

    admit(store, start("eve", AuthMethod::Guest, 1)).await;
    store.block(user("eve"), super::ban(), None, true, Journal::default()).await.unwrap();
    let there = Admission { user: elsewhere("eve"), ..start("eve", AuthMethod::Guest, 1) };
    admit(store, there).await;
}

pub(in crate::store) async fn first_signing_key_becomes_the_only_one(store: &dyn Store) {
    let key = |kid: &str, byte| SigningKey {
        kid: kid.into(),
        secret: [byte; 32],
        created: NOW,
        until: None,
    };
    for offered in [key("first", 1), key("second", 2)] {
        let keys = store.signing_keys(offered).await.unwrap();
        assert!(keys == [key("first", 1)], "{} keys", keys.len());
    }
}

pub(in crate::store) async fn older_token_starts_with_the_current_grant(store: &dyn Store) {
    let renew = |number, rooms| {
        let renewal = FamilyRenewal {
            user: user("ada"),
            instance: instance('a'),
            family: family(1),
            number,
            granted: granted(rooms),
            now: NOW,
        };
        store.renew_family(renewal)
    };
    let shown = |serial, previous| {
        let position = TokenPosition { serial, previous };
        let (family, guest) = (family(1), true);
        let method =
            AuthMethod::AccessToken { family, guest, authenticated: NOW, issued: NOW, position };
        start("ada", method, 9)
    };
    let first = admit(store, start("ada", AuthMethod::Guest, 1)).await;
    assert_eq!(first.position, TokenPosition { serial: 1, previous: 0 });
    assert_eq!(renew(3, "narrow").await.unwrap(), Some(3));
    assert_eq!(renew(2, "late").await.unwrap(), None, "it arrived before the other");
    let again = admit(store, shown(1, 0)).await;
    assert_eq!(again.position, TokenPosition { serial: 4, previous: 1 });
    assert_eq!(again.granted, granted("narrow"));
    // The session goes on, because the start that was admitted led to none.
    assert_eq!(renew(4, "other").await.unwrap(), Some(5));
    let newest = admit(store, shown(5, 4)).await;
    assert_eq!((newest.position.serial, &newest.granted), (6, &granted("other")));
    admit(store, shown(4, 3)).await;
    let reused = try_admit(store, shown(3, 1)).await;
    assert_eq!(reused, Err(Refusal::Reused { family: family(1) }));
    assert!(store.revoke_family(user("ada"), instance('a'), family(1), None).await.unwrap());
    assert_eq!(try_admit(store, newest_of(&newest)).await, Err(Refusal::Revoked));
    assert_eq!(renew(9, "void").await.unwrap(), None);
    let begun = admit(store, start("ada", AuthMethod::Guest, 2)).await;
    assert_eq!(begun.position, TokenPosition { serial: 1, previous: 0 });
}

pub(in crate::store) async fn withdrawn_admission_restores_the_former_tokens(store: &dyn Store) {
    let first = admit(store, start("ada", AuthMethod::Guest, 1)).await;
    let second = admit(store, newest_of(&first)).await;
    let third = admit(store, newest_of(&second)).await;
    let other = admit(store, start("ada", AuthMethod::Guest, 2)).await;
    let former = other.former.expect("it began a family");
    let withdrawn = store.withdraw_admission(user("ada"), instance('a'), family(2), former);
    withdrawn.await.unwrap();
    let reused = try_admit(store, start("ada", by_token(1), 9)).await;
    assert_eq!(reused.map(drop), Ok(()), "the one before the newest used");
    admit(store, newest_of(&third)).await;
    let reused = try_admit(store, start("ada", by_token(1), 9)).await;
    assert_eq!(reused, Err(Refusal::Reused { family: family(1) }));
}

/// A start with the access token that the reply to a start contained.
fn newest_of(admitted: &Admitted) -> Admission {
    let method = AuthMethod::AccessToken {
        family: admitted.family,
        guest: true,
        authenticated: NOW,
        issued: NOW,
        position: admitted.position,
    };
    start("ada", method, 9)
}

pub(in crate::store) async fn rotated_keys_end_and_are_bounded(store: &dyn Store) {
    let key = |n: u8, created| SigningKey {
        kid: format!("key-{n}").into(),
        secret: [n; 32],
        created,
        until: None,
    };
    let minute = Duration::from_mins(1);
    store.signing_keys(key(0, NOW)).await.unwrap();
    let kids = |keys: Vec<SigningKey>| -> Vec<(String, Option<Timestamp>)> {
        keys.into_iter().map(|key| (key.kid.into(), key.until)).collect()
    };
    // Of two keys of one moment, the later one is the newest.
    let keys = store.rotate_signing_key(key(1, NOW), NOW + minute * 9).await.unwrap().unwrap();
    assert!(keys[0].created > keys[1].created);
    let expected = [("key-1".to_owned(), None), ("key-0".to_owned(), Some(NOW + minute * 9))];
    assert_eq!(kids(keys), expected);
    let keys = store.rotate_signing_key(key(2, NOW + minute), NOW + minute * 5).await.unwrap();
    let ends: Vec<_> = keys.unwrap().into_iter().map(|key| key.until).collect();
    let end = Some(NOW + minute * 5);
    assert_eq!(ends, [None, end, end], "a later rotation shortens");
    let keys = store.rotate_signing_key(key(3, NOW + minute * 5), NOW + minute * 9).await.unwrap();
    let expected = [("key-3".to_owned(), None), ("key-2".to_owned(), Some(NOW + minute * 9))];
    assert_eq!(kids(keys.unwrap()), expected, "ended ones are removed");
    for n in 4.. {
        let keys = store.rotate_signing_key(key(n, NOW + minute * 6), NOW + minute * 90).await;
        let Some(keys) = keys.unwrap() else { break };
        assert!(keys.len() <= MAX_SIGNING_KEYS);
    }
    let kept = store.signing_keys(key(99, NOW)).await.unwrap();
    assert_eq!(kept.len(), MAX_SIGNING_KEYS, "nothing changed");
}

pub(in crate::store) async fn revocation_of_an_app_never_moves_back(store: &dyn Store) {
    let (minute, app) = (Duration::from_mins(1), Arc::clone(&user("ada").app));
    assert_eq!(store.app_revoked(Arc::clone(&app)).await.unwrap(), None);
    let admitted = admit(store, start("ada", AuthMethod::Guest, 2)).await;
    assert_eq!(admitted.revoked, None);
    let start = start("ada", AuthMethod::Guest, 2);
    let earlier = start.now - minute;
    for (before, revoked) in [(earlier, earlier), (earlier - minute, earlier)] {
        let answer = store.revoke_app(Arc::clone(&app), before, false, None).await.unwrap();
        assert_eq!(answer, revoked);
        assert_eq!(store.app_revoked(Arc::clone(&app)).await.unwrap(), Some(revoked));
    }
    let checked = store.check(start.check(2)).await.unwrap().unwrap();
    assert_eq!(checked, CheckedUser { revoked: None, app_revoked: Some(earlier) });
    let old = Check { authenticated: earlier - Duration::from_millis(1), ..start.check(2) };
    let refusal = store.check(old).await.unwrap().unwrap_err();
    assert!(matches!(refusal, Refusal::IssuedBeforeRevocation { .. }), "{refusal:?}");
    let other: Arc<str> = "other".into();
    assert_eq!(store.app_revoked(other).await.unwrap(), None, "another app is untouched");
    store.revoke_app(app, start.now, true, None).await.unwrap();
    let refusal = store.check(start.check(2)).await.unwrap().unwrap_err();
    assert_eq!(refusal, Refusal::Revoked, "the families are void");
}
