//! Promise 11: while the engine cannot be used, sockets stay up and what needs the engine is rejected.

use std::sync::Arc;

use serde_json::{Value, json};
use stagedoor::clock::Clock;
use stagedoor::engine::{Engine, Local};
use stagedoor::store::{SqliteStore, Store};
use stagedoor_proto::{Command, Timestamp};

use crate::common::{Client, Setup, start_of};

#[tokio::test]
async fn closed_engine_rejects_changes_and_keeps_sockets() {
    let clock = Clock::manual(Timestamp::from_secs(1_900_000_000));
    let engine: Arc<dyn Engine> = Arc::new(Local::new(clock.clone(), 0));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().await.unwrap());
    let mut setup = Setup::new().clock(clock);
    setup.joined = Some((store, Arc::clone(&engine)));
    let gateway = setup.run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    engine.close().await;
    let stream = json!({ "kind": "camera", "has_audio": true, "has_video": true });
    let publish = json!({ "room": "lobby", "stream": stream });
    assert_eq!(ada.fails("publish", publish).await, "engine_unavailable");
    assert!(ada.request("postpone_renewal", json!({})).await.is_ok(), "the socket is up");
    assert!(ada.request("ping", json!({})).await.is_ok(), "and it is checked without the engine");
    let start = json!({ "id": 0, "start": start_of("bob", "instance-2") });
    let closed = Client::refused(&gateway, start).await;
    assert_eq!(closed.disconnect["action"], "retry");
}

/// Commands that need no engine.
const LOCAL: &[&str] = &["start", "resume", "ping", "renew", "postpone_renewal", "end", "roster"];

/// A command of this name that would succeed.
fn body_of(command: &str, stream: &Value, bob: &Value) -> Value {
    match command {
        "join" | "leave" | "disable_force_mute" | "lock_room" | "unlock_room" | "end_room"
        | "force_mute_all" => json!({ "room": "lobby" }),
        "publish" => {
            let stream = json!({ "kind": "screen", "has_audio": false, "has_video": true });
            json!({ "room": "lobby", "stream": stream })
        }
        "update_stream" => json!({ "stream": stream, "has_video": false }),
        "unpublish" | "subscribe" | "unsubscribe" | "force_unpublish" | "force_mute"
        | "lift_mute" | "request_unmute" => json!({ "stream": stream }),
        "relay" => json!({ "stream": stream, "to": bob, "data": 1 }),
        "signal" => json!({ "room": "lobby", "type": "n", "data": 1 }),
        "force_disconnect" | "unblock" => json!({ "room": "lobby", "username": "bob" }),
        "set_role" => json!({ "room": "lobby", "participant": bob, "role": "subscriber" }),
        "set_session_feed" => json!({ "room": "lobby", "enabled": true }),
        other => panic!("{other} is new: what does it get while the engine is away?"),
    }
}

#[tokio::test]
async fn every_command_gets_engine_unavailable_and_a_delay() {
    let clock = Clock::manual(Timestamp::from_secs(1_900_000_000));
    let engine: Arc<dyn Engine> = Arc::new(Local::new(clock.clone(), 0));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::in_memory().await.unwrap());
    let mut setup =
        Setup::new().clock(clock).with(|config| config.limits.commands_burst = 1_000_000);
    setup.joined = Some((store, Arc::clone(&engine)));
    let gateway = setup.run().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut bob = gateway.enter("bob", "publisher").await;
    let stream = host.publish().await["id"].clone();
    bob.does("subscribe", json!({ "stream": stream })).await;
    engine.close().await;

    let check = |command: &str, error: &Value| {
        assert_eq!(error["code"], "engine_unavailable", "{command}: {error}");
        assert!(error["retry_after_ms"].is_u64(), "{command}: {error}");
    };
    for command in Command::NAMES.iter().filter(|name| !LOCAL.contains(name)) {
        let body = body_of(command, &stream, &bob.id());
        check(command, &host.request(command, body).await.unwrap_err());
    }
    let token = gateway.token(json!({ "scope": "room", "room": "hall", "role": "publisher" }));
    let hall = json!({ "room": "hall", "token": token });
    check("join a closed room", &host.request("join", hall).await.unwrap_err());
    for (method, path, body) in [
        ("POST", "rooms/lobby/signal", json!({ "type": "n", "data": 1 })),
        ("POST", "rooms/lobby/lock", json!({})),
        ("POST", "rooms/lobby/force_disconnect", json!({ "username": "bob" })),
    ] {
        let answer = gateway.api(method, path, Some(body)).await;
        check(path, &answer.body);
    }
}
