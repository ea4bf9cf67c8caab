//! Budgets: one client cannot use up what others need.

use std::time::Duration;

use serde_json::json;

use super::limited;
use crate::common::{Client, Gateway, Setup, start_of};

#[tokio::test]
async fn denials_beyond_the_limit_share_an_audit_row() {
    let gateway = limited(|limits| limits.audit_denials_per_minute = 1).await;
    for name in ["ada", "bob", "eve"] {
        let mut guest = gateway.enter(name, "publisher").await;
        for _ in 0..2 {
            guest.fails("lock_room", json!({ "room": "lobby" })).await;
        }
    }
    gateway.advance(Duration::from_mins(1));
    let rows = loop {
        let rows = gateway.hub().store().audit_rows("demo".into(), 0, 10).await.unwrap();
        if rows.len() >= 2 {
            break rows;
        }
    };
    let mut commands: Vec<&str> = rows.iter().map(|row| &*row.event.command).collect();
    commands.sort_unstable();
    assert_eq!(commands, ["denied_commands", "lock_room"]);
}

#[tokio::test]
async fn session_opens_so_many_rooms_a_minute() {
    let gateway = limited(|limits| limits.rooms_opened_per_minute = 2).await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let mut bob = gateway.enter("bob", "publisher").await;
    let join = |room: &str| json!({ "room": room });
    ada.does("join", join("second")).await;
    let error = ada.request("join", join("third")).await.unwrap_err();
    assert_eq!(
        (&error["code"], &error["retry_after_ms"]),
        (&json!("too_many_rooms"), &json!(30_000))
    );
    bob.does("join", join("third")).await;
    ada.does("join", join("third")).await;
}

#[tokio::test]
async fn rooms_of_one_app_leave_space_to_others() {
    let gateway = Setup::new().with(|config| {
        config.limits.rooms_per_app = 1;
        let mut other = config.apps[0].clone();
        other.id = "other".into();
        config.apps.push(other);
    });
    let gateway = gateway.run().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let error = ada.request("join", json!({ "room": "second" })).await.unwrap_err();
    assert_eq!(
        (&error["code"], &error["retry_after_ms"]),
        (&json!("too_many_rooms"), &json!(10_000))
    );
    let mut start = start_of("bob", "instance-of-bob");
    start["app"] = json!("other");
    let (mut bob, _) = Client::start(&gateway, start).await;
    bob.request("join", json!({ "room": "lobby" })).await.unwrap();
    ada.does("join", json!({ "room": "lobby", "token": gateway.room_token("publisher") })).await;
}

#[tokio::test]
async fn relays_wait_for_the_budget_of_their_receiver() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "publisher").await;
    let mut ada = gateway.enter("ada", "subscriber").await;
    let stream = host.publish().await["id"].clone();
    ada.does("subscribe", json!({ "stream": stream })).await;
    let relay = json!({ "to": host.id(), "stream": stream, "data": "x".repeat(48_000) });
    let mut sent = 0;
    let error = loop {
        match ada.request("relay", relay.clone()).await {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
        host.received_of("relay").await;
    };
    assert_eq!((sent, &error["code"]), (10, &json!("rate_limited")));
    gateway.advance(Duration::from_millis(error["retry_after_ms"].as_u64().unwrap()));
    ada.does("relay", relay).await;
}

#[tokio::test]
async fn direct_signals_share_the_budget_of_their_receiver() {
    let gateway = limited(|limits| limits.relay_bytes_burst_per_receiver = 20_000).await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let bob = gateway.enter("bob", "publisher").await;
    let mut signal = json!({ "room": "lobby", "type": "n", "data": "x".repeat(8_000) });
    signal["to"] = bob.id();
    for _ in 0..2 {
        ada.does("signal", signal.clone()).await;
    }
    assert_eq!(ada.fails("signal", signal.clone()).await, "rate_limited");
    signal["to"] = ada.id();
    ada.does("signal", signal).await;
}

