//! What of a room outlives its participants, and until when.

use std::time::Duration;

use stagedoor_proto::{Role, RoomMute, SessionId, Timestamp};

use super::{NOW, TWO_HOURS, instance, user};
use crate::room::{BlockRow, DurableChange, DurableState, MuteOverride, RedeemedToken, RoomKey};
use crate::store::{RoomWrite, Store};

const LATER: Timestamp = Timestamp::from_secs(NOW.as_secs() + 3_600);

fn room() -> RoomKey {
    RoomKey { app: "app".into(), room: "lobby".parse().unwrap() }
}

async fn persist(store: &dyn Store, room: RoomKey, changes: Vec<DurableChange>) {
    store.persist_room(RoomWrite { changes, ..RoomWrite::new(room, 1) }).await.unwrap();
}

async fn keep(store: &dyn Store, changes: impl Into<Vec<DurableChange>>) {
    persist(store, room(), changes.into()).await;
}

async fn load(store: &dyn Store, now: Timestamp) -> DurableState {
    store.load_room(room(), now).await.unwrap().durable_state
}

fn block(username: &str, until: Timestamp) -> BlockRow {
    let instances = ['a', 'b'].map(instance).into();
    BlockRow { username: user(username).username, instances, until }
}

fn spent(jti: &str, until: Timestamp) -> RedeemedToken {
    RedeemedToken { jti: jti.into(), session: SessionId::from_bits(7), until }
}

fn voice(username: &str, voice: impl Into<Option<MuteOverride>>) -> DurableChange {
    DurableChange::Mute { username: user(username).username, mute: voice.into() }
}

fn role(username: &str, role: Role) -> DurableChange {
    DurableChange::Role { username: user(username).username, role }
}

fn mute(active: bool, lock: bool, locked: bool) -> DurableChange {
    DurableChange::Room { mute: RoomMute { active, lock }, locked }
}

/// Voices, roles, mute and lock, as facts and as they are loaded.
fn order() -> ([DurableChange; 4], DurableState) {
    let (ada, bob) = (user("ada").username, user("bob").username);
    let changes = [
        voice("ada", MuteOverride::Locked),
        voice("bob", MuteOverride::Exempt),
        role("ada", Role::Moderator),
        mute(true, true, true),
    ];
    let record = DurableState {
        mute_overrides: vec![(ada.clone(), MuteOverride::Locked), (bob, MuteOverride::Exempt)],
        roles: vec![(ada, Role::Moderator)],
        mute: RoomMute { active: true, lock: true },
        locked: true,
        ..DurableState::default()
    };
    (changes, record)
}

pub(in crate::store) async fn room_nobody_knows_has_an_empty_record(store: &dyn Store) {
    assert_eq!(load(store, NOW).await, DurableState::default());
    keep(store, []).await;
    keep(store, [DurableChange::Occupied, DurableChange::Emptied { keep_until: LATER }]).await;
    assert_eq!(load(store, NOW).await, DurableState::default());
}

pub(in crate::store) async fn fact_of_each_kind_is_loaded_again(store: &dyn Store) {
    let (changes, record) = order();
    keep(store, changes).await;
    keep(
        store,
        [
            DurableChange::Blocked(block("eve", LATER)),
            DurableChange::Blocked(block("mal", Timestamp::MAX)),
            DurableChange::Ended { at: NOW, keep_until: LATER },
            DurableChange::Redeemed(spent("jti", LATER)),
        ],
    )
    .await;
    let expected = DurableState {
        blocks: vec![block("eve", LATER), block("mal", Timestamp::MAX)],
        ended: Some(NOW),
        redeemed_tokens: vec![spent("jti", LATER)],
        ..record
    };
    assert_eq!(load(store, NOW).await, expected);
    assert_eq!(load(store, NOW).await, expected, "loading changes nothing");
}

pub(in crate::store) async fn later_fact_takes_an_earlier_ones_place(store: &dyn Store) {
    let (changes, _) = order();
    keep(store, changes).await;
    keep(
        store,
        [
            DurableChange::Blocked(block("eve", LATER)),
            DurableChange::Ended { at: NOW, keep_until: LATER },
        ],
    )
    .await;
    let (until, at) = (LATER + TWO_HOURS, NOW + TWO_HOURS);
    keep(
        store,
        [
            voice("ada", MuteOverride::Exempt),
            role("ada", Role::Subscriber),
            mute(true, true, false),
            mute(true, false, false),
            DurableChange::Blocked(block("eve", until)),
            DurableChange::Ended { at, keep_until: until },
        ],
    )
    .await;
    let record = load(store, LATER).await;
    let (ada, bob) = (user("ada").username, user("bob").username);
    assert_eq!(
        record.mute_overrides,
        [(ada.clone(), MuteOverride::Exempt), (bob, MuteOverride::Exempt)]
    );
    assert_eq!(record.roles, [(ada, Role::Subscriber)]);
    assert_eq!((record.mute, record.locked), (RoomMute { active: true, lock: false }, false));
    assert_eq!((record.blocks, record.ended), (vec![block("eve", until)], Some(at)));
}

