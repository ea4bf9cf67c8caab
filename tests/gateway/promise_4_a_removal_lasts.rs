//! Promise 4: a removal lasts until its stated end, against every credential, session and device of its target.

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Client, Closed, Gateway, House, Person, start_of};

/// A moderator and a user to remove.
async fn cast(gateway: &Gateway) -> (Person, Person) {
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    host.push("participant_joined").await;
    (host, ada)
}

/// A moderator of the whole app.
async fn app_moderator(gateway: &Gateway) -> Person {
    let claims =
        json!({ "scope": "room", "room": "lobby", "role": "moderator", "app_moderator": true });
    let token = gateway.token(claims);
    gateway.enter_with("host", json!({ "room": "lobby", "token": token })).await
}

fn kick(block: &Value) -> Value {
    json!({ "room": "lobby", "username": "ada", "block": block, "reason": "rude" })
}

async fn refused_start(gateway: &Gateway, start: Value) -> Closed {
    Client::refused(gateway, json!({ "id": 0, "start": start })).await
}

#[tokio::test]
async fn removal_is_sent_to_the_target_and_the_room() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada) = cast(&gateway).await;
    let stream = ada.publish().await["id"].clone();
    host.does("force_disconnect", kick(&json!({ "for_ms": 60_000 }))).await;
    let removed = ada.push("removed").await;
    let until = gateway.clock().wall().as_millis() + 60_000;
    assert_eq!((&removed["reason"], &removed["until_ms"]), (&json!("rude"), &json!(until)));
    assert_eq!(removed["by"]["participant"], host.id());
    let ended = host.push("stream_unpublished").await;
    assert_eq!((&ended["stream"], &ended["reason"]), (&stream, &json!("force_disconnected")));
    assert_eq!(host.push("participant_left").await["reason"], "force_disconnected");
    assert_eq!(
        ada.fails("signal", json!({ "room": "lobby", "type": "a", "data": 1 })).await,
        "not_in_room"
    );
    assert_eq!(host.push("moderation").await["counts"]["enforced"], 1);
}

#[tokio::test]
async fn no_token_instance_or_resume_lets_the_removed_return() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let claims = json!({ "rooms": { "*": "publisher" } });
    let mut ada = gateway.member("ada", claims.clone()).await;
    let (mut second, _) = gateway.registered("ada", "instance-2", claims.clone()).await;
    second.request("join", json!({ "room": "lobby" })).await.unwrap();
    let old_token = gateway.room_token("publisher");
    host.does("force_disconnect", kick(&json!({ "for_ms": 600_000 }))).await;
    ada.push("removed").await;
    second.push("removed").await;
    let by_token = |token: &str| json!({ "room": "lobby", "token": token });
    gateway.advance(Duration::from_secs(1));
    let new_token = gateway.room_token("moderator");
    for join in [json!({ "room": "lobby" }), by_token(&old_token), by_token(&new_token)] {
        let error = ada.request("join", join.clone()).await.unwrap_err();
        assert_eq!(error["code"], "blocked", "{join}");
        let left = error["until_ms"].as_u64().unwrap() - gateway.clock().wall().as_millis();
        assert_eq!((left, error.get("retry_after_ms")), (599_000, None));
        let error = second.request("join", join).await.unwrap_err();
        assert_eq!(error["code"], "blocked", "the other instance");
    }
    let access = ada.started["access_token"].clone();
    let mut ada = Person::resume(&gateway, ada.cut().await).await;
    assert_eq!(ada.fails("join", by_token(&new_token)).await, "blocked", "after a resume");
    let mut start = start_of("ada", "instance-of-ada");
    start["credentials"] = json!({ "token": access });
    let (mut ada, _) = Client::start(&gateway, start).await;
    let error = ada.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(error["code"], "blocked", "by the old access token");
    let (mut third, _) = gateway.registered("ada", "instance-3", claims).await;
    let error = third.request("join", by_token(&new_token)).await.unwrap_err();
    assert_eq!(error["code"], "blocked", "on a new instance");
    gateway.advance(Duration::from_mins(10));
    let (mut fourth, _) = gateway.registered("ada", "instance-4", json!({})).await;
    let token = gateway.room_token("publisher");
    assert!(fourth.request("join", by_token(&token)).await.is_ok(), "the block is over");
}

