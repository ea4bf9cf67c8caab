//! Durable state of rooms and its expiry.

use std::time::Duration;

use stagedoor_proto::{Role, RoomMute, SessionId, Timestamp};

use super::{NOW, TWO_HOURS, instance, user};
use crate::principal::NameCoverage;
use crate::room::{
    BlockRow, DurableChange, DurableState, MuteOverride, RedeemedToken, RoomKey, TokenHolder,
};
use crate::store::{Rename, RoomWrite, Store};

const LATER: Timestamp = Timestamp::from_secs(NOW.as_secs() + 3_600);

fn room() -> RoomKey {
    RoomKey { app: "app".into(), room: "lobby".parse().unwrap() }
}

async fn persist(store: &dyn Store, room: RoomKey, changes: Vec<DurableChange>) {
    store.persist_room(RoomWrite { changes, ..RoomWrite::new(room, 1) }).await.unwrap();
}

async fn persist_lobby(store: &dyn Store, changes: impl Into<Vec<DurableChange>>) {
    persist(store, room(), changes.into()).await;
}

async fn load(store: &dyn Store, now: Timestamp) -> DurableState {
    store.load_room(room(), now).await.unwrap().durable_state
}

/// What all blocks of each user cover together.
fn summaries(rows: Vec<BlockRow>) -> Vec<BlockRow> {
    rows.into_iter().map(|row| BlockRow { blocks: Vec::new(), ..row }).collect()
}

fn block(username: &str, until: Timestamp) -> BlockRow {
    let instances = ['a', 'b'].map(instance).into();
    BlockRow {
        username: user(username).username,
        instances,
        name: NameCoverage::All,
        until,
        blocks: Vec::new(),
    }
}

fn redeemed(jti: &str, until: Timestamp) -> RedeemedToken {
    let (username, instance) = ("ada".parse().unwrap(), "instance-1".parse().unwrap());
    let holder = Some(TokenHolder { username, instance });
    RedeemedToken { jti: jti.into(), session: SessionId::from_bits(7), holder, until }
}

fn mute_override(username: &str, mute_override: impl Into<Option<MuteOverride>>) -> DurableChange {
    DurableChange::Mute { username: user(username).username, mute: mute_override.into() }
}

fn role(username: &str, role: Role) -> DurableChange {
    DurableChange::Role { username: user(username).username, role }
}

fn mute(active: bool, lock: bool, locked: bool) -> DurableChange {
    DurableChange::Room { mute: RoomMute { active, lock }, locked }
}

