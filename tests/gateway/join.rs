//! Joining: the claims of room tokens, recorded tokens, and rooms that reject a join.

use std::time::Duration;

use serde_json::{Value, json};
use stagedoor::config::MembershipExpiry;

use crate::common::{Client, Gateway, Person, Setup};

fn with(token: &str) -> Value {
    json!({ "room": "lobby", "token": token })
}

async fn enforcing() -> Gateway {
    let enforce =
        Setup::new().with(|config| config.apps[0].membership_expiry = MembershipExpiry::Enforce);
    enforce.run().await
}

/// Each client sends something, so that none is taken for lost when the clock moves.
async fn show_life<const N: usize>(people: [&mut Person; N]) {
    for person in people {
        assert_eq!(person.fails("leave", json!({ "room": "nowhere" })).await, "not_in_room");
    }
}

#[tokio::test]
async fn invalid_room_tokens_are_rejected() {
    let gateway = Setup::new().with(|config| config.limits.joins_per_s = 100).run().await;
    let (mut ada, _) = Client::guest(&gateway, "ada", "instance-1").await;
    let now = gateway.clock().wall().as_secs();
    let room = |claims: Value| {
        let mut all = json!({ "scope": "room", "room": "lobby" });
        for (name, claim) in claims.as_object().unwrap() {
            all[name] = claim.clone();
        }
        gateway.token(all)
    };
    let good = room(json!({}));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}.{flipped}{}", &signature[1..]);
    let session = gateway.token(json!({ "scope": "session", "sub": "ada", "room": "lobby" }));
    for (case, token, code) in [
        ("another room's", room(json!({ "room": "hall" })), "token_invalid"),
        ("another user's", room(json!({ "sub": "bob" })), "token_invalid"),
        ("expired", room(json!({ "iat": now - 7_200, "exp": now - 3_600 })), "token_expired"),
        ("of an unknown role", room(json!({ "role": "owner" })), "token_invalid"),
        ("with a role of the wrong type", room(json!({ "role": 1 })), "token_invalid"),
        (
            "with 1001 characters of data",
            room(json!({ "data": "ü".repeat(1_001) })),
            "token_invalid",
        ),
        ("with data of the wrong type", room(json!({ "data": { "a": 1 } })), "token_invalid"),
        ("of another app", room(json!({ "iss": "other" })), "token_invalid"),
        ("for another audience", room(json!({ "aud": "elsewhere" })), "token_invalid"),
        ("that lives for over 30 days", room(json!({ "exp": now + 31 * 86_400 })), "token_invalid"),
        ("a session token", session, "token_invalid"),
        ("forged", forged, "token_invalid"),
        ("not a token", "nonsense".to_owned(), "token_invalid"),
    ] {
        let error = ada.request("join", with(&token)).await.unwrap_err();
        assert_eq!(error["code"], code, "{case}");
    }
    ada.request("join", with(&good)).await.unwrap();
}

#[tokio::test]
async fn no_other_door_opens_to_a_room_token() {
    let gateway = Gateway::dev().await;
    let claims = json!({ "scope": "room", "room": "lobby", "sub": "ada" });
    let mut start = crate::common::start_of("ada", "instance-1");
    start["credentials"] = json!({ "token": gateway.token(claims) });
    let refused = Client::refused(&gateway, json!({ "id": 0, "start": start })).await;
    assert_eq!(refused.code, 4003);
}

#[tokio::test]
async fn connection_data_is_the_tokens_where_it_has_any_and_bounded() {
    let gateway = Gateway::dev().await;
    let token =
        gateway.token(json!({ "scope": "room", "room": "lobby", "data": "ü".repeat(1_000) }));
    let join = json!({ "room": "lobby", "token": token, "data": "the client's" });
    let ada = gateway.enter_with("ada", join).await;
    assert_eq!(ada.joined["participant"]["data"], "ü".repeat(1_000));
    let join = json!({ "room": "lobby", "token": gateway.room_token("publisher"), "data": "own" });
    let bob = gateway.enter_with("bob", join).await;
    assert_eq!(bob.joined["participant"]["data"], "own");
    let (mut eve, _) = Client::guest(&gateway, "eve", "instance-1").await;
    let join = json!({ "room": "lobby", "data": "x".repeat(1_001) });
    assert_eq!(eve.request("join", join).await.unwrap_err()["code"], "too_large");
}

#[tokio::test]
async fn an_operator_may_allow_less_connection_data() {
    let gateway =
        Setup::new().with(|config| config.limits.connection_data_max_chars = 5).run().await;
    let (mut eve, _) = Client::guest(&gateway, "eve", "instance-1").await;
    for (data, fits) in [("12345", true), ("123456", false)] {
        let joined = eve.request("join", json!({ "room": "lobby", "data": data })).await;
        assert_eq!(joined.is_ok(), fits, "{data}");
    }
}