#[tokio::test]
async fn subscriptions_wait_for_the_budget_of_the_owner() {
    let gateway = limited(|limits| limits.relay_bytes_burst_per_receiver = 5_000).await;
    let mut host = gateway.enter("host", "publisher").await;
    let mut ada = gateway.enter("ada", "subscriber").await;
    let stream = json!({ "stream": host.publish().await["id"] });
    let mut subscriptions = 0;
    let error = loop {
        ada.does("unsubscribe", stream.clone()).await;
        match ada.request("subscribe", stream.clone()).await {
            Ok(_) => subscriptions += 1,
            Err(error) => break error,
        }
        assert!(subscriptions < 40, "no limit");
    };
    assert_eq!((subscriptions, &error["code"]), (19, &json!("rate_limited")));
    ada.does("unsubscribe", stream.clone()).await;
    gateway.advance(Duration::from_millis(error["retry_after_ms"].as_u64().unwrap()));
    ada.does("subscribe", stream.clone()).await;
    ada.does("subscribe", stream).await;
}

#[tokio::test]
async fn relays_never_close_a_receiver_that_does_not_read() {
    let gateway = limited(|limits| {
        limits.relay_bytes_per_s_per_receiver = 1 << 30;
        limits.relay_bytes_burst_per_receiver = 1 << 30;
        limits.commands_burst = 100_000;
    })
    .await;
    let mut host = gateway.enter("host", "publisher").await;
    let mut ada = gateway.enter("ada", "subscriber").await;
    let stream = host.publish().await["id"].clone();
    ada.does("subscribe", json!({ "stream": stream })).await;
    let relay = json!({ "to": host.id(), "stream": stream, "data": "x".repeat(48_000) });
    let mut idle = host.into_client();
    let mut sent = 0;
    let error = loop {
        match ada.request("relay", relay.clone()).await {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 5_000, "a receiver that does not read is noticed");
    };
    assert_eq!(error["code"], "rate_limited");
    for _ in 0..sent {
        idle.push("relay").await;
    }
    ada.does("relay", relay).await;
}

#[tokio::test]
async fn participants_leave_signals_to_moderators_and_server() {
    let gateway = limited(|limits| {
        limits.signals_per_s_per_room = 2;
        limits.moderator_signals_per_s_per_room = 3;
    })
    .await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let mut host = gateway.enter("host", "moderator").await;
    let signal = json!({ "room": "lobby", "type": "n", "data": 1 });
    for _ in 0..2 {
        ada.does("signal", signal.clone()).await;
    }
    assert_eq!(ada.fails("signal", signal.clone()).await, "rate_limited");
    for _ in 0..3 {
        host.does("signal", signal.clone()).await;
    }
    assert_eq!(host.fails("signal", signal.clone()).await, "rate_limited");
    let path = "rooms/lobby/signal";
    let by_server = json!({ "type": "n", "data": 1 });
    for _ in 0..3 {
        gateway.api_does("POST", path, by_server.clone()).await;
    }
    assert_eq!(gateway.api_fails(path, by_server).await, (429, "rate_limited".to_owned()));
}

#[tokio::test]
async fn signals_are_bounded_by_their_bytes_to_all_receivers() {
    let gateway = limited(|limits| limits.signal_bytes_per_s_per_room = 50_000).await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let mut host = gateway.enter("host", "moderator").await;
    let _others =
        (gateway.enter("bob", "subscriber").await, gateway.enter("eve", "subscriber").await);
    let large = json!({ "room": "lobby", "type": "n", "data": "x".repeat(8_000) });
    for _ in 0..2 {
        ada.does("signal", large.clone()).await;
    }
    let error = ada.request("signal", large.clone()).await.unwrap_err();
    assert_eq!(error["code"], "rate_limited");
    host.does("signal", large.clone()).await;
    gateway.advance(Duration::from_millis(error["retry_after_ms"].as_u64().unwrap()));
    ada.does("signal", large).await;
}

