//! Moderation state survives a restart of the gateway.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::config::Config;
use stagedoor::engine::Local;
use stagedoor::room::{DurableChange, RoomKey};
use stagedoor::store::RoomWrite;
use stagedoor_proto::RoomMute;

use crate::common::{Client, Gateway, House, Setup, SlowWrites, start_of};

#[tokio::test]
async fn a_kick_outlives_a_restart_for_as_long_as_it_says() {
    let house = House::new();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let kick = json!({ "room": "lobby", "username": "ada", "block": { "for_ms": 60_000 } });
    host.does("force_disconnect", kick).await;
    ada.push("removed").await;
    drop((host, ada));
    let gateway = house.reopen(gateway).await;
    let lobby = json!({ "room": "lobby" });
    for (username, instance) in [("ada", "instance-9"), ("eve", "instance-of-ada")] {
        let (mut guest, _) = Client::guest(&gateway, username, instance).await;
        let error = guest.request("join", lobby.clone()).await.unwrap_err();
        assert_eq!(error["code"], "blocked", "{username} on {instance}");
    }
    gateway.advance(Duration::from_secs(61));
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-10").await;
    ada.request("join", lobby).await.unwrap();
}

#[tokio::test]
async fn a_removal_from_the_app_outlives_a_restart() {
    let house = House::new();
    let gateway = house.open().await;
    let claims =
        json!({ "scope": "room", "room": "lobby", "role": "moderator", "app_moderator": true });
    let join = json!({ "room": "lobby", "token": gateway.token(claims) });
    let mut host = gateway.enter_with("host", join).await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let block = json!({ "for_ms": 60_000, "scope": "app" });
    let kick = json!({ "room": "lobby", "username": "ada", "block": block });
    host.does("force_disconnect", kick).await;
    assert_eq!(ada.closed().await.code, 4010);
    drop((host, ada));
    let gateway = house.reopen(gateway).await;
    let start = json!({ "id": 0, "start": start_of("ada", "instance-9") });
    assert_eq!(Client::refused(&gateway, start).await.code, 4010);
}

#[tokio::test]
async fn durable_room_state_survives_emptying_and_restart() {
    let house = House::new();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "moderator").await;
    let lock = json!({ "room": "lobby", "username": "ada", "lock": true });
    host.does("force_mute", lock).await;
    let role = json!({ "room": "lobby", "participant": ada.id(), "role": "publisher" });
    host.does("set_role", role).await;
    host.does("force_mute_all", json!({ "room": "lobby", "lock": true })).await;
    for person in [&mut ada, &mut host] {
        person.does("leave", json!({ "room": "lobby" })).await;
    }
    drop((host, ada));
    let gateway = house.reopen(gateway).await;
    gateway.advance(Duration::from_hours(23));
    let mut ada = gateway.enter("ada", "moderator").await;
    assert_eq!(ada.joined["participant"]["role"], "publisher");
    assert_eq!(ada.joined["participant"]["mute_locked"], true);
    assert_eq!(ada.joined["room"]["mute"], json!({ "active": true, "lock": true }));
    assert_eq!(ada.publish().await["muted"], true);
    ada.does("leave", json!({ "room": "lobby" })).await;
    drop(ada);
    let gateway = house.reopen(gateway).await;
    gateway.advance(Duration::from_hours(25));
    let ada = gateway.enter_on("ada", "instance-2", json!({ "room": "lobby" })).await;
    assert_eq!(ada.joined["participant"]["mute_locked"], false);
    assert_eq!(ada.joined["room"]["mute"]["active"], false);
}

#[tokio::test]
async fn a_rooms_lock_outlives_a_restart() {
    let house = House::new();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    host.does("lock_room", json!({ "room": "lobby" })).await;
    drop(host);
    let gateway = house.reopen(gateway).await;
    let (mut eve, _) = Client::guest(&gateway, "eve", "instance-1").await;
    let error = eve.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(error["code"], "room_locked");
}

#[tokio::test]
async fn void_and_redeemed_tokens_stay_rejected_after_restart() {
    let house = House::new();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let old = gateway.room_token("publisher");
    host.does("end_room", json!({ "room": "lobby" })).await;
    gateway.advance(Duration::from_secs(1));
    let once = gateway.token(json!({ "scope": "room", "room": "lobby", "jti": "ticket-1" }));
    host.does("join", json!({ "room": "lobby", "token": once })).await;
    drop(host);
    let gateway = house.reopen(gateway).await;
    let (mut eve, _) = Client::guest(&gateway, "eve", "instance-1").await;
    for (token, code) in [(old, "room_ended"), (once, "token_used")] {
        let error = eve.request("join", json!({ "room": "lobby", "token": token })).await;
        assert_eq!(error.unwrap_err()["code"], code);
    }
}