#[tokio::test]
async fn a_token_with_an_id_is_spent_by_one_session() {
    let gateway = Gateway::dev().await;
    let claims = json!({ "scope": "room", "room": "lobby", "jti": "ticket-1" });
    let token = gateway.token(claims);
    let mut ada = gateway.enter_with("ada", with(&token)).await;
    ada.does("leave", json!({ "room": "lobby" })).await;
    ada.does("join", with(&token)).await;
    let (mut bob, _) = Client::guest(&gateway, "bob", "instance-1").await;
    assert_eq!(bob.request("join", with(&token)).await.unwrap_err()["code"], "token_used");
    let (mut again, _) = Client::guest(&gateway, "ada", "instance-2").await;
    assert_eq!(again.request("join", with(&token)).await.unwrap_err()["code"], "token_used");
}

#[tokio::test]
async fn blocked_user_gets_the_end_of_the_block_and_no_delay() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let month = 30 * 24 * 3_600_000_u64;
    let block = json!({ "room": "lobby", "username": "ada", "block": { "for_ms": month } });
    host.does("force_disconnect", block).await;
    let until = json!(gateway.clock().wall().as_millis() + month);
    assert_eq!(ada.push("removed").await["until_ms"], until);
    let token = gateway.room_token("publisher");
    let error = ada.request("join", with(&token)).await.unwrap_err();
    let named = (&error["code"], &error["until_ms"], error.get("retry_after_ms"));
    assert_eq!(named, (&json!("blocked"), &until, None), "{error}");

    let ban = json!({ "for_ms": month, "reason": "spam" });
    gateway.api("POST", "users/ada/ban", Some(ban)).await;
    let start = json!({ "id": 1, "start": crate::common::start_of("ada", "instance-of-ada") });
    let closed = Client::refused(&gateway, start).await;
    let error = closed.before.iter().find_map(|message| message.get("error")).unwrap();
    let named = (&error["code"], &error["until_ms"], error.get("retry_after_ms"));
    assert_eq!(named, (&json!("banned"), &until, None), "{error}");
    assert_eq!(closed.disconnect["until_ms"], until);
}

#[tokio::test]
async fn a_reload_may_show_its_token_with_an_id_again() {
    let exclusive = |config: &mut stagedoor::config::Config| {
        config.apps[0].guest_names = stagedoor::config::GuestNames::Exclusive;
    };
    let gateway = Setup::new().with(exclusive).run().await;
    let claims = json!({ "scope": "room", "room": "lobby", "jti": "ticket-1" });
    let token = gateway.token(claims);
    let ada = gateway.enter_on("ada", "instance-1", with(&token)).await;
    let (mut reloaded, _) = Client::guest(&gateway, "ada", "instance-1").await;
    reloaded.request("join", with(&token)).await.unwrap();
    drop(ada);
    let (mut other, _) = Client::guest(&gateway, "eve", "instance-2").await;
    assert_eq!(other.request("join", with(&token)).await.unwrap_err()["code"], "token_used");
}

#[tokio::test]
async fn a_membership_outlives_its_token_where_the_app_keeps_it() {
    let gateway = Gateway::dev().await;
    let now = gateway.clock().wall().as_secs();
    let token = gateway.token(json!({ "scope": "room", "room": "lobby", "exp": now + 60 }));
    let mut ada = gateway.enter_with("ada", with(&token)).await;
    // In steps, so that ada shows life meanwhile.
    for _ in 0..8 {
        gateway.advance(Duration::from_secs(10));
        ada.does("signal", json!({ "room": "lobby", "type": "chat", "data": 1 })).await;
    }
    let received = ada.received().await;
    assert!(received.iter().all(|(name, _)| name != "token_expiring"), "{received:?}");
}

#[tokio::test]
async fn a_membership_ends_with_its_token_where_the_app_enforces_it() {
    let gateway = enforcing().await;
    let mut host = gateway.enter("host", "moderator").await;
    let now = gateway.clock().wall();
    let token =
        gateway.token(json!({ "scope": "room", "room": "lobby", "exp": now.as_secs() + 100 }));
    let mut ada = gateway.enter_with("ada", with(&token)).await;
    for _ in 0..7 {
        gateway.advance(Duration::from_secs(10));
        show_life([&mut host, &mut ada]).await;
    }
    assert!(ada.received_of("token_expiring").await.is_empty());
    gateway.advance(Duration::from_secs(10));
    let expiring = ada.push("token_expiring").await;
    let expires = (now.as_secs() + 100) * 1_000;
    assert_eq!((&expiring["room"], &expiring["expires_at_ms"]), (&json!("lobby"), &json!(expires)));
    for _ in 0..2 {
        show_life([&mut host, &mut ada]).await;
        gateway.advance(Duration::from_secs(10));
    }
    assert_eq!(host.push("participant_left").await["reason"], "token_expired");
    assert_eq!(ada.push("removed").await["room"], "lobby");
    assert_eq!(
        ada.fails("signal", json!({ "room": "lobby", "type": "a", "data": 1 })).await,
        "not_in_room"
    );
}