#[tokio::test]
async fn a_guest_is_its_name_and_its_instance() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada) = cast(&gateway).await;
    host.does("force_disconnect", kick(&json!({ "for_ms": 60_000 }))).await;
    ada.push("removed").await;
    for (username, instance) in [("ada", "instance-new"), ("eve", "instance-of-ada")] {
        let (mut client, _) = Client::guest(&gateway, username, instance).await;
        let error = client.request("join", json!({ "room": "lobby" })).await.unwrap_err();
        assert_eq!(error["code"], "blocked", "{username} on {instance}");
    }
    let (mut eve, _) = Client::guest(&gateway, "eve", "instance-of-eve").await;
    assert!(eve.request("join", json!({ "room": "lobby" })).await.is_ok());
}

#[tokio::test]
async fn removal_without_block_allows_rejoining() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada) = cast(&gateway).await;
    let mut other = gateway.enter_on("ada", "instance-2", json!({ "room": "lobby" })).await;
    let body = json!({ "room": "lobby", "participant": ada.id(), "block": { "for_ms": 0 } });
    host.does("force_disconnect", body).await;
    assert_eq!(ada.push("removed").await["until_ms"], Value::Null);
    assert!(other.received_of("removed").await.is_empty(), "the other instance stays");
    ada.does("join", json!({ "room": "lobby" })).await;
}

#[tokio::test]
async fn a_removal_that_names_no_time_is_for_ten_minutes() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada) = cast(&gateway).await;
    host.does("force_disconnect", json!({ "room": "lobby", "participant": ada.id() })).await;
    let until = gateway.clock().wall().as_millis() + 600_000;
    assert_eq!(ada.push("removed").await["until_ms"], until);
}

#[tokio::test]
async fn unblock_lets_the_removed_return() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada) = cast(&gateway).await;
    host.does("force_disconnect", kick(&json!({}))).await;
    assert_eq!(ada.fails("join", json!({ "room": "lobby" })).await, "blocked");
    host.does("unblock", json!({ "room": "lobby", "username": "ada" })).await;
    ada.does("join", json!({ "room": "lobby" })).await;
}

#[tokio::test]
async fn who_is_not_there_is_kept_out_all_the_same() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let accepted = host.does("force_disconnect", kick(&json!({ "for_ms": 60_000 }))).await;
    assert_eq!(accepted["accepted"]["target_count"], 0, "no participant was removed");
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let error = ada.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(error["code"], "blocked");
}

#[tokio::test]
async fn a_removal_reaches_who_is_suspended() {
    let gateway = Gateway::dev().await;
    let (mut host, ada) = cast(&gateway).await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    host.does("signal", json!({ "room": "lobby", "type": "chat", "data": "secret" })).await;
    host.does("force_disconnect", kick(&json!({ "for_ms": 60_000 }))).await;
    let mut ada = Person::resume(&gateway, cut).await;
    let received = ada.received().await;
    assert!(received.iter().any(|(name, _)| name == "removed"), "{received:?}");
    assert!(received.iter().all(|(name, _)| name != "signal"), "the room's frames were withdrawn");
    assert_eq!(ada.fails("join", json!({ "room": "lobby" })).await, "blocked");
}

#[tokio::test]
async fn app_removal_ends_sessions_and_rejects_reentry() {
    let gateway = Gateway::dev().await;
    let mut host = app_moderator(&gateway).await;
    let claims = json!({ "rooms": { "*": "publisher" } });
    let mut ada = gateway.member("ada", claims.clone()).await;
    let (mut second, started) = gateway.registered("ada", "instance-2", claims.clone()).await;
    let (third, third_started) = gateway.registered("ada", "instance-3", claims.clone()).await;
    let last_seq = third.last_seq;
    third.cut().await;
    host.does("force_disconnect", kick(&json!({ "for_ms": 60_000, "scope": "app" }))).await;
    let until = gateway.clock().wall().as_millis() + 60_000;
    for client in [&mut *ada, &mut second] {
        let closed = client.closed().await;
        assert_eq!((closed.code, closed.reason.as_str()), (4010, "rude"));
        assert_eq!(closed.disconnect["until_ms"], until);
    }
    assert_eq!(Client::resume_refused(&gateway, &started, second.last_seq).await.code, 4010);
    assert_eq!(Client::resume_refused(&gateway, &third_started, last_seq).await.code, 4010);
    let mut by_access = start_of("ada", "instance-of-ada");
    by_access["credentials"] = json!({ "token": ada.started["access_token"] });
    let mut other = start_of("ada", "instance-9");
    let token = gateway.token(json!({ "scope": "session", "sub": "ada" }));
    other["credentials"] = json!({ "token": token });
    for start in [by_access, other] {
        assert_eq!(refused_start(&gateway, start).await.code, 4010);
    }
    assert_eq!(host.push("participant_left").await["reason"], "force_disconnected");
    gateway.advance(Duration::from_secs(61));
    gateway.registered("ada", "instance-9", claims).await;
}

