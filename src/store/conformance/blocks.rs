//! What a block covers, and for how long.

use std::collections::BTreeMap;
use std::time::Duration;

use stagedoor_proto::{BlockSource, Timestamp};

use super::{
    ADDRESS, NOW, admit, ban, by_token, instance, registered, start, try_admit, unban, user,
};
use crate::blocks::BlockSetter;
use crate::store::{
    Admission, AuthMethod, Block, BlockKind, BlockedGuests, BlockedIdentities, Journal, Refusal,
    Store,
};

pub(in crate::store) async fn block_applies_to_every_auth_method(store: &dyn Store) {
    admit(store, start("ada", registered(), 1)).await;
    store.block(user("ada"), ban(), None, false, Journal::default()).await.unwrap();
    for method in [AuthMethod::Guest, registered(), by_token(1)] {
        let refused = try_admit(store, start("ada", method, 2).on('z').from("198.51.100.9")).await;
        assert_eq!(refused, Err(Refusal::Blocked(ban())), "{method:?}");
    }
}

pub(in crate::store) async fn block_of_one_guest_leaves_others_of_the_name(store: &dyn Store) {
    for (n, on) in [(1, 'a'), (2, 'b'), (3, 'c')] {
        admit(store, start("ada", AuthMethod::Guest, n).on(on)).await;
    }
    let set_by = BlockSetter::User("host".parse().unwrap());
    let block = |minutes: u64| Block {
        kind: BlockKind::Kick,
        set_by: set_by.clone(),
        reason: Some(format!("for {minutes}")),
        since: NOW,
        until: Some(NOW + Duration::from_mins(minutes)),
    };
    let refused = |minutes| Err(Refusal::Blocked(block(minutes)));
    for (on, minutes) in [('a', 10), ('b', 5), ('a', 7)] {
        let guests = BlockedGuests { instances: [instance(on)].into(), by_name: false };
        let blocked =
            store.block(user("ada"), block(minutes), Some(guests), false, Journal::default());
        assert_eq!(blocked.await.unwrap().holding, block(minutes));
    }
    for (name, on, expected) in [("ada", 'a', 7), ("eve", 'a', 7), ("ada", 'b', 5), ("bob", 'b', 5)]
    {
        let guest = start(name, AuthMethod::Guest, 4).on(on);
        assert_eq!(try_admit(store, guest).await, refused(expected), "{name} on {on}");
    }
    for on in ['c', 'd'] {
        admit(store, start("ada", AuthMethod::Guest, 5).on(on)).await;
    }
    // A block of the name covers all, and replaces what its setter set for one of them.
    store.block(user("ada"), block(6), None, false, Journal::default()).await.unwrap();
    for on in ['a', 'b', 'c', 'e'] {
        let guest = start("ada", AuthMethod::Guest, 6).on(on);
        assert_eq!(try_admit(store, guest).await, refused(6), "{on}");
    }
    let lifted = store.unblock(user("ada"), BlockSource::Moderator, NOW, None).await.unwrap();
    assert!(lifted.was_blocked && lifted.holding.is_none());
    for on in ['a', 'b', 'c', 'e'] {
        admit(store, start("ada", AuthMethod::Guest, 7).on(on)).await;
    }
}

pub(in crate::store) async fn guest_block_leaves_the_registered_user(store: &dyn Store) {
    for (n, on) in [(1, 'a'), (2, 'b')] {
        admit(store, start("ada", AuthMethod::Guest, n).on(on)).await;
    }
    let set_by = moderator("host");
    let block = block_by(set_by, NOW, Some(10));
    let guests = BlockedGuests { instances: [instance('a')].into(), by_name: true };
    let blocked = store.block(user("ada"), block.clone(), Some(guests), false, Journal::default());
    assert_eq!(blocked.await.unwrap().holding, block);
    for (name, on) in [("ada", 'a'), ("ada", 'b'), ("ada", 'z'), ("eve", 'a'), ("eve", 'b')] {
        let guest = start(name, AuthMethod::Guest, 3).on(on);
        assert_eq!(
            try_admit(store, guest).await,
            Err(Refusal::Blocked(block.clone())),
            "{name} on {on}"
        );
    }
    admit(store, start("ada", registered(), 4).on('z')).await;
    let longer = block_by(moderator("host"), NOW, Some(20));
    store.block(user("ada"), longer.clone(), None, false, Journal::default()).await.unwrap();
    let refused = try_admit(store, start("ada", registered(), 5).on('z')).await;
    assert_eq!(refused, Err(Refusal::Blocked(longer)));
}

