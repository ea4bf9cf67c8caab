//! Promise 3: a resumed session gets each missed frame once and in order, or a `room_reset` with a snapshot.

use serde_json::{Value, json};

use crate::common::{Client, Gateway, Person, Setup};

/// A gateway whose sessions keep few frames.
async fn with_small_rings() -> Gateway {
    Setup::new().with(|config| config.resume.ring_frames = 16).run().await
}

/// Sends so many signals to the room.
async fn chatter(person: &mut Person, times: u32) {
    for n in 0..times {
        person.does("signal", json!({ "room": "lobby", "type": "n", "data": n })).await;
    }
}

#[tokio::test]
async fn a_resumed_session_gets_each_missed_frame_once_and_in_order() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    chatter(&mut host, 10).await;
    let mut ada = Person::resume(&gateway, cut).await;
    let heard: Vec<Value> = ada.received_of("signal").await;
    let heard: Vec<u64> = heard.iter().map(|signal| signal["data"].as_u64().unwrap()).collect();
    assert_eq!(heard, (0..10).collect::<Vec<_>>());
    assert!(ada.received_of("signal").await.is_empty());
}

#[tokio::test]
async fn frames_that_were_written_but_not_seen_are_replayed() {
    let gateway = Gateway::dev().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let seen = ada.last_seq;
    chatter(&mut host, 3).await;
    assert_eq!(ada.received_of("signal").await.len(), 3, "they were written");
    let started = ada.cut().await.0;
    let mut ada = Person::resume(&gateway, (started, seen)).await;
    assert_eq!(ada.received_of("signal").await.len(), 3, "and are replayed");
}

#[tokio::test]
async fn ring_overflow_while_suspended_becomes_a_reset() {
    let gateway = with_small_rings().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    chatter(&mut host, 40).await;
    host.does("lock_room", json!({ "room": "lobby" })).await;
    let mut ada = Person::resume(&gateway, cut).await;
    let received = ada.received().await;
    assert!(
        received.iter().all(|(name, _)| name != "signal"),
        "half of them would be a hole: {received:?}"
    );
    let resets: Vec<_> = received.iter().filter(|(name, _)| name == "room_reset").collect();
    assert_eq!(resets.len(), 1);
    assert_eq!(resets[0].1["snapshot"]["locked"], true);
    chatter(&mut host, 1).await;
    assert_eq!(ada.push("signal").await["data"], 0, "and it goes on");
}

#[tokio::test]
async fn what_was_written_and_is_no_longer_kept_comes_as_a_reset() {
    let gateway = with_small_rings().await;
    let mut host = gateway.enter("host", "moderator").await;
    let mut ada = gateway.enter("ada", "publisher").await;
    let seen = ada.last_seq;
    // Each was written before the next came, so the ring never overflowed: old frames left it.
    for n in 0..40 {
        host.does("signal", json!({ "room": "lobby", "type": "n", "data": n })).await;
        assert_eq!(ada.push("signal").await["data"], n);
    }
    let started = ada.cut().await.0;
    let mut ada = Person::resume(&gateway, (started, seen)).await;
    let received = ada.received().await;
    let resets = received.iter().filter(|(name, _)| name == "room_reset").count();
    assert_eq!(resets, 1, "a hole is announced: {received:?}");
}

#[tokio::test]
async fn removal_reaches_a_session_that_fell_behind() {
    let gateway = with_small_rings().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    chatter(&mut host, 20).await;
    let kick = json!({ "room": "lobby", "username": "ada", "block": { "for_ms": 60_000 } });
    host.does("force_disconnect", kick).await;
    let mut ada = Person::resume(&gateway, cut).await;
    let received = ada.received().await;
    assert!(received.iter().any(|(name, _)| name == "removed"), "{received:?}");
    assert!(
        received.iter().all(|(name, _)| name != "room_reset"),
        "it is in no room: {received:?}"
    );
}

#[tokio::test]
async fn a_removal_is_not_crowded_out_by_other_rooms() {
    let gateway = with_small_rings().await;
    let mut host = gateway.enter("host", "moderator").await;
    host.does("join", json!({ "room": "hall" })).await;
    let mut ada = gateway.enter("ada", "publisher").await;
    ada.does("join", json!({ "room": "hall" })).await;
    let cut = ada.cut().await;
    host.push("participant_link").await;
    host.does("force_disconnect", json!({ "room": "lobby", "username": "ada" })).await;
    for n in 0..40 {
        host.does("signal", json!({ "room": "hall", "type": "n", "data": n })).await;
    }
    let mut ada = Person::resume(&gateway, cut).await;
    let received = ada.received().await;
    let of =
        |name: &str| received.iter().filter(|(received, _)| received == name).collect::<Vec<_>>();
    assert_eq!(of("removed").len(), 1, "{received:?}");
    assert_eq!(of("room_reset").len(), 1);
    assert_eq!(of("room_reset")[0].1["room"], "hall");
}

#[tokio::test]
async fn stalled_reader_is_closed_and_reset_on_resume() {
    let gateway = Setup::new().with(|config| {
        config.resume.ring_frames = 16;
        config.limits.commands_burst = 100_000;
        config.limits.moderator_signals_per_s_per_room = 100_000;
        config.limits.signal_bytes_per_s_per_room = 1 << 30;
    });
    let gateway = gateway.run().await;
    let mut host = gateway.enter("host", "moderator").await;
    let ada = gateway.enter("ada", "publisher").await;
    let (started, last_seq) = (ada.started.clone(), ada.last_seq);
    let mut idle = ada.into_client();
    // More than the buffers of both sockets take, so that the gateway cannot write.
    let signal = json!({ "room": "lobby", "type": "n", "data": "x".repeat(8_000) });
    let mut sent = 0;
    while host.received_of("participant_link").await.is_empty() {
        sent += 1;
        assert!(sent < 20_000, "a reader that never reads is noticed");
        host.does("signal", signal.clone()).await;
    }
    let closed = idle.closed().await;
    assert_eq!((closed.code, &closed.disconnect["action"]), (4203, &json!("retry")));
    let (mut ada, _) = Client::resume(&gateway, &started, last_seq).await;
    assert_eq!(ada.push("room_reset").await["room"], "lobby");
}