#[tokio::test]
async fn registering_guest_keeps_penalties_of_closed_rooms() {
    let house = House::new();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    let hall = gateway.token(json!({ "scope": "room", "room": "hall", "role": "moderator" }));
    host.does("join", json!({ "room": "hall", "token": hall })).await;
    host.does("force_mute", json!({ "room": "hall", "username": "ada", "lock": true })).await;
    let kick = json!({ "room": "lobby", "username": "ada", "block": { "for_ms": 3_600_000 } });
    host.does("force_disconnect", kick).await;
    drop((host, ada));
    let gateway = house.reopen(gateway).await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-9").await;
    let mut countess = gateway.continued(&started, "countess").await;
    assert_eq!(ada.closed().await.code, 4013);
    // As soon as its reply is there, not even the gateway's end loses it.
    let gateway = house.reopen(gateway).await;
    countess.closed().await;
    let rooms = json!({ "rooms": { "*": "publisher" } });
    let (mut countess, _) = gateway.registered("countess", "instance-7", rooms).await;
    let blocked = countess.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(blocked["code"], "blocked");
    let joined = countess.request("join", json!({ "room": "hall" })).await.unwrap();
    assert_eq!(joined["joined"]["participant"]["mute_locked"], true);
}

#[tokio::test]
async fn room_state_of_a_crashed_gateway_expires_after_a_day() {
    let house = House::new();
    let gateway = house.open().await;
    // As a gateway leaves it that is killed while a participant is in the room: the room never emptied.
    let lobby = RoomKey { app: "demo".into(), room: "lobby".parse().unwrap() };
    let mute = RoomMute { active: true, lock: true };
    let changes = vec![DurableChange::Room { mute, locked: false }, DurableChange::Occupied];
    let write = RoomWrite { changes, ..RoomWrite::new(lobby.clone(), 1) };
    gateway.hub().store().persist_room(write).await.unwrap();
    let gateway = house.reopen(gateway).await;
    let (store, now) = (gateway.hub().store(), gateway.clock().wall());
    let last_moment = now + Duration::from_hours(24) - Duration::from_millis(1);
    assert_eq!(store.load_room(lobby.clone(), last_moment).await.unwrap().durable_state.mute, mute);
    let later = store.load_room(lobby, now + Duration::from_hours(24)).await.unwrap();
    assert_eq!(later.durable_state.mute, RoomMute::default());
}

/// Commands whose rows are in a table that takes none before `mender` was seen, and the query that counts these rows.
const UNKEPT: [(&str, &str, &str, &str); 4] = [
    (
        "room_facts",
        "force_mute",
        r#"{ "room": "lobby", "username": "ada", "lock": true }"#,
        "SELECT count(*) FROM room_facts WHERE kind = 1 AND subject = 'ada'",
    ),
    (
        "room_facts",
        "lock_room",
        r#"{ "room": "lobby" }"#,
        "SELECT count(*) FROM room_facts WHERE kind = 3 AND value LIKE '%\"locked\":true%'",
    ),
    (
        "audit_log",
        "force_mute",
        r#"{ "room": "lobby", "username": "ada", "lock": true }"#,
        "SELECT count(*) FROM audit_log WHERE event LIKE '%\"the-ref\"%'",
    ),
    (
        "blocks",
        "force_disconnect",
        r#"{ "room": "lobby", "username": "ada", "block": { "for_ms": 60000, "scope": "app" } }"#,
        "SELECT count(*) FROM blocks WHERE username = 'ada'",
    ),
];