pub(in crate::store) async fn expired_block_has_no_effect(store: &dyn Store) {
    let until = NOW + Duration::from_mins(10);
    let set_by = BlockSetter::Unknown;
    let kick =
        Block { kind: BlockKind::Kick, set_by, reason: None, since: NOW, until: Some(until) };
    admit(store, start("ada", AuthMethod::Guest, 1)).await;
    store.block(user("ada"), kick.clone(), None, true, Journal::default()).await.unwrap();
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
    store.block(user("ada"), ban(), None, true, Journal::default()).await.unwrap();
    store.block(user("ada"), short.clone(), None, false, Journal::default()).await.unwrap();
    assert_eq!(
        try_admit(store, start("ada", AuthMethod::Guest, 2)).await,
        Err(Refusal::Blocked(short))
    );
    admit(store, start("bob", AuthMethod::Guest, 3).on('b')).await;
    admit(store, start("ada", AuthMethod::Guest, 4).at(NOW + Duration::from_secs(1))).await;
}

/// A block by this setter until `minutes` after [`NOW`]; `None`: until it is lifted.
fn block_by(set_by: BlockSetter, since: Timestamp, minutes: Option<u64>) -> Block {
    let kind = match set_by.slot() {
        BlockSource::Operator => BlockKind::Ban,
        BlockSource::Moderator => BlockKind::Kick,
    };
    let until = minutes.map(|minutes| NOW + Duration::from_mins(minutes));
    Block { kind, set_by, reason: None, since, until }
}

fn moderator(name: &str) -> BlockSetter {
    BlockSetter::User(user(name).username)
}

/// Random blocks and unblocks, compared with a table of the end that each setter chose.
pub(in crate::store) async fn latest_end_of_all_setters_holds(store: &dyn Store) {
    let setters = [BlockSetter::Ban, BlockSetter::Server, moderator("mo"), moderator("max")];
    let mut ends: BTreeMap<usize, Option<u64>> = BTreeMap::new();
    let mut random = 7_u64;
    for minute in 1..400_u64 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let [setter, verb, length] = [random >> 60, (random >> 50) % 8, (random >> 40) % 12];
        let setter = usize::try_from(setter % 4).unwrap();
        let now = NOW + Duration::from_mins(minute);
        ends.retain(|_, end| end.is_none_or(|end| end > minute));
        let slot = setters[setter].slot();
        let holding = if verb < 6 {
            let end = (length < 11).then_some(minute + 1 + length);
            ends.insert(setter, end);
            let block = block_by(setters[setter].clone(), now, end);
            Some(
                store
                    .block(user("ada"), block, None, false, Journal::default())
                    .await
                    .unwrap()
                    .holding,
            )
        } else {
            let before = ends.len();
            ends.retain(|other, _| setters[*other].slot() != slot);
            let lifted = store.unblock(user("ada"), slot, now, None).await.unwrap();
            assert_eq!(lifted.was_blocked, ends.len() < before, "minute {minute}");
            lifted.holding
        };
        let expected = ends.values().map(|end| end.unwrap_or(u64::MAX)).max();
        let minutes = |end: Timestamp| end.saturating_since(NOW).as_secs() / 60;
        let end = |block: Block| block.until.map_or(u64::MAX, minutes);
        assert_eq!(holding.map(end), expected, "minute {minute}");
        let start = start("ada", registered(), minute.into()).at(now);
        let admitted = try_admit(store, start).await;
        let refused = match admitted {
            Err(Refusal::Blocked(block)) => Some(end(block)),
            _ => None,
        };
        assert_eq!(refused, expected, "minute {minute}");
    }
}

