//! Ended sessions, users and created rooms.

use std::time::Duration;

use stagedoor_proto::{CloseCode, Disconnect, RoomMute, SessionId, SessionState, Timestamp};

use super::{AuthMethod, NOW, admit, ban, instance, registered, start, user};
use crate::room::{DurableChange, RoomKey, RoomOverrides};
use crate::store::{
    CREATED_ROOM_RETENTION, CreatedRoom, EndedSession, EndedSessions, Journal, Page, RoomWrite,
    Store,
};

fn ended(bits: u128, username: &str, state: SessionState, at: Timestamp) -> EndedSession {
    EndedSession {
        id: SessionId::from_bits(bits),
        username: user(username).username,
        guest: false,
        instance: instance('a'),
        client: None,
        address: "192.0.2.1".parse().unwrap(),
        user_agent: Some("agent".into()),
        started_ms: NOW,
        ended_ms: at,
        state,
        ending: Disconnect::new(CloseCode::Terminated),
    }
}

async fn list(store: &dyn Store, which: EndedSessions, after: Option<u64>) -> Vec<(u64, u128)> {
    let page = Page { after, limit: 10 };
    let found = store.ended_sessions("app".into(), which, page).await.unwrap();
    found.into_iter().map(|(number, session)| (number, session.id.bits())).collect()
}

async fn bits(store: &dyn Store, which: EndedSessions) -> Vec<u128> {
    list(store, which, None).await.into_iter().map(|(_, bits)| bits).collect()
}

pub(in crate::store) async fn ended_sessions_are_listed_newest_first(store: &dyn Store) {
    let sessions = [
        ended(1, "ada", SessionState::Terminated, NOW),
        ended(2, "bob", SessionState::NotLoggedIn, NOW),
        ended(3, "ada", SessionState::NotLoggedIn, NOW),
    ];
    store.record_sessions("app".into(), sessions.to_vec()).await.unwrap();
    store.record_sessions("other".into(), vec![sessions[0].clone()]).await.unwrap();
    let all = list(store, EndedSessions::default(), None).await;
    assert_eq!(all.iter().map(|(_, bits)| *bits).collect::<Vec<_>>(), [3, 2, 1]);
    let rest = list(store, EndedSessions::default(), Some(all[0].0)).await;
    assert_eq!(rest, all[1..]);
    let ada = || Some(user("ada").username);
    let state = Some(SessionState::NotLoggedIn);
    for (username, state, expected) in [
        (ada(), None, &[3, 1][..]),
        (None, state, &[3, 2]),
        (ada(), state, &[3]),
        (Some(user("eve").username), None, &[]),
    ] {
        assert_eq!(bits(store, EndedSessions { username, state }).await, expected);
    }
    let find =
        |app: &'static str, bits| store.ended_session(app.into(), SessionId::from_bits(bits));
    assert_eq!(find("app", 2).await.unwrap().as_ref(), Some(&sessions[1]));
    assert_eq!(find("other", 2).await.unwrap(), None);
}

pub(in crate::store) async fn old_and_surplus_sessions_are_pruned(store: &dyn Store) {
    let at = |n: u64| NOW + Duration::from_secs(n);
    let sessions = (0..600_u64).map(|n| ended(n.into(), "ada", SessionState::Terminated, at(n)));
    store.record_sessions("app".into(), sessions.collect()).await.unwrap();
    assert_eq!(store.prune_sessions(at(550), u64::MAX).await.unwrap(), 550);
    assert_eq!(store.prune_sessions(at(550), 3).await.unwrap(), 47);
    assert_eq!(bits(store, EndedSessions::default()).await, [599, 598, 597]);
    assert_eq!(store.prune_sessions(at(0), 3).await.unwrap(), 0);
    // Another app's sessions are not affected.
    let others = (600..604_u64).map(|n| ended(n.into(), "ada", SessionState::Terminated, at(n)));
    store.record_sessions("other".into(), others.collect()).await.unwrap();
    assert_eq!(store.prune_sessions(at(0), 3).await.unwrap(), 1);
    assert_eq!(bits(store, EndedSessions::default()).await, [599, 598, 597]);
}