#[tokio::test]
async fn removing_from_the_app_is_for_app_moderators_and_bounded() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada) = cast(&gateway).await;
    let from_app = kick(&json!({ "for_ms": 60_000, "scope": "app" }));
    assert_eq!(host.fails("force_disconnect", from_app).await, "forbidden");
    let mut host = app_moderator(&gateway).await;
    let too_long = kick(&json!({ "for_ms": 86_400_001, "scope": "app" }));
    assert_eq!(host.fails("force_disconnect", too_long).await, "invalid_argument");
    ada.does("roster", json!({ "room": "lobby" })).await;
}

#[tokio::test]
async fn a_guest_who_registers_takes_its_block_along() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada) = cast(&gateway).await;
    host.does("force_disconnect", kick(&json!({}))).await;
    ada.push("removed").await;
    let mut countess = gateway.continued(&ada.started, "countess").await;
    assert_eq!(ada.closed().await.code, 4013);
    let error = countess.request("join", json!({ "room": "lobby" })).await.unwrap_err();
    assert_eq!(error["code"], "blocked");
}

#[tokio::test]
async fn an_ended_room_refuses_the_tokens_issued_before() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada) = cast(&gateway).await;
    let old = gateway.room_token("moderator");
    host.does("end_room", json!({ "room": "lobby" })).await;
    for person in [&mut host, &mut ada] {
        assert_eq!(person.push("room_ended").await["room"], "lobby");
        let join = json!({ "room": "lobby", "token": old });
        assert_eq!(person.fails("join", join).await, "room_ended");
    }
    gateway.advance(Duration::from_secs(1));
    let token = gateway.room_token("publisher");
    let joined = ada.does("join", json!({ "room": "lobby", "token": token })).await;
    assert_eq!(joined["joined"]["room"]["counts"]["participants"], 1);
}

/// A moderator of the whole app, under this name.
async fn app_moderator_named(gateway: &Gateway, username: &str) -> Person {
    let claims =
        json!({ "scope": "room", "room": "lobby", "role": "moderator", "app_moderator": true });
    let token = gateway.token(claims);
    gateway.enter_with(username, json!({ "room": "lobby", "token": token })).await
}

async fn is_refused(gateway: &Gateway) -> u16 {
    refused_start(gateway, start_of("ada", "instance-9")).await.code
}

#[tokio::test]
async fn moderator_shortens_no_ban_and_a_restart_neither() {
    let house = House::new();
    let gateway = house.open().await;
    gateway.api_does("POST", "users/ada/ban", json!({})).await;
    let mut host = app_moderator(&gateway).await;
    host.does("force_disconnect", kick(&json!({ "for_ms": 1, "scope": "app" }))).await;
    host.does("force_disconnect", kick(&json!({ "for_ms": 0, "scope": "app" }))).await;
    gateway.advance(Duration::from_secs(1));
    assert_eq!(is_refused(&gateway).await, 4011);
    let unblock = json!({ "room": "lobby", "username": "ada", "scope": "app" });
    let accepted = host.does("unblock", unblock).await;
    assert_eq!(accepted["accepted"]["block"], json!({ "set_by": "operator" }));
    assert_eq!(is_refused(&gateway).await, 4011);
    let gateway = house.reopen(gateway).await;
    assert_eq!(is_refused(&gateway).await, 4011);
    gateway.api_does("DELETE", "users/ada/ban", json!({})).await;
    Client::guest(&gateway, "ada", "instance-9").await;
}

