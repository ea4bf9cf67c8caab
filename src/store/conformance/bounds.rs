//! Numbers of rows, and guests that are forgotten.

use std::time::Duration;

use stagedoor_proto::{BlockSource, Role, Timestamp};

use super::{AuthMethod, NOW, admit, ban, by_token, instance, registered, start, try_admit, user};
use crate::principal::{Guest, NameCoverage};
use crate::room::{BlockRow, DurableChange, GuestRow, MuteOverride, RoomKey};
use crate::store::{
    Admission, Block, IdleGuest, Journal, Refusal, Rename, RoomWrite, Store, StoreSizes,
};

const MINUTE: Duration = Duration::from_mins(1);
const FAR: Timestamp = Timestamp::from_secs(NOW.as_secs() + 100 * 86_400);

async fn persist(store: &dyn Store, room: &str, changes: Vec<DurableChange>) {
    let room = RoomKey { app: "app".into(), room: room.parse().unwrap() };
    store.persist_room(RoomWrite { changes, ..RoomWrite::new(room, 1) }).await.unwrap();
}

fn guest(username: &str, bits: u128) -> Admission {
    start(username, AuthMethod::Guest, bits)
}

fn guests(store: &dyn Store) -> usize {
    store.sizes("app").guests
}

fn records(store: &dyn Store) -> usize {
    store.sizes("app").moderation_records()
}

fn role(username: &str) -> DurableChange {
    DurableChange::Role { username: user(username).username, role: Role::Subscriber }
}

fn block(username: &str, until: Timestamp) -> DurableChange {
    let (instances, name, blocks) = ([instance('a')].into(), NameCoverage::All, Vec::new());
    let username = user(username).username;
    DurableChange::Blocked(BlockRow { username, instances, name, until, blocks })
}

/// All idle guests, in order.
async fn idle(store: &dyn Store, unseen_since: Timestamp) -> Vec<IdleGuest> {
    let (mut idle, mut after) = (Vec::new(), None);
    loop {
        let page = store.idle_guests("app".into(), after, unseen_since).await.unwrap();
        idle.extend(page.guests);
        after = page.next;
        if after.is_none() {
            return idle;
        }
    }
}

async fn forget(store: &dyn Store, guests: Vec<IdleGuest>) -> usize {
    store.forget_guests("app".into(), guests, NOW + MINUTE).await.unwrap()
}

pub(in crate::store) async fn guests_are_counted_and_bounded(store: &dyn Store) {
    assert_eq!(store.sizes("app"), StoreSizes::default());
    let bounded = |username, bits| Admission { max_guests: 2, ..guest(username, bits) };
    admit(store, bounded("ada", 1)).await;
    admit(store, bounded("ada", 2)).await;
    admit(store, bounded("ada", 3).on('b')).await;
    assert_eq!(guests(store), 2, "client instances");
    let surplus = try_admit(store, bounded("bob", 4)).await;
    assert_eq!(surplus, Err(Refusal::TooManyGuests));
    admit(store, bounded("ada", 5)).await;
    admit(store, bounded("ada", 6).with_family(5)).await;
    let other = Admission { max_guests: 2, ..start("host", registered(), 7) };
    admit(store, other).await;
    assert_eq!(guests(store), 2, "registered users are none");
    admit(store, start("ada", registered(), 8)).await;
    assert_eq!(guests(store), 0, "the name is registered");
    admit(store, bounded("bob", 9)).await;
    store.delete_user(user("bob"), false, NOW, None).await.unwrap();
    admit(store, bounded("eve", 10)).await;
    assert_eq!(guests(store), 1);
    assert_eq!(store.prune_guests(NOW + MINUTE).await.unwrap(), 1);
    assert_eq!(guests(store), 0);
}

pub(in crate::store) async fn idle_guests_are_forgotten_oldest_first(store: &dyn Store) {
    for (minutes, name) in [(2, "second"), (1, "first"), (3, "third")] {
        for letter in ['a', 'b'] {
            admit(store, guest(name, 1).on(letter).at(NOW + MINUTE * minutes)).await;
        }
    }
    admit(store, start("host", registered(), 1)).await;
    let other = Admission {
        user: crate::store::UserKey { app: "other".into(), ..user("first") },
        ..guest("first", 1)
    };
    admit(store, other).await;
    let found = idle(store, NOW + MINUTE * 3).await;
    let names: Vec<_> = found.iter().map(|guest| guest.user.username.as_str()).collect();
    assert_eq!(names, ["first", "first", "second", "second"]);
    assert_eq!(forget(store, found[..3].to_vec()).await, 3);
    assert_eq!(guests(store), 3);
    let gone = try_admit(store, guest("first", 9).with_family(1)).await;
    assert_eq!(gone, Err(Refusal::Revoked), "its token is void");
    assert!(!admit(store, start("first", registered(), 3)).await.was_guest, "the name is free");
    let again = guest("second", 9).on('b').with_family(1).at(NOW + MINUTE * 5);
    let kept = try_admit(store, again).await;
    assert!(kept.is_ok());
    let many = (0..450).map(|n| guest(&format!("guest {n}"), 1));
    for admission in many {
        admit(store, admission).await;
    }
    let found = idle(store, NOW + MINUTE).await;
    assert_eq!((found.len(), forget(store, found).await), (450, 450), "in pages");
}