#[tokio::test]
async fn joining_again_with_a_newer_token_prolongs_the_membership() {
    let gateway = enforcing().await;
    let now = gateway.clock().wall().as_secs();
    let token =
        |exp: u64| gateway.token(json!({ "scope": "room", "room": "lobby", "exp": now + exp }));
    let mut ada = gateway.enter_with("ada", with(&token(20))).await;
    ada.does("join", with(&token(3_000))).await;
    for _ in 0..4 {
        gateway.advance(Duration::from_secs(9));
        ada.does("signal", json!({ "room": "lobby", "type": "a", "data": 1 })).await;
    }
}

#[tokio::test]
async fn a_locked_room_admits_moderators_and_who_was_in_it_recently() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    ada.does("leave", json!({ "room": "lobby" })).await;
    host.does("lock_room", json!({ "room": "lobby" })).await;
    let (mut bob, _) = Client::guest(&gateway, "bob", "instance-1").await;
    let lobby = json!({ "room": "lobby" });
    assert_eq!(bob.request("join", lobby.clone()).await.unwrap_err()["code"], "room_locked");
    let second = gateway.enter("second", "moderator").await;
    assert_eq!(second.joined["room"]["locked"], true);
    ada.does("join", lobby.clone()).await;
    ada.does("leave", lobby.clone()).await;
    for _ in 0..61 {
        gateway.advance(Duration::from_secs(10));
        show_life([&mut host, &mut ada]).await;
    }
    assert_eq!(ada.fails("join", lobby).await, "room_locked");
}

#[tokio::test]
async fn an_unlocked_room_admits_again() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    host.does("lock_room", json!({ "room": "lobby" })).await;
    let received = host.push("room_state").await;
    assert_eq!(received["locked"], true);
    host.does("unlock_room", json!({ "room": "lobby" })).await;
    gateway.enter("bob", "publisher").await;
}

#[tokio::test]
async fn rooms_of_a_session_and_joins_a_second_are_bounded() {
    let gateway = Setup::new().with(|config| config.limits.rooms_per_session = 2).run().await;
    let (mut ada, started) = Client::guest(&gateway, "ada", "instance-1").await;
    assert_eq!(started["limits"]["rooms"], 2);
    for (room, code) in [("a", None), ("b", None), ("c", Some("too_many_rooms")), ("a", None)] {
        let result = ada.request("join", json!({ "room": room })).await;
        let refused = result.err().map(|error| error["code"].as_str().unwrap().to_owned());
        assert_eq!(refused.as_deref(), code, "{room}");
    }
    ada.request("leave", json!({ "room": "a" })).await.unwrap();
    ada.request("join", json!({ "room": "c" })).await.unwrap();
    let error = ada.request("join", json!({ "room": "c" })).await.unwrap_err();
    assert_eq!(error["code"], "rate_limited", "the sixth in one second");
    gateway.advance(Duration::from_millis(error["retry_after_ms"].as_u64().unwrap()));
    ada.request("join", json!({ "room": "c" })).await.unwrap();
}

#[tokio::test]
async fn full_room_rejects_joins() {
    let gateway = Setup::new().with(|config| config.limits.participants_per_room = 2).run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let _bob = gateway.enter("bob", "publisher").await;
    let (mut eve, _) = Client::guest(&gateway, "eve", "instance-1").await;
    let lobby = json!({ "room": "lobby" });
    assert_eq!(eve.request("join", lobby.clone()).await.unwrap_err()["code"], "room_full");
    ada.does("leave", lobby.clone()).await;
    eve.request("join", lobby).await.unwrap();
}

#[tokio::test]
async fn participants_of_a_node_are_bounded() {
    let gateway = Setup::new().with(|config| config.limits.participants_per_node = 2).run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let bob = gateway.enter("bob", "publisher").await;
    let hall = json!({ "scope": "room", "room": "hall", "role": "publisher" });
    let hall = json!({ "room": "hall", "token": gateway.token(hall) });
    let error = ada.request("join", hall.clone()).await.unwrap_err();
    assert_eq!(error["code"], "overloaded");
    assert!(error["retry_after_ms"].is_u64(), "{error}");
    let again = json!({ "room": "lobby", "token": gateway.room_token("publisher") });
    ada.does("join", again).await;

    ada.does("leave", json!({ "room": "lobby" })).await;
    ada.does("join", hall).await;
    let mut bob = bob.into_client();
    bob.request("end", json!({})).await.unwrap();
    bob.closed().await;
    gateway.enter("eve", "publisher").await;
}