/// Mutes, roles, room mute and lock, as changes and as loaded state.
fn room_state() -> ([DurableChange; 4], DurableState) {
    let (ada, bob) = (user("ada").username, user("bob").username);
    let changes = [
        mute_override("ada", MuteOverride::Locked),
        mute_override("bob", MuteOverride::Exempt),
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

pub(in crate::store) async fn unknown_room_has_default_state(store: &dyn Store) {
    assert_eq!(load(store, NOW).await, DurableState::default());
    persist_lobby(store, []).await;
    persist_lobby(store, [DurableChange::Occupied, DurableChange::Emptied { keep_until: LATER }])
        .await;
    assert_eq!(load(store, NOW).await, DurableState::default());
}

pub(in crate::store) async fn change_of_each_kind_is_loaded(store: &dyn Store) {
    let (changes, record) = room_state();
    persist_lobby(store, changes).await;
    persist_lobby(
        store,
        [
            DurableChange::Blocked(block("eve", LATER)),
            DurableChange::Blocked(block("mal", Timestamp::MAX)),
            DurableChange::Ended { at: NOW, keep_until: LATER },
            DurableChange::Redeemed(redeemed("jti", LATER)),
        ],
    )
    .await;
    let expected = DurableState {
        blocks: vec![block("eve", LATER), block("mal", Timestamp::MAX)],
        ended: Some(NOW),
        redeemed_tokens: vec![redeemed("jti", LATER)],
        ..record
    };
    assert_eq!(load(store, NOW).await, expected);
    assert_eq!(load(store, NOW).await, expected, "loading changes nothing");
}

pub(in crate::store) async fn later_change_replaces_an_earlier_one(store: &dyn Store) {
    let (changes, _) = room_state();
    persist_lobby(store, changes).await;
    persist_lobby(
        store,
        [
            DurableChange::Blocked(block("eve", LATER)),
            DurableChange::Ended { at: NOW, keep_until: LATER },
        ],
    )
    .await;
    let (until, at) = (LATER + TWO_HOURS, NOW + TWO_HOURS);
    persist_lobby(
        store,
        [
            mute_override("ada", MuteOverride::Exempt),
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

pub(in crate::store) async fn undone_changes_are_removed(store: &dyn Store) {
    let (changes, record) = room_state();
    persist_lobby(store, changes).await;
    persist_lobby(store, ["eve", "mal"].map(|name| DurableChange::Blocked(block(name, LATER))))
        .await;
    let username = user("eve").username;
    persist_lobby(
        store,
        [
            DurableChange::Unblocked { username },
            mute_override("bob", None),
            mute_override("unknown", None),
        ],
    )
    .await;
    let mute_overrides = record.mute_overrides[..1].to_vec();
    let blocks = vec![block("mal", LATER)];
    assert_eq!(load(store, NOW).await, DurableState { blocks, mute_overrides, ..record });
}

pub(in crate::store) async fn changes_expire(store: &dyn Store) {
    persist_lobby(
        store,
        [
            DurableChange::Blocked(block("eve", LATER)),
            DurableChange::Ended { at: NOW, keep_until: LATER },
            DurableChange::Redeemed(redeemed("jti", LATER)),
        ],
    )
    .await;
    let last_moment = load(store, LATER - Duration::from_millis(1)).await;
    assert_eq!((last_moment.blocks.len(), last_moment.redeemed_tokens.len()), (1, 1));
    assert_eq!(last_moment.ended, Some(NOW));
    assert_eq!(load(store, LATER).await, DurableState::default());
}

pub(in crate::store) async fn emptied_room_retains_state_until_expiry(store: &dyn Store) {
    let (changes, record) = room_state();
    persist_lobby(store, changes).await;
    assert_eq!(load(store, Timestamp::MAX - TWO_HOURS).await, record, "the room is occupied");
    let until = LATER + TWO_HOURS;
    persist_lobby(
        store,
        [DurableChange::Blocked(block("eve", LATER)), DurableChange::Emptied { keep_until: until }],
    )
    .await;
    let blocks = vec![block("eve", LATER)];
    assert_eq!(load(store, NOW).await, DurableState { blocks, ..record.clone() });
    assert_eq!(
        load(store, until - Duration::from_millis(1)).await,
        record,
        "the block has expired"
    );
    assert_eq!(load(store, until).await, DurableState::default());
}

pub(in crate::store) async fn rejoined_room_retains_its_state(store: &dyn Store) {
    let (changes, record) = room_state();
    persist_lobby(store, changes).await;
    persist_lobby(store, [DurableChange::Ended { at: NOW, keep_until: LATER }]).await;
    persist_lobby(store, [DurableChange::Emptied { keep_until: LATER }, DurableChange::Occupied])
        .await;
    assert_eq!(load(store, LATER + TWO_HOURS).await, record, "its end has expired");
    // Changes of an empty room take effect at once.
    persist_lobby(
        store,
        [DurableChange::Emptied { keep_until: LATER }, role("eve", Role::Publisher)],
    )
    .await;
    persist_lobby(store, [DurableChange::Emptied { keep_until: LATER + TWO_HOURS }]).await;
    assert_eq!(load(store, LATER).await.roles.len(), 2);
    assert_eq!(load(store, LATER + TWO_HOURS).await, DurableState::default());
}

pub(in crate::store) async fn next_participant_does_not_restore_expired_state(store: &dyn Store) {
    let (changes, _) = room_state();
    persist_lobby(store, changes).await;
    let many = (0..500).map(|n| mute_override(&format!("user {n}"), MuteOverride::Locked));
    persist_lobby(store, many.collect::<Vec<_>>()).await;
    persist_lobby(store, [DurableChange::Emptied { keep_until: LATER }]).await;
    assert_eq!(load(store, LATER).await, DurableState::default());
    persist_lobby(store, [DurableChange::Occupied]).await;
    assert_eq!(load(store, LATER).await, DurableState::default());
}

pub(in crate::store) async fn calls_take_effect_in_call_order(store: &dyn Store) {
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

pub(in crate::store) async fn no_change_crosses_rooms_or_apps(store: &dyn Store) {
    let (changes, record) = room_state();
    persist_lobby(store, changes.clone()).await;
    persist_lobby(store, [DurableChange::Emptied { keep_until: LATER + TWO_HOURS }]).await;
    let others = [
        RoomKey { app: "other".into(), ..room() },
        RoomKey { room: "lobby2".parse().unwrap(), ..room() },
    ];
    for other in others {
        assert_eq!(
            store.load_room(other.clone(), NOW).await.unwrap().durable_state,
            DurableState::default()
        );
        let mut actions = changes.to_vec();
        let username = user("ada").username;
        actions.extend([
            DurableChange::Occupied,
            mute_override("ada", None),
            DurableChange::Unblocked { username },
        ]);
        actions.extend([mute(false, false, false), DurableChange::Emptied { keep_until: NOW }]);
        persist(store, other.clone(), actions).await;
        assert_eq!(
            store.load_room(other, LATER + Duration::from_secs(1)).await.unwrap().durable_state,
            DurableState::default()
        );
    }
    assert_eq!(load(store, LATER).await, record);
}

fn rename(from: &str, to: &str) -> Rename {
    let (from, to) = (user(from), user(to));
    let (app, from, to) = (from.app, from.username, to.username);
    Rename { app, from, from_guest: None, to, to_guest: None }
}

pub(in crate::store) async fn moderation_state_follows_a_renamed_user(store: &dyn Store) {
    let hall = RoomKey { room: "hall".parse().unwrap(), ..room() };
    let far = RoomKey { app: "other".into(), ..room() };
    let migrate = |now| store.migrate_user(rename("ada", "countess"), usize::MAX, now);
    assert_eq!(migrate(NOW).await.unwrap(), Some(Vec::new()));
    persist_lobby(
        store,
        [mute_override("ada", MuteOverride::Locked), role("ada", Role::Subscriber)],
    )
    .await;
    persist_lobby(store, [DurableChange::Emptied { keep_until: LATER }]).await;
    persist_lobby(store, [mute_override("bob", MuteOverride::Locked), mute(true, true, true)])
        .await;
    let changes = vec![
        DurableChange::Blocked(block("ada", LATER)),
        mute_override("ada", MuteOverride::Exempt),
    ];
    persist(store, hall.clone(), changes).await;
    persist(store, far.clone(), vec![role("ada", Role::Moderator)]).await;
    let before = store.load_room(far.clone(), NOW).await.unwrap().durable_state;
    for _ in 0..2 {
        assert_eq!(
            migrate(NOW).await.unwrap(),
            Some(vec![hall.clone(), room()]),
            "a repetition changes nothing"
        );
    }
    let name = |name: &str| user(name).username;
    let record = load(store, NOW).await;
    let locked = ["ada", "bob", "countess"].map(|user| (name(user), MuteOverride::Locked));
    assert_eq!(record.mute_overrides, locked);
    assert_eq!(record.roles, ["ada", "countess"].map(|user| (name(user), Role::Subscriber)));
    let hall_state = store.load_room(hall.clone(), NOW).await.unwrap().durable_state;
    let blocks = ["ada", "countess"].map(|user| block(user, LATER));
    assert_eq!(summaries(hall_state.blocks), blocks);
    assert_eq!(
        hall_state.mute_overrides,
        [(name("ada"), MuteOverride::Exempt)],
        "an exemption is not migrated"
    );
    assert_eq!(
        store.load_room(far, NOW).await.unwrap().durable_state,
        before,
        "nothing crosses apps"
    );
    let left = migrate(LATER).await.unwrap().expect("there is space");
    assert!(left.iter().all(|room| *room == hall), "the rest has expired");
    assert_eq!(load(store, LATER).await.roles, []);
}

pub(in crate::store) async fn migrated_block_shortens_no_block(store: &dyn Store) {
    let later = LATER + TWO_HOURS;
    let only = |username: &str, letter, until| {
        let instances = [instance(letter)].into();
        BlockRow {
            username: user(username).username,
            instances,
            name: NameCoverage::All,
            until,
            blocks: Vec::new(),
        }
    };
    persist_lobby(store, [DurableChange::Blocked(only("ada", 'a', LATER))]).await;
    persist_lobby(store, [DurableChange::Blocked(only("countess", 'b', later))]).await;
    store.migrate_user(rename("ada", "countess"), usize::MAX, NOW).await.unwrap();
    let blocks = async |now| summaries(load(store, now).await.blocks);
    assert_eq!(blocks(NOW).await, [only("ada", 'a', LATER), block("countess", later)]);
    assert_eq!(blocks(LATER).await, [block("countess", later)]);
}

pub(in crate::store) async fn rooms_left_occupied_expire(store: &dyn Store) {
    let (changes, record) = room_state();
    persist_lobby(store, changes).await;
    persist_lobby(
        store,
        [DurableChange::Occupied, DurableChange::Blocked(block("eve", Timestamp::MAX))],
    )
    .await;
    store.mark_rooms_empty(LATER).await.unwrap();
    let last_moment = load(store, LATER - Duration::from_millis(1)).await;
    let blocks = vec![block("eve", Timestamp::MAX)];
    assert_eq!(last_moment, DurableState { blocks: blocks.clone(), ..record });
    assert_eq!(load(store, LATER).await, DurableState { blocks, ..DurableState::default() });
    persist_lobby(
        store,
        [role("ada", Role::Publisher), DurableChange::Emptied { keep_until: LATER + TWO_HOURS }],
    )
    .await;
    store.mark_rooms_empty(LATER).await.unwrap();
    assert_eq!(load(store, LATER).await.roles.len(), 1, "an existing expiry stays");
}
