//! Exclusive guest names, and the client instances that are remembered.

use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect, Role, SessionId, SessionState, Timestamp};

use super::{
    AuthMethod, NOW, admit, by_token, family, instance, registered, start, try_admit, user,
};
use crate::principal::{Guest, NameCoverage};
use crate::room::{BlockRow, DurableChange, GuestRow, RoomKey};
use crate::store::{Admission, EndedSession, InstanceLimit, NameClaim, Refusal, RoomWrite, Store};

const DAY: Duration = Duration::from_hours(24);
const WEEK: Duration = Duration::from_hours(7 * 24);
const FAR: Timestamp = Timestamp::from_secs(NOW.as_secs() + 100 * 86_400);

/// A guest's start on an instance, where guests with these proofs hold the name.
fn claim(letter: char, new: u128, holders: &[u128]) -> Admission {
    let holders = holders.iter().map(|proof| family(*proof)).collect();
    let max_reserved = usize::MAX;
    let names = Some(NameClaim { proved: None, holders, retention: WEEK, max_reserved });
    Admission { names, ..start("ada", AuthMethod::Guest, new) }.on(letter)
}

fn held(until: Option<Timestamp>) -> Result<u128, Refusal> {
    Err(Refusal::NameHeld { until })
}

/// The proof of an admitted start.
async fn proof(store: &dyn Store, admission: Admission) -> Result<u128, Refusal> {
    let admitted = try_admit(store, admission).await?;
    Ok(admitted.proof.expect("an exclusive name has a proof").bits())
}

async fn persist(store: &dyn Store, change: DurableChange) {
    let room = RoomKey { app: "app".into(), room: "lobby".parse().unwrap() };
    let changes = vec![change];
    store.persist_room(RoomWrite { changes, ..RoomWrite::new(room, 1) }).await.unwrap();
}

pub(in crate::store) async fn held_guest_name_is_for_its_proof(store: &dyn Store) {
    assert_eq!(proof(store, claim('a', 1, &[])).await, Ok(1));
    assert_eq!(proof(store, claim('b', 2, &[1])).await, held(None));
    // Nothing is recorded of a rejected start.
    assert_eq!(try_admit(store, claim('b', 2, &[]).with_family(2)).await, Err(Refusal::Revoked));
    let proved = |admission: Admission| {
        let names = admission.names.map(|names| NameClaim { proved: Some(family(1)), ..names });
        Admission { names, ..admission }
    };
    assert_eq!(proof(store, proved(claim('b', 3, &[1]))).await, Ok(1));
    for admission in [claim('a', 4, &[1]), claim('b', 5, &[]).with_family(3)] {
        assert_eq!(proof(store, admission).await, Ok(1), "an instance retains its proof");
    }
    let other = Admission { user: user("eve"), ..claim('a', 6, &[]) };
    assert_eq!(proof(store, other).await, Ok(6), "a proof is of one name");
}

pub(in crate::store) async fn reserved_guest_name_is_released_after_its_retention(
    store: &dyn Store,
) {
    assert_eq!(proof(store, claim('a', 1, &[])).await, Ok(1));
    let guest = Guest::new(instance('a'), family(1));
    let (username, role) = (user("ada").username, Some(Role::Moderator));
    let row = GuestRow { username: username.clone(), guest, mute: None, role };
    persist(store, DurableChange::Guest(row)).await;
    let ended = EndedSession {
        id: SessionId::from_bits(1),
        username: username.clone(),
        guest: true,
        instance: instance('a'),
        client: None,
        address: "192.0.2.1".parse().unwrap(),
        user_agent: None,
        started_ms: NOW,
        ended_ms: NOW + DAY,
        state: SessionState::NotLoggedIn,
        ending: Disconnect::new(CloseCode::Normal),
    };
    store.record_sessions("app".into(), vec![ended]).await.unwrap();
    let until = NOW + DAY + WEEK;
    let last = until - Duration::from_millis(1);
    assert_eq!(proof(store, claim('b', 2, &[]).at(last)).await, held(Some(until)));
    assert_eq!(proof(store, claim('a', 3, &[])).await, Ok(1), "the holder comes back");
    persist(store, DurableChange::GuestCleared { instance: instance('a') }).await;
    assert_eq!(proof(store, claim('b', 4, &[])).await, Ok(4), "nothing is held any more");
    let instances = [instance('b')].into();
    let (name, blocks) = (NameCoverage::None, Vec::new());
    let row = BlockRow { username, instances, name, until: FAR, blocks };
    persist(store, DurableChange::Blocked(row)).await;
    assert_eq!(proof(store, claim('c', 5, &[])).await, held(Some(NOW + WEEK)));
    assert_eq!(proof(store, claim('c', 6, &[]).at(NOW + WEEK)).await, Ok(6));
}