#[tokio::test]
async fn repeated_join_is_limited_like_a_roster() {
    let gateway = Gateway::dev().await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let join = json!({ "room": "lobby", "token": gateway.room_token("publisher") });
    ada.does("join", join.clone()).await;
    let error = ada.request("join", join.clone()).await.unwrap_err();
    assert_eq!(
        (&error["code"], &error["retry_after_ms"]),
        (&json!("rate_limited"), &json!(10_000))
    );
    assert_eq!(ada.fails("roster", json!({ "room": "lobby" })).await, "rate_limited");
    gateway.advance(Duration::from_secs(10));
    ada.does("join", join).await;
}

#[tokio::test]
async fn joins_after_leaves_are_limited_like_a_roster() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut others = Vec::new();
    for number in 0..9 {
        others.push(gateway.enter(&format!("guest-{number}"), "subscriber").await);
    }
    let mut ada = gateway.enter("ada", "publisher").await;
    let join = json!({ "room": "lobby", "token": gateway.room_token("publisher") });
    for _ in 0..4 {
        gateway.advance(Duration::from_millis(200));
        ada.does("leave", json!({ "room": "lobby" })).await;
        ada.does("join", join.clone()).await;
    }
    ada.does("leave", json!({ "room": "lobby" })).await;
    let error = ada.request("join", join.clone()).await.unwrap_err();
    assert_eq!(error["code"], "rate_limited");
    host.does("leave", json!({ "room": "lobby" })).await;
    host.does("join", json!({ "room": "lobby", "token": gateway.room_token("moderator") })).await;
    gateway.advance(Duration::from_millis(error["retry_after_ms"].as_u64().unwrap()));
    ada.does("join", join.clone()).await;
    others.pop().unwrap().does("leave", json!({ "room": "lobby" })).await;
    others.pop().unwrap().does("leave", json!({ "room": "lobby" })).await;
    for _ in 0..4 {
        gateway.advance(Duration::from_millis(200));
        ada.does("leave", json!({ "room": "lobby" })).await;
        ada.does("join", join.clone()).await;
    }
}

#[tokio::test]
async fn session_feeds_are_limited_like_a_roster() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let feed = |enabled: bool| json!({ "room": "lobby", "enabled": enabled });
    for _ in 0..5 {
        host.does("set_session_feed", feed(true)).await;
        host.does("set_session_feed", feed(false)).await;
    }
    let error = host.request("set_session_feed", feed(true)).await.unwrap_err();
    assert_eq!(error["code"], "rate_limited");
    gateway.advance(Duration::from_millis(error["retry_after_ms"].as_u64().unwrap()));
    host.does("set_session_feed", feed(true)).await;
}

#[tokio::test]
async fn changes_of_streams_are_bounded_by_their_bytes_to_all() {
    let gateway = limited(|limits| limits.signal_bytes_per_s_per_room = 20_000).await;
    let mut host = gateway.enter("host", "moderator").await;
    let (mut ada, mut eve) =
        (gateway.enter("ada", "publisher").await, gateway.enter("eve", "publisher").await);
    let mut long = json!({ "kind": "camera", "has_audio": true, "has_video": true });
    long["name"] = "n".repeat(256).into();
    let published = ada.does("publish", json!({ "room": "lobby", "stream": long })).await;
    let stream = published["published"]["stream"]["id"].clone();
    let update = |on: bool| json!({ "stream": stream, "has_audio": on });
    let mut changes = 0;
    let error = loop {
        match ada.request("update_stream", update(true)).await {
            Ok(_) => ada.does("update_stream", update(false)).await,
            Err(error) => break error,
        };
        changes += 1;
        assert!(changes < 20, "no limit");
    };
    assert_eq!(error["code"], "rate_limited");
    assert!(changes > 2, "{changes}");
    ada.does("update_stream", update(false)).await;
    let camera = json!({ "kind": "camera", "has_audio": true, "has_video": true });
    let camera = json!({ "room": "lobby", "stream": camera });
    assert_eq!(eve.fails("publish", camera.clone()).await, "rate_limited");
    host.does("publish", camera.clone()).await;
    gateway.advance(Duration::from_secs(1));
    eve.does("publish", camera).await;
    assert_eq!(eve.fails("update_stream", update(true)).await, "not_owner");
    ada.does("update_stream", update(true)).await;
}