pub(in crate::store) async fn what_is_taken_back_is_gone(store: &dyn Store) {
    let (changes, record) = order();
    keep(store, changes).await;
    keep(store, ["eve", "mal"].map(|name| DurableChange::Blocked(block(name, LATER)))).await;
    let username = user("eve").username;
    keep(store, [DurableChange::Unblocked { username }, voice("bob", None), voice("nobody", None)])
        .await;
    let mute_overrides = record.mute_overrides[..1].to_vec();
    let blocks = vec![block("mal", LATER)];
    assert_eq!(load(store, NOW).await, DurableState { blocks, mute_overrides, ..record });
}

pub(in crate::store) async fn facts_end_when_they_say(store: &dyn Store) {
    keep(
        store,
        [
            DurableChange::Blocked(block("eve", LATER)),
            DurableChange::Ended { at: NOW, keep_until: LATER },
            DurableChange::Redeemed(spent("jti", LATER)),
        ],
    )
    .await;
    let last_moment = load(store, LATER - Duration::from_millis(1)).await;
    assert_eq!((last_moment.blocks.len(), last_moment.redeemed_tokens.len()), (1, 1));
    assert_eq!(last_moment.ended, Some(NOW));
    assert_eq!(load(store, LATER).await, DurableState::default());
}

pub(in crate::store) async fn emptied_room_keeps_its_order_until_then(store: &dyn Store) {
    let (changes, record) = order();
    keep(store, changes).await;
    assert_eq!(load(store, Timestamp::MAX - TWO_HOURS).await, record, "somebody is there");
    let until = LATER + TWO_HOURS;
    keep(
        store,
        [DurableChange::Blocked(block("eve", LATER)), DurableChange::Emptied { keep_until: until }],
    )
    .await;
    let blocks = vec![block("eve", LATER)];
    assert_eq!(load(store, NOW).await, DurableState { blocks, ..record.clone() });
    assert_eq!(load(store, until - Duration::from_millis(1)).await, record, "the block is over");
    assert_eq!(load(store, until).await, DurableState::default());
}

pub(in crate::store) async fn room_that_is_entered_again_keeps_its_order(store: &dyn Store) {
    let (changes, record) = order();
    keep(store, changes).await;
    keep(store, [DurableChange::Ended { at: NOW, keep_until: LATER }]).await;
    keep(store, [DurableChange::Emptied { keep_until: LATER }, DurableChange::Occupied]).await;
    assert_eq!(load(store, LATER + TWO_HOURS).await, record, "its end is over all the same");
    // What the empty room was told counts from when it was told.
    keep(store, [DurableChange::Emptied { keep_until: LATER }, role("eve", Role::Publisher)]).await;
    keep(store, [DurableChange::Emptied { keep_until: LATER + TWO_HOURS }]).await;
    assert_eq!(load(store, LATER).await.roles.len(), 2);
    assert_eq!(load(store, LATER + TWO_HOURS).await, DurableState::default());
}

pub(in crate::store) async fn what_ended_does_not_come_back_with_the_next_participant(
    store: &dyn Store,
) {
    let (changes, _) = order();
    keep(store, changes).await;
    let many = (0..500).map(|n| voice(&format!("user {n}"), MuteOverride::Locked));
    keep(store, many.collect::<Vec<_>>()).await;
    keep(store, [DurableChange::Emptied { keep_until: LATER }]).await;
    assert_eq!(load(store, LATER).await, DurableState::default());
    keep(store, [DurableChange::Occupied]).await;
    assert_eq!(load(store, LATER).await, DurableState::default());
}

pub(in crate::store) async fn calls_take_effect_in_the_order_they_are_made(store: &dyn Store) {
    let write = |fact| RoomWrite { changes: vec![fact], ..RoomWrite::new(room(), 1) };
    let first = store.persist_room(write(mute(true, true, true)));
    let second = store.persist_room(write(mute(true, false, false)));
    let record = load(store, NOW).await;
    assert_eq!((record.mute, record.locked), (RoomMute { active: true, lock: false }, false));
    second.await.unwrap();
    first.await.unwrap();
    let record = load(store, NOW).await;
    assert_eq!((record.mute, record.locked), (RoomMute { active: true, lock: false }, false));
}