pub(in crate::store) async fn identities_expire_with_their_own_block(store: &dyn Store) {
    admit(store, start("ada", AuthMethod::Guest, 1)).await;
    let ban = block_by(BlockSetter::Ban, NOW, Some(1));
    store.block(user("ada"), ban.clone(), None, true, Journal::default()).await.unwrap();
    let kick = block_by(moderator("mo"), NOW, Some(60));
    store.block(user("ada"), kick.clone(), None, false, Journal::default()).await.unwrap();
    let by_address = |minutes: u64| {
        let at = NOW + Duration::from_mins(minutes);
        start("eve", AuthMethod::Guest, 2).on('z').from(ADDRESS).at(at)
    };
    assert!(matches!(try_admit(store, by_address(0)).await, Err(Refusal::Blocked(_))));
    admit(store, by_address(1)).await;
    let by_instance = start("bob", AuthMethod::Guest, 3).on('a').from("198.51.100.2");
    let refused = try_admit(store, by_instance.at(NOW + Duration::from_mins(59))).await;
    assert_eq!(refused, Err(Refusal::Blocked(kick)), "the longer block covers the instance");
}

pub(in crate::store) async fn unblock_clears_one_slot(store: &dyn Store) {
    let (ban, kick) =
        (block_by(BlockSetter::Ban, NOW, None), block_by(moderator("mo"), NOW, Some(9)));
    for block in [&ban, &kick] {
        store.block(user("ada"), block.clone(), None, false, Journal::default()).await.unwrap();
    }
    let known = store.user(user("ada"), NOW).await.unwrap().unwrap();
    assert_eq!(known.block, Some(ban.clone()));
    for (slot, was_blocked, holding) in [
        (BlockSource::Operator, true, Some(&kick)),
        (BlockSource::Operator, false, Some(&kick)),
        (BlockSource::Moderator, true, None),
    ] {
        let lifted = store.unblock(user("ada"), slot, NOW, None).await.unwrap();
        assert_eq!((lifted.was_blocked, lifted.holding.as_ref()), (was_blocked, holding));
    }
    admit(store, start("ada", registered(), 1)).await;
}

pub(in crate::store) async fn guest_block_covers_its_instances(store: &dyn Store) {
    admit(store, start("ada", AuthMethod::Guest, 1).on('a')).await;
    admit(store, start("ada", AuthMethod::Guest, 2).on('b')).await;
    admit(store, start("eve", AuthMethod::Guest, 3).on('b')).await;
    store.block(user("ada"), ban(), None, false, Journal::default()).await.unwrap();
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
    store.block(user("ada"), ban(), None, false, Journal::default()).await.unwrap();
    admit(store, newcomer(ADDRESS)).await;
    store.block(user("ada"), ban(), None, true, Journal::default()).await.unwrap();
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
    let reach =
        store.block(user("ada"), ban(), None, true, Journal::default()).await.unwrap().identities;
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
        store.block(user("ada"), ban(), None, false, Journal::default()).await.unwrap().identities;
    assert_eq!(reach, BlockedIdentities { instances, addresses: [].into() });
    assert!(reach.includes(&instance('a'), "203.0.113.5".parse().unwrap()));
    assert!(!reach.includes(&instance('c'), "203.0.113.5".parse().unwrap()));
    let reach =
        store.block(user("ada"), ban(), None, true, Journal::default()).await.unwrap().identities;
    let addresses = [ADDRESS, "203.0.113.5"].map(|address| address.parse().unwrap()).into();
    assert_eq!(reach.addresses, addresses);
    assert!(reach.includes(&instance('c'), "::ffff:192.0.2.1".parse().unwrap()));
    admit(store, start("eve", registered(), 3)).await;
    for name in ["eve", "unknown"] {
        let reach = store
            .block(user(name), ban(), None, true, Journal::default())
            .await
            .unwrap()
            .identities;
        assert_eq!(reach, BlockedIdentities::default(), "{name}");
    }
}