pub(in crate::store) async fn users_are_listed_with_their_block(store: &dyn Store) {
    admit(store, start("ada", registered(), 1)).await;
    admit(store, start("bob", AuthMethod::Guest, 2)).await;
    store.block(user("bob"), ban(), None, false, Journal::default()).await.unwrap();
    store.block(user("never seen"), ban(), None, false, Journal::default()).await.unwrap();
    let ada = store.user(user("ada"), NOW).await.unwrap().unwrap();
    assert_eq!((ada.registered, ada.block), (true, None));
    assert!(ada.seen.is_some());
    let bob = store.user(user("bob"), NOW).await.unwrap().unwrap();
    assert_eq!((bob.registered, bob.block), (false, Some(ban())));
    let blocked = store.user(user("never seen"), NOW).await.unwrap().unwrap();
    assert_eq!((blocked.seen, blocked.block), (None, Some(ban())));
    assert_eq!(store.user(user("unknown"), NOW).await.unwrap(), None);
    let names = |blocked, after: Option<&str>| {
        let page = Page { after: after.map(|name| user(name).username), limit: 10 };
        async move {
            let users = store.users("app".into(), blocked, page, NOW).await.unwrap();
            users.iter().map(|user| user.username.to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!(names(false, None).await, ["ada", "bob"]);
    assert_eq!(names(false, Some("ada")).await, ["bob"]);
    assert_eq!(names(true, None).await, ["bob", "never seen"]);
}

pub(in crate::store) async fn created_room_is_retained_until_ended_or_unused(store: &dyn Store) {
    let room = RoomKey { app: "app".into(), room: "hall".parse().unwrap() };
    let overrides = RoomOverrides { participants: Some(7), ..RoomOverrides::default() };
    let created = CreatedRoom { overrides, created: NOW };
    let changes = || {
        let mute = RoomMute { active: true, lock: false };
        vec![
            DurableChange::Room { mute, locked: true },
            DurableChange::Emptied { keep_until: NOW + CREATED_ROOM_RETENTION },
        ]
    };
    let create = || store.create_room(room.clone(), created.clone(), changes(), None);
    let find = async |now| store.load_room(room.clone(), now).await.map(|stored| stored.created);
    assert_eq!(find(NOW).await.unwrap(), None);
    assert!(create().await.unwrap());
    assert!(!create().await.unwrap(), "it exists");
    assert!(store.load_room(room.clone(), NOW).await.unwrap().durable_state.locked);
    let page = || Page { after: None, limit: 10 };
    let listed = store.created_rooms("app".into(), page(), NOW).await.unwrap();
    assert_eq!(listed, [(room.room.clone(), created.clone())]);
    assert_eq!(store.created_rooms("other".into(), page(), NOW).await.unwrap(), []);
    let late = NOW + CREATED_ROOM_RETENTION - Duration::from_secs(1);
    assert_eq!(find(late).await.unwrap(), Some(created.clone()));
    let later = NOW + CREATED_ROOM_RETENTION + Duration::from_secs(1);
    assert_eq!(find(later).await.unwrap(), Some(created.clone()), "it was used");
    let keep_until = later + CREATED_ROOM_RETENTION;
    let changes = vec![DurableChange::Ended { at: later, keep_until }];
    store.persist_room(RoomWrite { changes, ..RoomWrite::new(room.clone(), 1) }).await.unwrap();
    assert_eq!(find(later).await.unwrap(), None, "it was ended");
    assert!(create().await.unwrap());
    assert_eq!(find(NOW + CREATED_ROOM_RETENTION).await.unwrap(), None, "unused");
}

pub(in crate::store) async fn audit_log_is_verified_while_it_grows(store: &dyn Store) {
    let empty = store.audit_head("app".into()).await.unwrap();
    assert_eq!(empty.number, 0);
    for _ in 0..3 {
        let events = vec![super::audit::event("ban"); 700];
        store.audit("app".into(), events).await.unwrap();
    }
    let verified = store.verify_audit("app".into(), Some(empty)).await.unwrap().unwrap();
    assert_eq!(verified.head, store.audit_head("app".into()).await.unwrap());
    assert_eq!(verified.head.number, 2_100);
    let recorded = crate::store::ChainHead { number: 1_500, ..verified.head };
    assert!(store.verify_audit("app".into(), Some(recorded)).await.unwrap().is_err());
    let recorded = crate::store::ChainHead { number: 2_101, ..verified.head };
    assert!(store.verify_audit("app".into(), Some(recorded)).await.unwrap().is_err());
}