pub(in crate::store) async fn no_fact_crosses_rooms_or_apps(store: &dyn Store) {
    let (changes, record) = order();
    keep(store, changes.clone()).await;
    keep(store, [DurableChange::Emptied { keep_until: LATER + TWO_HOURS }]).await;
    let others = [
        RoomKey { app: "other".into(), ..room() },
        RoomKey { room: "lobby2".parse().unwrap(), ..room() },
    ];
    for other in others {
        assert_eq!(
            store.load_room(other.clone(), NOW).await.unwrap().durable_state,
            DurableState::default()
        );
        let mut deeds = changes.to_vec();
        let username = user("ada").username;
        deeds.extend([
            DurableChange::Occupied,
            voice("ada", None),
            DurableChange::Unblocked { username },
        ]);
        deeds.extend([mute(false, false, false), DurableChange::Emptied { keep_until: NOW }]);
        persist(store, other.clone(), deeds).await;
        assert_eq!(
            store.load_room(other, LATER + Duration::from_secs(1)).await.unwrap().durable_state,
            DurableState::default()
        );
    }
    assert_eq!(load(store, LATER).await, record);
}

pub(in crate::store) async fn what_was_laid_on_a_user_is_carried_to_another_name(
    store: &dyn Store,
) {
    let hall = RoomKey { room: "hall".parse().unwrap(), ..room() };
    let far = RoomKey { app: "other".into(), ..room() };
    let carry = |now| store.migrate_user(user("ada"), user("countess").username, now);
    assert!(carry(NOW).await.unwrap().is_empty());
    keep(store, [voice("ada", MuteOverride::Locked), role("ada", Role::Moderator)]).await;
    keep(store, [DurableChange::Emptied { keep_until: LATER }]).await;
    keep(store, [voice("bob", MuteOverride::Locked), mute(true, true, true)]).await;
    let changes =
        vec![DurableChange::Blocked(block("ada", LATER)), voice("ada", MuteOverride::Exempt)];
    persist(store, hall.clone(), changes).await;
    persist(store, far.clone(), vec![role("ada", Role::Moderator)]).await;
    let before = store.load_room(far.clone(), NOW).await.unwrap().durable_state;
    for _ in 0..2 {
        assert_eq!(carry(NOW).await.unwrap(), [hall.clone(), room()], "twice is as once");
    }
    let name = |name: &str| user(name).username;
    let record = load(store, NOW).await;
    let locked = ["ada", "bob", "countess"].map(|user| (name(user), MuteOverride::Locked));
    assert_eq!(record.mute_overrides, locked);
    assert_eq!(record.roles, ["ada", "countess"].map(|user| (name(user), Role::Moderator)));
    let in_hall = store.load_room(hall.clone(), NOW).await.unwrap().durable_state;
    assert_eq!(in_hall.blocks, ["ada", "countess"].map(|user| block(user, LATER)));
    assert_eq!(
        in_hall.mute_overrides,
        [(name("ada"), MuteOverride::Exempt)],
        "to be spared stays behind"
    );
    assert_eq!(
        store.load_room(far, NOW).await.unwrap().durable_state,
        before,
        "nothing crosses apps"
    );
    assert!(carry(LATER).await.unwrap().iter().all(|room| *room == hall), "the rest is over");
    assert_eq!(load(store, LATER).await.roles, []);
}

pub(in crate::store) async fn carried_block_makes_no_block_shorter(store: &dyn Store) {
    let later = LATER + TWO_HOURS;
    let only = |username: &str, letter, until| {
        let instances = [instance(letter)].into();
        BlockRow { username: user(username).username, instances, until }
    };
    keep(store, [DurableChange::Blocked(only("ada", 'a', LATER))]).await;
    keep(store, [DurableChange::Blocked(only("countess", 'b', later))]).await;
    store.migrate_user(user("ada"), user("countess").username, NOW).await.unwrap();
    assert_eq!(load(store, NOW).await.blocks, [only("ada", 'a', LATER), block("countess", later)]);
    assert_eq!(load(store, LATER).await.blocks, [block("countess", later)]);
}

pub(in crate::store) async fn rooms_left_occupied_end_after_all(store: &dyn Store) {
    let (changes, record) = order();
    keep(store, changes).await;
    keep(store, [DurableChange::Occupied, DurableChange::Blocked(block("eve", Timestamp::MAX))])
        .await;
    store.mark_rooms_empty(LATER).await.unwrap();
    let last_moment = load(store, LATER - Duration::from_millis(1)).await;
    let blocks = vec![block("eve", Timestamp::MAX)];
    assert_eq!(last_moment, DurableState { blocks: blocks.clone(), ..record });
    assert_eq!(load(store, LATER).await, DurableState { blocks, ..DurableState::default() });
    keep(
        store,
        [role("ada", Role::Publisher), DurableChange::Emptied { keep_until: LATER + TWO_HOURS }],
    )
    .await;
    store.mark_rooms_empty(LATER).await.unwrap();
    assert_eq!(load(store, LATER).await.roles.len(), 1, "an end that is known stays");
}