pub(in crate::store) async fn expired_block_cannot_be_lifted(store: &dyn Store) {
    let until = NOW + Duration::from_mins(10);
    let block = Block { until: Some(until), ..ban() };
    for (now, stood) in [(until - Duration::from_millis(1), true), (until, false)] {
        store.block(user("ada"), block.clone(), None, false, Journal::default()).await.unwrap();
        assert_eq!(unban(store, user("ada"), now, None).await, stood);
        assert!(!unban(store, user("ada"), NOW, None).await, "nothing remains");
    }
}

pub(in crate::store) async fn mapped_ipv4_addresses_are_equal(store: &dyn Store) {
    admit(store, start("ada", AuthMethod::Guest, 1).from("::ffff:192.0.2.77")).await;
    store.block(user("ada"), ban(), None, true, Journal::default()).await.unwrap();
    let other = start("eve", AuthMethod::Guest, 2).on('b').from("192.0.2.77");
    assert_eq!(try_admit(store, other).await, Err(Refusal::Blocked(ban())));
}

pub(in crate::store) async fn registered_user_block_covers_the_name_alone(store: &dyn Store) {
    // Once a guest: its instances and addresses must not be covered.
    admit(store, start("ada", AuthMethod::Guest, 1)).await;
    admit(store, start("ada", registered(), 2)).await;
    store.block(user("ada"), ban(), None, true, Journal::default()).await.unwrap();
    admit(store, start("eve", AuthMethod::Guest, 3).on('b')).await;
    // A guest on the user's own instance is under the user's block.
    let guest = start("eve", AuthMethod::Guest, 4);
    assert_eq!(try_admit(store, guest.clone()).await, Err(Refusal::Blocked(ban())));
    let lifted = store.unblock(user("ada"), BlockSource::Operator, NOW, None).await.unwrap();
    assert!(lifted.was_blocked);
    admit(store, guest).await;
}

pub(in crate::store) async fn unblock_lifts_exactly_the_block_and_its_identities(
    store: &dyn Store,
) {
    admit(store, start("ada", AuthMethod::Guest, 1)).await;
    admit(store, start("eve", AuthMethod::Guest, 2)).await;
    store.block(user("ada"), ban(), None, true, Journal::default()).await.unwrap();
    store.block(user("eve"), ban(), None, true, Journal::default()).await.unwrap();
    assert!(unban(store, user("ada"), NOW, None).await);
    assert!(!unban(store, user("ada"), NOW, None).await, "it is lifted already");
    let newcomer = || start("new name", AuthMethod::Guest, 3);
    assert_eq!(
        try_admit(store, newcomer()).await,
        Err(Refusal::Blocked(ban())),
        "eve is still blocked"
    );
    assert!(unban(store, user("eve"), NOW, None).await);
    admit(store, newcomer()).await;
    admit(store, start("ada", by_token(1), 4).on('a')).await;
}

pub(in crate::store) async fn unknown_name_can_be_blocked(store: &dyn Store) {
    store.block(user("ada"), ban(), None, true, Journal::default()).await.unwrap();
    for method in [AuthMethod::Guest, registered()] {
        assert_eq!(try_admit(store, start("ada", method, 1)).await, Err(Refusal::Blocked(ban())));
    }
    unban(store, user("ada"), NOW, None).await;
    assert!(!admit(store, start("ada", registered(), 1)).await.was_guest, "no guest used the name");
}

pub(in crate::store) async fn rejections_have_an_order(store: &dyn Store) {
    admit(store, start("ada", registered(), 1)).await;
    store.revoke_user(user("ada"), NOW, None).await.unwrap();
    let guest = || start("ada", AuthMethod::Guest, 2);
    let stale = || start("ada", by_token(1), 2);
    assert_eq!(try_admit(store, guest()).await, Err(Refusal::NameTaken));
    assert_eq!(try_admit(store, stale()).await, Err(Refusal::Revoked));
    store.block(user("ada"), ban(), None, false, Journal::default()).await.unwrap();
    for visit in [guest(), stale()] {
        assert_eq!(try_admit(store, visit).await, Err(Refusal::Blocked(ban())));
    }
    store.delete_user(user("ada"), false, NOW, None).await.unwrap();
    for visit in [guest(), stale(), start("ada", registered(), 3)] {
        assert_eq!(try_admit(store, visit).await, Err(Refusal::Deleted));
    }
}