#[tokio::test]
async fn repeated_command_is_accepted_once_it_is_durable() {
    for (table, command, body, count) in UNKEPT {
        let house = House::new();
        house.open().await.stop().await;
        let trigger = format!(
            "CREATE TRIGGER broken BEFORE INSERT ON {table} \
             WHEN NOT EXISTS (SELECT 1 FROM users WHERE username = 'mender') \
             BEGIN SELECT RAISE(ABORT, 'broken'); END"
        );
        house.database().execute_batch(&trigger).unwrap();

        let gateway = house.open().await;
        let claims =
            json!({ "scope": "room", "room": "lobby", "role": "moderator", "app_moderator": true });
        let join = json!({ "room": "lobby", "token": gateway.token(claims) });
        let mut host = gateway.enter_with("host", join).await;
        let _ada = gateway.enter("ada", "publisher").await;
        let mut body: Value = serde_json::from_str(body).unwrap();
        body["ref"] = json!("the-ref");
        let accepted = host.does(command, body.clone()).await;
        for _ in 0..3 {
            assert_eq!(host.fails(command, body.clone()).await, "overloaded", "{table}: {command}");
        }
        let receipts = host.received_of("moderation").await;
        assert!(receipts.iter().all(|receipt| receipt["durable"] == false), "{receipts:?}");
        Client::guest(&gateway, "mender", "instance-of-mender").await;
        assert_eq!(host.does(command, body.clone()).await, accepted, "{table}: {command}");
        assert_eq!(host.durable_receipt().await["ref"], "the-ref", "{table}: {command}");
        assert_eq!(host.does(command, body).await, accepted, "{table}: {command}");
        drop(host);
        gateway.stop().await;
        let kept: i64 = house.database().query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 1, "{table}: {command}");
    }
}

#[tokio::test]
async fn what_could_not_be_kept_undoes_nothing_that_was_decided_later() {
    let house = House::new();
    house.open().await.stop().await;
    let trigger = "CREATE TRIGGER broken BEFORE INSERT ON room_facts \
        WHEN NEW.subject = 'ada' AND NOT EXISTS (SELECT 1 FROM users WHERE username = 'mender') \
        BEGIN SELECT RAISE(ABORT, 'broken'); END";
    house.database().execute_batch(trigger).unwrap();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let _ada = gateway.enter("ada", "publisher").await;
    let _bob = gateway.enter("bob", "publisher").await;
    let of = |name: &str| json!({ "room": "lobby", "username": name, "lock": true, "ref": name });
    host.does("force_mute", of("ada")).await;
    assert_eq!(host.fails("force_mute", of("ada")).await, "overloaded");
    let lift = json!({ "room": "lobby", "username": "ada" });
    host.does("lift_mute", lift).await;
    Client::guest(&gateway, "mender", "instance-of-mender").await;
    host.does("force_mute", of("bob")).await;
    host.does("force_mute", of("ada")).await; // Answered again, and not done again.
    drop(host);
    gateway.stop().await;
    let muted = "SELECT group_concat(subject) FROM room_facts WHERE kind = 1";
    let muted: String = house.database().query_row(muted, [], |row| row.get(0)).unwrap();
    assert_eq!(muted, "bob");
}

/// A gateway whose writes of rooms the test delays.
async fn with_slow_writes() -> (Gateway, SlowWrites) {
    let (writes, store) = SlowWrites::new().await;
    let mut setup = Setup::new();
    let engine = Arc::new(Local::new(setup.test_clock(), 0));
    setup.joined = Some((store, engine));
    (setup.run().await, writes)
}

#[tokio::test]
async fn accepted_does_not_wait_for_the_disk() {
    let (gateway, writes) = with_slow_writes().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let mute = json!({ "room": "lobby", "username": "ada", "lock": true, "ref": "mute" });
    writes.hold();
    host.does("force_mute", mute.clone()).await;
    let receipt = host.push("moderation").await;
    assert_eq!((&receipt["counts"]["enforced"], &receipt["durable"]), (&json!(1), &json!(false)));
    ada.push("mute_forced").await;
    assert!(host.received_of("moderation").await.is_empty(), "it is not on disk");
    let repeated = host.begin("force_mute", mute).await;
    writes.release();
    let (mut is_answered, mut is_durable) = (false, false);
    while !(is_answered && is_durable) {
        let message = host.hear().await;
        if message["id"] == json!(repeated) {
            assert!(message["ok"].is_object(), "{message}");
            is_answered = true;
        }
        let receipt = &message["moderation"];
        is_durable |= receipt["ref"] == "mute" && receipt["durable"] == true;
    }
}

#[tokio::test]
async fn command_without_changes_to_store_is_durable_at_once() {
    let (gateway, writes) = with_slow_writes().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    writes.hold();
    host.does("force_mute", json!({ "stream": stream })).await;
    let receipt = host.push("moderation").await;
    assert_eq!((&receipt["counts"]["pending"], &receipt["durable"]), (&json!(1), &json!(true)));
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    assert_eq!(host.push("moderation").await["durable"], true);
}

