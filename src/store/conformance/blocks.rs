//! What a block covers, and for how long.

use std::time::Duration;

use super::{ADDRESS, NOW, admit, ban, by_token, instance, registered, start, try_admit, user};
use crate::store::{
    Admission, AuthMethod, Block, BlockKind, BlockedIdentities, Journal, Refusal, Store,
};

pub(in crate::store) async fn block_applies_to_every_auth_method(store: &dyn Store) {
    admit(store, start("ada", registered(), 1)).await;
    store.block(user("ada"), ban(), false, Journal::default()).await.unwrap();
    for method in [AuthMethod::Guest, registered(), by_token(1)] {
        let refused = try_admit(store, start("ada", method, 2).on('z').from("198.51.100.9")).await;
        assert_eq!(refused, Err(Refusal::Blocked(ban())), "{method:?}");
    }
}

pub(in crate::store) async fn expired_block_has_no_effect(store: &dyn Store) {
    let until = NOW + Duration::from_mins(10);
    let kick = Block { kind: BlockKind::Kick, reason: None, since: NOW, until: Some(until) };
    admit(store, start("ada", AuthMethod::Guest, 1)).await;
    store.block(user("ada"), kick.clone(), true, Journal::default()).await.unwrap();
    // One is blocked by name, one by instance, one by address.
    let guests = || {
        [
            start("ada", AuthMethod::Guest, 2).on('x').from("198.51.100.1"),
            start("bob", AuthMethod::Guest, 3).on('a').from("198.51.100.2"),
            start("eve", AuthMethod::Guest, 4).on('y').from(ADDRESS),
        ]
    };
    for guest in guests() {
        let last_moment = guest.at(until - Duration::from_millis(1));
        assert_eq!(try_admit(store, last_moment).await, Err(Refusal::Blocked(kick.clone())));
    }
    for guest in guests() {
        admit(store, guest.at(until)).await;
    }
}

pub(in crate::store) async fn later_block_replaces_an_earlier_one(store: &dyn Store) {
    admit(store, start("ada", AuthMethod::Guest, 1)).await;
    let short = Block { until: Some(NOW + Duration::from_secs(1)), ..ban() };
    store.block(user("ada"), ban(), true, Journal::default()).await.unwrap();
    store.block(user("ada"), short.clone(), false, Journal::default()).await.unwrap();
    assert_eq!(
        try_admit(store, start("ada", AuthMethod::Guest, 2)).await,
        Err(Refusal::Blocked(short))
    );
    admit(store, start("bob", AuthMethod::Guest, 3).on('b')).await;
    admit(store, start("ada", AuthMethod::Guest, 4).at(NOW + Duration::from_secs(1))).await;
}

pub(in crate::store) async fn guest_block_covers_its_instances(store: &dyn Store) {
    admit(store, start("ada", AuthMethod::Guest, 1).on('a')).await;
    admit(store, start("ada", AuthMethod::Guest, 2).on('b')).await;
    admit(store, start("eve", AuthMethod::Guest, 3).on('b')).await;
    store.block(user("ada"), ban(), false, Journal::default()).await.unwrap();
    for letter in ['a', 'b'] {
        let refused = try_admit(store, start("new name", AuthMethod::Guest, 4).on(letter)).await;
        assert_eq!(refused, Err(Refusal::Blocked(ban())), "instance {letter}");
    }
    let known = try_admit(store, start("eve", by_token(3), 5).on('b')).await;
    assert_eq!(known, Err(Refusal::Blocked(ban())), "a token does not help a guest");
    admit(store, start("new name", AuthMethod::Guest, 4).on('c')).await;
    admit(store, start("registered", registered(), 6).on('a')).await;
}

pub(in crate::store) async fn guest_block_covers_addresses_on_request(store: &dyn Store) {
    let moved = "2001:db8::7";
    admit(store, start("ada", AuthMethod::Guest, 1)).await;
    admit(store, start("ada", AuthMethod::Guest, 2).on('b').from("203.0.113.5")).await;
    admit(store, start("ada", by_token(2), 3).on('b').from(moved)).await;
    let newcomer = |address: &str| start("new name", AuthMethod::Guest, 4).on('z').from(address);
    store.block(user("ada"), ban(), false, Journal::default()).await.unwrap();
    admit(store, newcomer(ADDRESS)).await;
    store.block(user("ada"), ban(), true, Journal::default()).await.unwrap();
    for address in [ADDRESS, moved] {
        assert_eq!(
            try_admit(store, newcomer(address)).await,
            Err(Refusal::Blocked(ban())),
            "{address}"
        );
    }
    admit(store, newcomer("203.0.113.5")).await;
    let by_hook = Admission { method: registered(), ..newcomer(ADDRESS) };
    admit(store, by_hook).await;
}

pub(in crate::store) async fn guest_block_covers_the_ipv6_network(store: &dyn Store) {
    let (near, far) = ("2001:db8:1:2:ffff::1", "2001:db8:1:3::7");
    admit(store, start("ada", AuthMethod::Guest, 1).from("2001:db8:1:2::7")).await;
    let reach = store.block(user("ada"), ban(), true, Journal::default()).await.unwrap().identities;
    let newcomer = |address: &str| start("eve", AuthMethod::Guest, 2).on('z').from(address);
    assert_eq!(try_admit(store, newcomer(near)).await, Err(Refusal::Blocked(ban())));
    assert!(reach.includes(&instance('z'), near.parse().unwrap()), "live sessions too");
    assert!(!reach.includes(&instance('z'), far.parse().unwrap()));
    admit(store, newcomer(far)).await;
}