#[tokio::test]
async fn unban_leaves_the_block_of_a_moderator() {
    let gateway = Gateway::dev().await;
    let mut host = app_moderator(&gateway).await;
    host.does("force_disconnect", kick(&json!({ "for_ms": 600_000, "scope": "app" }))).await;
    let until = gateway.clock().wall().as_millis() + 600_000;
    gateway.api_does("POST", "users/ada/ban", json!({ "for_ms": 60_000 })).await;
    let holding = json!({ "set_by": "moderator", "until_ms": until });
    let shown = gateway.api("GET", "users/ada", None).await.body;
    assert_eq!(shown["user"]["block"]["set_by"], "moderator");
    for _ in 0..2 {
        let unbanned = gateway.api_does("DELETE", "users/ada/ban", json!({})).await;
        assert_eq!(unbanned["block"], holding);
        assert_eq!(is_refused(&gateway).await, 4010);
    }
    let unblock = json!({ "room": "lobby", "username": "ada", "scope": "app" });
    let accepted = host.does("unblock", unblock).await;
    assert_eq!(accepted["accepted"].get("block"), None);
    Client::guest(&gateway, "ada", "instance-9").await;
}

#[tokio::test]
async fn moderator_shortens_only_their_own_block() {
    let gateway = Gateway::dev().await;
    let mut one = app_moderator(&gateway).await;
    let mut other = app_moderator_named(&gateway, "helper").await;
    for scope in ["room", "app"] {
        let block = |for_ms: u64| kick(&json!({ "for_ms": for_ms, "scope": scope }));
        let sets = async |person: &mut Person, for_ms| {
            person.does("force_disconnect", block(for_ms)).await;
            // A block of the app is in the store later than its command is accepted.
            person.durable_receipt().await;
        };
        sets(&mut one, 60_000).await;
        sets(&mut other, 600_000).await;
        sets(&mut other, 1).await;
        gateway.advance(Duration::from_secs(1));
        let is_blocked = async || {
            let (mut ada, _) = match scope {
                "room" => Client::guest(&gateway, "ada", "instance-9").await,
                _ => return is_refused(&gateway).await == 4010,
            };
            let joined = ada.request("join", json!({ "room": "lobby" })).await;
            joined.is_err_and(|error| error["code"] == "blocked")
        };
        assert!(is_blocked().await, "the first minute holds in the {scope}");
        sets(&mut one, 1).await;
        gateway.advance(Duration::from_secs(1));
        Client::guest(&gateway, "ada", "instance-9").await;
        if scope == "room" {
            assert!(!is_blocked().await);
        }
    }
}

#[tokio::test]
async fn moderator_lifts_no_block_of_the_server_in_a_room() {
    let gateway = Gateway::dev().await;
    let (mut host, mut ada) = cast(&gateway).await;
    let removal = json!({ "username": "ada", "block": { "for_ms": 600_000 } });
    gateway.api_does("POST", "rooms/lobby/force_disconnect", removal).await;
    let until = gateway.clock().wall().as_millis() + 600_000;
    ada.push("removed").await;
    host.does("force_disconnect", kick(&json!({ "for_ms": 1 }))).await;
    let accepted = host.does("unblock", json!({ "room": "lobby", "username": "ada" })).await;
    let holding = json!({ "set_by": "operator", "until_ms": until });
    assert_eq!(accepted["accepted"]["block"], holding);
    assert_eq!(ada.fails("join", json!({ "room": "lobby" })).await, "blocked");
    let unblock = json!({ "username": "ada" });
    let receipt = gateway.api_does("POST", "rooms/lobby/unblock", unblock).await;
    assert_eq!(receipt.get("block"), None);
    ada.does("join", json!({ "room": "lobby" })).await;
}

#[tokio::test]
async fn unblocking_in_the_app_is_for_app_moderators() {
    let gateway = Gateway::dev().await;
    let (mut host, _ada) = cast(&gateway).await;
    let unblock = json!({ "room": "lobby", "username": "ada", "scope": "app" });
    assert_eq!(host.fails("unblock", unblock).await, "forbidden");
}

#[tokio::test]
async fn blocks_end_after_at_most_ten_years() {
    const TEN_YEARS_MS: u64 = 10 * 365 * 24 * 60 * 60 * 1_000;
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    for too_long in [TEN_YEARS_MS + 1, u64::from(u32::MAX) << 21] {
        let block = kick(&json!({ "for_ms": too_long }));
        let error = host.request("force_disconnect", block).await.unwrap_err();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("invalid_argument"), &json!("block.for_ms"))
        );
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&TEN_YEARS_MS.to_string()), "{message}");
        let ban = json!({ "for_ms": too_long });
        assert_eq!(gateway.api_fails("users/ada/ban", ban).await.0, 400);
    }
    host.does("force_disconnect", kick(&json!({ "for_ms": TEN_YEARS_MS }))).await;
    gateway.api_does("POST", "users/ada/ban", json!({ "for_ms": TEN_YEARS_MS })).await;
}