#[tokio::test]
async fn later_receipts_keep_what_is_durable() {
    let (gateway, writes) = with_slow_writes().await;
    let (mut host, mut ada, stream) = gateway.host_and_speaker().await;
    writes.hold();
    host.does("force_mute_all", json!({ "room": "lobby" })).await;
    assert_eq!(host.push("moderation").await["durable"], false);
    ada.does("update_stream", json!({ "stream": stream, "has_audio": false })).await;
    let receipt = host.push("moderation").await;
    assert_eq!((&receipt["counts"]["enforced"], &receipt["durable"]), (&json!(1), &json!(false)));
    writes.release();
    let receipt = host.push("moderation").await;
    assert_eq!((&receipt["counts"]["enforced"], &receipt["durable"]), (&json!(1), &json!(true)));
}

#[tokio::test]
async fn durable_receipt_follows_the_end_of_a_room() {
    let (gateway, writes) = with_slow_writes().await;
    let mut host = gateway.enter("host", "moderator").await;
    writes.hold();
    host.does("end_room", json!({ "room": "lobby" })).await;
    host.push("room_ended").await;
    assert_eq!(host.push("moderation").await["durable"], false);
    writes.release();
    assert_eq!(host.push("moderation").await["durable"], true);
}

#[tokio::test]
async fn server_call_is_answered_when_it_is_durable() {
    let (gateway, writes) = with_slow_writes().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    writes.hold();
    let mute = json!({ "username": "ada", "lock": true });
    let call = gateway.api_does("POST", "rooms/lobby/force_mute", mute);
    tokio::pin!(call);
    tokio::select! {
        _ = &mut call => panic!("it is not on disk"),
        _ = ada.push("mute_forced") => {}
    }
    writes.release();
    call.await;
}

#[tokio::test]
async fn failed_writes_of_a_room_are_retried() {
    let house = House::new();
    house.open().await.stop().await;
    let trigger = "CREATE TRIGGER broken BEFORE INSERT ON room_facts \
        WHEN NOT EXISTS (SELECT 1 FROM users WHERE username = 'mender') \
        BEGIN SELECT RAISE(ABORT, 'broken'); END";
    house.database().execute_batch(trigger).unwrap();
    let gateway = house.open().await;
    let mut host = gateway.enter("host", "moderator").await;
    let lock = json!({ "room": "lobby", "ref": "lock" });
    host.does("lock_room", lock.clone()).await;
    assert_eq!(host.fails("lock_room", lock).await, "overloaded");
    assert_eq!(host.push("moderation").await["durable"], false);
    Client::guest(&gateway, "mender", "instance-of-mender").await;
    gateway.advance(Duration::from_secs(5));
    assert_eq!(host.push("moderation").await["durable"], true);
}

/// Bans users through the server API, which writes a row each.
async fn ban_users(gateway: &Gateway, users: std::ops::Range<u32>) {
    for user in users {
        let path = format!("users/user-{user}/ban");
        gateway.api_does("POST", &path, json!({ "for_ms": 1_000 })).await;
    }
}

#[tokio::test]
async fn audit_rows_past_their_retention_are_pruned() {
    let house = House::new();
    let retain = |config: &mut Config| {
        config.apps[0].audit_retention = Duration::from_hours(48);
    };
    let gateway = house.setup().with(retain).run().await;
    // More than one batch, and some that stay.
    ban_users(&gateway, 0..210).await;
    gateway.advance(Duration::from_hours(24));
    ban_users(&gateway, 210..215).await;
    let head = gateway.api_does("GET", "audit/verify", Value::Null).await["head"].clone();
    gateway.advance(Duration::from_hours(25));
    // A gateway prunes as it starts.
    let gateway = house.reopen_with(gateway, retain).await;
    let numbers = async || {
        let rows = gateway.hub().store().audit_rows("demo".into(), 0, 1_000).await.unwrap();
        rows.into_iter().map(|row| row.number).collect::<Vec<_>>()
    };
    while numbers().await[0] <= 210 {
        // Other calls are served meanwhile.
        gateway.api_does("POST", "users/ada/revoke", json!({})).await;
    }
    assert_eq!(numbers().await[0], 211);
    let query = format!("audit/verify?head={}:{}", head["number"], head["hash"].as_str().unwrap());
    let verified = gateway.api_does("GET", &query, Value::Null).await;
    assert_eq!(verified["ok"], true, "{verified}");
}