pub(in crate::store) async fn guest_block_returns_its_identities(store: &dyn Store) {
    admit(store, start("ada", AuthMethod::Guest, 1).on('a')).await;
    admit(store, start("ada", AuthMethod::Guest, 2).on('b').from("::ffff:203.0.113.5")).await;
    let instances = ['a', 'b'].map(instance).into();
    let reach =
        store.block(user("ada"), ban(), false, Journal::default()).await.unwrap().identities;
    assert_eq!(reach, BlockedIdentities { instances, addresses: [].into() });
    assert!(reach.includes(&instance('a'), "203.0.113.5".parse().unwrap()));
    assert!(!reach.includes(&instance('c'), "203.0.113.5".parse().unwrap()));
    let reach = store.block(user("ada"), ban(), true, Journal::default()).await.unwrap().identities;
    let addresses = [ADDRESS, "203.0.113.5"].map(|address| address.parse().unwrap()).into();
    assert_eq!(reach.addresses, addresses);
    assert!(reach.includes(&instance('c'), "::ffff:192.0.2.1".parse().unwrap()));
    admit(store, start("eve", registered(), 3)).await;
    for name in ["eve", "unknown"] {
        let reach =
            store.block(user(name), ban(), true, Journal::default()).await.unwrap().identities;
        assert_eq!(reach, BlockedIdentities::default(), "{name}");
    }
}

pub(in crate::store) async fn expired_block_cannot_be_lifted(store: &dyn Store) {
    let until = NOW + Duration::from_mins(10);
    let block = Block { until: Some(until), ..ban() };
    for (now, stood) in [(until - Duration::from_millis(1), true), (until, false)] {
        store.block(user("ada"), block.clone(), false, Journal::default()).await.unwrap();
        assert_eq!(store.unblock(user("ada"), now, None).await.unwrap(), stood);
        assert!(!store.unblock(user("ada"), NOW, None).await.unwrap(), "nothing remains");
    }
}

pub(in crate::store) async fn mapped_ipv4_addresses_are_equal(store: &dyn Store) {
    admit(store, start("ada", AuthMethod::Guest, 1).from("::ffff:192.0.2.77")).await;
    store.block(user("ada"), ban(), true, Journal::default()).await.unwrap();
    let other = start("eve", AuthMethod::Guest, 2).on('b').from("192.0.2.77");
    assert_eq!(try_admit(store, other).await, Err(Refusal::Blocked(ban())));
}

pub(in crate::store) async fn registered_user_block_covers_the_name_alone(store: &dyn Store) {
    // Once a guest: its instances and addresses must not be covered.
    admit(store, start("ada", AuthMethod::Guest, 1)).await;
    admit(store, start("ada", registered(), 2)).await;
    store.block(user("ada"), ban(), true, Journal::default()).await.unwrap();
    admit(store, start("eve", AuthMethod::Guest, 3)).await;
}

pub(in crate::store) async fn unblock_lifts_exactly_the_block_and_its_identities(
    store: &dyn Store,
) {
    admit(store, start("ada", AuthMethod::Guest, 1)).await;
    admit(store, start("eve", AuthMethod::Guest, 2)).await;
    store.block(user("ada"), ban(), true, Journal::default()).await.unwrap();
    store.block(user("eve"), ban(), true, Journal::default()).await.unwrap();
    assert!(store.unblock(user("ada"), NOW, None).await.unwrap());
    assert!(!store.unblock(user("ada"), NOW, None).await.unwrap(), "it is lifted already");
    let newcomer = || start("new name", AuthMethod::Guest, 3);
    assert_eq!(
        try_admit(store, newcomer()).await,
        Err(Refusal::Blocked(ban())),
        "eve is still blocked"
    );
    assert!(store.unblock(user("eve"), NOW, None).await.unwrap());
    admit(store, newcomer()).await;
    admit(store, start("ada", by_token(1), 4).on('a')).await;
}

pub(in crate::store) async fn unknown_name_can_be_blocked(store: &dyn Store) {
    store.block(user("ada"), ban(), true, Journal::default()).await.unwrap();
    for method in [AuthMethod::Guest, registered()] {
        assert_eq!(try_admit(store, start("ada", method, 1)).await, Err(Refusal::Blocked(ban())));
    }
    store.unblock(user("ada"), NOW, None).await.unwrap();
    assert!(!admit(store, start("ada", registered(), 1)).await.was_guest, "no guest used the name");
}

pub(in crate::store) async fn rejections_have_an_order(store: &dyn Store) {
    admit(store, start("ada", registered(), 1)).await;
    store.revoke_user(user("ada"), NOW, None).await.unwrap();
    let guest = || start("ada", AuthMethod::Guest, 2);
    let stale = || start("ada", by_token(1), 2);
    assert_eq!(try_admit(store, guest()).await, Err(Refusal::NameTaken));
    assert_eq!(try_admit(store, stale()).await, Err(Refusal::Revoked));
    store.block(user("ada"), ban(), false, Journal::default()).await.unwrap();
    for visit in [guest(), stale()] {
        assert_eq!(try_admit(store, visit).await, Err(Refusal::Blocked(ban())));
    }
    store.delete_user(user("ada"), false, NOW, None).await.unwrap();
    for visit in [guest(), stale(), start("ada", registered(), 3)] {
        assert_eq!(try_admit(store, visit).await, Err(Refusal::Deleted));
    }
}