pub(in crate::store) async fn guests_with_penalties_or_roles_stay(store: &dyn Store) {
    let names = ["muted", "demoted", "blocked", "banned", "nothing"];
    for (name, letter) in names.into_iter().zip('b'..) {
        admit(store, guest(name, 1).on(letter)).await;
    }
    let row = |name: &str, letter, mute, role| {
        let guest = Guest::new(instance(letter), super::family(1));
        DurableChange::Guest(GuestRow { username: user(name).username, guest, mute, role })
    };
    let changes = vec![
        row("muted", 'b', Some(MuteOverride::Locked), None),
        row("demoted", 'c', None, Some(Role::Subscriber)),
        block("blocked", FAR),
    ];
    persist(store, "lobby", changes).await;
    store.block(user("banned"), ban(), None, false, Journal::default()).await.unwrap();
    let found = idle(store, FAR).await;
    assert_eq!((found.len(), forget(store, found).await), (5, 1));
    let found = idle(store, FAR).await;
    let left: Vec<_> = found.iter().map(|guest| guest.user.username.as_str()).collect();
    assert_eq!(left, ["banned", "blocked", "demoted", "muted"]);
}

pub(in crate::store) async fn guest_who_came_back_is_not_forgotten(store: &dyn Store) {
    let starts = [("restarts", Some(1)), ("starts", None)];
    for (name, _) in starts {
        admit(store, guest(name, 1)).await;
    }
    let found = idle(store, FAR).await;
    for (name, family) in starts {
        let again = Admission { generation: 7, ..guest(name, 2) };
        let again = if let Some(family) = family { again.with_family(family) } else { again };
        admit(store, again).await;
    }
    assert_eq!((found.len(), forget(store, found).await), (2, 0));
    assert_eq!(idle(store, NOW).await, [], "seen just then");
}

pub(in crate::store) async fn moderation_records_are_counted(store: &dyn Store) {
    persist(store, "lobby", vec![role("ada"), role("bob"), block("ada", FAR)]).await;
    persist(store, "lobby", vec![role("ada"), block("ada", NOW + MINUTE)]).await;
    assert_eq!(records(store), 3, "a changed record is one");
    assert_eq!(store.sizes("other").moderation_records(), 0);
    let unblocked = DurableChange::Unblocked { username: user("ada").username };
    persist(store, "lobby", vec![unblocked]).await;
    assert_eq!(records(store), 2);
    store.block(user("eve"), ban(), None, false, Journal::default()).await.unwrap();
    store.block(user("eve"), ban(), None, false, Journal::default()).await.unwrap();
    assert_eq!(records(store), 3);
    store.unblock(user("eve"), BlockSource::Operator, NOW, None).await.unwrap();
    assert_eq!(records(store), 2);
    persist(store, "lobby", vec![DurableChange::Emptied { keep_until: NOW + MINUTE }]).await;
    let hall = RoomKey { app: "app".into(), room: "hall".parse().unwrap() };
    store.load_room(hall, NOW + MINUTE * 120).await.unwrap();
    assert_eq!(records(store), 0, "expired ones are removed");
}

pub(in crate::store) async fn ended_blocks_are_removed(store: &dyn Store) {
    for (name, until) in [("ada", Some(NOW + MINUTE)), ("bob", Some(FAR)), ("eve", None)] {
        let block = Block { until, ..ban() };
        store.block(user(name), block, None, false, Journal::default()).await.unwrap();
    }
    assert_eq!(records(store), 3);
    store.prune_guests(NOW + MINUTE * 2).await.unwrap();
    assert_eq!(records(store), 2);
    let rejected = try_admit(store, guest("eve", 1)).await;
    assert_eq!(rejected, Err(Refusal::Blocked(ban())));
    let token = start("ada", by_token(1), 2);
    assert_eq!(try_admit(store, token).await, Err(Refusal::Revoked));
}

pub(in crate::store) async fn migration_stops_at_the_limit_of_records(store: &dyn Store) {
    let (app, from, to) = ("app".into(), user("ada").username, user("eve").username);
    let rename = Rename { app, from, from_guest: None, to, to_guest: None };
    let migrate = |max| store.migrate_user(rename.clone(), max, NOW);
    assert_eq!(migrate(0).await.unwrap(), Some(Vec::new()), "nothing is to be stored");
    persist(store, "lobby", vec![block("ada", FAR)]).await;
    assert_eq!(migrate(1).await.unwrap(), None);
    assert_eq!(records(store), 1);
    assert_eq!(migrate(2).await.unwrap().map(|rooms| rooms.len()), Some(1));
    assert_eq!(records(store), 2);
}