pub(in crate::store) async fn reserved_names_of_an_address_are_bounded(store: &dyn Store) {
    let from = |name: &str, letter, bits, address: &str| {
        let names = claim(letter, bits, &[]).names;
        let names = names.map(|names| NameClaim { max_reserved: 2, ..names });
        Admission { user: user(name), names, ..claim(letter, bits, &[]) }.from(address)
    };
    let reserved = |names: &[&str]| {
        Err(Refusal::NamesReserved(names.iter().map(|name| user(name).username).collect()))
    };
    let row = |name: &str, letter, bits| {
        let guest = Guest::new(instance(letter), family(bits));
        let (username, role) = (user(name).username, Some(Role::Subscriber));
        DurableChange::Guest(GuestRow { username, guest, mute: None, role })
    };
    for (name, letter, bits) in [("ada", 'a', 1), ("bob", 'b', 2), ("eve", 'c', 3)] {
        assert_eq!(proof(store, from(name, letter, bits, "2001:db8::1")).await, Ok(bits));
    }
    persist(store, row("ada", 'a', 1)).await;
    assert_eq!(proof(store, from("zoe", 'd', 4, "2001:db8::2")).await, Ok(4), "one name");
    let instances = [instance('b')].into();
    let (name, blocks) = (NameCoverage::None, Vec::new());
    let blocked =
        BlockRow { username: user("bob").username, instances, name, until: NOW + DAY, blocks };
    persist(store, DurableChange::Blocked(blocked)).await;
    let names = ["ada", "bob"];
    let late = || from("new", 'e', 5, "2001:db8::ffff");
    assert_eq!(proof(store, late()).await, reserved(&names), "of the /64");
    for (other, bits) in [("2001:db8:0:1::1", 6), ("192.0.2.7", 7)] {
        let start = from(&format!("guest {bits}"), 'f', bits, other);
        assert_eq!(proof(store, start).await, Ok(bits), "another address");
    }
    assert_eq!(proof(store, from("eve", 'c', 8, "2001:db8::1")).await, Ok(3), "a known instance");
    let known = from("ada", 'g', 9, "2001:db8::1");
    assert_eq!(proof(store, known).await, held(Some(NOW + WEEK)), "its own name is none");
    assert_eq!(proof(store, late().at(NOW + DAY)).await, Ok(5), "the block has ended");
}

/// A registered user's start on an instance, of which two are remembered.
fn bounded(letter: char, new: u128, live: &[char]) -> Admission {
    let live = live.iter().map(|letter| instance(*letter)).collect();
    let instances = Some(InstanceLimit { count: 2, access_ttl: DAY, live });
    Admission { instances, ..start("ada", registered(), new) }.on(letter)
}

/// Which of the tokens of `ada` on instances a, b, c … are valid.
async fn valid(store: &dyn Store, letters: &str) -> String {
    let mut valid = String::new();
    for (letter, bits) in letters.chars().zip(1..) {
        let token = start("ada", by_token(bits), 99).on(letter);
        if try_admit(store, token).await.is_ok() {
            valid.push(letter);
        }
    }
    valid
}

pub(in crate::store) async fn instances_of_a_user_are_bounded(store: &dyn Store) {
    let after = |minutes| NOW + Duration::from_mins(minutes);
    let mut counts = Vec::new();
    for (letter, bits, live) in
        [('a', 1, &[][..]), ('b', 2, &[]), ('c', 3, &['a']), ('d', 4, &['a', 'c'])]
    {
        let start = bounded(letter, u128::from(bits), live).at(after(bits));
        counts.push(admit(store, start).await.forgotten);
    }
    assert_eq!(counts, [0, 0, 1, 0], "instances with a session stay");
    assert_eq!(valid(store, "abcd").await, "acd");
    admit(store, bounded('d', 5, &[]).at(after(5))).await;
    assert_eq!(admit(store, bounded('e', 6, &[]).at(after(6))).await.forgotten, 2);
    let guests = ['a', 'b', 'c'].map(|letter| {
        let limit = bounded(letter, 1, &[]).instances;
        Admission { instances: limit, ..start("eve", AuthMethod::Guest, 1) }.on(letter)
    });
    for guest in guests {
        assert_eq!(admit(store, guest).await.forgotten, 0, "guests are retained for a time");
    }
}

pub(in crate::store) async fn instances_of_a_user_under_a_penalty_stay(store: &dyn Store) {
    let username = user("ada").username;
    persist(store, DurableChange::Role { username: username.clone(), role: Role::Subscriber })
        .await;
    for (letter, bits) in [('a', 1), ('b', 2), ('c', 3)] {
        assert_eq!(admit(store, bounded(letter, bits, &[])).await.forgotten, 0);
    }
    persist(store, DurableChange::Role { username, role: Role::Moderator }).await;
    assert_eq!(admit(store, bounded('d', 4, &[])).await.forgotten, 2);
}
